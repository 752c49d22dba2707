"""Smooth curves through a few points."""

import numpy as np


def smooth_path(points: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a smooth curve through points (m, e) in order: positions (count,) along the points, and (count, e).

    Monotone cubic pieces over the length of the path, which do not overshoot. A position of 1.5 is half-way between the
    second and the third point. Repeated points count once, so that any number of distinct points is enough; a single
    one is repeated.

    Scipy's PCHIP. InputError for no point.

    >>> places, curve = smooth_path(np.array([[0.0, 0.0], [0.0, 0.0], [2.0, 2.0]]), 3)
    >>> places.tolist(), curve.tolist()
    ([1.0, 1.5, 2.0], [[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    """
    from scipy.interpolate import PchipInterpolator

    from patternscope.errors import InputError

    if points.ndim != 2 or not len(points):
        raise InputError(f"points: expected shape (m, e) with m >= 1, got {points.shape}")
    points = points.astype(float)
    lengths = np.linalg.norm(np.diff(points, axis=0), axis=1)
    # Of consecutive equal points, the last counts.
    moves = lengths > 1e-9 * max(1e-300, float(np.abs(points).max()))
    kept = np.append(moves, True)
    if kept.sum() == 1:
        return np.full(count, len(points) - 1.0), np.repeat(points[-1:], count, axis=0)
    along = np.concatenate([[0.0], np.cumsum(lengths[moves])])
    lengths = np.linspace(0, along[-1], count)
    places = np.interp(lengths, along, np.flatnonzero(kept))
    return places, PchipInterpolator(along, points[kept], axis=0)(lengths)
