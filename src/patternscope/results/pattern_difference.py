"""Patterns of a layer that only one of two networks has, compared with a refit of the same network."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.pattern_matching import MATCHED, Matches, match_patterns
from patternscope.results.ledger import Draws
from patternscope.results.pattern_tests import pattern_tests_of
from patternscope.results.patterns import PatternsResult
from patternscope.results.study import StudyResults


@dataclass(frozen=True)
class ComparedPattern:
    """A pattern of one of two networks.

    Attributes:
        class_name, title: its class, and its name or number. regions: how many it has.
        share: of the evidence of the class's reliable regions.
        overlap: largest Jaccard index with a pattern of the other network, in [0, 1].
        partner: that pattern's title if the index is above 0.5, else None: the pattern is lost or gained.
        refit: the same index with a pattern of its own network's refit; None if it was not measured.
    """

    class_name: str = field(metadata={"key": "class"})
    title: str
    regions: int
    share: Interval
    overlap: float
    partner: str | None
    refit: float | None


@dataclass(frozen=True)
class PatternDifference:
    """The patterns of a layer in two networks, by class, those with most evidence first.

    Attributes:
        first, second: those of either network.
        kept_beyond_refit: share of the first network's patterns that the second has, minus the share that a refit of
            the first has, with an interval over the patterns; None if no refit was measured, or no pattern exists.
    """

    first: tuple[ComparedPattern, ...]
    second: tuple[ComparedPattern, ...]
    kept_beyond_refit: Interval | None

    @property
    def lost(self) -> list[ComparedPattern]:
        """Patterns of the first network that the second does not have."""
        return [pattern for pattern in self.first if pattern.partner is None]

    @property
    def gained(self) -> list[ComparedPattern]:
        """Patterns of the second network that the first does not have."""
        return [pattern for pattern in self.second if pattern.partner is None]

    @property
    def kept(self) -> int:
        """How many patterns both have."""
        return len(self.first) - len(self.lost)

    @property
    def refit_kept(self) -> int | None:
        """The number of the first network's patterns that a refit of it has; None if not measured."""
        known = [pattern.refit for pattern in self.first if pattern.refit is not None]
        return sum(each > MATCHED for each in known) if len(known) == len(self.first) else None


def pattern_difference(first: StudyResults, second: StudyResults, layer: str, draws: Draws) -> PatternDifference | None:
    """Return which patterns of a layer two studies of the same images have at their last checkpoints.

    None if one of them has no patterns of the layer, their grids differ, or their maps are fitted to different images.
    """
    studies = (first, second)
    if any(layer not in results.layers(PatternsResult) for results in studies):
        return None
    found = [results.load(PatternsResult, layer=layer) for results in studies]
    if found[0].grid != found[1].grid or not _same_part(*(results.images.fitted_rows for results in studies)):
        return None
    images, (height, width) = len(first.images.labels), found[0].grid
    before, after = (each.owners(images, height * width) for each in found)
    counts = (len(found[0].patterns), len(found[1].patterns))
    there, back = match_patterns(before, after, counts), match_patterns(after, before, (counts[1], counts[0]))
    refits = [_refits(results, layer, own) for results, own in zip(studies, found, strict=True)]
    sides = (_compared(found[0], found[1], there, refits[0]), _compared(found[1], found[0], back, refits[1]))
    return PatternDifference(*sides, _beyond_refit(sides[0], draws))


def _same_part(first: Tensor | None, second: Tensor | None) -> bool:
    """Whether the maps of two studies are fitted to the same of their images."""
    return first is second if first is None or second is None else torch.equal(first, second)


def _refits(results: StudyResults, layer: str, found: PatternsResult) -> Sequence[float | None]:
    """The overlap of each pattern of a network with those of its refit."""
    tests = pattern_tests_of(results, {layer: found}).get(layer)
    return [None] * len(found.patterns) if tests is None else [test.refit for test in tests.tests]


def _compared(
    own: PatternsResult, other: PatternsResult, matches: Matches, refits: Sequence[float | None]
) -> tuple[ComparedPattern, ...]:
    """The patterns of one side with their partners."""
    pairs = zip(own.patterns, matches.overlap.tolist(), matches.partner.tolist(), refits, strict=True)
    return tuple(
        ComparedPattern(
            class_name=pattern.class_name,
            title=pattern.title,
            regions=pattern.regions,
            share=pattern.share,
            overlap=overlap,
            partner=other.patterns[partner].title if partner >= 0 else None,
            refit=refit,
        )
        for pattern, overlap, partner, refit in pairs
    )


def _beyond_refit(patterns: Sequence[ComparedPattern], draws: Draws) -> Interval | None:
    """The share kept minus that kept by a refit, a mean over patterns."""
    known = [
        float(each.partner is not None) - float(each.refit > MATCHED) for each in patterns if each.refit is not None
    ]
    return draws.mean(torch.tensor(known)) if known and len(known) == len(patterns) else None
