"""The noise that a study has measured: of the images, with [spread] of draws, and with [replicates] of networks."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from statistics import fmean

from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.noise import Noise, with_noise
from patternscope.results.evidence import EvidenceResult
from patternscope.results.knowledge import CountDifferences, KnowledgeResult, PlainCounts, SpreadResult
from patternscope.results.networks import LayerComparison
from patternscope.results.replicates import NetworkNumbers, NetworksResult
from patternscope.results.study import StudyResults

Place = tuple[str, int | None]
"""A layer and a checkpoint, None for the last."""
IMAGES = "the choice of images"
"""The noise that every difference includes."""
ONE_NETWORK = "one network; another training may differ by more than these intervals"


@dataclass(frozen=True)
class MeasuredNoise:
    """The measured noise of a study's counts and evidence, other than the choice of images.

    Attributes:
        draws: standard deviations over draws of folds and neighbours, pooled over layers; None if not measured.
        networks: what several networks have in common, by layer and checkpoint; empty for one network.
    """

    draws: PlainCounts | None
    networks: Mapping[Place, NetworksResult]

    @property
    def count(self) -> int:
        """Number of analysed networks, including the study's own."""
        return len(next(iter(self.networks.values())).networks) if self.networks else 1

    def networks_at(self, checkpoint: int) -> tuple[NetworkNumbers, ...]:
        """Return the numbers of each network at a checkpoint, in some layer; none for one network."""
        places = (each for (_, number), each in self.networks.items() if number == checkpoint)
        return next((each.networks for each in places), ())

    @property
    def over(self) -> str:
        """What intervals of counts are over, in words."""
        return over_what(self.count)

    @property
    def sources(self) -> tuple[str, ...]:
        """The noise that verdicts on differences include, in words."""
        return sources_of(self)

    def of_step(self, name: str, start: Place, end: Place) -> Noise:
        """Return the noise of the difference of a number between two layers or checkpoints of the study."""
        first, last = (self.networks[place].networks if place in self.networks else () for place in (start, end))
        pairs = zip(first, last, strict=True) if first and last else ()
        differences = (_minus(getattr(b.plain, name), getattr(a.plain, name)) for a, b in pairs)
        return Noise(getattr(self.draws, name, None), tuple(differences))

    def spreads(self, name: str, layer: str) -> tuple[float | None, float | None]:
        """Return standard deviations of a number of the last checkpoint over draws, and over networks."""
        found = self.networks.get((layer, None))
        return getattr(self.draws, name, None), None if found is None else getattr(found.spread, name)

    def widen(self, intervals: Mapping[str, Interval], start: Place, end: Place) -> dict[str, Interval]:
        """Return differences between two layers or checkpoints, by name, with all noise that was measured."""
        return {name: with_noise(each, self.of_step(name, start, end)) for name, each in intervals.items()}


NOTHING_MEASURED = MeasuredNoise(None, {})
"""The noise of a study without [spread] and [replicates]."""


def sources_of(*measured: MeasuredNoise) -> tuple[str, ...]:
    """Return in words the noise that differences between networks with this measured noise include.

    >>> sources_of(NOTHING_MEASURED)
    ('the choice of images',)
    """
    draws = ["the draw of folds and neighbours"] if any(each.draws for each in measured) else []
    counts = sorted({each.count for each in measured if each.networks})
    trained = [f"the training ({' and '.join(map(str, counts))} networks)"] if counts else []
    return (IMAGES, *draws, *trained)


def measured_noise(results: StudyResults) -> MeasuredNoise:
    """Return which noise a study has measured; the last checkpoint's networks under None as well."""
    checkpoints = results.checkpoints(NetworksResult)
    places: list[Place] = [(layer, number) for layer in results.layers(NetworksResult) for number in checkpoints]
    networks = {place: results.load(NetworksResult, place[1], place[0]) for place in places}
    last = {(layer, None): known for (layer, number), known in networks.items() if number == checkpoints[-1]}
    return MeasuredNoise(_pooled(results), networks | last)


