"""Looking at a study of somebody else runs none of its code."""

import sys
from pathlib import Path
from unittest.mock import patch

import pytest

from patternscope.api.study import open_study
from patternscope.atlas.server import AtlasServer
from patternscope.cli import main
from patternscope.factories import factory_file
from patternscope.networks import build_network

LOOKS = (
    ("status", "{study}"),
    ("report", "{study}", "--out", "{out}/report.html"),
    ("compare", "{study}", "{study}", "--out", "{out}/compared"),
    ("settings", "{study}"),
    ("figures", "{study}"),
    ("atlas", "{study}", "--html", "{out}/atlas.html", "--folder", "{out}/site"),
    ("view", "{study}", "--no-browser", "--port", "0"),
)


@pytest.fixture
def armed(whole_study):
    """The study's package, whose code leaves a mark when it is imported."""
    package = whole_study.parent / "theirs_alone"
    (package / "armed").touch()
    yield package
    for name in ("armed", "mark"):
        (package / name).unlink(missing_ok=True)


def run(*arguments: str) -> int:
    with patch.object(AtlasServer, "serve_forever", side_effect=KeyboardInterrupt), pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0)


@pytest.mark.parametrize("command", LOOKS, ids=lambda command: command[0])
def test_no_command_that_looks_imports_the_factory(armed, whole_study, tmp_path, capsys, command):
    names = {"study": whole_study, "out": tmp_path}
    code = run(*(argument.format(**names) for argument in command))
    assert (code, capsys.readouterr().err.count("error")) == (0, 0)
    assert not (armed / "mark").exists()
    assert not any(name.startswith(armed.name) for name in sys.modules)


def test_an_opened_study_does_not_either(armed, whole_study):
    study = open_study(whole_study)
    assert "points per image" in study._repr_html_()
    assert study.results.region("1").grid == study.layers["1"].grid
    assert not (armed / "mark").exists()


def test_building_the_network_does(armed, whole_study):
    build_network("theirs_alone.network:small", classes=4, folder=armed.parent)
    assert (armed / "mark").exists()
    for name in [name for name in sys.modules if name.startswith(armed.name)]:
        del sys.modules[name]


def test_files_of_factories_are_found_without_importing(tmp_path):
    inner = tmp_path / "spaced_alone" / "inner"  # packages without an __init__
    inner.mkdir(parents=True)
    (inner / "network.py").write_text("raise RuntimeError")
    assert factory_file("spaced_alone.inner.network:small", tmp_path) == inner / "network.py"
    assert factory_file("json.decoder:JSONDecoder", tmp_path) == Path(sys.modules["json.decoder"].__file__)
    assert factory_file("sys:exit", tmp_path) is None
