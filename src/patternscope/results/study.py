"""Reading a study: the results of its stages by checkpoint and layer, from disk or from memory."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any, Self, TypeVar
from urllib.parse import unquote

from patternscope.errors import InputError
from patternscope.results.evidence import EvidenceResult
from patternscope.results.fits import ImportanceResult, RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.networks import STUDENTS, StudentAnalysisResult
from patternscope.results.result import Result, stage_name, unchecked
from patternscope.results.training import TrainingResult
from patternscope.workflow.cache_keys import unit_seed
from patternscope.workflow.manifest import MANIFEST_FILE
from patternscope.workflow.stages import Need, Unit, UnitContext
from patternscope.workflow.store import Store
from patternscope.workflow.verification import UnitCheck

AnyResult = TypeVar("AnyResult", bound=Result)
_NETWORK = "network_"


MOST_CHECKPOINTS = 10_000
"""Largest number of checkpoints: the plan of more would fill the memory."""
OWN_NETWORK = f"{_NETWORK}1"
"""The variant under which a unit of a further network finds the results of the study's own network."""


def network_variant(network: int) -> str:
    """Return the variant of a stage for a further network of the study, counted from 2.

    >>> network_variant(2)
    'network_2'
    """
    return f"{_NETWORK}{network}"


def is_network(variant: str) -> bool:
    """Tell whether a variant of a stage belongs to a further network of the study.

    >>> is_network("network_2"), is_network("logits")
    (True, False)
    """
    return variant.startswith(_NETWORK) and variant.removeprefix(_NETWORK).isdecimal()


class StudyResults(ABC):
    """The results of a study, independent of where they are read from; `seed` is the study's."""

    seed: int

    @property
    @abstractmethod
    def units(self) -> Iterable[Unit]:
        """All units that are available, checkpoints in order, layers shallow to deep."""

    @abstractmethod
    def _get(self, kind: type[AnyResult], unit: Unit) -> AnyResult:
        """Return the result of an available unit."""

    def load(
        self, kind: type[AnyResult], checkpoint: int | None = None, layer: str | None = None, variant: str | None = None
    ) -> AnyResult:
        """Return a result at a checkpoint, by default the last; InputError if the study does not have it."""
        known = self.checkpoints(kind)
        unit = Unit(stage_name(kind, variant), known[-1] if checkpoint is None and known else checkpoint, layer)
        if unit not in self._known:
            raise InputError(f"{unit.path}: does not exist in this study")
        return self._get(kind, unit)

    @cached_property
    def _known(self) -> frozenset[Unit]:
        return frozenset(self.units)

    def has(self, kind: type[Result]) -> bool:
        """Tell whether the study has any unit of a result."""
        return any(unit.stage.partition("/")[0] == kind.STAGE for unit in self.units)

    def missing(self, needs: Iterable[Need]) -> list[str]:
        """Return the required results that the study lacks: parts as sections, such as [attack], and other stages."""
        parts = {kind.STAGE: kind.PART for kind in result_kinds()}
        present = {unit.stage.partition("/")[0] for unit in self.units}
        stages = [need.stage.partition("/")[0] for need in needs]
        absent = [f"[{parts[stage]}]" if parts.get(stage) else stage for stage in stages if stage not in present]
        return list(dict.fromkeys(absent))

    def checkpoints(self, kind: type[Result] = SampleResult) -> list[int]:
        """Return the checkpoints that a result has."""
        return sorted({u.checkpoint for u in self.units if u.stage == kind.STAGE and u.checkpoint is not None})

    def layers(self, kind: type[Result] = KnowledgeResult) -> list[str]:
        """Return the layers that a result has, shallow to deep."""
        return list(dict.fromkeys(u.layer for u in self.units if u.stage == kind.STAGE and u.layer is not None))

    @property
    def students(self) -> list[str]:
        """What the analysed students learnt from, empty without students."""
        stages = {unit.stage for unit in self.units}
        return [name for name in STUDENTS if stage_name(StudentAnalysisResult, name) in stages]

    @property
    def images(self) -> ImagesResult:
        """The images."""
        return self.load(ImagesResult)

    @property
    def classes(self) -> list[str]:
        """Names of the classes, by label."""
        return list(self.images.classes)

    def training(self, checkpoint: int | None = None) -> TrainingResult:
        """Return the training result of a checkpoint, by default the last."""
        return self.load(TrainingResult, checkpoint)

    def sample(self, checkpoint: int | None = None) -> SampleResult:
        """Return the sample embedding of a checkpoint, by default the last."""
        return self.load(SampleResult, checkpoint)

    def importance(self, layer: str, checkpoint: int | None = None) -> ImportanceResult:
        """Return the importance weights of a layer."""
        return self.load(ImportanceResult, checkpoint, layer)

    def region(self, layer: str, checkpoint: int | None = None) -> RegionResult:
        """Return the regional embedding of a layer."""
        return self.load(RegionResult, checkpoint, layer)

    def evidence(self, layer: str, checkpoint: int | None = None) -> EvidenceResult:
        """Return the evidence of a layer."""
        return self.load(EvidenceResult, checkpoint, layer)

    def knowledge(self, layer: str, checkpoint: int | None = None) -> KnowledgeResult:
        """Return the knowledge points of a layer."""
        return self.load(KnowledgeResult, checkpoint, layer)

    def drawing_seed(self, *names: str) -> int:
        """Return the seed of a random choice in figures, the same in every figure."""
        return unit_seed(self.seed, "figures", *names)


