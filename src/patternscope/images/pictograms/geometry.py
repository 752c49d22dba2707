"""Outlines of parts in object units: x to the right, y down, an object about two units wide."""

from functools import cache
from typing import NamedTuple

import numpy as np

Corner = tuple[float, float]
Points = np.ndarray
"""Corner points, float64 of shape (m, 2)."""


class Part(NamedTuple):
    """One painted piece of an object: a filled outline, or a line when `width` is positive.

    `points` (m, 2) and `width` in object units, `paint` a name of `palette.Palette`; `name` says what it is of.
    """

    points: Points
    paint: str
    width: float = 0.0
    name: str = ""


def named(name: str, *parts: Part) -> list[Part]:
    """Return painted pieces as one part of the object, such as both ears.

    >>> [part.name for part in named("ears", *pair(shape((1, 0), (2, 1)), "body"))]
    ['ears', 'ears']
    """
    return [part._replace(name=name) for part in parts]


@cache
def _unit_arc(start: float, stop: float, count: int) -> Points:
    """Return points on the unit circle from `start` to `stop` degrees, clockwise on the screen from the right."""
    angle = np.radians(np.linspace(start, stop, count))
    return np.stack([np.cos(angle), np.sin(angle)], axis=1)


def ellipse(x: float, y: float, rx: float, ry: float | None = None, start: float = 0, stop: float = 360) -> Points:
    """Return an ellipse (m, 2), or the piece between two angles in degrees (0 is right, 90 is down).

    >>> ellipse(1, 2, 3, start=0, stop=90)[[0, -1]].round(6).tolist()
    [[4.0, 2.0], [1.0, 5.0]]
    """
    count = 25 if stop - start > 180 else 13
    return _unit_arc(start, stop, count) * (rx, rx if ry is None else ry) + (x, y)


def box(left: float, top: float, right: float, bottom: float, radius: float = 0.0) -> Points:
    """Return a rectangle with corners rounded by `radius`: (4, 2) without a radius, (16, 2) with one.

    >>> box(0, 0, 2, 1).tolist()
    [[0.0, 0.0], [2.0, 0.0], [2.0, 1.0], [0.0, 1.0]]
    """
    if radius <= 0:
        return np.array([(left, top), (right, top), (right, bottom), (left, bottom)], dtype=float)
    x0, x1, y0, y1 = left + radius, right - radius, top + radius, bottom - radius
    middles = ((x1, y1, 0), (x0, y1, 90), (x0, y0, 180), (x1, y0, 270))
    return np.concatenate([_unit_arc(a, a + 90, 4) * radius + (x, y) for x, y, a in middles])


def shape(*corners: Corner) -> Points:
    """Return the polygon, or the line, through the given corners, (m, 2).

    >>> shape((0, 0), (1, 0), (0, 1)).shape
    (3, 2)
    """
    return np.array(corners, dtype=float)


def mirrored(*corners: Corner) -> list[Corner]:
    """Return the corners of a right half and, in reverse order, their mirror images; corners on the axis appear once.

    >>> mirrored((0, 0), (1, 1), (0, 2))
    [(0, 0), (1, 1), (0, 2), (-1, 1)]
    """
    return [*corners, *((-x, y) for x, y in reversed(corners) if x)]


def pair(points: Points, paint: str, width: float = 0.0) -> list[Part]:
    """Return the mirror image of a part, and the part.

    >>> [part.points.tolist() for part in pair(shape((1, 0), (2, 1)), "body")]
    [[[-1.0, 0.0], [-2.0, 1.0]], [[1.0, 0.0], [2.0, 1.0]]]
    """
    return [Part(points * (sign, 1), paint, width) for sign in (-1, 1)]


@cache
def _spline_basis(steps: int) -> np.ndarray:
    """Return the weights of the four neighbouring points at each step of a Catmull-Rom piece, (steps, 4)."""
    t = np.arange(steps) / steps
    rows = (-t + 2 * t**2 - t**3, 2 - 5 * t**2 + 3 * t**3, t + 4 * t**2 - 3 * t**3, t**3 - t**2)
    return np.stack(rows, axis=1) / 2


def smooth(*corners: Corner, steps: int = 5) -> Points:
    """Return the closed Catmull-Rom curve through the given points.

    Returns (len(corners) * steps, 2); every corner is on the curve.

    >>> smooth((0, 0), (1, 0), (1, 1), (0, 1), steps=2)[::2].tolist()
    [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]]
    """
    knots = np.array(corners, dtype=float)
    around = np.stack([np.roll(knots, shift, axis=0) for shift in (1, 0, -1, -2)], axis=1)
    return (_spline_basis(steps) @ around).reshape(-1, 2)


def smooth_line(*corners: Corner, steps: int = 5) -> Points:
    """Return the open Catmull-Rom curve through the given points, ((len(corners) - 1) * steps + 1, 2).

    >>> smooth_line((0, 0), (1, 0), (2, 1), steps=4).shape
    (9, 2)
    """
    knots = np.array(corners, dtype=float)
    padded = np.concatenate([knots[:1], knots, knots[-1:]])
    around = np.stack([padded[i : i + len(knots) - 1] for i in range(4)], axis=1)
    return np.concatenate([(_spline_basis(steps) @ around).reshape(-1, 2), knots[-1:]])
