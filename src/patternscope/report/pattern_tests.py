"""Sentences and a table on tests of patterns: whether the network depends on them, and whether a refit has them."""

from collections.abc import Mapping, Sequence

from patternscope.knowledge.intervals import Interval
from patternscope.report.tables import Table
from patternscope.results.formatting import number, with_interval
from patternscope.results.pattern_tests import Dependence, PatternTestsResult

Layers = Mapping[str, PatternTestsResult]


def pattern_test_sentences(layers: Layers, titles: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the report's findings from the tests of some layers, shallow to deep; `titles` are of their patterns."""
    told = [sentence for layer, found in layers.items() for sentence in _of_layer(layer, found, titles[layer])]
    asked = any(found.every is not None for found in layers.values())
    return [*told, *([how_they_were_removed()] if asked else []), *refit_sentences(layers)]


def _of_layer(layer: str, found: PatternTestsResult, titles: Sequence[str]) -> list[str]:
    """The findings in a layer, or why it was not tested."""
    if found.omitted is not None:
        return [f"{layer} was not tested without its patterns: {found.omitted}."]
    return [] if found.every is None else [dependence_sentence(layer, found, found.every, titles)]


def dependence_sentence(layer: str, found: PatternTestsResult, every: Dependence, titles: Sequence[str]) -> str:
    """Return how much the probability falls without a pattern of a layer, and without which it falls most."""
    named = zip(titles, found.tests, strict=True)
    known = [(title, test.dependence) for title, test in named if test.dependence is not None]
    used = [title for title, each in known if each.is_used]
    most = [(title, each) for title, each in known if each.is_used_most]
    told = (
        f"Without the regions of a pattern of {layer} ({number(every.regions, 1)} per image), the probability of the "
        f"class falls by {_text(every.own)}, without as many other reliable regions by {_text(every.others)}, and "
        f"without as many that are not reliable by {_text(every.rest)}: {_beside(every)}. "
        f"Single patterns: for {len(used)} of {len(known)} it falls more than without unreliable regions, "
        f"for {len(most)} more than without other reliable ones, beyond the noise of each"
    )
    if not most:
        return f"{told}."
    title, each = max(most, key=lambda pair: pair[1].above_others.value or 0.0)
    return f"{told}; most for {title}, by {_text(each.own)} against {_text(each.others)}."


def _beside(every: Dependence) -> str:
    """Whether the network depends on patterns more than on other regions, in words."""
    if not every.is_used:
        return "that the network depends on patterns is not visible"
    return "the network depends on patterns" + (", more than on other reliable regions" if every.is_used_most else "")


def how_they_were_removed() -> str:
    """Return what was removed, and how often a pattern would be called used by chance."""
    return (
        "A removed region has the mean features of its position over all images, and the network runs on from there. "
        "Of patterns that the network does not use, 1 in 40 would be called used by chance. A pattern without a fall "
        "may still be used when others are missing."
    )


def refit_sentences(layers: Layers) -> list[str]:
    """Return how many of the patterns a refit has as well, of layers that have any."""
    told = [f"{found.matched} of {len(found.tests)} in {layer}" for layer, found in layers.items() if found.tests]
    if not told:
        return []
    return [
        f"A refit of the maps by other images has a pattern with most of the same regions (a Jaccard index above 0.5) "
        f"for {'; '.join(told)}: that many patterns are found again when only the fit changes."
    ]


def pattern_test_table(layers: Layers) -> Table:
    """Return a row per layer."""
    caption = (
        "Fall of the probability of the class without regions of a layer, means over its patterns. Others: as many "
        "other reliable regions of the same images; rest: as many that are not reliable. Used: patterns whose fall is "
        "beyond that of the rest; most: beyond that of others. Refit: patterns that a refit has as well."
    )
    columns = ["layer", "patterns", "images", "pattern", "others", "rest", "minus others", "used", "most", "refit"]
    return Table(caption, columns, [_row(layer, found) for layer, found in layers.items()])


def _row(layer: str, found: PatternTestsResult) -> list[str]:
    every, known = found.every, [test.dependence for test in found.tests if test.dependence is not None]
    if every is None:
        return [layer, str(len(found.tests)), *["–"] * 7, str(found.matched)]
    falls = [with_interval(each, 3) for each in (every.own, every.others, every.rest, every.above_others)]
    counts = [sum(each.is_used for each in known), sum(each.is_used_most for each in known), found.matched]
    return [layer, str(len(found.tests)), str(every.images), *falls, *map(str, counts)]


def _text(interval: Interval) -> str:
    """Return a fall with its interval; three digits, since many are small."""
    return with_interval(interval, 3)