@dataclass(frozen=True)
class StoredResults(StudyResults):
    """Results in folders; for each, `files` lists those that may be read, None for all.

    Files of a `store` are verified when they are first read; without one, the caller has verified them.
    """

    folders: Mapping[Unit, Path]
    seed: int  # type: ignore[assignment]  # a field here
    files: Mapping[Unit, tuple[str, ...]] | None = None
    store: Store | None = None

    @property
    def units(self) -> Iterable[Unit]:
        """All units that are available."""
        return self.folders

    def _get(self, kind: type[AnyResult], unit: Unit) -> AnyResult:
        check = unchecked if self.store is None else UnitCheck(self.store, unit)
        return kind.load(self.folders[unit], None if self.files is None else self.files[unit], check)

    @classmethod
    def of(cls, ctx: UnitContext) -> Self:
        """Return the declared results of a unit's context; a figure with random choices declares "seed" as well."""
        folders = {source.unit: source.folder for source in ctx.inputs}
        return cls(folders, getattr(ctx.settings, "seed", 0), {source.unit: source.files for source in ctx.inputs})


@dataclass(frozen=True)
class ResultsInMemory(StudyResults):
    """Results that were never written."""

    results: Mapping[Unit, Result]
    seed: int = 0  # type: ignore[assignment]  # a field here

    @property
    def units(self) -> Iterable[Unit]:
        """All units that are available."""
        return self.results

    def _get(self, kind: type[AnyResult], unit: Unit) -> AnyResult:
        result = self.results[unit]
        if not isinstance(result, kind):
            raise InputError(f"{unit.path}: expected a {kind.__name__}, got a {type(result).__name__}")
        return result


@dataclass(frozen=True)
class StudyRecord:
    """The content of study.json: settings as written, checkpoints, layers (shallow to deep), seed, versions."""

    settings: Mapping[str, Any]
    checkpoints: int
    layers: tuple[str, ...]
    seed: int
    versions: Mapping[str, str]

    @property
    def networks(self) -> int:
        """Number of networks, including the study's own."""
        part = self._section("replicates")
        if not part.get("enabled"):
            return 1
        return 1 + len(part["folders"]) if part.get("folders") else part.get("networks") or 3

    def _section(self, name: str) -> Mapping[str, Any]:
        """A section of the settings, empty if it is missing."""
        found = self.settings.get(name, {})
        return found if isinstance(found, Mapping) else {}

    def has(self, kind: type[Result], unit: Unit) -> bool:
        """Tell whether a unit is part of the study, not a leftover of a run with other settings."""
        part = self._section(kind.PART or "")
        variant = unit.stage.partition("/")[2]
        if is_network(variant):
            return int(variant.removeprefix(_NETWORK)) <= self.networks and self.has(
                kind, replace(unit, stage=kind.STAGE)
            )
        return (
            (unit.checkpoint is None or unit.checkpoint < self.checkpoints)
            and (unit.layer is None or unit.layer in self.layers)
            and part.get("enabled", True)
            and (not variant or variant in part.get("students", STUDENTS))
        )


