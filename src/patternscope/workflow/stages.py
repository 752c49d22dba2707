"""Stages as data: what they read, what settings they depend on, and the function that does the work."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

from patternscope.workflow.cache_keys import resampling_seed, unit_seed

_DEVICES = {"con", "prn", "aux", "nul", *(f"{port}{number}" for port in ("com", "lpt") for number in range(10))}


@dataclass(frozen=True)
class Cost:
    """Seconds, bytes on disk, and bytes of memory in addition to the program itself."""

    seconds: float = 0.0
    disk: float = 0.0
    memory: float = 0.0

    def __add__(self, other: "Cost") -> "Cost":
        """Add two costs in sequence: times and files add up, memory is the larger one."""
        return Cost(self.seconds + other.seconds, self.disk + other.disk, max(self.memory, other.memory))


@dataclass(frozen=True)
class Axes:
    """The extent of a study: the number of checkpoints and the names of the layers, shallow to deep."""

    checkpoints: int = 1
    layers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unit:
    """One unit of work: a stage at a checkpoint and a layer, if the stage has these axes.

    `path` is its folder in the study; layer names are percent-encoded if a file system needs it.

    >>> Unit("region", 3, "conv_53").path
    'region/03/conv_53'
    """

    stage: str
    checkpoint: int | None = None
    layer: str | None = None

    @cached_property
    def path(self) -> str:
        """The unit's folder relative to the study's, with forward slashes."""
        parts = [self.stage]
        if self.checkpoint is not None:
            parts.append(f"{self.checkpoint:02d}")
        if self.layer is not None:
            parts.append(layer_folder(self.layer))
        return "/".join(parts)


@cache
def layer_folder(layer: str) -> str:
    """Return the folder name of a layer: its name, with characters that some file system refuses percent-encoded.

    This includes what Windows refuses: a dot or space at the end, and the names of its devices.

    >>> layer_folder("features.0"), layer_folder("a/b"), layer_folder("con"), layer_folder("end.")
    ('features.0', 'a%2Fb', '%63on', 'end%2E')
    """
    name = quote(layer, safe="@+,=[]() ")
    if name.partition(".")[0].lower() in _DEVICES:
        name = f"%{ord(name[0]):02X}{name[1:]}"
    return f"{name[:-1]}%{ord(name[-1]):02X}" if name.endswith((".", " ")) else name


@dataclass(frozen=True)
class Need:
    """Files of another stage that a stage reads.

    `files` are names in that stage's unit folder, or prefixes that end with "/" or "-"; "{layer}" stands for
    the reader's layer folder; nothing means all. `checkpoint` "same" is the reader's, "last" the last, "all"
    every one and "before" the up to `back` ones before it (none for the first). `layer` "same" is the
    reader's, "all" every one. Only digests of these files enter the reader's key.
    """

    stage: str
    files: tuple[str, ...] = ()
    checkpoint: Literal["same", "before", "last", "all"] = "same"
    back: int = 1
    layer: Literal["same", "all"] = "same"

    def chosen(self, names: Iterable[str], reader: Unit) -> list[str]:
        """Return those of `names` that `reader` reads, in order."""
        if not self.files:
            return sorted(names)
        declared, prefixes = _declared(self.files, layer_folder(reader.layer or ""))
        return sorted(name for name in names if name in declared or (prefixes and name.startswith(prefixes)))


@cache
def _declared(files: tuple[str, ...], layer: str) -> tuple[frozenset[str], tuple[str, ...]]:
    """The names that a need declares for a layer's folder, and those of them that are prefixes."""
    declared = [name.replace("{layer}", layer) for name in files]
    return frozenset(declared), tuple(name for name in declared if name.endswith(("/", "-")))


@dataclass(frozen=True)
class InputUnit:
    """A unit read by another: its folder and the names of the files that were declared."""

    unit: Unit
    folder: Path
    files: tuple[str, ...]


