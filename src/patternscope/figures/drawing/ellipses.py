"""The ellipse that covers a share of a cloud of points."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Ellipse:
    """Centre (2,), half axes (long, short), and the angle of the long one from the first axis in degrees."""

    centre: np.ndarray
    half_axes: tuple[float, float]
    angle: float


def coverage_ellipse(points: np.ndarray, share: float) -> Ellipse | None:
    """Return the ellipse of a cloud's mean and covariance that is just large enough for a share of its points.

    ``{x : (x - m)^T S^-1 (x - m) <= q}``, q the share's quantile of the points' own values. `points` (m, 2),
    `share` in (0, 1]; None for fewer than three points or points on one line.

    >>> square = np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    >>> [round(axis, 6) for axis in coverage_ellipse(square, 1.0).half_axes]
    [1.414214, 1.414214]
    """
    if len(points) < 3:
        return None
    centre = points.mean(axis=0)
    away = points - centre
    variances, axes = np.linalg.eigh(away.T @ away / len(points))
    if variances[0] <= 1e-12 * max(variances[1], 1e-300):
        return None
    distance = ((away @ axes) ** 2 / variances).sum(axis=1)
    reach = np.quantile(distance, share, method="inverted_cdf")
    long, short = np.sqrt(reach * variances[::-1])
    angle = float(np.degrees(np.arctan2(axes[1, 1], axes[0, 1])) % 180)
    return Ellipse(centre, (float(long), float(short)), angle)


def ellipse_cells(ellipse: Ellipse | None) -> dict[str, float | None]:
    """Return an ellipse as cells of a table, empty without one."""
    names = ("centre_right", "centre_up", "long", "short", "angle")
    if ellipse is None:
        return dict.fromkeys(names)
    values = (*map(float, ellipse.centre), *ellipse.half_axes, ellipse.angle)
    return dict(zip(names, values, strict=True))
