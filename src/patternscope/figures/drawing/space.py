"""The radial space in figures: a sphere that shows the scale, arrows of mean directions, points."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from patternscope.figures.drawing.annotations import Axes
from patternscope.figures.drawing.labels import halo, place_labels, shortened, text_width
from patternscope.figures.drawing.style import FAINT, INK, SOFT, ClassMark
from patternscope.figures.drawing.views import View, project

_DOT: dict[str, Any] = {"linewidths": 0.25, "edgecolors": "white", "rasterized": True}
_ARROW: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 8, "shrinkA": 0, "shrinkB": 0}


def coordinates(point: np.ndarray, name: str = "x") -> dict[str, float]:
    """Return the coordinates of a point as cells of a table.

    >>> coordinates(np.array([1.0, 2.0]))
    {'x1': 1.0, 'x2': 2.0}
    """
    return {f"{name}{axis}": float(value) for axis, value in enumerate(point, start=1)}


def prepare(axes: Axes, limits: tuple[float, float]) -> None:
    """Make axes an empty space around the origin, equal scales, no frame."""
    axes.set_axis_off()
    axes.set_aspect("equal", adjustable="box")
    axes.set(xlim=(-limits[0], limits[0]), ylim=(-limits[1], limits[1]))


def draw_sphere(axes: Axes, view: View, radius: float, text: str | None = None) -> None:
    """Draw the sphere (the circle) of one strength: its outline and great circles, dotted where hidden."""
    angle = np.linspace(0, 2 * np.pi, 181)
    axes.plot(radius * np.cos(angle), radius * np.sin(angle), color=FAINT, linewidth=0.8, zorder=0)
    if len(view.axes) == 3:
        for first, second in ((0, 1), (0, 2), (1, 2)):
            ring = np.zeros((len(angle), 3))
            ring[:, first], ring[:, second] = radius * np.cos(angle), radius * np.sin(angle)
            seen = ring @ view.turn.T
            hidden = seen[:, 2] < 0
            for part, line in ((~hidden, "-"), (hidden, ":")):
                shown = np.where(part[:, None], seen[:, :2], np.nan)
                axes.plot(*shown.T, color=FAINT, linewidth=0.6, linestyle=line, zorder=0)
    axes.plot([0], [0], marker="+", color=SOFT, markersize=5, markeredgewidth=0.8, zorder=6)
    if text:
        axes.text(0, -radius, text, ha="center", va="top", fontsize=6.5, color=SOFT, zorder=5, **halo())


def draw_points(axes: Axes, seen: np.ndarray, marks: Sequence[ClassMark], groups: np.ndarray, *, size: float) -> None:
    """Draw projected points (m, 3) in the marks of their groups (m,), far ones paler and behind.

    The points become one image in svg files.
    """
    from matplotlib.colors import to_rgb

    if not len(seen):
        return
    colours = np.array([to_rgb(mark.colour) for mark in marks])[groups]
    reach = max(1e-9, float(np.abs(seen[:, 2]).max()))
    pale = 0.25 - 0.25 * seen[:, 2:] / reach
    colours = colours * (1 - pale) + pale
    layers = np.array_split(np.argsort(seen[:, 2], kind="stable"), min(12, len(seen)))
    for depth, layer in enumerate(layers):
        for marker in dict.fromkeys(mark.marker for mark in marks):
            chosen = layer[[marks[group].marker == marker for group in groups[layer]]]
            look = {"s": size, "c": colours[chosen], "marker": marker, "zorder": 1 + depth / 20}
            axes.scatter(*seen[chosen, :2].T, **look, **_DOT)


def draw_arrows(
    axes: Axes, directions: np.ndarray, view: View, length: float, marks: Sequence[ClassMark]
) -> np.ndarray:
    """Draw mean directions as arrows of one length; return their tips (c, 2) as seen.

    Above ten classes the tip also carries the class's marker.
    """
    from matplotlib.patches import FancyArrowPatch

    seen = project(directions * length, view)
    several = len({mark.marker for mark in marks}) > 1
    for tip, mark in zip(seen, marks, strict=True):
        front = 3.5 if tip[2] >= 0 else 3.0
        for colour, width, order in (("white", 3.2, front), (mark.colour, 1.5, front + 0.2)):
            look = {"linewidth": width, "color": colour, "zorder": order}
            axes.add_patch(FancyArrowPatch((0, 0), (tip[0], tip[1]), **look, **_ARROW))
        if several:
            look = {"color": mark.colour, "markersize": 6, "mec": "white", "mew": 0.6, "zorder": 4.5}
            axes.plot(*tip[:2], mark.marker, **look)
    return seen[:, :2]


def draw_names(
    axes: Axes, tips: np.ndarray, names: Sequence[str], points: float, *, size: float, width: float = 90
) -> None:
    """Write class names at the tips (c, 2) without overlap, with a thin line to a name that had to move.

    `points` is the number of points per data unit on paper; names wider than `width` points are cut.
    """
    written = [shortened(name, size, width) for name in names]
    sizes = np.array([[text_width(name, size) + 3, size * 1.25] for name in written])
    reach = (axes.get_xlim()[1] * points, axes.get_ylim()[1] * points)
    centres = place_labels(tips * points, sizes, reach) / points
    for tip, centre, box, name in zip(tips, centres, sizes / points, written, strict=True):
        near = np.clip(tip, centre - box / 2, centre + box / 2)
        if np.hypot(*(near - tip)) * points > 1.2 * size:
            axes.plot(*np.stack([tip, near]).T, color=SOFT, linewidth=0.5, zorder=4)
        look = {"ha": "center", "va": "center", "fontsize": size, "color": INK, "zorder": 7, **halo()}
        axes.text(float(centre[0]), float(centre[1]), name, **look)
