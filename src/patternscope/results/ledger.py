"""The ledger of a layer as a typed result: what became of its knowledge points between two states."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from patternscope.knowledge.bootstrap import bootstrap_counts, bootstrap_mean, bootstrap_means, bootstrap_ratio
from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.ledger import MOVES, ClassFlows, Flow, growth_by_flow, keep_ledger
from patternscope.results.record_codec import encode, flat_interval


@dataclass(frozen=True)
class Moment:
    """The regions of a layer in one state, such as at a checkpoint or after an attack.

    Attributes:
        name: of the state, such as "step 40". mask, category: knowledge points (n, r) and their classes.
        bits: evidence of each region for its image's class (n, r), None if it was not measured.
        stability: (n, r) in [0, 1], share of refits of the same network in which a region is a point of the same class;
            None if it was not measured.
    """

    name: str
    mask: Tensor
    category: Tensor
    bits: Tensor | None = None
    stability: Tensor | None = None

    def at(self, rows: Tensor) -> "Moment":
        """Return some of the images (m,)."""
        bits, stable = (None if each is None else each[rows] for each in (self.bits, self.stability))
        return Moment(self.name, self.mask[rows], self.category[rows], bits, stable)

    def regions(self, chosen: Tensor) -> "Moment":
        """Return other regions (r',), such as those of a finer grid."""
        bits, stable = (None if each is None else each[:, chosen] for each in (self.bits, self.stability))
        return Moment(self.name, self.mask[:, chosen], self.category[:, chosen], bits, stable)


@dataclass(frozen=True)
class PointFlows:
    """Regions per image in each flow, with intervals over images.

    ``before = kept + changed + forgotten``, ``after = kept + changed + learnt + relearnt``.
    """

    before: Interval
    after: Interval
    learnt: Interval
    relearnt: Interval
    kept: Interval
    changed: Interval
    forgotten: Interval


@dataclass(frozen=True)
class BitFlows:
    """The growth of evidence in the regions of each flow, in bits per region of the layer; they sum to `total`.

    `none` is of regions that are no point in either state.
    """

    total: Interval
    none: Interval
    learnt: Interval
    relearnt: Interval
    kept: Interval
    changed: Interval
    forgotten: Interval


@dataclass(frozen=True)
class ClassLedger:
    """Points of one class, over all images, and the growth of evidence in the images of the class (None as there)."""

    name: str = field(metadata={"key": "class"})
    flows: ClassFlows
    bits: BitFlows | None = field(metadata={"omit_none": True})


@dataclass(frozen=True)
class LayerLedger:
    """What became of the knowledge points of a layer from a state `start` to another, `end`.

    Attributes:
        layer: its name; of two layers both, as "a to b". images, regions: their numbers.
        points: regions per image. bits: evidence, None if it was not measured.
        kept_share: points of `start` that are a point of the same class at `end`, as a share in [0, 1].
        refit_share: of the points of `start`, the share that is one of the same class in a refit of the same network to
            other images: the share kept when only the fit changes. None if it was not measured.
        classes: by class.
    """

    layer: str
    start: str
    end: str
    images: int
    regions: int
    points: PointFlows
    bits: BitFlows | None = field(metadata={"omit_none": True})
    kept_share: Interval
    refit_share: Interval | None
    classes: tuple[ClassLedger, ...]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield rows of a csv: of all images, in regions per image, then of each class, in regions of all images."""
        about = {"layer": self.layer, "start": self.start, "end": self.end}
        shares = flat_interval("kept_share", self.kept_share)
        shares |= {} if self.refit_share is None else flat_interval("refit_share", self.refit_share)
        yield {
            **about,
            "class": None,
            "unit": "regions per image",
            **encode(self.points),
            **_bit_cells(self.bits),
        } | shares
        for row in self.classes:
            yield {**about, "class": row.name, "unit": "regions", **encode(row.flows), **_bit_cells(row.bits)}


@dataclass(frozen=True)
class Draws:
    """Draws of images for intervals, and their seed."""

    resamples: int = 1000
    seed: int = 0

    @property
    def asked(self) -> dict[str, int]:
        """The arguments of an interval over images."""
        return {"resamples": self.resamples, "seed": self.seed}

    def mean(self, values: Tensor) -> Interval:
        """Return the mean of one number per image (n,) with its interval."""
        return bootstrap_mean(values, resamples=self.resamples, seed=self.seed)


def ledger_of(
    layer: str,
    before: Moment,
    after: Moment,
    classes: Sequence[str],
    labels: Tensor,
    draws: Draws,
    earlier: Tensor | None = None,
) -> LayerLedger:
    """Return the ledger of a layer between two states of the same images.

    Args:
        layer: its name. before, after: the states. classes: names by label. labels: of the images (n,).
        draws: for the intervals. earlier: (n, r) bool, regions that were a point before `before`.

    Raises:
        InputError: shapes that differ, a class that does not exist.

    Cost: draws of the images, and passes over n r numbers.
    """
    bits = None if before.bits is None or after.bits is None else (before.bits, after.bits)
    kept = keep_ledger(before, after, len(classes), earlier=earlier, resamples=draws.resamples, seed=draws.seed)
    grown = None if bits is None else growth_by_flow(kept.regions, *bits)
    flows = {flow.name.lower(): kept.points[flow] for flow in MOVES}
    counts = torch.stack([before.mask.sum(dim=1), after.mask.sum(dim=1)], dim=1).double()
    return LayerLedger(
        layer=layer,
        start=before.name,
        end=after.name,
        images=len(before.mask),
        regions=before.mask.shape[1],
        points=PointFlows(*bootstrap_means(counts, **draws.asked), **flows),
        bits=None if grown is None else _bit_flows(grown, draws),
        kept_share=bootstrap_counts(before.mask, kept.regions == Flow.KEPT, **draws.asked)["ratio"],
        refit_share=None if before.stability is None else _stable_share(before.stability, before.mask, draws),
        classes=tuple(
            ClassLedger(name, row, None if grown is None else _bit_flows(grown, draws, labels == label))
            for label, (name, row) in enumerate(zip(classes, kept.by_class, strict=True))
        ),
    )


def ledger_rows(ledgers: Mapping[str, Sequence[LayerLedger]]) -> list[dict[str, Any]]:
    """Return the rows of ledgers by name."""
    return [{"ledger": name, **row} for name, several in ledgers.items() for each in several for row in each.rows()]


def _stable_share(stability: Tensor, points: Tensor, draws: Draws) -> Interval:
    """The mean stability of points (n, r)."""
    return bootstrap_ratio((stability.double() * points).sum(dim=1), points.sum(dim=1), **draws.asked)


def _bit_flows(grown: Mapping[Flow, Tensor], draws: Draws, chosen: Tensor | None = None) -> BitFlows | None:
    """Growth by flow with intervals over the chosen images, None if there are none."""
    columns = torch.stack([sum(grown.values(), start=torch.zeros(())), *grown.values()], dim=1)
    columns = columns if chosen is None else columns[chosen]
    if not len(columns):
        return None
    total, *means = bootstrap_means(columns, **draws.asked)
    return BitFlows(total, **{flow.name.lower(): mean for flow, mean in zip(grown, means, strict=True)})


def _bit_cells(bits: BitFlows | None) -> dict[str, Any]:
    """Cells of the growth of evidence."""
    return {} if bits is None else {f"bits_{name}": value for name, value in encode(bits).items()}
