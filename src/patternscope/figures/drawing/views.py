"""Views of the radial space: three of its dimensions, and a direction of view."""

from dataclasses import dataclass

import numpy as np
import torch

from patternscope.radial.view import orthonormal, separating_axes, shown_share
from patternscope.results.formatting import percent

SHOWN_AXES = 3


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
    """Return the view that separates classes by their mean directions (c, e), which is also that of the atlas.

    >>> choose_view(np.eye(2)).matrix.tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    axes = shown_axes(directions)
    share = shown_share(torch.from_numpy(directions), torch.from_numpy(axes))
    return View(axes, np.eye(len(axes)), share)


def shown_axes(directions: np.ndarray) -> np.ndarray:
    """Return the axes (min(3, e), e) that separate classes by their mean directions (c, e).

    Up to three classes span at most all three, so that the angles between them are shown exactly.

    >>> shown_axes(np.eye(9)[:5]).shape
    (3, 9)
    """
    return separating_axes(torch.from_numpy(directions.astype(float))).numpy()


def spanned(directions: list[np.ndarray], most: int) -> np.ndarray:
    """Return orthonormal rows for the first `most` independent ones of some directions (e,).

    >>> spanned([np.array([0.0, 2.0]), np.array([0.0, 1.0]), np.array([1.0, 1.0])], 2).tolist()
    [[0.0, 1.0], [1.0, 0.0]]
    """
    return orthonormal([torch.from_numpy(direction.astype(float)) for direction in directions], most).numpy()


def project(points: np.ndarray, view: View) -> np.ndarray:
    """Return points (m, e) in a view: (m, 3) with right, up and towards the viewer (0 in two dimensions).

    >>> project(np.array([[1.0, 2.0]]), View(np.eye(2), np.eye(2))).tolist()
    [[1.0, 2.0, 0.0]]
    """
    seen = points.astype(float) @ view.matrix.T
    return np.pad(seen, ((0, 0), (0, 3 - seen.shape[1])))


def shown_lengths(points: np.ndarray, view: View) -> np.ndarray:
    """Return the length of points (..., e) along the shown axes, independent of the direction of view: (...,).

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
    """Return the view for a figure's settings file, so that its picture can be made from its csv.

    >>> view_cells(View(np.eye(2), np.eye(2)))
    {'view': [[1.0, 0.0], [0.0, 1.0]], 'shown_share': 1.0}
    """
    return {"view": view.matrix.round(6).tolist(), "shown_share": round(view.share, 6)}
