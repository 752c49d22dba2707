"""Results of the stage pattern_tests: whether the network depends on a pattern, and whether a refit has it as well."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from patternscope.knowledge.intervals import Interval
from patternscope.results.json_csv import write_rows
from patternscope.results.patterns import PatternsResult
from patternscope.results.record_codec import encode
from patternscope.results.result import Result, record
from patternscope.results.study import StudyResults

# Column names of a test's counts, which would collide with those of the patterns.
_COLUMNS = {"images": "asked_images", "regions": "removed_regions"}


@dataclass(frozen=True)
class Dependence:
    """The fall of the probability of the class when regions are removed from a layer, a mean over images.

    A removed region has the layer's mean features at its position. From each image, equally many regions of each kind
    are removed; intervals are over images.

    Attributes:
        images: their number. regions: removed from each, a mean. before: probability of the class, a mean.
        own, others, rest: the falls without regions of the pattern, without other reliable regions, and without regions
            that are not reliable.
        above_others, above_rest: own minus others, and own minus rest, of the same images.
    """

    images: int
    regions: float
    before: float
    own: Interval
    others: Interval
    rest: Interval
    above_others: Interval
    above_rest: Interval

    @property
    def is_used(self) -> bool:
        """Whether the probability falls more than without regions that are not reliable, beyond the noise."""
        return (self.above_rest.low or 0.0) > 0

    @property
    def is_used_most(self) -> bool:
        """Whether it falls more than without other reliable regions of the class, beyond the noise."""
        return (self.above_others.low or 0.0) > 0


@dataclass(frozen=True)
class PatternTest:
    """The tests of a pattern.

    Attributes:
        class_name, number: of the pattern.
        refit: largest Jaccard index with a pattern of a refit of the layer, in [0, 1].
        dependence: None if no image has regions of all kinds, or the layer cannot be changed.
    """

    class_name: str = field(metadata={"key": "class"})
    number: int
    refit: float
    dependence: Dependence | None


class PatternTestsResult(Result):
    """Tests of the patterns of a layer at the last checkpoint, in the order of the patterns.

    Attributes:
        tests: one per pattern. every: the dependence of all patterns of the layer together: of each image the mean
            over its patterns; None as there.
        refit_patterns: how many patterns the refit has. matched: how many patterns of the layer it has, with a Jaccard
            index above 0.5.
        omitted: why the network could not be tested, None if it was.
    """

    STAGE = "pattern_tests"
    AXES = ("layer",)
    PART = "patterns"

    tests: tuple[PatternTest, ...] = record("pattern_tests")
    every: Dependence | None = record("pattern_tests")
    refit_patterns: int = record("pattern_tests")
    matched: int = record("pattern_tests")
    omitted: str | None = record("pattern_tests", omit_none=True)

    def save(self, folder: Path) -> None:
        """Write the result, and a row for each pattern into pattern_tests.csv."""
        super().save(folder)
        write_rows(folder / "pattern_tests.csv", list(self.rows()))

    def is_of(self, found: PatternsResult) -> bool:
        """Tell whether these tests belong to the given patterns, not to earlier ones."""
        tested = [(test.class_name, test.number) for test in self.tests]
        return tested == [(pattern.class_name, pattern.number) for pattern in found.patterns]

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield a row for each pattern."""
        for test in self.tests:
            told: dict[str, Any] = {} if test.dependence is None else encode(test.dependence)
            asked = {_COLUMNS.get(name, name): value for name, value in told.items()}
            yield {"class": test.class_name, "pattern": test.number, "refit": test.refit, **asked}


def pattern_tests_of(results: StudyResults, found: Mapping[str, PatternsResult]) -> dict[str, PatternTestsResult]:
    """Return the tests of the patterns of layers, if a study has them; tests of earlier patterns are omitted."""
    tested = [layer for layer in results.layers(PatternTestsResult) if layer in found]
    tests = {layer: results.load(PatternTestsResult, layer=layer) for layer in tested}
    return {layer: each for layer, each in tests.items() if each.is_of(found[layer])}