def with_measured_noise(
    compared: LayerComparison, first: MeasuredNoise, second: MeasuredNoise | None = None
) -> LayerComparison:
    """Return a comparison of two networks whose differences include the noise of images and of both networks.

    If one of the two was not measured, such as a student, the other's noise is used for both.
    """

    places = (compared.layer, compared.second_layer)

    def noise(name: str) -> Noise:
        return noise_between(name, places, first, second)

    counts, told = compared.difference, compared.evidence
    return replace(
        compared,
        difference=counts
        and CountDifferences(*(with_noise(value, noise(name)) for name, value in vars(counts).items())),
        evidence=told and replace(told, difference=with_noise(told.difference, noise("evidence"))),
    )


def noise_between(name: str, layers: tuple[str, str], first: MeasuredNoise, second: MeasuredNoise | None) -> Noise:
    """Return the noise of the difference of a number between a layer of one network and a layer of another.

    Noise that only one of the two has measured is used for both.
    """
    own = first.spreads(name, layers[0])
    other = (None, None) if second is None else second.spreads(name, layers[1])
    draws, trainings = (_root_mean_square(pair) for pair in zip(own, other, strict=True))
    measured = [each.count for each in (first, second) if each is not None and each.count > 1]
    return Noise(draws, (), trainings, min(measured) if trainings is not None else 0)


def knowledge_of(results: StudyResults, layer: str, checkpoint: int | None = None) -> KnowledgeResult:
    """Return the knowledge points of a layer; all counts are also over networks if the reader may read several.

    Points of single regions are those of the study's own network in any case.
    """
    own, several = results.knowledge(layer, checkpoint), networks_of(results, layer, checkpoint)
    if several is None:
        return own
    numbers = {name: getattr(several, name) for name in ("counts", "classes", "sweep", "shared", "on_object")}
    return own.with_values(**numbers)


def evidence_of(results: StudyResults, layer: str, checkpoint: int | None = None) -> EvidenceResult:
    """Return the evidence of a layer, its means also over networks if the reader may read several.

    Bits of single regions, and the reliability of probabilities, are those of the study's own network in any case.
    """
    own, several = results.evidence(layer, checkpoint), networks_of(results, layer, checkpoint)
    if several is None:
        return own
    numbers = {name: getattr(several, name) for name in ("evidence", "readable", "paper", "calibration_error")}
    return own.with_values(classes=several.class_evidence, **numbers)


def networks_of(results: StudyResults, layer: str, checkpoint: int | None = None) -> NetworksResult | None:
    """Return what several networks have in common in a layer, None if the study has one."""
    return results.load(NetworksResult, checkpoint, layer) if results.has(NetworksResult) else None


def over_what(networks: int | None) -> str:
    """Return what intervals of counts are over.

    >>> over_what(None), over_what(3)
    ('over images', 'over 3 networks and the images')
    """
    return f"over {networks} networks and the images" if networks and networks > 1 else "over images"


def interval_lines(shown: str, networks: int | None) -> tuple[str, str]:
    """Return two lines: what a figure shows, and what its intervals are over.

    >>> interval_lines("mean over 24 images", 3)
    ('mean over 24 images and 3 networks', '95 % intervals over 3 networks and the images')
    """
    if networks and networks > 1:
        return f"{shown} and {networks} networks", f"95 % intervals {over_what(networks)}"
    return f"{shown} with 95 % bootstrap intervals", ONE_NETWORK


def _pooled(results: StudyResults) -> PlainCounts | None:
    """Standard deviations over draws, pooled over the layers: few draws say little about one layer."""
    spreads = [results.load(SpreadResult, layer=layer).spread for layer in results.layers(SpreadResult)]

    columns = zip(*((each.total, each.reliable, each.ratio, each.evidence) for each in spreads), strict=True)
    return PlainCounts(*map(_root_mean_square, columns)) if spreads else None


def _root_mean_square(values: Iterable[float | None]) -> float | None:
    """The result for the known ones of some numbers, None if none is."""
    squares = [value**2 for value in values if value is not None]
    return fmean(squares) ** 0.5 if squares else None


def _minus(first: float | None, second: float | None) -> float | None:
    """A difference, None if one of the two does not exist."""
    return None if first is None or second is None else first - second
