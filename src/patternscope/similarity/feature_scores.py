"""Sums over matched features in blocks that fit the cache: the features of all matches are never in memory at once."""

import torch
from torch import Tensor

# Matched features in memory at once: 2 MB in float32, about one core's cache.
_CACHED_NUMBERS = 1 << 19


def flat_rows(positions: Tensor, matches: Tensor, regions: int) -> Tensor:
    """Return matches as rows of the candidates' regions laid end to end: (..., m), (..., m, r) -> (..., m, r).

    >>> flat_rows(torch.tensor([[2]]), torch.tensor([[[1, 0]]]), regions=10).tolist()
    [[[21, 20]]]
    """
    return positions[..., None] * regions + matches.long()


def matched_scores(weighted: Tensor, candidates: Tensor, rows: Tensor) -> Tensor:
    """Return the similarity of regions and their matches: ``sum_k v_i^(k) f_i^(r,k) f_j^(r',k)``. Source: Sec. 3.3.

    v_i f_i^(r), one row per region (q, k), unit features of the candidates (m + 1, r, k), the match of each region in
    each neighbour by :func:`flat_rows` (q, m) -> (q, m). Cost: 2 q m k operations and as many reads.

    >>> matched_scores(torch.tensor([[2.0, 0.0]]), torch.eye(2)[None], torch.tensor([[0, 1]]))
    tensor([[2., 0.]])
    """
    table = candidates.flatten(0, 1)
    at_once = max(1, _CACHED_NUMBERS // (rows.shape[1] * table.shape[1]))
    blocks = [
        (_rows_of(table, block) @ query[..., None]).squeeze(-1)
        for query, block in zip(weighted.split(at_once), rows.split(at_once), strict=True)
    ]
    return torch.cat(blocks)


def channel_scores(weighted: Tensor, candidates: Tensor, rows: Tensor) -> Tensor:
    """Return the similarity of one anchor and each of its neighbours by each channel, summed over matched regions.

    ``H_ij^(k) = sum_r w_i^(r) f_i^(r,k) f_j^(r',k)``, so that ``sum_r w_r score_ijr = kappa <v_i, H_ij>``.
    Arguments as of :func:`matched_scores`, but w_i f_i^(r) of one anchor (r, k) -> (m, k). Cost: m r k multiplications
    and as many reads.

    >>> channel_scores(torch.eye(2), torch.ones(1, 2, 2), torch.zeros(2, 1).long())
    tensor([[1., 1.]])
    """
    table = candidates.flatten(0, 1)
    scores = weighted.new_empty(rows.shape[1], weighted.shape[1])
    at_once = max(1, _CACHED_NUMBERS // weighted.numel())
    for block, out in zip(rows.T.split(at_once), scores.split(at_once), strict=True):
        torch.sum(_rows_of(table, block).mul_(weighted), dim=1, out=out)
    return scores


def _rows_of(table: Tensor, rows: Tensor) -> Tensor:
    """Copy rows of a table: (q, k), (...) integers -> (..., k)."""
    return table.index_select(0, rows.flatten()).view(*rows.shape, -1)
