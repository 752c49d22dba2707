"""The part of a difference's page on patterns: kept, lost and gained, compared with what a refit keeps."""

from collections.abc import Sequence

from patternscope.figures.drawing.annotations import Figure
from patternscope.figures.drawing.pattern_changes import ChangedPattern, draw_changes
from patternscope.figures.drawing.pattern_patches import cut_patches
from patternscope.report.formatting import BEYOND, counted, listed, verdict
from patternscope.report.page import Part
from patternscope.report.tables import Table
from patternscope.results.difference import LayerDifference, Side, StudyDifference
from patternscope.results.formatting import number, percent, with_interval
from patternscope.results.pattern_difference import ComparedPattern, PatternDifference
from patternscope.results.patterns import PatternsResult

_NAMED, _SHOWN, _PATCHES = 3, 4, 6


def patterns_part(difference: StudyDifference) -> Part:
    """Return which patterns each layer keeps, loses and gains, or why they are not compared."""
    title = "Patterns gained and lost"
    if difference.without_patterns is not None:
        return Part("patterns", title, [f"Not compared: {difference.without_patterns}."], [], [])
    told = [pattern_sentence(each, each.patterns) for each in difference.layers if each.patterns is not None]
    other = [each.layer for each in difference.layers if each.patterns is None]
    if other:
        told.append(f"Not compared in {listed(other)}: the grids differ, or one of the two has no patterns there.")
    return Part("patterns", title, [*told, how_matched()], _tables(difference), [])


def pattern_sentence(layer: LayerDifference, found: PatternDifference) -> str:
    """Return how many patterns a layer keeps, loses and gains, compared with what a refit keeps."""
    if not found.first and not found.second:
        return f"Neither has a pattern in {layer.layer}."
    kept = f"{layer.layer} keeps {found.kept} of {counted(len(found.first), 'pattern')}{_refit(found)}"
    lost, gained = _counted(found.lost, "lost"), _counted(found.gained, "gained")
    return f"{kept}; {lost}; of {len(found.second)}, {gained}."


def _refit(found: PatternDifference) -> str:
    """What a refit of the first network keeps, in brackets, with the verdict on the difference."""
    if found.refit_kept is None or found.kept_beyond_refit is None:
        return " (what a refit keeps was not measured)"
    beyond = found.kept_beyond_refit
    judged = "no fewer beyond the noise"
    if verdict(beyond) == BEYOND:
        judged = "fewer beyond the noise" if (beyond.value or 0.0) < 0 else "more beyond the noise"
    return f" (a refit of the first network keeps {found.refit_kept}: {judged} over patterns)"


def _counted(patterns: Sequence[ComparedPattern], what: str) -> str:
    """The number of patterns that are lost or gained, and those with most of their class's evidence."""
    if not patterns:
        return f"none is {what}"
    largest = sorted(patterns, key=lambda each: -(each.share.value or 0.0))[:_NAMED]
    named = listed([f"{each.title} ({percent(each.share.value)})" for each in largest])
    return (
        f"{len(patterns)} {'is' if len(patterns) == 1 else 'are'} {what}, with most of their class's evidence {named}"
    )


def how_matched() -> str:
    """Return how patterns are matched."""
    return (
        "A pattern is kept where one of the other network has a Jaccard index above 0.5 with its regions, on the same "
        "images; one that grew or shrank to twice or half of its regions may thus count as gained and lost. A refit is "
        "of the same network, its maps fitted to other images."
    )


def draw_pattern_changes(difference: StudyDifference, sides: tuple[Side, Side]) -> Figure | None:
    """Return the patterns lost and gained in each layer, those with most evidence; None without any."""
    groups: dict[str, list[ChangedPattern]] = {}
    for each in difference.layers:
        if each.patterns is not None:
            names = (f"{each.layer}: lost", f"{each.layer}: gained")
            for name, side, own in zip(names, sides, (each.patterns.first, each.patterns.second), strict=True):
                groups[name] = _shown(side, each.layer, own)
    groups = {name: group for name, group in groups.items() if group}
    lines = [
        f"Up to {_SHOWN} per layer, with most of their class's evidence; numbers are each network's own. Solid: the "
        "region; dashed: its effective receptive field."
    ]
    title = f"Patterns lost and gained from {difference.first} to {difference.second}"
    return draw_changes(title, lines, groups) if groups else None


def _shown(side: Side, layer: str, patterns: Sequence[ComparedPattern]) -> list[ChangedPattern]:
    """The patterns of a side without a partner that have the most evidence, with patches of its images."""
    alone = [place for place, pattern in enumerate(patterns) if pattern.partner is None]
    largest = sorted(alone, key=lambda place: -(patterns[place].share.value or 0.0))[:_SHOWN]
    if not largest:
        return []
    found, images = side.results.load(PatternsResult, layer=layer), side.results.images.images.numpy()
    return [ChangedPattern(found.patterns[place], cut_patches(found, place, images, _PATCHES)) for place in largest]


def _tables(difference: StudyDifference) -> list[Table]:
    """A row per pattern that is lost or gained."""
    rows = [
        [each.layer, pattern.title, what, str(pattern.regions), with_interval(pattern.share), *_overlaps(pattern)]
        for each in difference.layers
        if each.patterns is not None
        for what, patterns in (("lost", each.patterns.lost), ("gained", each.patterns.gained))
        for pattern in patterns
    ]
    caption = (
        "Patterns lost and gained. Share: of the reliable evidence of their class. Overlap: largest Jaccard index with "
        "one of the other network; refit: with one of its own refit."
    )
    columns = ["layer", "pattern", "", "regions", "share", "overlap", "refit"]
    return [Table(caption, columns, rows)] if rows else []


def _overlaps(pattern: ComparedPattern) -> list[str]:
    return [number(pattern.overlap), number(pattern.refit)]
