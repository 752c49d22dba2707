"""A study that another version made, whose settings are not known any more: one line that says what to do."""

import json
from pathlib import Path

import pytest

from patternscope.cli import main
from patternscope.settings.study import StudySettings
from patternscope.workflow.store import SCHEMA_VERSION


def write_study(folder: Path, **record) -> Path:
    """A study's folder with nothing but study.json."""
    made = {
        "schema_version": SCHEMA_VERSION,
        "settings": StudySettings().model_dump(mode="json"),
        "checkpoints": 1,
        "layers": ["conv_53"],
        "versions": {"patternscope": "0.0.9"},
    }
    folder.mkdir()
    (folder / "study.json").write_text(json.dumps({**made, **record}))
    return folder


def with_old(section: str, name: str, value: object) -> dict:
    settings = StudySettings().model_dump(mode="json")
    settings[section][name] = value
    return {"settings": settings}


RECORDS = {
    "value": (with_old("region", "solver", "adam"), "region.solver: saw 'adam', wanted 'lbfgs' or 'sgd'"),
    "name": (with_old("region", "batch", 50), "region.batch is unknown"),
    "nothing": ({"settings": {}, "layers": None}, "holds no such study"),
}


@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("command", ["status", "figures", "atlas", "compare", "view"])
def test_it_is_one_line(tmp_path, capsys, command, kind):
    record, said = RECORDS[kind]
    folder = write_study(tmp_path / "old", **record)
    arguments = [command, str(folder), *([str(folder)] if command == "compare" else [])]
    with pytest.raises(SystemExit) as end:
        main([*arguments, "--no-browser"] if command == "view" else arguments)
    out, err = capsys.readouterr()
    assert (end.value.code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    if command == "view":  # shows an atlas without asking for settings; here there is none
        assert f"patternscope atlas {folder}" in err
    else:
        assert f"{folder}/study.json: {said}" in err
        assert f"patternscope 0.0.9 made this study: run its TOML file again with --out {folder}" in err
    assert [path.name for path in folder.iterdir()] == ["study.json"]
