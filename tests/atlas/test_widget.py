"""The notebook widget, on Python's side: state, bytes on request, what stands in for it."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from patternscope import open_study
from patternscope.errors import InputError

pytest.importorskip("anywidget")


@pytest.fixture
def atlas(study):
    from patternscope.atlas import Atlas

    return Atlas(study)


def test_it_begins_at_the_last_checkpoint_of_the_last_layer(atlas, study):
    from patternscope.atlas import Atlas

    assert (atlas.condition, atlas.layer, atlas.step, atlas.selection) == ("Training", "conv_53", 2, [])
    other = Atlas(study, layer="conv_33", step=0, selection=[5])
    assert (other.layer, other.step, other.selection) == ("conv_33", 0, [5])


def test_bytes_are_sent_on_request_and_none_from_outside(atlas, monkeypatch):
    sent = []
    monkeypatch.setattr(atlas, "send", lambda content, buffers: sent.append((content, buffers)))
    (atlas.store.parent / "secret.txt").write_text("secret")
    for number, key in enumerate(("zarr.json", "../secret.txt", "../manifest.json", "/etc/passwd", None, 3)):
        atlas._handle_custom_msg({"type": "get", "id": number, "key": key}, [])
    atlas._handle_custom_msg({"type": "other"}, [])
    (atlas.store.parent / "secret.txt").unlink()
    assert sent[0] == (
        {"type": "got", "id": 0, "key": "zarr.json", "found": True},
        [(atlas.store / "zarr.json").read_bytes()],
    )
    assert [(each["id"], each["found"], held) for each, held in sent[1:]] == [
        (number, False, []) for number in range(1, 6)
    ]


def answers(atlas, monkeypatch) -> list:
    sent = []
    monkeypatch.setattr(atlas, "send", lambda content, buffers: sent.append((content, buffers)))
    return sent


def test_a_picture_is_looked_at_where_that_is_asked_for(study, monkeypatch):
    opened = open_study(study)
    atlas = opened.atlas(look=True)
    assert atlas.looks
    sent = answers(atlas, monkeypatch)
    file = io.BytesIO()
    Image.fromarray(opened.images.images[4].permute(1, 2, 0).numpy()).save(file, format="PNG")
    atlas._handle_custom_msg({"type": "look", "id": 7}, [memoryview(file.getvalue())])
    ((answer, (picture,)),) = sent
    wanted = opened.look(file.getvalue())
    assert (answer["type"], answer["id"], answer["look"]["predicted"]) == ("looked", 7, wanted.predicted)
    assert answer["look"]["probability"] == float(wanted.probability[wanted.predicted])
    for told, layer in zip(answer["look"]["layers"], wanted.layers, strict=True):
        assert (told["layer"], told["grid"]) == (layer.layer, list(layer.grid))
        assert told["bits_of_predicted"] == float(layer.evidence[wanted.predicted])
        assert told["probability"] == pytest.approx(layer.probability[:, wanted.predicted].tolist(), abs=1e-4)
        assert [near["image"] for near in told["near"]] == [near.sample for near in layer.near]
        assert told["patterns"] is None
    with Image.open(io.BytesIO(picture)) as shown:
        assert (np.asarray(shown).transpose(2, 0, 1) == wanted.pixels.numpy()).all()
    json.dumps(answer)


def test_what_is_no_picture_is_one_sentence(study, monkeypatch):
    atlas = open_study(study).atlas(look=True)
    sent = answers(atlas, monkeypatch)
    for buffers in ([b"no picture"], [], [b"1", b"2"]):
        atlas._handle_custom_msg({"type": "look", "id": 1}, buffers)
    texts = [answer["error"] for answer, _ in sent]
    assert texts[0].startswith("image: expected a picture that Pillow can read, got bytes")
    assert texts[1:] == ["image: expected one picture, got 0", "image: expected one picture, got 2"]
    assert not any("\n" in text for text in texts)


def test_a_view_that_waits_is_answered_when_python_fails(study, monkeypatch):
    from patternscope.atlas import Atlas

    atlas = Atlas(study, look=lambda _: 1 / 0)
    sent = answers(atlas, monkeypatch)
    with pytest.raises(ZeroDivisionError):
        atlas._answer(atlas, {"type": "look", "id": 2}, [b"x"])
    assert "log of the notebook" in sent[0][0]["error"]


def test_no_picture_is_looked_at_unasked(atlas, monkeypatch):
    assert not atlas.looks
    sent = answers(atlas, monkeypatch)
    atlas._handle_custom_msg({"type": "look", "id": 1}, [b"x"])
    assert sent == []


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("layer", "conv_54", "layer: expected one of the study, got 'conv_54'; did you mean 'conv_53'"),
        ("condition", "Trainnig", "did you mean 'Training'"),
        ("step", 9, "step: expected 0 to 2, got 9"),
        ("step", -1, "step: expected 0 to 2, got -1"),
    ],
)
def test_what_the_study_has_not_is_refused(atlas, name, value, said):
    before = getattr(atlas, name)
    with pytest.raises(InputError, match=said):
        setattr(atlas, name, value)
    assert getattr(atlas, name) == before


def test_a_table_stands_in_where_widgets_are_not_shown(atlas, study):
    data, _ = atlas._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "<th>conv_53</th>" in data["text/html"]
    assert "<img" not in data["text/html"]
    picture = study / "figures/knowledge_points/knowledge_points.png"
    picture.parent.mkdir(parents=True)
    picture.write_bytes(b"\x89PNG")
    shown = atlas._repr_mimebundle_()[0]["text/html"]
    picture.unlink()
    picture.parent.rmdir()
    assert 'src="data:image/png;base64,iVBORw=="' in shown


def test_the_package_does_without_anywidget():
    program = (
        "import sys\n"
        "sys.modules['anywidget'] = None\n"
        "import patternscope.atlas, patternscope.atlas.stage\n"
        "from patternscope.errors import InputError\n"
        "try: patternscope.atlas.Atlas\n"
        "except InputError as error: sys.exit('patternscope[notebook]' not in str(error))\n"
        "sys.exit(3)\n"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