@dataclass(frozen=True)
class UnitContext:
    """The argument of a stage's function: where to write, what to read, its settings and its seed.

    `settings` has only the declared sections, `inputs` only the declared files. `report(fraction, text)` reports
    progress in [0, 1]. `device` is where networks and fits run; it is not a setting, so that a study can move to
    another machine.
    """

    unit: Unit
    folder: Path
    settings: Any
    inputs: tuple[InputUnit, ...]
    report: Callable[[float, str], None]
    device: str = "cpu"

    @property
    def seed(self) -> int:
        """The unit's own seed; needs "seed" among the stage's settings."""
        return unit_seed(self.settings.seed, self.unit.stage, self.unit.checkpoint, self.unit.layer)

    @property
    def stage_seed(self) -> int:
        """One seed for all units of the stage, for work that continues from checkpoint to checkpoint."""
        return unit_seed(self.settings.seed, self.unit.stage)

    @property
    def resampling_seed(self) -> int:
        """The seed of the resamples of images, the same for all units of the study."""
        return resampling_seed(self.settings.seed)

    def sources(self, stage: str) -> list[InputUnit]:
        """Return the input units of `stage`, by checkpoint and layer."""
        return [source for source in self.inputs if source.unit.stage == stage]

    def paths(self, stage: str, file: str) -> list[Path]:
        """Return `file` of each input unit of `stage` that has it; KeyError if none declares it."""
        found = [source.folder / file for source in self.sources(stage) if file in source.files]
        if not found and self.sources(stage):
            raise KeyError(f"{self.unit.path} reads {stage}/{file}, which it does not declare or which does not exist")
        return found

    def path(self, stage: str, file: str, checkpoint: int | None = None) -> Path:
        """Return `file` of the one input unit of `stage`; of several that at `checkpoint`, by default the reader's."""
        found = self.paths(stage, file)
        if len(found) > 1:
            units = [source for source in self.sources(stage) if file in source.files]
            wanted = self.unit.checkpoint if checkpoint is None else checkpoint
            found = [s.folder / file for s in units if s.unit.checkpoint == wanted]
        if len(found) != 1:
            raise KeyError(f"{self.unit.path} reads one {stage}/{file}, and declares {len(found)}")
        return found[0]


@dataclass(frozen=True)
class Stage:
    """A stage of a study, declared as data.

    `run` is a top-level function, or an object made of such functions: it is sent to other processes and machines by
    name. `settings` are dotted paths; a change of any other setting does not affect the stage. `version` is raised when
    the code computes something else. `external(settings, unit)` is a digest of files outside the study (a user's
    files); `outside(settings, unit)` tells whether a unit reads such files without their being part of its key.
    `weight` is the rough cost of a unit, for the time left. `bulk` are patterns of large files ("*/regional-*") that
    may be dropped when all readers are done. A study with fewer checkpoints than `least_checkpoints` has no unit of the
    stage. A name with a slash ("figures/curves") is a separate unit in a shared folder. `threads` are those that torch
    computes on, None for all.
    """

    name: str
    version: int
    run: Callable[[UnitContext], None]
    settings: tuple[str, ...] = ()
    needs: tuple[Need, ...] = ()
    per: tuple[Literal["checkpoint", "layer"], ...] = ()
    external: Callable[[Any, Unit], str] | None = None
    outside: Callable[[Any, Unit], Any] | None = None
    weight: float = 1.0
    bulk: tuple[str, ...] = ()
    part: str | None = None
    least_checkpoints: int = 1
    cost: Callable[[Unit, Any, Any], Cost] | None = None
    threads: int | None = None

    def is_bulk(self, name: str) -> bool:
        """Tell whether a file of the stage's units may be dropped when it is no longer needed."""
        return any(fnmatchcase(name, pattern) for pattern in self.bulk)

    def units(self, axes: Axes) -> list[Unit]:
        """Return the units of the stage in a study with these axes."""
        if axes.checkpoints < self.least_checkpoints:
            return []
        checkpoints = range(axes.checkpoints) if "checkpoint" in self.per else [None]
        layers = axes.layers if "layer" in self.per else [None]
        return [Unit(self.name, checkpoint, layer) for checkpoint in checkpoints for layer in layers]
