"""The difference of two checkpoints or studies of the same images, with all noise that was measured."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from patternscope.knowledge.bootstrap import bootstrap_count_differences
from patternscope.knowledge.intervals import Interval, seed_spread, share_difference, share_interval
from patternscope.knowledge.noise import Noise, with_noise
from patternscope.results.evidence import EvidenceResult
from patternscope.results.features import FeaturesResult
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.ledger import Draws, LayerLedger, ledger_of
from patternscope.results.noise import (
    MeasuredNoise,
    evidence_of,
    knowledge_of,
    measured_noise,
    noise_between,
    sources_of,
)
from patternscope.results.pattern_difference import PatternDifference, pattern_difference
from patternscope.results.patterns import PatternsResult
from patternscope.results.study import StudyResults
from patternscope.results.study_ledger import moment_of

COUNTS = ("total", "reliable", "ratio")
MOST_IMAGES = 12


@dataclass(frozen=True)
class Side:
    """One side of a difference: a study at a checkpoint, with a name."""

    name: str
    results: StudyResults
    checkpoint: int

    @property
    def correct(self) -> Tensor:
        """Which images are classified correctly (n,) bool."""
        return self.decisions == self.results.images.labels

    @property
    def decisions(self) -> Tensor:
        """The predicted class of each image (n,)."""
        return self.results.load(FeaturesResult, self.checkpoint).logits.argmax(dim=1)


@dataclass(frozen=True)
class Paired:
    """A number on either side, and the second minus the first."""

    first: Interval
    second: Interval
    difference: Interval


@dataclass(frozen=True)
class ClassDifference:
    """Evidence in the images of one class, bits per region; intervals are over images."""

    name: str = field(metadata={"key": "class"})
    evidence: Paired


@dataclass(frozen=True)
class LayerDifference:
    """A layer on both sides.

    Attributes:
        evidence: bits per region. total, reliable: knowledge points per image. ratio: of the reliable ones.
        classes: evidence by class. ledger: from the first to the second, None if their grids differ.
        patterns: those of both or one of them; None if they cannot be compared.
    """

    layer: str
    evidence: Paired
    total: Paired
    reliable: Paired
    ratio: Paired
    classes: tuple[ClassDifference, ...]
    ledger: LayerLedger | None
    patterns: PatternDifference | None = None


@dataclass(frozen=True)
class ChangedImage:
    """An image whose predicted class differs; `bits`: growth of the evidence of its class in the last layer."""

    sample: int
    name: str
    true: str
    first: str
    second: str
    bits: float


@dataclass(frozen=True)
class ChangedImages:
    """Images whose predicted class differs: corrected, broken, or wrong in another way; the largest loss first."""

    corrected: int
    broken: int
    still_wrong: int
    images: tuple[ChangedImage, ...]


@dataclass(frozen=True)
class StudyDifference:
    """Two checkpoints or studies of the same images.

    Values are of each study's own network; of two checkpoints of a study of several networks, means over them.

    Attributes:
        first, second: their names. images: n.
        accuracy: share of the images that are classified correctly, paired. held_out: the same of all held-out images,
            not paired. Both None if labels are unknown.
        agreement: share of the images for which both predict the same class.
        layers: that both have. changed: images.
        noise: what the intervals of layers include. not_measured: what they do not.
        without_patterns: why patterns are not compared, None if they are.
    """

    first: str
    second: str
    images: int
    accuracy: Paired | None
    held_out: Paired | None
    agreement: float
    layers: tuple[LayerDifference, ...]
    changed: ChangedImages
    noise: tuple[str, ...]
    not_measured: tuple[str, ...]
    without_patterns: str | None = None


@dataclass(frozen=True)
class _Two:
    """Both sides with the noise of each; `same` tells whether they are checkpoints of one study."""

    first: Side
    second: Side
    noise: tuple[MeasuredNoise, MeasuredNoise]
    draws: Draws
    same: bool

    def widened(self, name: str, layer: str, difference: Interval) -> Interval:
        """A difference of a number of a layer, with all noise that was measured."""
        return with_noise(difference, self._noise(name, layer))

    def shown(self, side: Side, layer: str) -> tuple[KnowledgeResult, EvidenceResult]:
        """Counts and evidence of a layer, over networks if the difference is."""
        place = (side.results, layer, side.checkpoint)
        if self.same:
            return knowledge_of(*place), evidence_of(*place)
        return side.results.knowledge(layer, side.checkpoint), side.results.evidence(layer, side.checkpoint)

    def _noise(self, name: str, layer: str) -> Noise:
        if self.same:
            return self.noise[0].of_step(name, (layer, self.first.checkpoint), (layer, self.second.checkpoint))
        return noise_between(name, (layer, layer), *self.noise)


def differ(first: Side, second: Side, layers: Sequence[str], draws: Draws) -> StudyDifference:
    """Return the difference of two sides with the same images, in layers that both have.

    Cost: some draws of the images for each layer and class.
    """
    same = first.results is second.results
    known = measured_noise(first.results)
    noise = (known, known if same else measured_noise(second.results))
    two = _Two(first, second, noise, draws, same)
    images = first.results.images
    labelled = images.labelled is not False
    without = _without_patterns(first, second)
    compared = tuple(_layer(two, layer, patterns=without is None) for layer in layers)
    return StudyDifference(
        first=first.name,
        second=second.name,
        images=len(images.labels),
        accuracy=_accuracy(two) if labelled else None,
        held_out=_held_out(two) if labelled else None,
        agreement=float((first.decisions == second.decisions).double().mean()),
        layers=compared,
        changed=_changed(two, layers[-1]),
        noise=sources_of(*noise),
        not_measured=_not_measured(noise),
        without_patterns=without,
    )


def _without_patterns(first: Side, second: Side) -> str | None:
    """Why patterns cannot be compared, None if they can."""
    without = [side.name for side in (first, second) if not side.results.has(PatternsResult)]
    if without:
        return f"no patterns in {' and '.join(without)}; write a section [patterns] into the settings and run again"
    early = [side.name for side in (first, second) if side.checkpoint != side.results.checkpoints(EvidenceResult)[-1]]
    return f"patterns are those of the last checkpoint, which {' and '.join(early)} is not" if early else None


def _layer(two: _Two, layer: str, *, patterns: bool) -> LayerDifference:
    """Evidence, counts, classes and ledger of a layer."""
    sides = (two.first, two.second)
    told = [side.results.evidence(layer, side.checkpoint) for side in sides]
    known = [side.results.knowledge(layer, side.checkpoint) for side in sides]
    # Within one study, the networks are the same on both sides, and the difference is their mean.
    shown = [two.shown(side, layer) for side in sides]
    counts = bootstrap_count_differences(
        known[0].points, known[1].points, resamples=two.draws.resamples, seed=two.draws.seed
    )
    (before, _), (after, _) = shown
    pairs = {
        name: Paired(getattr(before.counts, name), getattr(after.counts, name), two.widened(name, layer, counts[name]))
        for name in COUNTS
    }
    grown = (told[1].bits.double() - told[0].bits.double()).mean(dim=1)
    more = two.widened("evidence", layer, two.draws.mean(grown))
    images = two.first.results.images
    moments = [moment_of(side.results, layer, side.checkpoint, side.name) for side in sides]
    alike = moments[0].mask.shape == moments[1].mask.shape
    return LayerDifference(
        layer=layer,
        evidence=Paired(shown[0][1].evidence, shown[1][1].evidence, more),
        total=pairs["total"],
        reliable=pairs["reliable"],
        ratio=pairs["ratio"],
        classes=_classes(two, told, grown),
        ledger=ledger_of(layer, moments[0], moments[1], images.classes, images.labels, two.draws) if alike else None,
        patterns=pattern_difference(two.first.results, two.second.results, layer, two.draws) if patterns else None,
    )


def _classes(two: _Two, told: Sequence[EvidenceResult], grown: Tensor) -> tuple[ClassDifference, ...]:
    """Evidence by class, with intervals over the images of the class."""
    images = two.first.results.images
    rows = [{row.name: row.evidence for row in each.classes} for each in told]
    return tuple(
        ClassDifference(name, Paired(rows[0][name], rows[1][name], two.draws.mean(grown[images.labels == label])))
        for label, name in enumerate(images.classes)
        if name in rows[0] and name in rows[1]
    )


def _accuracy(two: _Two) -> Paired:
    """Accuracy on the analysed images, with the noise of training if networks of either were measured."""
    first, second = (side.correct.double() for side in (two.first, two.second))
    difference = _of_shares(with_noise(two.draws.mean(second - first), _training_noise(two)))
    return Paired(two.draws.mean(first), two.draws.mean(second), difference)


def _held_out(two: _Two) -> Paired | None:
    """Accuracy on all held-out images; which of them are classified correctly is not kept: nothing is paired."""
    before, after = (side.results.training(side.checkpoint) for side in (two.first, two.second))
    if before.held_out_accuracy is None or after.held_out_accuracy is None:
        return None
    first, second = (before.held_out_accuracy, before.held_out_images), (after.held_out_accuracy, after.held_out_images)
    difference = _of_shares(with_noise(share_difference(*first, *second), _training_noise(two)))
    return Paired(share_interval(*first), share_interval(*second), difference)


def _of_shares(difference: Interval) -> Interval:
    """A difference of two shares, limited to [-1, 1]."""
    low, high = (None if end is None else min(1.0, max(-1.0, end)) for end in (difference.low, difference.high))
    return Interval(difference.value, low, high)


def _training_noise(two: _Two) -> Noise:
    """The spread of the accuracy over trainings: of the same networks at both checkpoints, or of different ones."""
    first, second = (
        [each.held_out_accuracy for each in noise.networks_at(side.checkpoint)]
        for side, noise in zip((two.first, two.second), two.noise, strict=True)
    )
    if two.same and first and second:
        apart = seed_spread([b - a for a, b in zip(first, second, strict=True) if a is not None and b is not None])
        # Of the difference itself, which has the noise of two networks.
        return Noise() if apart is None else Noise(trainings=apart / 2**0.5, count=len(first))
    known = [(spread, len(each)) for each in (first, second) if (spread := seed_spread(each)) is not None]
    if not known:
        return Noise()
    pooled = (sum(spread**2 for spread, _ in known) / len(known)) ** 0.5
    return Noise(trainings=pooled, count=min(count for _, count in known))


def _changed(two: _Two, layer: str) -> ChangedImages:
    """Images whose predicted class differs, sorted by the evidence lost in a layer, the largest loss first."""
    images, first, second = two.first.results.images, two.first.decisions, two.second.decisions
    told = [side.results.evidence(layer, side.checkpoint) for side in (two.first, two.second)]
    grown = (told[1].bits.double() - told[0].bits.double()).mean(dim=1)
    differs = first != second
    was, is_now = two.first.correct, two.second.correct
    rows = torch.nonzero(differs).flatten()
    shown = rows[grown[rows].argsort()][:MOST_IMAGES].tolist()
    names = images.classes
    return ChangedImages(
        corrected=int((differs & is_now).sum()),
        broken=int((differs & was).sum()),
        still_wrong=int((differs & ~was & ~is_now).sum()),
        images=tuple(
            ChangedImage(
                sample=row,
                name=images.names[row],
                true=names[int(images.labels[row])],
                first=names[int(first[row])],
                second=names[int(second[row])],
                bits=float(grown[row]),
            )
            for row in shown
        ),
    )


def _not_measured(noise: tuple[MeasuredNoise, MeasuredNoise]) -> tuple[str, ...]:
    """The noise that neither or only one has measured, with the section that measures it."""
    lacks_draws = [each.draws is None for each in noise]
    lacks_networks = [each.count < 2 for each in noise]
    found = []
    if any(lacks_draws):
        found.append(f"the draw of folds and neighbours{_of_one(lacks_draws)} ([spread] measures it)")
    if any(lacks_networks):
        found.append(f"another training{_of_one(lacks_networks)} ([replicates] measures it)")
    return tuple(found)


def _of_one(lacks: Sequence[bool]) -> str:
    """Name the study that lacks something, if the value of the other is used for both."""
    return "" if all(lacks) else f" of {'the first' if lacks[0] else 'the second'}, so the value of the other is used"
