"""Names that fit, names of checkpoints, and names next to points without overlap."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import lru_cache
from math import cos, pi, sin
from typing import Any

import numpy as np

from patternscope.figures.drawing.style import font_families, one_warning_of_missing_letters

_ANGLES = 24
_RINGS = 14
_MEASURED_AT = 100.0  # size in points of the letters that are measured


def text_width(text: str, size: float) -> float:
    """Return the width of a text in points, in the font of all figures: that of its letters one after another.

    >>> text_width("mm", 8) > text_width("m", 8) > 0
    True
    """
    return size * sum(map(_advance, text.strip().replace(r"\$", "$")))


@lru_cache(maxsize=4096)
def _advance(letter: str) -> float:
    """Return the advance width of a letter at size 1; cached, since paths of long texts are slow."""
    return (_outline_width(f"|{letter}|") - _outline_width("||")) / _MEASURED_AT


def _outline_width(text: str) -> float:
    """Return the width of the outlines of a text."""
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    with one_warning_of_missing_letters():
        escaped = text.replace("$", r"\$")
        path = TextPath((0, 0), escaped, size=_MEASURED_AT, prop=FontProperties(family=font_families()))
    # The outlines of letters have points at their extremes, so their bounding box is that of the points.
    places = path.vertices[path.codes != path.CLOSEPOLY, 0]
    return float(places.max() - places.min())


def shortened(text: str, size: float, width: float) -> str:
    """Return a text that is at most `width` points wide, with an ellipsis if it was cut.

    >>> shortened("cat", 8, 100), shortened("a very long class name", 8, 50)[-1]
    ('cat', '…')
    """
    if text_width(text, size) <= width:
        return _escaped(text)
    fitting = bisect_right(range(1, len(text)), width, key=lambda length: text_width(_cut(text, length), size))
    return _cut(text, max(1, fitting))


def _escaped(text: str) -> str:
    """A text with escaped dollar signs, which would start a formula."""
    return text.replace("$", r"\$")


def _cut(text: str, length: int) -> str:
    """The beginning of a text, with an ellipsis."""
    return f"{_escaped(text[:length].rstrip())}…"


def halo() -> dict[str, Any]:
    """Return the text property that keeps a text legible over points: a white edge."""
    from matplotlib.patheffects import withStroke

    return {"path_effects": [withStroke(linewidth=2.2, foreground="white")]}


def wrapped(text: str, size: float, width: float) -> list[str]:
    """Return the lines of a text, none wider than `width` points unless a single word is.

    >>> wrapped("one two three", 8, 40)
    ['one two', 'three']
    """
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def checkpoint_labels(names: Sequence[str], steps: Sequence[int | None]) -> tuple[list[str], str]:
    """Return short labels of checkpoints for an axis, and their meaning.

    Steps if they are known; otherwise names, without their common prefix before the numbers.

    >>> checkpoint_labels(["step 0", "step 9"], [0, 9])
    (['0', '9'], 'training step')
    >>> checkpoint_labels(["epoch_5", "epoch_10"], [None, None])
    (['5', '10'], 'checkpoint epoch_…')
    """
    if None not in steps:
        return [str(step) for step in steps], "training step"
    common = names[0].rstrip("0123456789")
    numbers = [name.removeprefix(common) for name in names]
    if common and all(number.isdecimal() for number in numbers):
        return numbers, f"checkpoint {common}…"
    return list(names), "checkpoint"


def place_labels(tips: np.ndarray, sizes: np.ndarray, reach: tuple[float, float], *, gap: float = 3.0) -> np.ndarray:
    """Return the centre of each label: next to its tip, outwards if possible, without covering another label or tip.

    One after another, labels take the cheapest position on rings around their tip; distance, inward positions and
    covering a tip cost. If no position is free, the one with the least overlap is taken.

    `tips` (c, 2) and the result are in points from the origin; `sizes` (c, 2) widths and heights of the
    labels; labels stay within +-`reach`. Cost: c^2 x 336 comparisons.

    >>> centre = place_labels(np.array([[10.0, 0.0]]), np.array([[20.0, 8.0]]), (100, 100))[0]
    >>> bool(centre[0] > 20)
    True
    """
    placed = np.zeros((0, 4))
    centres = np.zeros_like(tips, dtype=float)
    for label in np.lexsort((tips[:, 0], -tips[:, 1])):
        size = sizes[label]
        places = tips[label] + _offsets(size, gap)
        costs = _costs(places, tips, label, size, placed, np.asarray(reach))
        centres[label] = places[int(np.argmin(costs))]
        placed = np.vstack([placed, [*centres[label], *size]])
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
    places: np.ndarray, tips: np.ndarray, own: int, size: np.ndarray, placed: np.ndarray, reach: np.ndarray
) -> np.ndarray:
    """The cost of each position of one label."""
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
