"""Which noise a study has measured: of the images, of draws where [spread] is, of networks where [replicates] is."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from statistics import fmean

from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.noise import Noise, with_noise
from patternscope.results.knowledge import Counts, PlainCounts, SpreadResult
from patternscope.results.replicates import NetworksResult
from patternscope.results.study import StudyResults

Place = tuple[str, int | None]
"""A layer and a checkpoint, None for the last."""
ONE_NETWORK = "one network; another training may differ by more than these intervals"


@dataclass(frozen=True)
class MeasuredNoise:
    """What a study has measured of the noise of its counts and evidence, beside the choice of images.

    Attributes:
        draws: standard deviations over draws of folds and neighbours, pooled over layers; None where not measured.
        networks: what several networks have in common, by layer and checkpoint; empty for one network.
    """

    draws: PlainCounts | None
    networks: Mapping[Place, NetworksResult]

    @property
    def count(self) -> int:
        """Networks that were analysed, the study's own included."""
        return len(next(iter(self.networks.values())).networks) if self.networks else 1

    @property
    def over(self) -> str:
        """What intervals of counts are over, in words."""
        return over_what(self.count)

    @property
    def sources(self) -> list[str]:
        """The noise that verdicts on differences hold, in words."""
        draws = ["the draw of folds and neighbours"] if self.draws else []
        trained = [f"the training ({self.count} networks)"] if self.networks else []
        return ["the choice of images", *draws, *trained]

    def of_step(self, name: str, start: Place, end: Place) -> Noise:
        """Return the noise of the difference of a number between two layers or checkpoints of the study."""
        first, last = (self.networks[place].networks if place in self.networks else () for place in (start, end))
        pairs = zip(first, last, strict=True) if first and last else ()
        differences = (_minus(getattr(b.plain, name), getattr(a.plain, name)) for a, b in pairs)
        return Noise(getattr(self.draws, name, None), tuple(differences))

    def between(self, name: str, layer: str) -> Noise:
        """Return the noise of the difference of a number of the last checkpoint from that of another network."""
        found = self.networks.get((layer, None))
        trainings = None if found is None else getattr(found.spread, name)
        return Noise(getattr(self.draws, name, None), (), trainings, self.count if trainings is not None else 0)

    def widen(self, intervals: Mapping[str, Interval], start: Place, end: Place) -> dict[str, Interval]:
        """Return differences between two layers or checkpoints, by name, with all noise that was measured."""
        return {name: with_noise(each, self.of_step(name, start, end)) for name, each in intervals.items()}


def measured_noise(results: StudyResults) -> MeasuredNoise:
    """Return which noise a study has measured; the last checkpoint's networks under None as well."""
    checkpoints = results.checkpoints(NetworksResult)
    places: list[Place] = [(layer, number) for layer in results.layers(NetworksResult) for number in checkpoints]
    networks = {place: results.load(NetworksResult, place[1], place[0]) for place in places}
    last = {(layer, None): known for (layer, number), known in networks.items() if number == checkpoints[-1]}
    return MeasuredNoise(_pooled(results), networks | last)


def counts_of(results: StudyResults, layer: str, checkpoint: int | None = None) -> Counts:
    """Return the counts of a layer: over networks and images where the reader may read several, else over images."""
    several = networks_of(results, layer, checkpoint)
    return results.knowledge(layer, checkpoint).counts if several is None else several.counts


def networks_of(results: StudyResults, layer: str, checkpoint: int | None = None) -> NetworksResult | None:
    """Return what several networks have in common in a layer, None where the study has one."""
    return results.load(NetworksResult, checkpoint, layer) if results.has(NetworksResult) else None


def over_what(networks: int | None) -> str:
    """Return what intervals of counts are over.

    >>> over_what(None), over_what(3)
    ('over images', 'over 3 networks and the images')
    """
    return f"over {networks} networks and the images" if networks and networks > 1 else "over images"


def _pooled(results: StudyResults) -> PlainCounts | None:
    """Standard deviations over draws, pooled over the layers: few draws say little of one layer."""
    spreads = [results.load(SpreadResult, layer=layer).spread for layer in results.layers(SpreadResult)]

    def pooled(values: Iterable[float | None]) -> float | None:
        squares = [value**2 for value in values if value is not None]
        return fmean(squares) ** 0.5 if squares else None

    columns = zip(*((each.total, each.reliable, each.ratio, each.evidence) for each in spreads), strict=True)
    return PlainCounts(*map(pooled, columns)) if spreads else None


def _minus(first: float | None, second: float | None) -> float | None:
    """A difference, None where one of the two does not exist."""
    return None if first is None or second is None else first - second
