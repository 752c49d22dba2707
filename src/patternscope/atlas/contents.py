"""The content of an atlas before it is written: plain values, and a function per layer that reads one step."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Literal, Self

import numpy as np
import torch
from torch import Tensor

from patternscope.atlas.feature_codes import FeatureCodes
from patternscope.knowledge.knowledge_points import KnowledgePoints
from patternscope.knowledge.temperatures import Temperatures

Grid = tuple[int, int]
Kind = Literal["training", "attack", "model"]
Triple = tuple[float | None, float | None, float | None]
"""A value with the ends of its interval."""
_GREY, _GREY_ROOM = 128, 127  # no difference, and the largest one in either direction


@dataclass(frozen=True)
class Step:
    """A checkpoint, a step of an attack, or the single state of another network.

    `number` is the training or attack step; `residual` and `angle` (degrees) measure the change of frame from the
    previous checkpoint; None if unknown.
    """

    label: str
    number: int | None = None
    accuracy: float | None = None
    residual: float | None = None
    angle: float | None = None


@dataclass(frozen=True)
class Regions:
    """The regions of a layer at one step.

    `position` (n, r, e) in units of the layer's mean strength; `category`, `confidence`, `mask`, `reliable` (n, r) as
    in `knowledge.KnowledgePoints`; `importance` (n, r) region weights or None. `temperatures` of the images, None for 1
    throughout. `bits` (n, r) evidence for the true class and `stability` (n, r), the share of refits in which a
    region is a point of its class; None where the study has not measured them.
    """

    position: np.ndarray
    category: np.ndarray
    confidence: np.ndarray
    mask: np.ndarray
    reliable: np.ndarray
    importance: np.ndarray | None = None
    temperatures: Temperatures | None = None
    bits: np.ndarray | None = None
    stability: np.ndarray | None = None

    @classmethod
    def of(
        cls,
        position: np.ndarray,
        points: KnowledgePoints,
        temperatures: Temperatures | None = None,
        **others: Tensor | None,
    ) -> Self:
        """Return the regions at these positions, with their knowledge points and everything else known about them."""
        return cls(
            position,
            points.category.numpy(),
            points.confidence.numpy(),
            points.mask.numpy(),
            points.reliable.numpy(),
            temperatures=temperatures,
            **{name: None if values is None else values.numpy() for name, values in others.items()},
        )

    def rows(self, chosen: np.ndarray) -> Self:
        """Return the regions of some of the images (m,)."""
        own = {
            entry.name: values[chosen]
            for entry in fields(self)
            if isinstance(values := getattr(self, entry.name), np.ndarray)
        }
        known = self.temperatures
        return replace(self, **own, temperatures=None if known is None else known.rows(torch.from_numpy(chosen)))


@dataclass(frozen=True)
class PatternEntry:
    """A pattern as shown in the atlas.

    `label` of its class, `number` within it, `name` by the user; `regions` and `images` that have it; `share` of the
    class's evidence (value, low, high); `stability` and its `chance`; `specific` (value, low, high) and its `prior`;
    `refits` or None; `appears`, the label of a step, or None; `shared` with other classes, (label, share); `fall` of
    the probability without the pattern, without as many other reliable regions and without as many of the rest, each
    (value, low, high), with the number of `images` that were `asked`, and whether it exceeds that of `others` and
    `rest` beyond the noise; None if it was not tested. `typical` (k, 2): images and places of its most typical regions.
    """

    label: int
    number: int
    name: str | None
    regions: int
    images: int
    share: Triple
    stability: float
    chance: float
    specific: Triple
    prior: float
    refits: float | None
    appears: str | None
    shared: tuple[tuple[int, float], ...]
    fall: "PatternFall | None"
    typical: np.ndarray


@dataclass(frozen=True)
class PatternFall:
    """How much the probability of the class falls without a pattern's regions, and without others."""

    asked: int
    before: float
    own: Triple
    others: Triple
    rest: Triple
    beyond_others: bool
    beyond_rest: bool


@dataclass(frozen=True)
class LayerPatterns:
    """The patterns of a layer: `owner` (n, r), the index of each region's pattern among the `entries`, -1 for none.

    `field`: height and width in pixels of the layer's receptive field, None where unknown. `untested`: why the network
    was not asked, None where it was.
    """

    owner: np.ndarray
    entries: tuple[PatternEntry, ...]
    field: tuple[float, float] | None
    untested: str | None = None

    def rows(self, chosen: np.ndarray) -> Self:
        """Return the patterns among some of the images (m,), increasing."""
        return replace(
            self,
            owner=self.owner[chosen],
            entries=tuple(replace(entry, typical=_moved(entry.typical, chosen)) for entry in self.entries),
        )


