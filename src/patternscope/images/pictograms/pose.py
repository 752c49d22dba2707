"""How parts are turned, squashed, scaled and placed on a canvas."""

import numpy as np
from PIL import Image

from patternscope.images.pictograms.geometry import Part
from patternscope.images.pictograms.painting import CanvasParts, silhouette

_PROBE = 48
_MARGIN = 0.02


def pose(rng: np.random.Generator, parts: list[Part], tilt: float) -> list[Part]:
    """Return the parts turned, flipped, sheared and squashed, with a little perspective.

    `tilt` is the standard deviation of the turn, in degrees.

    >>> square = Part(np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]), "body")
    >>> pose(np.random.default_rng(0), [square], 10.0)[0].points.shape
    (4, 2)
    """
    angle = np.radians(tilt) * rng.normal()
    shear, keystone = 0.2 * rng.uniform(-1, 1), 0.14 * rng.uniform(-1, 1)
    stretch = np.exp(0.16 * rng.uniform(-1, 1))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    cos, sin = np.cos(angle), np.sin(angle)
    matrix = np.array([[flip * stretch, 0], [shear, 1 / stretch]]) @ np.array([[cos, sin], [-sin, cos]])
    points = np.concatenate([part.points for part in parts])
    points = (points * np.stack([1 + keystone * points[:, 1], np.ones(len(points))], axis=1)) @ matrix
    return _regroup(parts, points, 1.0)


def _regroup(parts: list[Part], points: np.ndarray, scale: float) -> list[Part]:
    """Return the parts with new points, laid end to end, and their line widths scaled."""
    ends = np.cumsum([len(part.points) for part in parts]).tolist()
    pieces = zip(parts, [0, *ends], ends, strict=False)
    return [part._replace(points=points[start:end], width=part.width * scale) for part, start, end in pieces]


def _extent(parts: list[Part]) -> tuple[np.ndarray, np.ndarray]:
    """Return the lowest and highest coordinates, including line widths."""
    # One pass over all points: a smallest and a largest of each part would take longer than all the drawing.
    points = np.concatenate([part.points for part in parts])
    half = np.repeat([part.width / 2 for part in parts], [len(part.points) for part in parts])[:, None]
    return (points - half).min(axis=0), (points + half).max(axis=0)


def _move(parts: list[Part], low: np.ndarray, scale: float, corner: np.ndarray) -> list[Part]:
    """Return the parts scaled, with their lower corner at `corner`."""
    points = (np.concatenate([part.points for part in parts]) - low) * scale + corner
    return _regroup(parts, points, scale)


def _area(parts: list[Part], low: np.ndarray, span: float) -> float:
    """Return the area that the parts cover together, in object units, by a small probe drawing."""
    probe = Image.new("L", (_PROBE, _PROBE))
    silhouette(probe, CanvasParts(_move(parts, low, (_PROBE - 1) / span, np.zeros(2)), 0))
    return max(1, probe.histogram()[255]) * (span / (_PROBE - 1)) ** 2


def fitting_scale(parts: list[Part], coverage: float) -> float:
    """Return the scale at which the parts cover a share of the unit square, or a smaller one that fits.

    >>> square = Part(np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]), "body")
    >>> round(fitting_scale([square], 0.25), 1), round(fitting_scale([square], 4.0), 2)
    (0.2, 0.48)
    """
    low, high = _extent(parts)
    span = float((high - low).max())
    return min(float(np.sqrt(coverage / _area(parts, low, span))), (1 - 2 * _MARGIN) / span)


def place(rng: np.random.Generator, parts: list[Part], scale: float, side: int) -> CanvasParts:
    """Return the parts at a random place of a canvas of `side` pixels, some with an outline.

    They stay within the canvas when `scale` times their extent does.

    >>> square = Part(np.array([[-1.0, -1], [1, -1], [1, 1], [-1, 1]]), "body")
    >>> drawing = place(np.random.default_rng(0), [square], 0.25, 100)
    >>> bool((drawing.parts[0].points >= 0).all() and (drawing.parts[0].points <= 100).all())
    True
    """
    low, high = _extent(parts)
    corner = _MARGIN + rng.random(2) * (1 - 2 * _MARGIN - scale * (high - low))
    line = round(side * scale * 0.05) if rng.random() < 0.6 else 0
    return CanvasParts(_move(parts, low, scale * side, corner * side), line)
