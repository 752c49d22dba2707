"""Students of a tiny study: what is written, through whose maps, what runs again, and that how it ran is no matter."""

import shutil
from pathlib import Path

import pytest
import torch
import unseen_maps
from easy_study import CLASSES, student_figures, students_settings
from toy_stages import contents

from patternscope.api.stages import pages_of
from patternscope.errors import InputError
from patternscope.knowledge import find_knowledge_points
from patternscope.networks import load_weights, record
from patternscope.results.json_csv import read_json
from patternscope.settings.study import StudySettings, make_settings
from patternscope.study.axes import student_layers
from patternscope.study.network_factory import student_settings, study_network
from patternscope.study.run import resolved_settings, run_analysis, saved_settings
from patternscope.study.stages import student_analysis, study_stages
from patternscope.tensor_files import read_tensors
from patternscope.workflow.plan import make_plan
from patternscope.workflow.stages import InputUnit, UnitContext

LAYERS = ("conv_33", "conv_53")
STUDENTS = ("logits", "features")
ANALYSES = {f"student_analysis/{student}" for student in STUDENTS}
FIGURES = {"figures/distilled_counts", "figures/distilled_histograms"}


@pytest.fixture
def study(taught_study, tmp_path) -> Path:
    """A copy that a test may change."""
    return Path(shutil.copytree(taught_study, tmp_path / "study"))


@pytest.fixture
def ran(study, taught_study):
    """Run the copy with changed settings; which stages ran."""

    def run(**changes) -> set[str]:
        asked = settings(taught_study.parent, **changes)
        return {unit.stage for unit in run_analysis(study, asked, student_figures, device="cpu").done}

    return run


def settings(folder: Path, **changes) -> StudySettings:
    """`knowledge__tau=0.5` and the like, on top of the settings of the study."""
    sections: dict[str, dict] = {"distillation": {"enabled": True}}
    for path, value in changes.items():
        section, _, name = path.partition("__")
        sections.setdefault(section, {})[name] = value
    return students_settings(folder, **sections)


def features_of(folder: Path, student: str):
    asked, _ = saved_settings(folder)
    model = study_network(student_settings(asked), asked.images, len(CLASSES), seed=0)
    load_weights(model, folder / f"distillation/{student}/network.safetensors")
    samples = read_tensors(folder / "images/samples.safetensors")
    return record(model, samples["images"], asked.distillation.layers, asked.network.grid), samples["labels"]


@pytest.mark.parametrize("student", STUDENTS)
def test_what_is_written_of_a_student(taught_study, student):
    study = taught_study
    trained = read_json(study / f"distillation/{student}/distillation.json")
    teacher = read_json(study / "training/01/training.json")
    assert trained["student"] == student
    assert trained["teacher_accuracy"] == teacher["held_out_accuracy"]
    assert len(trained["losses"]) == 45
    assert sum(trained["losses"][-5:]) < 0.7 * sum(trained["losses"][:5])
    assert trained["accuracy"] > 1 / len(CLASSES)
    found = read_json(study / f"student_analysis/{student}/student_analysis.json")
    recorded, labels = features_of(study, student)
    sample = read_tensors(study / f"student_analysis/{student}/sample.safetensors")
    torch.testing.assert_close(sample["logits"], recorded.logits, rtol=1e-3, atol=1e-3)
    wanted = torch.softmax(sample["logits"].double() / 4, 1)
    torch.testing.assert_close(sample["target_probs"].double(), wanted, rtol=0, atol=1e-6)
    for layer, row in zip(LAYERS, found["layers"], strict=True):
        arrays = read_tensors(study / f"student_analysis/{student}/{layer}.safetensors")
        points = find_knowledge_points(
            arrays["embedding"],
            sample["mean_directions"],
            labels,
            unit_strength=1.0,
            temperature=unseen_maps.stored(arrays),
        )
        assert (row["layer"], row["second_layer"]) == (layer, layer)
        assert row["total"] == pytest.approx(arrays["mask"].sum(1).double().mean().item())
        assert row["first"]["total"] == read_json(study / f"knowledge/01/{layer}/knowledge.json")["total"]
        assert row["difference"]["total"] == pytest.approx(row["total"] - row["first"]["total"])
        if row["maps"] == "own":
            assert torch.equal(points.mask, arrays["mask"])
            assert torch.equal(points.category, arrays["category"])
    assert {path.name for path in (study / f"student_analysis/{student}").iterdir()} == {
        "conv_33.safetensors",
        "conv_53.safetensors",
        "student_analysis.json",
        "manifest.json",
        "sample.safetensors",
    }


