"""The radial space on paper: a view, a sphere that gives the scale, arrows of mean directions, points."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from patternscope.figures.drawing.annotations import Axes
from patternscope.figures.drawing.labels import place_labels, shortened, text_width
from patternscope.figures.drawing.style import FAINT, INK, SOFT, ClassMark

SHOWN_AXES = 3
_TURNS = 24
_TILTS = (-50, -35, -20, 20, 35, 50)
_DOT: dict[str, Any] = {"linewidths": 0.25, "edgecolors": "white", "rasterized": True}
_ARROW: dict[str, Any] = {"arrowstyle": "-|>", "mutation_scale": 8, "shrinkA": 0, "shrinkB": 0}


def choose_view(directions: np.ndarray) -> np.ndarray:
    """Return the view in which the directions lie farthest apart: rows right, up, towards the viewer.

    The best of 144 orthographic views by the mean distance of a projected direction to its nearest neighbour.
    In two dimensions the plane is shown as it is. `directions` (c, e) unit vectors, of which the first three
    coordinates count; the result is orthonormal (2, 2) or (3, 3).

    >>> choose_view(np.eye(2)).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    shown = directions[:, :SHOWN_AXES]
    if shown.shape[1] == 2:
        return np.eye(2)
    angles = [(2 * np.pi * turn / _TURNS, np.radians(tilt)) for tilt in _TILTS for turn in range(_TURNS)]
    views = [_looking(turn, tilt) for turn, tilt in angles]
    return max(views, key=lambda view: _spread(shown @ view[:2].T))


def _looking(turn: float, tilt: float) -> np.ndarray:
    """The view from a direction given by two angles."""
    towards = np.array([np.cos(turn) * np.cos(tilt), np.sin(turn) * np.cos(tilt), np.sin(tilt)])
    right = np.array([-np.sin(turn), np.cos(turn), 0.0])
    return np.stack([right, np.cross(towards, right), towards])


def _spread(flat: np.ndarray) -> float:
    """Mean distance to the nearest neighbour; rounded, so that equal views tie everywhere alike."""
    if len(flat) < 2:
        return 0.0
    apart = np.linalg.norm(flat[:, None] - flat[None], axis=2) + 9 * np.eye(len(flat))
    return round(float(apart.min(axis=1).mean()), 6)


def project(points: np.ndarray, view: np.ndarray) -> np.ndarray:
    """Return points (m, e) seen in a view: (m, 3) with right, up and towards the viewer (0 in two dimensions).

    >>> project(np.array([[1.0, 2.0]]), np.eye(2)).tolist()
    [[1.0, 2.0, 0.0]]
    """
    seen = points[:, : len(view)].astype(float) @ view.T
    return np.pad(seen, ((0, 0), (0, 3 - seen.shape[1])))


def dimension_note(dimensions: int) -> str:
    """Return what a figure adds when not all dimensions can be shown.

    >>> dimension_note(3), dimension_note(5)
    ('', '  Shown: 3 of 5 dimensions.')
    """
    return "" if dimensions <= SHOWN_AXES else f"  Shown: {SHOWN_AXES} of {dimensions} dimensions."


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


def draw_sphere(axes: Axes, view: np.ndarray, radius: float, text: str | None = None) -> None:
    """Draw the sphere (the circle) of one strength: its outline and great circles, dotted where hidden."""
    angle = np.linspace(0, 2 * np.pi, 181)
    axes.plot(radius * np.cos(angle), radius * np.sin(angle), color=FAINT, linewidth=0.8, zorder=0)
    if len(view) == 3:
        for first, second in ((0, 1), (0, 2), (1, 2)):
            ring = np.zeros((len(angle), 3))
            ring[:, first], ring[:, second] = radius * np.cos(angle), radius * np.sin(angle)
            seen = project(ring, view)
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
    axes: Axes, directions: np.ndarray, view: np.ndarray, length: float, marks: Sequence[ClassMark]
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
    """Write class names at the tips (c, 2), apart from each other, with a thin line where one had to move.

    `points` is how many points one data unit has on paper; names wider than `width` points are cut.
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


def halo() -> dict[str, Any]:
    """Return the text property that keeps a text legible over points: a white edge."""
    from matplotlib.patheffects import withStroke

    return {"path_effects": [withStroke(linewidth=2.2, foreground="white")]}
