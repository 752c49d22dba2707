"""The linear view of an atlas: positions along the axes that show most of what separates the classes."""

import numpy as np
import torch

from patternscope.radial.view import principal_axes, shown_share

SHOWN = 3


def view_basis(mean_directions: np.ndarray) -> np.ndarray:
    """Return an orthonormal basis whose first three rows are the principal axes of mean directions (c, e).

    (e, e) float64; embeddings are seen as the first three of ``x @ basis.T``, and neither strengths nor probabilities
    change with all e. The identity where e <= 3, so that nothing turns.

    >>> view_basis(np.array([[0.0, 0, 0, 1], [0.0, 0, 0, -1]]))[0].tolist()
    [0.0, 0.0, 0.0, 1.0]
    """
    axes = principal_axes(torch.from_numpy(mean_directions).double(), SHOWN).numpy()
    # The last right singular vectors are orthogonal to all axes.
    return np.concatenate([axes, np.linalg.svd(axes)[2][len(axes) :]])


def share_shown(mean_directions: np.ndarray) -> float | None:
    """Return the share of what separates the classes that the view shows, in [0, 1]; None where it shows all.

    >>> share_shown(np.eye(3)) is None, round(share_shown(np.eye(5)), 6)
    (True, 0.75)
    """
    if mean_directions.shape[1] <= SHOWN:
        return None
    directions = torch.from_numpy(mean_directions).double()
    return shown_share(directions, principal_axes(directions, SHOWN))
