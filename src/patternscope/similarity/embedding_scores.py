"""Sums over matched regional embeddings: the inner loop of the regional fit."""

from typing import Any

import torch
from torch import Tensor


def embedded_scores(pulls: Tensor, orientations: Tensor, rows: Tensor) -> Tensor:
    """Return the similarity scores of anchors and their neighbours, summed over matched regions.

    ``S_ij = sum_a <p_i^(a), o_j^(r')>`` with pulls ``p = w kappa(l) o``; their softmax over j is q_i. Differentiable
    in pulls and orientations. Source: Sec. 3.3.

    p of the anchors (b, a, e), o of all regions of the candidates, end to end (q, e), the match of each region of an
    anchor in each neighbour as a row of these (b, m, a), int64 -> (b, m). Cost: b m a look-ups of e numbers forward,
    as many sums backward; memory for e b m a numbers.

    >>> embedded_scores(torch.eye(2)[None], 3 * torch.eye(2), torch.tensor([[[0, 1], [1, 0]]]))
    tensor([[6., 0.]])
    """
    scores: Tensor = _EmbeddedScores.apply(pulls, orientations, rows)  # pyright: ignore[reportAssignmentType]
    return scores


class _EmbeddedScores(torch.autograd.Function):
    """One dimension of the embedding at a time: look-ups and sums of single numbers are several times as fast as
    those of short rows, and forward and backward share the numbers looked up."""

    @staticmethod
    def forward(ctx: Any, pulls: Tensor, orientations: Tensor, rows: Tensor) -> Tensor:
        flat = rows.flatten()
        matched = [column.index_select(0, flat).view(rows.shape) for column in orientations.T.contiguous()]
        ctx.save_for_backward(pulls, rows, *matched)
        ctx.table = len(orientations)
        scores = pulls.new_zeros(rows.shape[:2])[..., None]
        for pull, match in zip(pulls.unbind(-1), matched, strict=True):
            scores.baddbmm_(match, pull[..., None])
        return scores.squeeze(-1)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, Tensor, None]:  # pyright: ignore[reportIncompatibleMethodOverride]
        pulls, rows, *matched = ctx.saved_tensors
        flat = rows.flatten()
        of_pulls = [torch.bmm(slope[:, None], match).squeeze(1) for match in matched]
        of_orientations = slope.new_zeros(len(matched), ctx.table)
        for pull, sums in zip(pulls.unbind(-1), of_orientations, strict=True):
            sums.scatter_add_(0, flat, torch.bmm(slope[..., None], pull[:, None]).flatten())
        return torch.stack(of_pulls, dim=-1), of_orientations.T, None
