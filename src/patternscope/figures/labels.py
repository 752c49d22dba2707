"""Names beside points without overlap, names that fit, and legends of classes."""

from collections.abc import Sequence
from functools import lru_cache
from math import cos, pi, sin
from typing import TYPE_CHECKING, Any

import numpy as np

from patternscope.figures.style import (
    INK,
    SMALL,
    SOFT,
    TITLE,
    class_marks,
    font_families,
    missing_letters_told,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_ANGLES = 24
_RINGS = 14
_LINE, _COLUMN = 0.16, 0.85  # inches of a legend's entry


@lru_cache(maxsize=4096)
def text_width(text: str, size: float) -> float:
    """Return the width of a text in points, in the font of all figures.

    >>> text_width("mm", 8) > text_width("m", 8) > 0
    True
    """
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    if not text.strip():
        return 0.0
    font = FontProperties(family=font_families())
    with missing_letters_told():
        return float(TextPath((0, 0), text, size=size, prop=font).get_extents().width)


def shortened(text: str, size: float, width: float) -> str:
    """Return a text that is at most `width` points wide, with an ellipsis where it was cut.

    >>> shortened("cat", 8, 100), shortened("a very long class name", 8, 50)[-1]
    ('cat', '…')
    """
    text = text.replace("$", r"\$")
    if text_width(text, size) <= width:
        return text
    while len(text) > 1 and text_width(f"{text}…", size) > width:
        text = text[:-1].rstrip()
    return f"{text}…"


def moment_labels(names: Sequence[str], steps: Sequence[int | None]) -> tuple[list[str], str]:
    """Return short labels of checkpoints for an axis, and what they are.

    Steps where they are known; otherwise names, without what all have in common before their numbers.

    >>> moment_labels(["step 0", "step 9"], [0, 9])
    (['0', '9'], 'training step')
    >>> moment_labels(["epoch_5", "epoch_10"], [None, None])
    (['5', '10'], 'checkpoint epoch_…')
    """
    if None not in steps:
        return [str(step) for step in steps], "training step"
    common = names[0].rstrip("0123456789")
    rest = [name.removeprefix(common) for name in names]
    if common and all(each.isdecimal() for each in rest):
        return rest, f"checkpoint {common}…"
    return list(names), "checkpoint"


def place_labels(
    tips: np.ndarray, sizes: np.ndarray, reach: tuple[float, float], *, gap: float = 3.0
) -> np.ndarray:
    """Return the centre of each label: beside its tip, outwards if possible, over no other label or tip.

    Each label in turn takes the cheapest of places on rings around its tip; far, inward, and over a tip cost.
    Where no place is free, the one with the least overlap is taken.

    `tips` (c, 2) and the result are in points from the origin; `sizes` (c, 2) widths and heights of the
    labels; labels stay within +-`reach`. Cost: c^2 x 336 comparisons.

    >>> centre = place_labels(np.array([[10.0, 0.0]]), np.array([[20.0, 8.0]]), (100, 100))[0]
    >>> bool(centre[0] > 20)
    True
    """
    placed = np.zeros((0, 4))
    centres = np.zeros_like(tips, dtype=float)
    for each in np.lexsort((tips[:, 0], -tips[:, 1])):
        places = tips[each] + _offsets(sizes[each], gap)
        costs = _costs(places, tips, each, sizes[each], placed, np.asarray(reach))
        best = places[int(np.argmin(costs))]
        centres[each] = best
        placed = np.vstack([placed, [*best, *sizes[each]]])
    return centres


def _offsets(size: np.ndarray, gap: float) -> np.ndarray:
    """Centres of a label around its tip: ring by ring, the label's edge at `gap` and beyond."""
    turns = [2 * pi * step / _ANGLES for step in range(_ANGLES)]
    return np.array(
        [
            [
                cos(turn) * (size[0] / 2 + gap + ring * size[1] * 0.6),
                sin(turn) * (size[1] / 2 + gap + ring * size[1] * 0.6),
            ]
            for ring in range(_RINGS)
            for turn in turns
        ]
    )


def _costs(
    places: np.ndarray,
    tips: np.ndarray,
    own: int,
    size: np.ndarray,
    placed: np.ndarray,
    reach: np.ndarray,
) -> np.ndarray:
    """What each place of one label costs."""
    away = places - tips[own]
    outward = tips[own] / max(1e-9, float(np.hypot(*tips[own])))
    distance = np.maximum(0, np.abs(away) - size / 2)
    cost = np.hypot(distance[:, 0], distance[:, 1])
    cost = cost - 6 * (away @ outward) / np.maximum(1e-9, np.hypot(away[:, 0], away[:, 1]))
    others = np.delete(tips, own, axis=0)
    covers = (np.abs(places[:, None] - others[None]) < size / 2 + 2).all(axis=2).sum(axis=1)
    overlap = np.minimum(0, np.abs(places[:, None] - placed[None, :, :2]) - (size + placed[None, :, 2:]) / 2)
    blocked = np.where((overlap < 0).all(axis=2), overlap.prod(axis=2), 0).sum(axis=1)
    outside = np.maximum(0, np.abs(places) + size / 2 - reach).sum(axis=1)
    return cost + 15 * covers + 1e3 * (blocked > 0) + 10 * blocked + 50 * outside


def legend_height(width: float, count: int) -> float:
    """Return the height in inches of a legend of `count` classes in a figure of some width.

    >>> legend_height(8.5, 10), legend_height(8.5, 11)
    (0.16, 0.32)
    """
    return _LINE * -(-count // max(1, int(width / _COLUMN)))


def draw_class_legend(figure: "Figure", classes: Sequence[str], bottom: float) -> float:
    """Draw the marks and names of classes `bottom` inches above the figure's lower edge; return the height."""
    from matplotlib.lines import Line2D

    width, height = figure.get_size_inches()
    inches = legend_height(width, len(classes))
    lines = [
        Line2D([], [], color=mark.colour, marker=mark.marker, linestyle="", label=shortened(name, 6.5, 44))
        for name, mark in zip(classes, class_marks(len(classes)), strict=True)
    ]
    figure.legend(
        handles=lines,
        loc="lower center",
        bbox_to_anchor=(0.5, bottom / height),
        ncols=-(-len(classes) // round(inches / _LINE)),
        fontsize=6.5,
        markerscale=0.65,
        handletextpad=0.2,
        columnspacing=1.0,
        labelspacing=0.35,
        borderpad=0,
    )
    return inches


def write_heading(figure: "Figure", title: str, *lines: str, h_pad: float = 0.06) -> None:
    """Write a title and small lines below it above the panels of a figure that is laid out by itself."""
    width, height = figure.get_size_inches()
    left = 0.1 / width
    figure.text(left, 1 - 0.18 / height, title, fontsize=TITLE, color=INK, weight="bold", va="center")
    places = [0.4 + 0.15 * place for place in range(len(lines))]
    for down, text in zip(places, lines, strict=True):
        figure.text(left, 1 - down / height, text, fontsize=SMALL, color=SOFT, va="center")
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, 0, 1, 1 - (places[-1] + 0.11) / height), w_pad=0.06, h_pad=h_pad)
