"""How the radial space is seen: which three of its dimensions, and from where."""

from dataclasses import dataclass

import numpy as np
import torch

from patternscope.radial.view import principal_axes, shown_share
from patternscope.results.formatting import percent

SHOWN_AXES = 3
_TURNS = 24
_TILTS = (-50, -35, -20, 20, 35, 50)


@dataclass(frozen=True)
class View:
    """An orthographic view of at most three dimensions of a space of e.

    Attributes:
        axes: the dimensions that are shown, orthonormal rows (a, e).
        turn: orthonormal (a, a), rows right, up and towards the viewer, along these axes.
        share: of the variance between the mean directions that the axes show, in [0, 1].
    """

    axes: np.ndarray
    turn: np.ndarray
    share: float = 1.0

    @property
    def matrix(self) -> np.ndarray:
        """Rows right, up and towards the viewer in the space itself: (a, e), orthonormal."""
        return self.turn @ self.axes


def choose_view(directions: np.ndarray) -> View:
    """Return the view of the principal axes of mean directions (c, e) in which they lie farthest apart.

    With e <= 3 the axes are those of the space. The best of 144 views by the mean distance of a projected direction to
    its nearest neighbour; in two dimensions the plane is shown as it is.

    >>> choose_view(np.eye(2)).matrix.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    axes = shown_axes(directions)
    share = shown_share(torch.from_numpy(directions), torch.from_numpy(axes))
    if len(axes) == 2:
        return View(axes, np.eye(2), share)
    shown = directions @ axes.T
    angles = [(2 * np.pi * turn / _TURNS, np.radians(tilt)) for tilt in _TILTS for turn in range(_TURNS)]
    views = [_looking(turn, tilt) for turn, tilt in angles]
    return View(axes, max(views, key=lambda view: _spread(shown @ view[:2].T)), share)


def shown_axes(directions: np.ndarray) -> np.ndarray:
    """Return the axes (min(3, e), e) along which mean directions (c, e) differ most.

    Up to three classes span all three at most, so that the angles between them are seen as they are.

    >>> shown_axes(np.eye(3)).tolist() == np.eye(3).tolist(), shown_axes(np.eye(9)[:5]).shape
    (True, (3, 9))
    """
    e = directions.shape[1]
    if e > SHOWN_AXES >= len(directions):
        return spanned([*directions, *np.eye(e)], SHOWN_AXES)
    return principal_axes(torch.from_numpy(directions.astype(float)), SHOWN_AXES).numpy()


def spanned(directions: list[np.ndarray], most: int) -> np.ndarray:
    """Return orthonormal rows for the first `most` independent ones of some directions (e,).

    >>> spanned([np.array([0.0, 2.0]), np.array([0.0, 1.0]), np.array([1.0, 1.0])], 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    axes: list[np.ndarray] = []
    for direction in directions:
        rest = direction.astype(float)
        for axis in axes:
            rest = rest - (axis @ rest) * axis
        length = float(np.linalg.norm(rest))
        if length > 1e-6 and len(axes) < most:
            axes.append(rest / length)
    return np.stack(axes)


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


def project(points: np.ndarray, view: View) -> np.ndarray:
    """Return points (m, e) seen in a view: (m, 3) with right, up and towards the viewer (0 in two dimensions).

    >>> project(np.array([[1.0, 2.0]]), View(np.eye(2), np.eye(2))).tolist()
    [[1.0, 2.0, 0.0]]
    """
    seen = points.astype(float) @ view.matrix.T
    return np.pad(seen, ((0, 0), (0, 3 - seen.shape[1])))


def shown_lengths(points: np.ndarray, view: View) -> np.ndarray:
    """Return how long points (..., e) are along the axes that are shown, wherever these are seen from: (...,).

    >>> shown_lengths(np.array([3.0, 4.0, 0.0, 9.0]), View(np.eye(4)[:3], np.eye(3)))
    np.float64(5.0)
    """
    return np.linalg.norm(points.astype(float) @ view.axes.T, axis=-1)


def dimension_note(view: View) -> list[str]:
    """Return the line that a figure adds when not all dimensions can be shown.

    >>> dimension_note(View(np.eye(3), np.eye(3))), dimension_note(View(np.eye(9)[:3], np.eye(3), 0.46))
    ([], ['Shown: 3 of 9 dimensions, 46 % of what separates the classes; lengths appear shorter.'])
    """
    shown, e = view.axes.shape
    if e <= shown:
        return []
    parts = f"{shown} of {e} dimensions, {percent(view.share)} of what separates the classes"
    return [f"Shown: {parts}; lengths appear shorter."]


def view_cells(view: View) -> dict[str, object]:
    """Return what a figure's settings say of its view, so that its picture can be made from its csv.

    >>> view_cells(View(np.eye(2), np.eye(2)))
    {'view': [[1.0, 0.0], [0.0, 1.0]], 'shown_share': 1.0}
    """
    return {"view": view.matrix.round(6).tolist(), "shown_share": round(view.share, 6)}
