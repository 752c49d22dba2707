"""A study as an object: its layers and checkpoints, its figures, its page."""

import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import Any

from patternscope.api.plots import Plots
from patternscope.errors import InputError, nearest
from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.knowledge_points import KnowledgePoints
from patternscope.report.formatting import counted
from patternscope.results.controls import ControlsResult
from patternscope.results.evidence import EvidenceResult
from patternscope.results.fits import ImportanceResult, RegionResult, SampleResult
from patternscope.results.formatting import with_interval
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import Counts, KnowledgeResult
from patternscope.results.ledger import Draws
from patternscope.results.look import Look
from patternscope.results.noise import ONE_NETWORK, evidence_of, knowledge_of, networks_of, over_what
from patternscope.results.study import ResultsInMemory, StudyResults, open_results
from patternscope.results.study_ledger import StudyLedger, study_ledger
from patternscope.results.training import TrainingResult
from patternscope.settings.study import StudySettings


@dataclass(frozen=True)
class Layer:
    """A layer at a checkpoint; counts and evidence are also over networks if there are several."""

    name: str
    knowledge: KnowledgeResult
    region: RegionResult
    importance: ImportanceResult
    measured: EvidenceResult | None = None
    networks: int = 1
    controls: ControlsResult | None = None

    @property
    def evidence(self) -> Interval:
        """Bits of evidence per region of the image's class, with the interval; InputError in a study without it."""
        if self.measured is None:
            raise InputError("evidence: expected a study with evidence, got one of an earlier version; run it again")
        return self.measured.evidence

    @property
    def chance(self) -> Interval | None:
        """Bits per region with targets permuted over the images, where nothing can be known.

        None if chance was not measured: it is at the last checkpoint, unless [controls] is off.
        """
        return None if self.controls is None else self.controls.permuted.evidence

    @property
    def points(self) -> KnowledgePoints:
        """The knowledge points: arrays (n, r)."""
        return self.knowledge.points

    @property
    def counts(self) -> Counts:
        """Knowledge points per image and their ratio, with intervals over images, and over several networks."""
        return self.knowledge.counts

    @property
    def grid(self) -> tuple[int, int]:
        """Height and width of the region grid."""
        return self.region.grid

    def __repr__(self) -> str:
        bits = "" if self.measured is None else f"{with_interval(self.evidence)} bits per region, "
        counts = f"{with_interval(self.counts.total)} knowledge points per image"
        over = f", {over_what(self.networks)}" if self.networks > 1 else ""
        return f"Layer({self.name}: {bits}{counts}, {with_interval(self.counts.reliable)} reliable{over})"


class Layers(Mapping[str, Layer]):
    """The layers of a study at one checkpoint, by name, shallow to deep; read on access."""

    def __init__(self, results: StudyResults, checkpoint: int | None = None) -> None:
        self._results, self._checkpoint = results, checkpoint
        self._names = results.layers(KnowledgeResult)

    def __getitem__(self, name: str) -> Layer:
        """Return a layer; InputError with the nearest name for an unknown one."""
        if name not in self._names:
            raise UnknownLayer(f"layer: expected one of the study's, got {name!r}; {nearest(str(name), self._names)}")
        results, at = self._results, self._checkpoint
        several = networks_of(results, name, at)
        return Layer(
            name,
            knowledge_of(results, name, at),
            results.region(name, at),
            results.importance(name, at),
            evidence_of(results, name, at) if results.has(EvidenceResult) else None,
            1 if several is None else len(several.networks),
            self._controls(name),
        )

    def _controls(self, name: str) -> ControlsResult | None:
        """The chance levels of a layer, which are known at the last checkpoint."""
        last = self._checkpoint in (None, self._results.checkpoints(KnowledgeResult)[-1])
        known = last and self._results.has(ControlsResult)
        return self._results.load(ControlsResult, layer=name) if known else None

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def __repr__(self) -> str:
        return f"Layers({', '.join(self._names)})"


class UnknownLayer(InputError, KeyError):  # noqa: N818 - a KeyError too, as of any mapping
    """A layer that the study does not have."""

    __str__ = Exception.__str__  # a KeyError shows its text in quotes


