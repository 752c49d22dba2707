"""Rotations that bring two embeddings into one frame."""

import torch
from torch import Tensor

from patternscope.errors import InputError, nearest
from patternscope.radial.checks import check_finite, check_same_shape

_METRICS = ("l2", "cosine")


def procrustes(source: Tensor, target: Tensor, trim: float = 0.0, metric: str = "l2") -> Tensor:
    """Return the rotation R for which ``source @ R`` is nearest to ``target``.

    ``R = argmin_R sum_i |x_i R - y_i|^2`` over rotations: orthogonal, determinant +1 (by Kabsch's correction of the
    last singular direction), so that an embedding is never mirrored. A map M with ``x = M f`` follows by
    ``R.T @ M``. Source: Sec. 3.2 and reference code, which does not fix the determinant.

    Args:
        source: (n, e).
        target: (n, e), the same samples in the same order.
        trim: share of samples omitted, in [0, 1): those farthest from their target. Trim only after a first alignment;
            in an unaligned embedding, these distances are meaningless.
        metric: "l2" compares positions, "cosine" compares orientations.

    Returns:
        (e, e) in the dtype of `source`; computed in float64 on the CPU.

    Raises:
        InputError: shapes that differ, non-finite values, trim outside [0, 1), an unknown metric.

    >>> quarter = torch.tensor([[0.0, 1.0], [-1.0, 0.0]])
    >>> points = torch.tensor([[1.0, 0.0], [0.0, 2.0], [1.0, 1.0]])
    >>> bool(torch.allclose(procrustes(points, points @ quarter), quarter, atol=1e-6))
    True
    """
    check_same_shape(source, target, "source, target", "(n, e)", least=1)
    check_finite(source, "source")
    check_finite(target, "target")
    if not 0 <= trim < 1:
        raise InputError(f"trim: expected a share in [0, 1), got {trim}")
    if metric not in _METRICS:
        raise InputError(f"metric: expected 'l2' or 'cosine', got {metric!r}; {nearest(metric, _METRICS)}")
    x, y = (embedding.detach().to("cpu", torch.float64) for embedding in (source, target))
    if metric == "cosine":
        x, y = (torch.nn.functional.normalize(embedding, dim=1) for embedding in (x, y))
    if trim > 0:
        apart = torch.linalg.vector_norm(x - y, dim=1)
        kept = apart.argsort(stable=True)[: len(x) - int(len(x) * trim)]
        x, y = x[kept], y[kept]
    u, _, vt = torch.linalg.svd(x.T @ y)
    flip = torch.ones(x.shape[1], dtype=torch.float64)
    flip[-1] = torch.sign(torch.linalg.det(u) * torch.linalg.det(vt))
    return ((u * flip) @ vt).to(source.device, source.dtype)


def rotation_angle(rotation: Tensor) -> float:
    """Return the largest angle, in degrees, by which a rotation turns any vector.

    ``max |arg(eigenvalue)|``. `rotation` (e, e), orthogonal; values in [0, 180].

    >>> rotation_angle(torch.tensor([[0.0, 1.0], [-1.0, 0.0]]))
    90.0
    """
    eigenvalues = torch.linalg.eigvals(rotation.detach().to("cpu", torch.float64))
    return float(torch.rad2deg(eigenvalues.angle().abs().max()))
