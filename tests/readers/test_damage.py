"""One file of a finished study is not what was written: every reader says so in a line, or does not depend on it.

PATTERNSCOPE_DAMAGES=200 tries as many.
"""

import os
import re
from dataclasses import fields
from pathlib import Path
from random import Random
from unittest.mock import patch

import pytest
import torch
from damages import KINDS, linked_copy

from patternscope.api.study import open_study
from patternscope.atlas.server import AtlasServer
from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.results.images import LabelledImages
from patternscope.results.result import Result
from patternscope.results.study import result_kinds

COUNT = int(os.environ.get("PATTERNSCOPE_DAMAGES", "6"))
WRITING = {
    "report": ("report", "{study}", "--out", "{out}/report.html"),
    "compare": ("compare", "{study}", "{whole}", "--out", "{out}/compared"),
    "figures": ("figures", "{study}"),
    "atlas": ("atlas", "{study}", "--html", "{out}/atlas.html", "--folder", "{out}/site"),
}
LOOKING = {"status": ("status", "{study}", "--check"), "view": ("view", "{study}", "--no-browser", "--port", "0")}
# Made anew by these commands where it is damaged.
MENDED = {"figures": ("figures/",), "atlas": ("atlas/",)}


def run(command: tuple[str, ...], **places: object) -> int:
    arguments = [argument.format(**places) for argument in command]
    with patch.object(AtlasServer, "serve_forever", side_effect=KeyboardInterrupt), pytest.raises(SystemExit) as caught:
        main(arguments)
    return int(caught.value.code or 0)


def contents(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items()}


def without_place(files: dict[str, bytes], study: Path) -> dict[str, bytes]:
    return {name: content.replace(bytes(study), b"STUDY") for name, content in files.items()}


@pytest.fixture(scope="module")
def expected(whole_study, tmp_path_factory) -> dict[str, dict[str, bytes]]:
    """What commands write of the undamaged study."""
    found = {}
    for name, command in WRITING.items():
        out = tmp_path_factory.mktemp(name)
        study = linked_copy(whole_study, out / "study")
        (out / "out").mkdir()
        assert run(command, study=study, whole=whole_study, out=out / "out") == 0
        found[name] = without_place(contents(out / "out"), study)
    return found


def values_of(study: Path) -> dict[str, object]:
    """Every field of every result."""
    results, found = open_study(study).results, {}
    for unit in results.units:
        kind = next(kind for kind in result_kinds() if unit.stage == kind.STAGE)
        result = results.load(kind, unit.checkpoint, unit.layer)
        for entry in fields(kind):
            found[f"{unit.path}.{entry.name}"] = plain(getattr(result, entry.name))
    return found


def plain(value: object) -> object:
    if isinstance(value, torch.Tensor):
        return value.tolist()
    if isinstance(value, LabelledImages):
        return value.images.load().tolist(), value.labels.tolist()
    if hasattr(value, "layers") and hasattr(value, "read"):
        return {layer: value.read(layer).tolist() for layer in value.layers}
    return repr(value) if not isinstance(value, dict) else {key: plain(inner) for key, inner in value.items()}


def damaged(whole: Path, folder: Path, seed: int) -> tuple[Path, str, str]:
    """A copy of the study with one file damaged: the copy, the file and how."""
    rng = Random(seed)
    study = linked_copy(whole, folder)
    files = [path for path in sorted(study.rglob("*")) if path.is_file() and path.name not in {"events.jsonl", ".lock"}]
    groups: dict[tuple, list[Path]] = {}
    for path in files:
        stage = path.relative_to(study).parts[0]
        groups.setdefault((stage, path.suffix, path.name == "manifest.json"), []).append(path)
    # Each group as often as the many chunks of the atlas.
    path = rng.choice(groups[rng.choice(sorted(groups))])
    how = list(KINDS)[seed % len(KINDS)]
    KINDS[how](path, rng)
    return study, path.relative_to(study).as_posix(), how


@pytest.mark.parametrize("seed", range(COUNT))
def test_no_command_believes_a_damaged_file(whole_study, expected, tmp_path, capsys, seed):
    for name, command in (WRITING | LOOKING).items():
        study, file, how = damaged(whole_study, tmp_path / name / "study", seed)
        before = study.joinpath(file).is_file() and study.joinpath(file).read_bytes()
        (tmp_path / name / "out").mkdir()
        code = run(command, study=study, whole=whole_study, out=tmp_path / name / "out")
        out, err = capsys.readouterr()
        case = f"{name}: {how} in {file}\n{out[-600:]}{err[-600:]}"
        if code:
            assert_one_line(case, err, out, name, study)
        elif name == "status":
            assert file.startswith("study.json") or re.search("stale|missing|damaged", out), case
        elif name == "report" and "figure importance: not up to date, omitted" in out:
            assert file.startswith("figures/"), case
        elif name in WRITING:
            assert without_place(contents(tmp_path / name / "out"), study) == expected[name], case
            if file.startswith(MENDED.get(name, "-")):
                assert contents(study)[file] == (whole_study / file).read_bytes(), case
        assert before is False or name in MENDED or study.joinpath(file).read_bytes() == before, case


def assert_one_line(case: str, err: str, out: str, name: str, study: Path) -> None:
    lines = [line for line in err.splitlines() if line.startswith("error: ")]
    if name == "status" and not lines:
        assert "damaged: " in out, case
        return
    assert len(lines) == 1, case
    assert "Traceback" not in err, case
    assert str(study) in lines[0] or study.name in lines[0], case


@pytest.mark.parametrize("seed", range(100, 100 + COUNT))
def test_an_opened_study_does_not_either(whole_study, tmp_path, seed):
    study, file, how = damaged(whole_study, tmp_path / "study", seed)
    try:
        found, refusal = values_of(study), None
    except InputError as error:
        found, refusal = {}, str(error)
    if refusal is not None:
        assert "\n" not in refusal
        assert str(study) in refusal, f"{how} in {file}"
        return
    truth = values_of(whole_study)
    assert found == {name: truth[name] for name in found}, f"{how} in {file}"
    assert file == "study.json" or found.keys() == truth.keys() or file.endswith("manifest.json")


def test_the_fields_of_a_result_are_what_is_compared():
    assert all(issubclass(kind, Result) and fields(kind) for kind in result_kinds())
