"""A study that another version made: it opens, or one line says what to do."""

import json
import shutil
from pathlib import Path

import pytest
from easy_study import easy_settings

from patternscope.cli import main
from patternscope.settings.study import StudySettings
from patternscope.study.run import run_analysis
from patternscope.workflow.manifest import SCHEMA_VERSION


def write_study(folder: Path, **record) -> Path:
    """A study's folder with nothing but study.json."""
    made = {
        "schema_version": SCHEMA_VERSION,
        "settings": StudySettings().model_dump(mode="json"),
        "checkpoints": 1,
        "layers": ["conv_53"],
        "seed": 0,
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
    "value": (with_old("region", "solver", "adam"), "region.solver: expected 'lbfgs' or 'sgd'"),
    "name": (with_old("region", "batch", 50), "region.batch is unknown"),
    "nothing": ({"settings": {}, "layers": None}, "expected the record of a study (TypeError)"),
}


def call(capsys, *arguments: object) -> tuple[int, str, str]:
    """Run the command line in this process; exit code, stdout, stderr."""
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(end.value.code or 0), out, err


@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("command", ["status", "figures", "atlas", "compare", "view"])
def test_settings_that_are_not_known_any_more_are_one_line(tmp_path, capsys, command, kind):
    record, said = RECORDS[kind]
    folder = write_study(tmp_path / "old", **record)
    more = {"compare": [folder], "view": ["--no-browser"]}
    code, out, err = call(capsys, command, folder, *more.get(command, []))
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    if command == "view":  # shows an atlas without asking for settings; here there is none
        assert f"patternscope atlas {folder}" in err
    else:
        assert f"{folder}/study.json: {said}" in err
        assert f"patternscope 0.0.9 made this study: run its TOML file again with --out {folder}" in err
    assert [path.name for path in folder.iterdir()] == ["study.json"]


def test_an_attack_that_was_analysed_under_an_earlier_name_is_analysed_again(attacked_study, tmp_path, capsys):
    folder = shutil.copytree(attacked_study, tmp_path / "study")
    (folder / "attack_analysis").rename(folder / "adversarial")
    for command in ("figures", "atlas", "report"):
        code, out, err = call(capsys, command, folder)
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert "attack_analysis/conv_33 is missing" in err
        assert f"`patternscope run STUDY.toml --out {folder}`" in err
        assert "keeps the rest: an earlier version made this study" in err
    code, out, _ = call(capsys, "compare", folder, folder, "--out", tmp_path / "compared")
    assert code == 0
    done = run_analysis(folder, easy_settings(attacked_study.parent), device="cpu").done
    assert {unit.stage for unit in done} == {"attack_analysis"}