def read_record(folder: str | Path) -> StudyRecord:
    """Return study.json of a study's folder; InputError if the folder is not a study."""
    content = Store(Path(folder)).read_study()
    if content is None:
        raise InputError(f"{folder}: expected the folder of `patternscope run`, got one without study.json")
    try:
        return _checked_record(content)
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise InputError(f"{folder}/study.json: expected the record of a study ({type(error).__name__})") from error


def _checked_record(content: Mapping[str, Any]) -> StudyRecord:
    """The content of study.json, with checked types; TypeError or another error for wrong ones."""
    settings, layers, versions = dict(content["settings"].items()), list(content["layers"]), content["versions"]
    checkpoints, seed = content["checkpoints"], content["seed"] or 0
    if not all(isinstance(name, str) for name in (*layers, *versions.keys(), *versions.values())):
        raise TypeError("layers, versions: expected texts")
    if len(set(layers)) < len(layers) or type(checkpoints) is not int or type(seed) is not int:
        raise TypeError("layers, checkpoints, seed: expected each layer once, and integers")
    if not 1 <= checkpoints <= MOST_CHECKPOINTS:
        raise ValueError(f"checkpoints: expected 1 to {MOST_CHECKPOINTS}")
    return StudyRecord(settings, checkpoints, tuple(layers), seed, versions)


def open_results(folder: str | Path) -> StoredResults:
    """Return the results of a study on disk, found by the manifests of its units.

    Units left behind by a run with other settings are not part of it. InputError if the folder is not a study. Cost: a
    listing of its folders; a file is verified when it is first read, at 1.7 GB per second.
    """
    folder, known = Path(folder), read_record(folder)
    order = {layer: place for place, layer in enumerate(known.layers)}
    units = [
        unit
        for kind in result_kinds()
        for unit in sorted(_units_below(folder, kind), key=lambda u: (u.checkpoint or 0, order.get(u.layer or "", -1)))
        if known.has(kind, unit)
    ]
    return StoredResults({unit: folder / unit.path for unit in units}, known.seed, store=Store(folder))


@cache
def result_kinds() -> tuple[type[Result], ...]:
    """Return every result that a module of this folder defines, those that every study has first."""
    names = [module.name for module in iter_modules([str(Path(__file__).parent)])]
    modules = [import_module(f"{__package__}.{name}") for name in names]
    kinds = [
        kind
        for module in modules
        for kind in vars(module).values()
        if isinstance(kind, type) and issubclass(kind, Result) and kind.__module__ == module.__name__
        if hasattr(kind, "STAGE")  # the base of them all has none
    ]
    return tuple(sorted(kinds, key=lambda kind: kind.PART is not None))


def _networks_below(place: Path) -> list[Path]:
    """Folders of further networks in that of a stage."""
    return sorted(path for path in place.glob(f"{_NETWORK}*") if is_network(path.name))


def _units_below(folder: Path, kind: type[Result]) -> list[Unit]:
    """The units of a result whose manifest is on disk."""
    depth = len(kind.AXES)
    variants = kind.VARIANTS or (None, *(path.name for path in _networks_below(folder / kind.STAGE)))
    places = [folder / stage_name(kind, variant) for variant in variants]
    units = []
    for place in places:
        stage = place.relative_to(folder).as_posix()
        for manifest in sorted(place.glob("/".join(["*"] * depth + [MANIFEST_FILE]))):
            names = dict(zip(kind.AXES, manifest.parent.relative_to(place).parts, strict=True))
            checkpoint = names.get("checkpoint")
            layer = names.get("layer")
            units.append(
                Unit(stage, None if checkpoint is None else int(checkpoint), None if layer is None else unquote(layer))
            )
    return units
