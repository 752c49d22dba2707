"""The layout of a figure: headings and panels in inches, panels side by side, legends of classes."""

from collections.abc import Sequence
from math import ceil
from typing import Any

import numpy as np

from patternscope.figures.drawing.annotations import Axes, Figure
from patternscope.figures.drawing.choices import ShownClasses
from patternscope.figures.drawing.labels import shortened, wrapped
from patternscope.figures.drawing.style import INK, SMALL, SOFT, TITLE

ACROSS = 4
"""Most panels side by side."""
NOTE = 6.5
"""Size of the smallest text."""
_LEFT = 0.1
_LINE, _COLUMN = 0.16, 0.85  # inches of a legend's entry
_SPACING = {"handletextpad": 0.2, "columnspacing": 1.0, "labelspacing": 0.35, "borderpad": 0}
_LEGEND: dict[str, Any] = {"fontsize": NOTE, "markerscale": 0.65, **_SPACING}


def new_figure(width: float, height: float, *, laid_out: bool = False, dpi: float | None = None) -> Figure:
    """Return an empty figure of a size in inches, optionally with automatic layout of its panels."""
    from matplotlib.figure import Figure as NewFigure

    return NewFigure(figsize=(width, height), dpi=dpi, layout="constrained" if laid_out else None)


def fold(count: int, across: int = ACROSS) -> tuple[int, int]:
    """Return how many of `count` panels are side by side, and in how many lines.

    >>> fold(3), fold(9)
    ((3, 1), (4, 3))
    """
    return min(across, count), ceil(count / across)


def layer_figure(
    count: int,
    width: tuple[float, float, float],
    height: tuple[float, float],
    ylabels: Sequence[str],
    ratios: Sequence[float] = (1.0,),
    **options: Any,
) -> tuple[Figure, list[list[Axes]]]:
    """Return a figure with the panels of `count` layers, for each as many below each other as there are `ylabels`.

    `width` is the minimum, the margin next to the panels, and the width of a layer; `height` is the margin above them,
    and the height of a layer, which its panels share by `ratios`. Labels are on the left panels; `options` are those of
    subplots.
    """
    (across, lines), rows = fold(count), len(ylabels)
    least, beside, wide = width
    figure = new_figure(max(least, beside + wide * across), height[0] + height[1] * lines, laid_out=True)
    heights = [*ratios] * (rows * lines // len(ratios))
    grid = figure.subplots(rows * lines, across, squeeze=False, height_ratios=heights, **options)
    panels = [list(grid[rows * line :, column][:rows]) for line, column in np.ndindex(lines, across)]
    for place, column in enumerate(panels):
        for axes, label in zip(column, ylabels, strict=True):
            axes.set_ylabel(label if place % across == 0 else "")
            if place >= count:
                axes.set_axis_off()
    return figure, panels[:count]


def add_panel(figure: Figure, left: float, top: float, width: float, height: float) -> Axes:
    """Return axes at a place in inches from the figure's upper left corner."""
    across, down = figure.get_size_inches()
    return figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))


def write_text(figure: Figure, left: float, down: float, text: str, **style: Any) -> None:
    """Write a text at a place in inches from the figure's upper left corner."""
    width, height = figure.get_size_inches()
    figure.text(left / width, 1 - down / height, text, **{"va": "center", **style})


def write_heading(figure: Figure, title: str, *lines: str, foot: float = 0.0) -> None:
    """Write a title, and small lines below it.

    In a figure with automatic layout, the panels get the rest, except `foot` inches at the lower edge.
    """
    engine: Any = figure.get_layout_engine()
    first = 0.18 if engine else 0.2
    downs = [first + 0.22 + 0.15 * place for place in range(len(lines))]
    write_text(figure, _LEFT, first, title, fontsize=TITLE, color=INK, weight="bold")
    for down, line in zip(downs, lines, strict=True):
        write_text(figure, _LEFT, down, line, fontsize=SMALL, color=SOFT)
    if engine:
        height = figure.get_size_inches()[1]
        top = [first, *downs][-1] + 0.15
        engine.set(rect=(0, foot / height, 1, 1 - (top + foot) / height), w_pad=0.06, h_pad=0.06)


def heading_lines(width: float, texts: Sequence[str]) -> list[str]:
    """Return texts as lines for :func:`write_heading` in a figure of some width in inches.

    >>> heading_lines(6.4, ["a short line"])
    ['a short line']
    """
    # Rendered letters are a little wider than their outlines.
    room = 72 * (0.97 * width - 2 * _LEFT)
    return [line for text in texts for line in wrapped(text, SMALL, room)]


def write_foot(figure: Figure, text: str) -> None:
    """Write a small line at the lower edge."""
    height = figure.get_size_inches()[1]
    write_text(figure, _LEFT, height - 0.14, text, fontsize=SMALL - 0.5, color=SOFT)


def write_above(axes: Axes, up: float, heading: str, *lines: str) -> None:
    """Write a panel's heading centred `up` inches above it, and small lines below the heading."""
    height = axes.get_window_extent().height / axes.figure.dpi
    place: dict[str, Any] = {"transform": axes.transAxes, "ha": "center"}
    axes.text(0.5, 1 + up / height, heading, weight="bold", **place)
    for number, line in enumerate(lines, start=1):
        axes.text(0.5, 1 + (up - 0.145 * number) / height, line, fontsize=NOTE, color=SOFT, **place)


def thinned(count: int, most: int) -> list[int]:
    """Return at most `most` indices at equal distances, including the last.

    >>> thinned(4, 5), thinned(11, 5)
    ([0, 1, 2, 3], [1, 4, 7, 10])
    """
    every = ceil(count / most)
    return [place for place in range(count) if (count - 1 - place) % every == 0]


def spread_out(count: int, most: int) -> list[int]:
    """Return at most `most` indices, roughly evenly spread, including both ends; a single one is the last.

    >>> spread_out(3, 5), spread_out(11, 3), spread_out(11, 1)
    ([0, 1, 2], [0, 5, 10], [10])
    """
    if most == 1:
        return [count - 1]
    return np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)).tolist()


def name_layers(axes: Axes, layers: Sequence[str], width: float, most: int) -> None:
    """Write the names of layers below an axis, slanted if there are more than `most`."""
    axes.set_xticks(range(len(layers)), [shortened(layer, SMALL, width) for layer in layers])
    if len(layers) > most:
        axes.tick_params(axis="x", rotation=40)


def legend_height(width: float, count: int) -> float:
    """Return the height in inches of a legend of `count` classes in a figure of some width.

    >>> legend_height(8.5, 10), legend_height(8.5, 11)
    (0.16, 0.32)
    """
    return _LINE * ceil(count / max(1, int(width / _COLUMN)))


def draw_class_legend(figure: Figure, classes: ShownClasses, bottom: float) -> float:
    """Draw the marks and names of classes `bottom` inches above the figure's lower edge; return the height."""
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches()
    inches = legend_height(width, len(classes))
    lines = [
        Line2D([], [], color=mark.colour, marker=mark.marker, linestyle="", label=shortened(name, NOTE, 44))
        for name, mark in zip(classes.names, classes.marks, strict=True)
    ]
    columns, place = ceil(len(lines) / round(inches / _LINE)), (0.5, bottom / height)
    figure.legend(handles=lines, loc="lower center", bbox_to_anchor=place, ncols=columns, **_LEGEND)
    return inches