def test_figures_and_their_tables_have_every_network_and_layer(taught_study):
    study = taught_study
    for name in FIGURES:
        folder = study / name
        stem = name.rpartition("/")[2]
        assert {f"{stem}.{kind}" for kind in ("png", "svg", "csv", "json")} <= {p.name for p in folder.iterdir()}
    lines = (study / "figures/distilled_counts/distilled_counts.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in lines[1:]] == [
        [layer, network] for layer in LAYERS for network in ("teacher", *STUDENTS)
    ]
    assert read_json(study / "figures/distilled_counts/distilled_counts.json")["networks"] == ["teacher", *STUDENTS]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, set()),
        ({"distillation__temperature": 2.0}, {"distillation/logits", "student_analysis/logits", *FIGURES}),
        ({"knowledge__tau": 0.6}, {"evidence", "knowledge", "controls", "summary", "emergence", *ANALYSES, *FIGURES}),
    ],
)
def test_a_changed_setting_runs_just_what_depends_on_it(ran, changes, expected):
    assert ran(**changes) == expected


def test_through_the_teachers_maps_where_asked_for(ran, study):
    assert ran(distillation__maps="teacher") == {*ANALYSES, *FIGURES}
    recorded, _ = features_of(study, "logits")
    for layer in LAYERS:
        naive = unseen_maps.embed(study / f"region/01/{layer}", recorded.regional_features[layer])
        arrays = read_tensors(study / f"student_analysis/logits/{layer}.safetensors")
        torch.testing.assert_close(arrays["embedding"], naive, rtol=1e-3, atol=1e-3)
    rows = read_json(study / "student_analysis/logits/student_analysis.json")["layers"]
    assert [row["maps"] for row in rows] == ["first", "first"]


def test_a_narrower_student_is_seen_through_maps_of_its_own(study, taught_study):
    narrow = {"widths": [8, 12, 16, 24, 32]}
    asked = settings(
        taught_study.parent,
        distillation__maps="teacher",
        distillation__arguments=narrow,
        distillation__students=["features"],
        distillation__epochs=1,
    )
    run_analysis(study, asked, device="cpu")
    found = read_json(study / "student_analysis/features/student_analysis.json")
    assert [row["maps"] for row in found["layers"]] == ["own", "own"]
    assert [row["channel_agreement"] for row in found["layers"]] == [None, None]
    assert found["sample"]["maps"] == "own"
    weights = read_tensors(study / "distillation/features/network.safetensors")
    assert weights["conv_53.conv.weight"].shape[0] == 32
    assert not [name for name in weights if "channel_map" in name]


def test_a_copy_is_seen_through_the_teachers_maps_and_differs_in_nothing(study, tmp_path):
    folder = study
    # A student that is its teacher, in the place of the one that was trained.
    unit = folder / "distillation/logits/network.safetensors"
    unit.write_bytes((folder / "training/01/network.safetensors").read_bytes())
    asked, axes = saved_settings(folder)
    asked = resolved_settings(asked, len(CLASSES))
    plan = make_plan(asked, study_stages(asked), axes)
    reader = next(each for each in plan.units if each.stage == "student_analysis/logits")
    inputs = []
    for source in dict.fromkeys(source for _, source in plan.needs[reader]):
        place = folder / source.path
        files = tuple(str(each.relative_to(place)) for each in place.rglob("*") if each.is_file())
        inputs.append(InputUnit(source, place, files))
    (tmp_path / "made").mkdir()
    student_analysis.STAGES[0].run(UnitContext(reader, tmp_path / "made", asked, tuple(inputs), lambda *_: None, "cpu"))
    found = read_json(tmp_path / "made/student_analysis.json")
    assert found["agreement"] == 1
    for row in found["layers"]:
        assert row["maps"] == "first"
        assert row["channel_agreement"] == pytest.approx(1)
        assert row["turn"] == pytest.approx(0, abs=1e-6)
        assert row["difference"]["total"] == 0


