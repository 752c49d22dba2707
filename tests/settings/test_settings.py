"""Settings: every mistake is one line that says where, what was seen, what is wanted."""

from pathlib import Path

import pytest
from pydantic import BaseModel

from patternscope.errors import InputError
from patternscope.settings.study import DEMO_FILE, StudySettings, load_settings, make_settings
from patternscope.workflow.cache_keys import canonical_json, chosen_settings, only_chosen, text_digest


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("sede = 1", "sede is unknown; did you mean 'seed'?"),
        ("[trainnig]", "trainnig is unknown; did you mean 'training'?"),
        ("[training]\nepoch = 3", "training.epoch is unknown; did you mean 'epochs'?"),
        ("[training]\nepochs = -1", "training.epochs: expected a number greater than or equal to 0, got -1"),
        (
            "[training]\nepochs = 'many'",
            "training.epochs: expected a valid integer, unable to parse string as an integer, got 'many'",
        ),
        ("[training]\noptimizer = 'adam'", "did you mean 'adamw'?"),
        ("[images]\nsource = 'pictogram'", "did you mean 'pictograms'?"),
        ("[images]\nsource = 'folder'", "source 'folder': expected a folder, got none"),
        ("[images]\nfolder = 'x'", "source 'pictograms': expected no folder, got '"),
        ("[images]\nchannels = 5", "images.channels: expected 1, 2, 3 or 4, got 5"),
        ("images = 3", "images: expected a section [images], got 3"),
        ("[knowledge]\ntau = nan", "knowledge.tau: expected a finite number, got nan"),
        ("[knowledge]\ntau = 1.0", "knowledge.tau: expected a number less than 1, got 1.0"),
        ("[knowledge]\ntaus = [0.2, 2.0]", "knowledge.taus: expected a number less than 1, got 2.0"),
        ("[network]\ngrid = 0", "network.grid: expected a number greater than or equal to 1, got 0"),
        ("[network]\nstd = [0.0]", "network.std: expected a number greater than 0, got 0.0"),
        ("seed = -1\n[training]\nepochs = -1", "(and 1 more error)"),
        ("seed =", "expected TOML, got: Invalid value"),
    ],
)
def test_mistakes_are_one_line(tmp_path, text, said):
    path = tmp_path / "study.toml"
    path.write_text(text)
    with pytest.raises(InputError) as caught:
        load_settings(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert said in message
    assert "\n" not in message


def test_a_byte_order_mark_is_no_part_of_the_settings(tmp_path):
    (tmp_path / "study.toml").write_bytes(b"\xef\xbb\xbfseed = 3\r\n[images]\r\nimage_size = 32\r\n")
    settings = load_settings(tmp_path / "study.toml")
    assert (settings.seed, settings.images.image_size) == (3, 32)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"study\.toml: expected a study's settings in TOML, but it does not exist"):
        load_settings(tmp_path / "study.toml")
    with pytest.raises(InputError, match="cannot be read"):
        load_settings(tmp_path)


def test_paths_are_relative_to_the_file(tmp_path):
    (tmp_path / "sub").mkdir()
    path = tmp_path / "sub" / "study.toml"
    path.write_text("[images]\nsource = 'folder'\nfolder = '../pictures'\n[network]\nweights = 'w.pth'")
    settings = load_settings(path)
    assert settings.images.folder == tmp_path / "pictures"
    assert settings.network.weights == tmp_path / "sub" / "w.pth"
    again = make_settings(settings.model_dump(mode="json"), "study.json", Path("/elsewhere"))
    assert again == settings


def leaves(model: type[BaseModel], path: str = ""):
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from leaves(field.annotation, f"{path}{name}.")
        else:
            yield f"{path}{name}", field


@pytest.mark.parametrize(("path", "field"), list(leaves(StudySettings)))
def test_every_setting_has_a_default_and_a_description(path, field):
    assert not field.is_required()
    assert field.description


def test_sections_refuse_unknown_keys():
    for name, field in StudySettings.model_fields.items():
        if name not in {"seed", "keep_features", "deterministic"}:
            with pytest.raises(InputError, match=f"{name}.nonsense is unknown"):
                make_settings({name: {"nonsense": 1}}, "x", Path())
            assert field.description


def test_the_demo_is_a_valid_study():
    demo = load_settings(DEMO_FILE)
    assert demo.images.source == "pictograms"
    assert demo.network.layers[-1] == "conv_53"


def test_chosen_settings_are_the_declared_ones():
    settings = StudySettings()
    assert chosen_settings(settings, ("seed", "knowledge.tau")) == {"seed": 0, "knowledge.tau": "auto"}
    view = only_chosen(settings, ("seed", "knowledge.tau", "training"))
    assert (view.seed, view.knowledge.tau, view.training.epochs) == (0, "auto", settings.training.epochs)
    for name in ("images", "network"):
        with pytest.raises(AttributeError):
            getattr(view, name)
    with pytest.raises(AttributeError):
        view.knowledge.bootstrap  # noqa: B018
    with pytest.raises(KeyError):
        chosen_settings(settings, ("knowledge.thau",))


def test_keys_that_were_added_do_not_change_those_of_earlier_studies():
    """A key that earlier versions did not have counts where it is set, and not at its default."""
    default = chosen_settings(StudySettings(), ("images", "images.resize", "seed"))
    assert default.keys() == {"images", "seed"}
    assert not {"resize", "white"} & default["images"].keys()
    padded = StudySettings.model_validate({"images": {"resize": "pad"}})
    chosen = chosen_settings(padded, ("images", "images.resize"))
    assert chosen["images"]["resize"] == chosen["images.resize"] == "pad"
    assert "white" not in chosen["images"]


def test_canonical_json_is_one_text_for_equal_values():
    assert canonical_json({"b": 1e-7, "a": (1, 2)}) == '{"a":[1,2],"b":1e-07}'
    assert canonical_json({"x": 1, "y": 2}) == canonical_json({"y": 2, "x": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical_json(float("nan"))
    assert text_digest("abc")[:8] == "ba7816bf"  # FIPS 180-2, example 1