def _moved(typical: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """The regions (k, 2) of the chosen images, by their indices among these."""
    held = typical[np.isin(typical[:, 0], chosen)]
    return np.stack([np.searchsorted(chosen, held[:, 0]), held[:, 1]], axis=1)


@dataclass(frozen=True)
class LayerContent:
    """A layer in a condition: its grid, its regions step by step, and its counts.

    `regions(t)` reads one step. `counts` (t, 3, 3) is (total, reliable, ratio) x (value, low, high), NaN where
    undefined; `class_counts` (t, c, 3, 3) the same per class. `emerged` (t, n) bool: the image has evidence of its
    class or, where that was not measured, a reliable point.
    `trajectory` (n, r) are the types of an attack's trajectories, 0 to 4. `direction` (t, c, e) are mean directions of
    the layer's own, where they differ from the condition's. `unit`: what positions are multiplied by before
    probabilities are taken, 1 by the rule of the paper. `evidence` (t, 2, 3) is (evidence, readable) x (value, low,
    high) in bits per region, `refits` the number behind each stability. `chance` (2, 4, 3) is (permuted targets,
    untrained network) x (evidence, total, reliable, ratio) x (value, low, high) at the last step. None: not measured.
    `features` reads the codes of the features at the last step, of the images drawn; None where there are none.
    `patterns` of the regions at the last step, None where the study has not looked for any.
    """

    grid: Grid
    regions: Callable[[int], Regions]
    counts: np.ndarray
    class_counts: np.ndarray | None = None
    emerged: np.ndarray | None = None
    trajectory: np.ndarray | None = None
    direction: np.ndarray | None = None
    unit: float = 1.0
    evidence: np.ndarray | None = None
    refits: int | None = None
    chance: np.ndarray | None = None
    features: Callable[[], FeatureCodes | None] = lambda: None
    patterns: LayerPatterns | None = None


@dataclass(frozen=True)
class Perturbation:
    """The changes by an attack: uint8 images of the differences times `factor`, around 128.

    (n, channels, h, w) at its last step, or (t, n, channels, h, w) at each of its kept steps, the clean images first.
    """

    images: np.ndarray
    factor: int

    @property
    def last(self) -> np.ndarray:
        """The changes at the last step (n, channels, h, w)."""
        return self.images if self.images.ndim == 4 else self.images[-1]

    @property
    def between_steps(self) -> np.ndarray:
        """The changes at the steps between the first and the last (t - 2, n, channels, h, w); none for an old study."""
        return self.images[None][:0] if self.images.ndim == 4 else self.images[1:-1]

    def at(self, steps: np.ndarray) -> Self:
        """Return the changes at some of the steps, including the first and the last."""
        return self if self.images.ndim == 4 else replace(self, images=self.images[steps])

    def rows(self, chosen: np.ndarray) -> Self:
        """Return the changes of some of the images (m,)."""
        return replace(self, images=self.images[chosen] if self.images.ndim == 4 else self.images[:, chosen])

    def without_steps(self) -> Self:
        """Return only the changes at the last step."""
        return replace(self, images=self.last)

    @classmethod
    def between(cls, before: np.ndarray, after: np.ndarray) -> Self:
        """Return the differences of uint8 images, times the largest whole number that keeps them within the range.

        >>> found = Perturbation.between(np.array([10, 20], np.uint8), np.array([12, 20], np.uint8))
        >>> found.images.tolist(), found.factor
        ([254, 128], 63)
        """
        factor = _largest_factor(before, after)
        return cls(_magnified(before, after, factor), factor)

    @classmethod
    def over(cls, pictures: np.ndarray) -> Self:
        """Return the differences of uint8 pictures (t, n, channels, h, w) to the first of them, all times one factor.

        >>> Perturbation.over(np.array([[10], [11], [12]], np.uint8)).images.ravel().tolist()
        [128, 191, 254]
        """
        clean = pictures[0]
        factor = min(_largest_factor(clean, step) for step in pictures)
        return cls(np.stack([_magnified(clean, step, factor) for step in pictures]), factor)


def _largest_factor(before: np.ndarray, after: np.ndarray) -> int:
    """The largest integer factor that keeps all differences within the range."""
    largest = int(np.abs(after.astype(np.int16) - before).max(initial=0))
    return max(1, _GREY_ROOM // max(1, largest))


def _magnified(before: np.ndarray, after: np.ndarray, factor: int) -> np.ndarray:
    """Differences of uint8 images times a factor, around middle grey."""
    return (_GREY + factor * (after.astype(np.int16) - before)).clip(0, 255).astype(np.uint8)


@dataclass(frozen=True)
class Condition:
    """The images during training, under an attack, or in another network.

    `key` consists of letters, digits, "-" and "_". `direction` (t, c, e), `sample_position` (t, n, e), `predictions`
    (t, n). An attack has `targets` (n,), `attacked` and `success` (n,) bool and the `images` (n, channels, h, w) uint8
    after its last step, and the `perturbation` by it or by each step. `certainty` (t, n) is the probability that the
    network assigns to the class it predicts, None where unknown. `layers` by name. `note` is a sentence to show.
    """

    key: str
    name: str
    kind: Kind
    steps: tuple[Step, ...]
    direction: np.ndarray
    sample_position: np.ndarray
    predictions: np.ndarray
    layers: Mapping[str, LayerContent]
    note: str | None = None
    targets: np.ndarray | None = None
    attacked: np.ndarray | None = None
    success: np.ndarray | None = None
    images: np.ndarray | None = None
    certainty: np.ndarray | None = None
    perturbation: Perturbation | None = None


@dataclass(frozen=True)
class AtlasContent:
    """The content of an atlas.

    `layers` are names, shallow to deep; `images` (n, channels, h, w) uint8 with `labels` (n,) and `image_names`;
    `conditions` begin with the training. `aligned`: the checkpoints are in one frame. `omitted` are sentences about the
    parts of the study that this atlas omits. `most`: bits of a region that is always correct, None where evidence was
    not measured; `against`: what it is about, the labels or, without these, the network's own decisions. `networks`:
    how many the study has; the first is shown. `drawn` (m,) are the indices of the images among those of the study,
    whose labels are `all_labels`; None for all. Counts, evidence and `emerged` always cover all images.
    """

    title: str
    classes: tuple[str, ...]
    layers: tuple[str, ...]
    images: np.ndarray
    labels: np.ndarray
    image_names: tuple[str, ...]
    conditions: tuple[Condition, ...]
    tau: float
    kappa_max: float
    aligned: bool = True
    omitted: tuple[str, ...] = ()
    most: float | None = None
    against: Literal["labels", "decision"] = "labels"
    networks: int = 1
    drawn: np.ndarray | None = None
    all_labels: np.ndarray | None = None