def test_students_of_a_network_from_files_have_images_to_train_on(taught_study, tmp_path):
    weights = str(taught_study / "training/01/network.safetensors")
    asked = settings(
        taught_study.parent, network__weights=weights, network__fine_tune=False, distillation__students=["logits"]
    )
    run_analysis(tmp_path / "study", asked, until="distillation", device="cpu")
    assert (tmp_path / "study/images/train").is_dir()
    for name in ("network.safetensors", "distillation.json"):
        # The same teacher, images and seed give the same student.
        own, other = (folder / f"distillation/logits/{name}" for folder in (tmp_path / "study", taught_study))
        assert own.read_bytes() == other.read_bytes()


@pytest.mark.slow
def test_workers_write_the_same_bytes(study, taught_study, two_workers):
    for name in ("distillation", "student_analysis", "figures"):
        shutil.rmtree(study / name)
    asked = settings(taught_study.parent)
    run_analysis(study, asked, student_figures, executor=two_workers, device="cpu")
    assert contents(study) == contents(taught_study)


def test_layers_of_students_are_named_alike_or_spread_over_depth(tmp_path):
    assert student_layers(settings(tmp_path), LAYERS) == LAYERS
    other = student_layers(settings(tmp_path, distillation__architecture="resnet18"), LAYERS)
    assert other == ("layer1", "layer2")  # those with at least 4 x 4 regions at 32 pixels
    named = settings(tmp_path, distillation__architecture="resnet18", distillation__layers=["layer1", "layer3"])
    assert student_layers(named, LAYERS) == ("layer1", "layer3")


def test_a_study_without_the_section_has_no_students(tmp_path):
    every = study_stages(StudySettings())
    assert not [stage for stage in (*every, *pages_of(StudySettings())) if "distil" in stage.name]
    assert make_settings({"distillation": {}}, "on.toml", tmp_path).distillation.enabled
    assert study_stages(settings(tmp_path, distillation__enabled=False)) == every
    one = settings(tmp_path, distillation__students=["features"])
    assert [stage.name for stage in (*study_stages(one), *student_figures(one)) if stage not in every] == [
        "distillation/features",
        "student_analysis/features",
        "figures/distilled_counts",
        "figures/distilled_histograms",
    ]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"students": ["logit"]}, "did you mean 'logits'?"),
        ({"students": []}, "distillation.students"),
        ({"students": ["logits", "logits"]}, "expected each student once"),
        ({"temperature": 0}, "distillation.temperature: expected a number greater than 0, got 0"),
        ({"temperature": -1}, "distillation.temperature: expected a number greater than 0, got -1"),
        ({"weight": 2}, "distillation.weight: expected a number less than or equal to 1, got 2"),
        ({"maps": "mine"}, "distillation.maps"),
        ({"layers": ["conv_53"]}, "distillation.layers: expected 2, one for each of ['conv_33', 'conv_53'], got 1"),
        ({"layers": ["conv_53", "conv_54"]}, "did you mean 'conv_53'?"),
        ({"layers": ["conv_53", "conv_53"]}, "expected each layer once, got 'conv_53' twice"),
        ({"architecture": "resnet81"}, "did you mean 'resnet18'?"),
    ],
)
def test_what_cannot_be_distilled_is_one_line_before_anything_runs(tmp_path, changes, said):
    def run():
        asked = settings(tmp_path, **{f"distillation__{name}": value for name, value in changes.items()})
        run_analysis(tmp_path / "study", asked, device="cpu")

    with pytest.raises(InputError) as raised:
        run()
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not (tmp_path / "study").exists()
