"""Figure: the patterns of a class, over layers and training: patches of each, and when its regions became reliable."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from patternscope.errors import InputError
from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Axes, Figure, StudyResults
from patternscope.figures.drawing.choices import Layers, choose_layers, known_names
from patternscope.figures.drawing.examples import empty_sheet
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import checkpoint_labels, shortened
from patternscope.figures.drawing.needs import IMAGES
from patternscope.figures.drawing.pattern_patches import (
    LAYER,
    LEFT,
    PATCH,
    PITCH,
    Patch,
    cut_patches,
    draw_pattern,
    row_width,
)
from patternscope.figures.drawing.style import FAINT, INK, NORMAL, RELIABLE, SMALL, figure_style
from patternscope.results.formatting import number, percent, plus_minus
from patternscope.results.pattern_tests import PatternTest, PatternTestsResult, pattern_tests_of
from patternscope.results.patterns import LayerPattern, PatternsResult
from patternscope.results.result import reads

_WORDS, _COURSE, _FOOT = 2.3, 1.35, 0.62
_WITHOUT = (
    "Fall without it: of the probability of the class when the layer loses the pattern's regions (in brackets: as many "
    "other reliable regions of the same images); *: more than without these, beyond the noise."
)


@dataclass(frozen=True)
class ShownPattern:
    """A pattern, its most typical patches, each of a different image where it has enough, and its test."""

    pattern: LayerPattern
    patches: list[Patch]
    test: PatternTest | None = None


@dataclass(frozen=True)
class PatternsData:
    """The patterns of one class by layer, shallow to deep, most evidence first; empty for some layers."""

    class_name: str
    layers: dict[str, list[ShownPattern]]
    results: dict[str, PatternsResult]
    tests: dict[str, PatternTestsResult] = field(default_factory=dict)


def data(results: StudyResults, class_name: str | None = None, layers: Layers = None, patches: int = 8) -> PatternsData:
    """Return what the figure shows: the patterns of a class, by default of the one with the most patterns.

    `patches` is how many each shows, 1 to 16.
    """
    if not 1 <= patches <= 16:
        raise InputError(f"patches: expected 1 to 16, got {patches}")
    names = choose_layers(results, PatternsResult, layers)
    found = {name: results.load(PatternsResult, layer=name) for name in names}
    counts = [sum(len(each.of_class(name)) for each in found.values()) for name in results.classes]
    asked = None if class_name is None else known_names("class_name", class_name, results.classes)[0]
    chosen = asked or results.classes[int(np.argmax(counts))]
    pixels = results.images.images.numpy()
    tests = pattern_tests_of(results, found)
    shown = {
        layer: [_shown(each, place, pixels, patches, tests.get(layer)) for place in each.of_class(chosen)]
        for layer, each in found.items()
    }
    return PatternsData(chosen, shown, found, tests)


def _shown(
    found: PatternsResult, place: int, images: np.ndarray, count: int, tests: PatternTestsResult | None
) -> ShownPattern:
    """A pattern with patches of its most typical regions."""
    test = None if tests is None else tests.tests[place]
    return ShownPattern(found.patterns[place], cut_patches(found, place, images, count), test)


@figure_style()
def draw(shown: PatternsData) -> Figure:
    """Return the figure: a row per pattern, with its patches, its measurements, and its regions over training."""
    rows = {layer: patterns for layer, patterns in shown.layers.items() if patterns}
    title = f"The patterns of {shown.class_name}, over layers and training"
    if not rows:
        return empty_sheet(title, "", f"{shown.class_name} has no pattern in {', '.join(shown.layers)}")
    most = max(len(pattern.patches) for patterns in rows.values() for pattern in patterns)
    words = row_width(most) + 0.1
    width = words + _WORDS + _COURSE + 0.25
    heading = layout.heading_lines(0.96 * width, _explanations(shown, rows))
    top = 0.5 + 0.15 * len(heading)
    count = sum(map(len, rows.values()))
    height = top + len(rows) * LAYER + count * PITCH + _FOOT
    figure = layout.new_figure(width, height)
    layout.write_heading(figure, title, *heading)
    down, last = top, list(rows)[-1]
    for layer, patterns in rows.items():
        layout.write_text(figure, LEFT, down + 0.12, shortened(layer, NORMAL, 200), weight="bold")
        down += LAYER
        for pattern in patterns:
            draw_pattern(figure, pattern.pattern, pattern.patches, down)
            _write_measures(figure, pattern, words, down)
            panel = layout.add_panel(figure, words + _WORDS, down + 0.06, _COURSE, PATCH - 0.12)
            ends = layer == last and pattern is patterns[-1]
            _draw_course(panel, pattern.pattern, shown.results[layer], named=ends)
            down += PITCH
    return figure


def _explanations(shown: PatternsData, rows: dict[str, list[ShownPattern]]) -> list[str]:
    """The caption: what is shown, and the meaning of the numbers."""
    without = [layer for layer in shown.layers if layer not in rows]
    several = any(row.pattern.networks is not None for patterns in rows.values() for row in patterns)
    lines = [
        "Clusters of the reliable calibrated regions by their features, and the most typical patches of each, from "
        "different images if possible. Solid: the region; dashed: its effective receptive field, with 90 % of the "
        "gradient. Right: the share of the pattern's regions that are reliable, over training.",
        "Evidence: the share of the class's reliable bits. Stable: the Jaccard index with clusters of other halves of "
        "the images (in brackets by chance). Like it: of such regions in unseen images, the share in "
        f"images of {shown.class_name} (in brackets by chance). Also: other classes, and their shares."
        + (" Shared: of its points, those that all networks have." if several else ""),
        *([_WITHOUT] if shown.tests else []),
    ]
    return [*lines, f"No pattern in {', '.join(without)}."] if without else lines


def _write_measures(figure: Figure, shown: ShownPattern, left: float, down: float) -> None:
    """The measurements of a pattern, in four or five lines."""
    pattern = shown.pattern
    several = f"stable {number(pattern.stability)} ({number(pattern.chance)})"
    stable = "the only pattern" if pattern.within is None else several
    also = ", ".join(f"{other.name} {percent(other.share.value)}" for other in pattern.shared) or "no other class"
    share, specific = pattern.share, pattern.specific
    networks = "" if pattern.networks is None else f"; {percent(pattern.networks)} shared"
    lines = (
        f"evidence {_percents(share.value, share.low, share.high)}",
        stable + networks,
        f"like it {_percents(specific.value, specific.low, specific.high)} ({percent(pattern.prior)})",
        f"also {also}",
        *_without(shown.test),
    )
    pitch = 0.62 / max(4, len(lines))
    for place, line in enumerate(lines):
        text = shortened(line, SMALL, 72 * (_WORDS - 0.5))
        layout.write_text(figure, left, down + 0.1 + pitch * place, text, fontsize=SMALL, color=INK)


def _without(test: PatternTest | None) -> list[str]:
    """The fall of the probability without the pattern, and without as many other regions."""
    dependence = None if test is None else test.dependence
    if dependence is None:
        return []
    mark = " *" if dependence.is_used_most else ""
    return [f"fall without it {plus_minus(dependence.own)} ({number(dependence.others.value)}){mark}"]


def _percents(value: float | None, low: float | None, high: float | None) -> str:
    """A share with its interval, in percent."""
    if low is None or high is None:
        return percent(value)
    return f"{percent(value)} ({number(100 * low, 0)}–{number(100 * high, 0)})"


def _draw_course(axes: Axes, pattern: LayerPattern, found: PatternsResult, *, named: bool) -> None:
    """The share of a pattern's regions that are reliable at each checkpoint, and when half of them first are."""
    places = np.arange(len(pattern.presence))
    axes.axhline(0.5, color=FAINT, linewidth=0.7, zorder=0)
    axes.fill_between(places, pattern.presence, color=FAINT, alpha=0.5, linewidth=0)
    axes.plot(places, pattern.presence, color=RELIABLE, linewidth=1.2, clip_on=False)
    labels, kind = checkpoint_labels(
        [each.name for each in found.checkpoints], [each.step for each in found.checkpoints]
    )
    if pattern.appears is not None:
        at = [each.checkpoint for each in found.checkpoints].index(pattern.appears.checkpoint)
        axes.plot([at], [pattern.presence[at]], "o", color=RELIABLE, markersize=3, clip_on=False)
        # Before that, the curve is below one half, so there is room above it, unless there is nothing before.
        before = at > 0.35 * len(places)
        place = (at - 0.45, 0.72, "right") if before else (at + 0.3, 0.08, "left")
        axes.text(*place[:2], shortened(f"from {labels[at]}", SMALL, 60), ha=place[2], fontsize=layout.NOTE)
    axes.set(ylim=(0, 1), yticks=[0, 1], xlim=(0, max(1, places[-1])), xticks=[])
    axes.set_yticklabels(["0", "100 %"], fontsize=layout.NOTE)
    if named:
        ends = layout.spread_out(len(places), 4)
        axes.set_xticks(ends, [labels[each] for each in ends], fontsize=layout.NOTE)
        axes.set_xlabel(kind, fontsize=SMALL)


def table(shown: PatternsData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one per layer and pattern."""
    tested = {layer: list(tests.rows()) for layer, tests in shown.tests.items()}
    return [
        {"layer": layer, **row, **({} if layer not in tested else tested[layer][place]), **_reliable(presence)}
        for layer, found in shown.results.items()
        for place, (row, presence) in enumerate(
            zip(found.rows(), (pattern.presence for pattern in found.patterns), strict=True)
        )
        if row["class"] == shown.class_name
    ]


def _reliable(presence: Sequence[float]) -> dict[str, float]:
    """The share of a pattern's regions that is reliable, by checkpoint."""
    return {f"reliable_{place}": value for place, value in enumerate(presence)}


def about(shown: PatternsData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    return {
        "class": shown.class_name,
        "patterns": {layer: len(patterns) for layer, patterns in shown.layers.items()},
        "receptive_field_pixels": {layer: found.field for layer, found in shown.results.items()},
    }


_READS = (IMAGES, reads(PatternsResult, layer="all"))
_ALSO = (reads(PatternTestsResult, layer="all"),)
FIGURE = StudyFigure("patterns", data, draw, table, about, _READS, _ALSO, version=2, weight=2.0)
