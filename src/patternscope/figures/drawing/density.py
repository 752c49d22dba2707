"""Many points as a density: the number in each cell, and the colour of the cell."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_LEAST = 0.55  # strength of the colour of a cell with one point


@dataclass(frozen=True)
class Density:
    """Points in the cells of a square: their number `total` (k, k), rows upwards, and their most frequent `category`.

    -1 if most have no category, or a cell has no point.
    """

    total: np.ndarray
    category: np.ndarray

    def colours(self, of_category: Sequence[str], of_none: str) -> np.ndarray:
        """Return the cells as an image (k, k, 3) in [0, 1]: in the colour of their category, darker for more points.

        >>> Density(np.array([[0, 1]]), np.array([[-1, 0]])).colours(["#000000"], "#ffffff")[0, :, 0].round(2).tolist()
        [1.0, 0.0]
        """
        from matplotlib.colors import to_rgb

        paints = np.array([*map(to_rgb, of_category), to_rgb(of_none)])[self.category]
        share = np.log1p(self.total) / np.log1p(max(1, int(self.total.max(initial=0))))
        strength = np.where(self.total > 0, _LEAST + (1 - _LEAST) * share, 0.0)[..., None]
        return 1 - strength * (1 - paints)


def class_density(places: np.ndarray, category: np.ndarray, categories: int, reach: float, cells: int) -> Density:
    """Return the density of points (m, 2) in [-reach, reach]; those outside are not counted.

    `category` (m,) is in 0, ..., categories - 1, or -1. In a tie, a category wins over none.

    >>> class_density(np.array([[-0.5, 0.5], [2.0, 0.0]]), np.array([1, 0]), 2, 1.0, 2).total.tolist()
    [[0, 0], [1, 0]]
    """
    inside = (np.abs(places) < reach).all(axis=1)
    column, row = np.clip((places[inside] / reach + 1) / 2 * cells, 0, cells - 1).astype(int).T
    counts = np.zeros((cells, cells, categories + 1), dtype=int)
    np.add.at(counts, (row, column, np.where(category[inside] < 0, categories, category[inside])), 1)
    most = counts.argmax(axis=2)
    return Density(counts.sum(axis=2), np.where((most == categories) | ~counts.any(axis=2), -1, most))
