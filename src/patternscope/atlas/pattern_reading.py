"""The patterns of a finished study, read for the atlas."""

import numpy as np

from patternscope.atlas.contents import LayerPatterns, PatternEntry, PatternFall, Triple
from patternscope.knowledge.intervals import Interval
from patternscope.results.pattern_tests import PatternTest, PatternTestsResult, pattern_tests_of
from patternscope.results.patterns import PatternsResult
from patternscope.results.study import StudyResults

_PATCHES = 8  # typical regions shown per pattern


def layer_patterns(results: StudyResults, layer: str) -> LayerPatterns | None:
    """Return the patterns of a layer with their tests, None without [patterns]."""
    if layer not in results.layers(PatternsResult):
        return None
    found = results.load(PatternsResult, layer=layer)
    tested = pattern_tests_of(results, {layer: found}).get(layer)
    region = results.region(layer)
    return LayerPatterns(
        owner=found.owners(*region.embedding.shape[:2]).numpy(),
        entries=tuple(_entry(results.classes, found, place, tested) for place in range(len(found.patterns))),
        field=found.field,
        untested=None if tested is None else tested.omitted,
    )


def _entry(classes: list[str], found: PatternsResult, place: int, tested: PatternTestsResult | None) -> PatternEntry:
    """The entry of a pattern."""
    pattern = found.patterns[place]
    return PatternEntry(
        label=classes.index(pattern.class_name),
        number=pattern.number,
        name=pattern.name,
        regions=pattern.regions,
        images=pattern.images,
        share=_triple(pattern.share),
        stability=pattern.stability,
        chance=pattern.chance,
        specific=_triple(pattern.specific),
        prior=pattern.prior,
        refits=pattern.refits,
        appears=pattern.appears and pattern.appears.name,
        shared=tuple((classes.index(other.name), other.share.value or 0.0) for other in pattern.shared),
        fall=None if tested is None else _fall(tested.tests[place]),
        typical=np.stack([each.numpy() for each in found.typical(place, _PATCHES)], axis=1),
    )


def _fall(test: PatternTest) -> PatternFall | None:
    """The fall of the probability, None if the network was not tested."""
    told = test.dependence
    if told is None:
        return None
    falls = (_triple(each) for each in (told.own, told.others, told.rest))
    return PatternFall(told.images, told.before, *falls, beyond_others=told.is_used_most, beyond_rest=told.is_used)


def _triple(interval: Interval) -> Triple:
    """Value, low and high."""
    return interval.value, interval.low, interval.high