class Study:
    """A study: its results, read from disk or computed in memory.

    Attributes:
        results: everything, by stage, checkpoint and layer. folder: its location on disk, None in memory.
        plot: `study.plot.counts()` and so on return a matplotlib Figure; `dir(study.plot)` lists them.
    """

    def __init__(
        self, results: StudyResults, folder: Path | None = None, settings: StudySettings | None = None
    ) -> None:
        self.results, self.folder, self._settings = results, folder, settings
        self.plot = Plots(results)

    @cached_property
    def layers(self) -> Layers:
        """The layers at the last checkpoint, by name, shallow to deep."""
        return Layers(self.results)

    def layers_at(self, checkpoint: int) -> Layers:
        """Return the layers at a checkpoint; InputError for a number that the study does not have."""
        known = self.results.checkpoints(KnowledgeResult)
        if checkpoint not in known:
            raise InputError(f"checkpoint: expected one of {known}, got {checkpoint}")
        return Layers(self.results, checkpoint)

    @property
    def checkpoints(self) -> list[TrainingResult]:
        """The checkpoints, in the order of training."""
        return [self.results.training(number) for number in self.results.checkpoints(SampleResult)]

    @property
    def classes(self) -> list[str]:
        """Names of the classes, by label."""
        return self.results.classes

    @property
    def images(self) -> ImagesResult:
        """The images that were analysed, and their labels."""
        return self.results.images

    @property
    def sample(self) -> SampleResult:
        """The sample embedding at the last checkpoint."""
        return self.results.sample()

    def ledger(self, *, resamples: int = 1000) -> StudyLedger:
        """Return what became of knowledge points: over training and depth, under an attack, in students.

        `resamples` are the draws of images for each interval. `ledger().rows()` are the rows of a table.
        """
        return study_ledger(self.results, Draws(resamples, self.results.seed))

    def look(self, image: Any, *, nearest: int = 4) -> Look:
        """Return the predictions of the network and of all maps for a new image; `figures.drawing.look.draw` draws it.

        Arguments and errors as `patternscope.study.look.look_at`; also InputError for a study in memory, which does not
        keep its network.
        """
        from patternscope.study.look import look_at

        if self.folder is None:
            raise InputError("look: expected a study on disk, got one in memory, which does not keep its network")
        return look_at(self.folder, image, nearest=nearest)

    def save(self, folder: str | Path) -> "Study":
        """Write an analysis in memory as a study, for `patternscope figures`, `atlas`, `report` and `view`.

        InputError for a non-empty folder, and for a study that is already on disk.
        """
        from patternscope.api.saving import save_study

        if not isinstance(self.results, ResultsInMemory) or self._settings is None:
            raise InputError(f"save: expected an analysis in memory, got a study in {self.folder}")
        save_study(self.results, self._settings, Path(folder))
        return open_study(folder)

    def atlas(self, *, look: bool = False, **view: Any) -> Any:
        """Return the page as a notebook widget (extra "notebook"); `view` as `patternscope.atlas.Atlas`.

        With `look`, a picture dropped on it is analysed as by :meth:`look`; InputError for a study in memory, which
        does not keep its network.
        """
        from patternscope.api.saving import write_atlas
        from patternscope.atlas import Atlas

        if self.folder is not None:
            return Atlas(self.folder, look=self.look if look else None, **view)
        if look:
            raise InputError("look: expected a study on disk, got one in memory, which does not keep its network")
        # Kept as long as the study: the widget reads from it.
        self._room = tempfile.TemporaryDirectory(prefix="patternscope-")
        folder = Path(self._room.name, "study")
        self.save(folder)
        write_atlas(folder)
        return Atlas(folder, **view)

    def _repr_html_(self) -> str:
        """A table of the layers, shown by notebooks."""
        layers = self.layers
        measured = self.results.has(EvidenceResult)
        bits = ["bits per region", "by chance"] if measured else []
        names = ("layer", *bits, "points per image", "reliable", "ratio")
        heads = "".join(f"<th>{name}</th>" for name in names)
        rows = "".join(
            f"<tr><th>{escape(name)}</th>{''.join(f'<td>{cell}</td>' for cell in _cells(layer, measured))}</tr>"
            for name, layer in layers.items()
        )
        networks = next((layer.networks for layer in layers.values()), 1)
        trust = f"95 % intervals {over_what(networks)}"
        if networks == 1:
            trust += f"; {ONE_NETWORK}"
        return f"<p>{escape(repr(self))}</p><table><tr>{heads}</tr>{rows}</table><p>{trust}</p>"

    def __repr__(self) -> str:
        where = "in memory" if self.folder is None else str(self.folder)
        sizes = {"image": self.images.labels, "layer": self.layers, "checkpoint": self.checkpoints}
        return f"Study({where}: {', '.join(counted(len(named), name) for name, named in sizes.items())})"


def _cells(layer: Layer, measured: bool) -> list[str]:
    """The numbers of a layer, as a table shows them."""
    counts = (layer.counts.total, layer.counts.reliable, layer.counts.ratio)
    bits = (layer.evidence, layer.chance) if measured else ()
    return ["not measured" if interval is None else with_interval(interval) for interval in (*bits, *counts)]


def open_study(folder: str | Path) -> Study:
    """Return a study on disk; InputError if the folder is not a study.

    Its results are read on access.
    """
    return Study(open_results(folder), Path(folder))
