"""Figure: the patterns of a class, over layers and training: patches of each, and when its regions became reliable."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from patternscope.errors import InputError
from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Axes, Figure, StudyResults
from patternscope.figures.drawing.choices import Layers, choose_layers, known_names
from patternscope.figures.drawing.examples import empty_sheet, rgb, show_image
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import checkpoint_labels, shortened
from patternscope.figures.drawing.needs import IMAGES
from patternscope.figures.drawing.style import FAINT, INK, NORMAL, RELIABLE, SMALL, SOFT, figure_style
from patternscope.results.formatting import number, percent, plus_minus
from patternscope.results.pattern_tests import PatternTest, PatternTestsResult
from patternscope.results.patterns import LayerPattern, PatternsResult
from patternscope.results.result import reads

_PATCH, _GAP, _LEFT, _NAMES, _WORDS, _COURSE = 0.68, 0.06, 0.1, 0.92, 2.3, 1.35
_PITCH, _LAYER, _FOOT = 0.86, 0.3, 0.62
_WITHOUT = (
    "Fall without it: of the probability of the class once the layer loses the pattern's regions (in brackets: as many "
    "other reliable regions of the same images); *: beyond the noise farther than without these."
)
_AROUND = 1.15
"""Side of a patch, in units of the longer side of the receptive field."""


@dataclass(frozen=True)
class Patch:
    """A piece of an image with its region, and its receptive field, as left, top, right and bottom in its pixels."""

    pixels: np.ndarray
    region: tuple[float, float, float, float]
    field: tuple[float, float, float, float] | None


@dataclass(frozen=True)
class ShownPattern:
    """A pattern, its most typical patches, each of a different image where it has enough, and its test."""

    pattern: LayerPattern
    patches: list[Patch]
    test: PatternTest | None = None


@dataclass(frozen=True)
class PatternsData:
    """The patterns of one class by layer, shallow to deep, those with most evidence first; none of some layers."""

    class_name: str
    layers: dict[str, list[ShownPattern]]
    results: dict[str, PatternsResult]
    tests: dict[str, PatternTestsResult] = field(default_factory=dict)


def data(results: StudyResults, class_name: str | None = None, layers: Layers = None, patches: int = 8) -> PatternsData:
    """Return what the figure shows: the patterns of a class, by default of the one that has most of them.

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
    tested = results.layers(PatternTestsResult)
    tests = {name: results.load(PatternTestsResult, layer=name) for name in names if name in tested}
    shown = {
        layer: [_shown(each, place, pixels, patches, tests.get(layer)) for place in each.of_class(chosen)]
        for layer, each in found.items()
    }
    return PatternsData(chosen, shown, found, tests)


def _shown(
    found: PatternsResult, place: int, images: np.ndarray, count: int, tests: PatternTestsResult | None
) -> ShownPattern:
    """A pattern with patches of its most typical regions."""
    samples, regions = found.typical(place, count)
    pairs = zip(samples.tolist(), regions.tolist(), strict=True)
    return ShownPattern(
        found.patterns[place],
        [cut_patch(rgb(images[[sample]])[0], region, found.grid, found.field) for sample, region in pairs],
        None if tests is None else tests.tests[place],
    )


