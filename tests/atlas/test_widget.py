"""The notebook widget, on Python's side: state, bytes on request, what stands in for it."""

import subprocess
import sys

import pytest

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
