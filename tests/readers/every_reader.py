"""Every command that reads a study, and `open_study`, on a study of which one file is not what was written."""

import contextlib
import io
import re
import shutil
import traceback
from dataclasses import fields
from pathlib import Path
from random import Random
from typing import Literal, NamedTuple
from unittest.mock import patch

import torch
from damages import KINDS, linked_copy

from patternscope.api.study import open_study
from patternscope.atlas.server import AtlasServer
from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.results.images import LabelledImages
from patternscope.results.study import result_kinds

COMMANDS = {
    "status --check": ("status", "{study}", "--check"),
    "view": ("view", "{study}", "--no-browser", "--port", "0"),
    "report": ("report", "{study}", "--out", "{out}/report.html"),
    "compare": ("compare", "{study}", "{whole}", "--out", "{out}/compared"),
    "diff": ("diff", "{study}", "{whole}", "--out", "{out}/differing"),
    "figures": ("figures", "{study}"),
    "atlas": ("atlas", "{study}", "--html", "{out}/atlas.html", "--folder", "{out}/site"),
}
OPENED = "open_study"
READERS = (*COMMANDS, OPENED)
# Made anew by these commands where it is damaged.
MENDED = {"figures": "figures/", "atlas": "atlas/"}


class Ended(NamedTuple):
    """How a command ended: its exit code (None for a traceback) and what it printed."""

    code: int | None
    out: str
    err: str


class Attempt(NamedTuple):
    """What a reader made of a study with one damaged file.

    `verdict`: "detected" in one line, "mended" to the same bytes, "harmless" where the output is that of the whole
    study, "missed" otherwise.
    """

    reader: str
    file: str
    how: str
    verdict: Literal["detected", "mended", "harmless", "missed"]
    said: str


def run(command: tuple[str, ...], **places: object) -> Ended:
    """Run a command in this process; a server ends as soon as it listens."""
    arguments = [argument.format(**places) for argument in command]
    out, err = io.StringIO(), io.StringIO()
    with (
        patch.object(AtlasServer, "serve_forever", side_effect=KeyboardInterrupt),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        try:
            main(arguments)
            code = 0
        except SystemExit as end:
            code = int(end.code or 0)
        except Exception:
            code = None
            traceback.print_exc()
    return Ended(code, out.getvalue(), err.getvalue())


def contents(folder: Path) -> dict[str, bytes]:
    files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: path.read_bytes() for name, path in files.items()}


def written(out: Path, study: Path) -> dict[str, bytes]:
    """What a command wrote, wherever the study lies."""
    return {name: content.replace(bytes(study), b"STUDY") for name, content in contents(out).items()}


def values_of(study: Path) -> dict[str, object]:
    """Every field of every result of an opened study."""
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


class Damages:
    """Damages to copies of one whole study, and what readers make of them; all in `room`."""

    def __init__(self, whole: Path, room: Path) -> None:
        self.whole, self.room = whole, room
        self.truth = values_of(whole)
        self.expected: dict[str, dict[str, bytes]] = {}
        for reader, command in COMMANDS.items():
            study, out = self._places()
            linked_copy(whole, study)
            ended = run(command, study=study, whole=whole, out=out)
            if ended.code:
                raise RuntimeError(f"{reader} of the undamaged study: {ended}")
            self.expected[reader] = written(out, study)

    def attempt(self, reader: str, seed: int) -> Attempt:
        """Damage one file as the seed says, and let a reader read the study."""
        study, out = self._places()
        file, how = self._damage(study, seed)
        left = study.joinpath(file).read_bytes() if study.joinpath(file).is_file() else None
        verdict, said = self._opened(study, file) if reader == OPENED else self._told(reader, study, out, file)
        if left is not None and reader not in MENDED and study.joinpath(file).read_bytes() != left:
            verdict, said = "missed", f"the damaged file was written\n{said}"
        return Attempt(reader, file, how, verdict, said)

    def _places(self) -> tuple[Path, Path]:
        """A place for a copy of the study, and an empty folder for what is written."""
        shutil.rmtree(self.room, ignore_errors=True)
        (self.room / "out").mkdir(parents=True)
        return self.room / "in/study", self.room / "out"

    def _damage(self, study: Path, seed: int) -> tuple[str, str]:
        """Copy the study with one file damaged: the file and how. Each kind of file as often as the many chunks."""
        rng = Random(seed)
        linked_copy(self.whole, study)
        groups: dict[tuple, list[Path]] = {}
        for path in sorted(study.rglob("*")):
            if path.is_file() and path.name not in {"events.jsonl", ".lock"}:
                stage = path.relative_to(study).parts[0]
                groups.setdefault((stage, path.suffix, path.name == "manifest.json"), []).append(path)
        path = rng.choice(groups[rng.choice(sorted(groups))])
        how = list(KINDS)[seed % len(KINDS)]
        KINDS[how](path, rng)
        return path.relative_to(study).as_posix(), how

    def _told(self, reader: str, study: Path, out: Path, file: str) -> tuple[Literal, str]:
        """The verdict on a command."""
        ended = run(COMMANDS[reader], study=study, whole=self.whole, out=out)
        said = f"code {ended.code}\n{ended.out[-800:]}{ended.err[-800:]}"
        if ended.code != 0:
            return "detected" if is_one_line(ended, study) else "missed", said
        if reader == "status --check":
            return "detected" if re.search("stale|missing|damaged", ended.out) else "harmless", said
        if (
            reader == "report"
            and "omitted, since not drawn or not up to date: " in ended.out
            and file.startswith("figures/")
        ):
            return "detected", said
        if written(out, study) != self.expected[reader]:
            return "missed", said
        if file.startswith(MENDED.get(reader, "-")):
            return "mended" if contents(study).get(file) == (self.whole / file).read_bytes() else "missed", said
        return "harmless", said

    def _opened(self, study: Path, file: str) -> tuple[Literal, str]:
        """The verdict on `open_study` and all fields of all results."""
        try:
            found = values_of(study)
        except InputError as error:
            said = str(error)
            return "detected" if "\n" not in said and str(study) in said else "missed", said
        except Exception:
            return "missed", traceback.format_exc()
        same = found == {name: self.truth[name] for name in found}
        complete = found.keys() == self.truth.keys() or file.endswith("manifest.json")
        return "harmless" if same and complete else "missed", f"{len(found)} fields of {len(self.truth)}"


def is_one_line(ended: Ended, study: Path) -> bool:
    """Whether a command that failed said so in one line that names the study."""
    lines = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    if "Traceback" in ended.err or ended.code is None:
        return False
    if not lines:
        return "damaged: " in ended.out
    return len(lines) == 1 and (str(study) in lines[0] or study.name in lines[0])