def cut_patch(pixels: np.ndarray, region: int, grid: tuple[int, int], field: tuple[float, float] | None) -> Patch:
    """Return the piece of an image (height, width, 3) around a region: a little more than its receptive field.

    It lies within the image, and is at least three regions wide where the image is.

    >>> patch = cut_patch(np.zeros((8, 8, 3)), 0, (4, 4), (3.0, 3.0))
    >>> patch.pixels.shape, patch.region, patch.field
    ((6, 6, 3), (0.0, 0.0, 2.0, 2.0), (-0.5, -0.5, 2.5, 2.5))
    """
    size = np.array(pixels.shape[:2])
    cell = size / grid
    middle = (np.array([region // grid[1], region % grid[1]]) + 0.5) * cell
    wanted = max(3 * cell.max(), _AROUND * max(field or (0.0, 0.0)))
    side = int(min(np.ceil(wanted), size.min()))
    corner = np.clip(np.round(middle - side / 2), 0, size - side).astype(int)
    (top, left), at = corner, middle - corner

    def box(height: float, width: float) -> tuple[float, float, float, float]:
        ends = (at[1] - width / 2, at[0] - height / 2, at[1] + width / 2, at[0] + height / 2)
        return (float(ends[0]), float(ends[1]), float(ends[2]), float(ends[3]))

    window = pixels[top : top + side, left : left + side]
    return Patch(window, box(float(cell[0]), float(cell[1])), None if field is None else box(*field))


@figure_style()
def draw(shown: PatternsData) -> Figure:
    """Return the figure: a row per pattern, its patches, what was measured of it, and its regions over training."""
    rows = {layer: patterns for layer, patterns in shown.layers.items() if patterns}
    title = f"The patterns of {shown.class_name}, over layers and training"
    if not rows:
        return empty_sheet(title, "", f"{shown.class_name} has no pattern in {', '.join(shown.layers)}")
    most = max(len(pattern.patches) for patterns in rows.values() for pattern in patterns)
    words = _LEFT + _NAMES + most * (_PATCH + _GAP) + 0.1
    width = words + _WORDS + _COURSE + 0.25
    heading = layout.heading_lines(0.96 * width, _explanations(shown, rows))
    top = 0.5 + 0.15 * len(heading)
    count = sum(map(len, rows.values()))
    height = top + len(rows) * _LAYER + count * _PITCH + _FOOT
    figure = layout.new_figure(width, height)
    layout.write_heading(figure, title, *heading)
    down, last = top, list(rows)[-1]
    for layer, patterns in rows.items():
        layout.write_text(figure, _LEFT, down + 0.12, shortened(layer, NORMAL, 200), weight="bold")
        down += _LAYER
        for pattern in patterns:
            _draw_patches(figure, pattern, down)
            _write_measures(figure, pattern, words, down)
            panel = layout.add_panel(figure, words + _WORDS, down + 0.06, _COURSE, _PATCH - 0.12)
            ends = layer == last and pattern is patterns[-1]
            _draw_course(panel, pattern.pattern, shown.results[layer], named=ends)
            down += _PITCH
    return figure


def _explanations(shown: PatternsData, rows: dict[str, list[ShownPattern]]) -> list[str]:
    """What is shown, and what the numbers are."""
    without = [layer for layer in shown.layers if layer not in rows]
    lines = [
        "Clusters of the reliable calibrated regions by their features, the most typical patches of each, from other "
        "images where there are so many. Solid: the region; dashed: its effective receptive field, where 90 % of the "
        "gradient lies. Right: the share of the pattern's regions that are reliable, over training.",
        "Evidence: the share of the class's reliable bits. Stable: the Jaccard index with clusters of other halves of "
        "the images (in brackets by chance). Like it: of such regions in unseen images, the share in "
        f"images of {shown.class_name} (in brackets by chance). Also: other classes, and how much of theirs.",
        *([_WITHOUT] if shown.tests else []),
    ]
    return [*lines, f"No pattern in {', '.join(without)}."] if without else lines


def _draw_patches(figure: Figure, shown: ShownPattern, down: float) -> None:
    """The name of a pattern and its patches."""
    name = shortened(shown.pattern.title, NORMAL, 72 * _NAMES - 6)
    layout.write_text(figure, _LEFT, down + _PATCH / 2 - 0.07, name)
    counts = f"{shown.pattern.regions} regions"
    layout.write_text(figure, _LEFT, down + _PATCH / 2 + 0.08, counts, fontsize=layout.NOTE, color=SOFT)
    for place, patch in enumerate(shown.patches):
        left = _LEFT + _NAMES + place * (_PATCH + _GAP)
        axes = layout.add_panel(figure, left, down, _PATCH, _PATCH)
        show_image(axes, patch.pixels)
        if patch.field is not None:
            _outline(axes, patch.field, (0, (2.2, 1.4)), 0.8)
        _outline(axes, patch.region, "-", 1.1)


def _outline(axes: Axes, box: tuple[float, float, float, float], line: Any, width: float) -> None:
    """A box in the pixels of a patch, inside it, on a white line that keeps it visible."""
    end, inset = axes.get_xlim()[1], 0.012 * axes.get_xlim()[1]
    left, top, right, bottom = np.clip(box, inset, end - inset)
    corners = np.array([(left, top), (right, top), (right, bottom), (left, bottom), (left, top)])
    for colour, wide, style in (("white", width + 1.1, "-"), (RELIABLE, width, line)):
        axes.plot(*corners.T, color=colour, linewidth=wide, linestyle=style, solid_joinstyle="miter")


def _write_measures(figure: Figure, shown: ShownPattern, left: float, down: float) -> None:
    """What was measured of a pattern, in four or five lines."""
    pattern = shown.pattern
    several = f"stable {number(pattern.stability)} ({number(pattern.chance)})"
    stable = "the only pattern" if pattern.within is None else several
    also = ", ".join(f"{other.name} {percent(other.share.value)}" for other in pattern.shared) or "no other class"
    share, specific = pattern.share, pattern.specific
    networks = "" if pattern.networks is None else f"; {percent(pattern.networks)} in all networks"
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
    """How far the probability falls without the pattern, and without as many other regions."""
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
        # Before that the course is below one half: above it there is room, unless there is nothing before.
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
    """Return the settings that are recorded beside the figure."""
    return {
        "class": shown.class_name,
        "patterns": {layer: len(patterns) for layer, patterns in shown.layers.items()},
        "receptive_field_pixels": {layer: found.field for layer, found in shown.results.items()},
    }


_READS = (IMAGES, reads(PatternsResult, layer="all"))
_ALSO = (reads(PatternTestsResult, layer="all"),)
FIGURE = StudyFigure("patterns", data, draw, table, about, _READS, _ALSO, version=2, weight=2.0)
