"""The most similar region of another image."""

from collections.abc import Iterator

import torch
from torch import Tensor

from patternscope.similarity.feature_scores import flat_rows, matched_scores

# A block of scores is written and searched in one core's cache: at most this many (1 MB in float32), and at most
# this many regions of anchors side by side, or its rows are too far apart in memory for a fast search.
_SCORES_AT_ONCE = 1 << 18
_REGIONS_AT_ONCE = 400
_SHORTEST = 1e-18  # shorter features, whose square underflows, have no direction


def unit_regions(regional_features: Tensor) -> Tensor:
    """Return regional features scaled to unit length over channels, on a copy; an all-zero region stays zero.

    (n, r, k) -> (n, r, k). Source: Sec. 3.3.

    >>> unit_regions(torch.tensor([[[3.0, 4.0], [0.0, 0.0]]]))
    tensor([[[0.6000, 0.8000],
             [0.0000, 0.0000]]])
    """
    return torch.nn.functional.normalize(regional_features, dim=-1, eps=_SHORTEST)


def match_regions(regional_features: Tensor, channel_weights: Tensor, anchor: int, neighbours: Tensor) -> Tensor:
    """Return, for each neighbour, the region most similar to each region of the anchor.

    ``r'(i, j, r) = argmax_{r'} sum_k v_i^(k) f_i^(r,k) f_j^(r',k)`` on features of unit length: :func:`best_matches`
    of one anchor. Source: Sec. 3.3.

    Features (n, r, k), scaled to unit length here on a copy, v (n, k), the anchor i, indices of other samples (j,) ->
    region indices (j, r) int64 in [0, r); the first of equal ones. Cost: 2 r^2 k operations per neighbour, one matrix
    product.

    >>> features = torch.tensor([[[1.0, 0.0], [0.0, 1.0]], [[0.0, 2.0], [3.0, 1.0]]])
    >>> match_regions(features, torch.full((2, 2), 0.5), anchor=0, neighbours=torch.tensor([1]))
    tensor([[1, 0]])
    """
    candidates = unit_regions(regional_features[torch.as_tensor(neighbours)])
    weighted = unit_regions(regional_features[anchor : anchor + 1]) * channel_weights[anchor]
    everyone = torch.arange(len(candidates), device=candidates.device)[None]
    return best_matches(weighted, candidates, everyone)[1][0].long()


def best_matches(
    weighted_anchors: Tensor, candidates: Tensor, positions: Tensor, dtype: torch.dtype | None = None
) -> tuple[Tensor, Tensor]:
    """Return score and index of the best match of each anchor's regions in each of its neighbours.

    v_i f_i^(r) on unit features (b, a, k), for any regions a; unit features of the candidates (m + 1, r, k); which of
    them are the neighbours of each anchor (b, m) -> score and region index (b, m, a). `dtype` of the search, None for
    that of the inputs: in bfloat16 the match is the best up to the rounding of features and scores, below the best by
    less than an 80th of the largest sum_k |v f_i f_j|, and its score is computed in the type of the inputs.

    Cost: as :func:`match_blocks`; in bfloat16 2 b m a k operations more.

    >>> eye = torch.eye(2)[None]
    >>> best_matches(eye, torch.cat([eye, 2 * eye]), torch.tensor([[1]]))[0].tolist()
    [[[2.0, 2.0]]]
    """
    scores, indices, done = [], [], 0
    for score, index in match_blocks(weighted_anchors, candidates, dtype):
        chosen = positions[done : done + len(score), :, None].expand(-1, -1, score.shape[2])
        scores.append(score.gather(1, chosen))
        indices.append(index.gather(1, chosen))
        done += len(score)
    index = torch.cat(indices)
    if dtype in (None, candidates.dtype):
        return torch.cat(scores), index
    rows = flat_rows(positions, index, candidates.shape[1]).transpose(1, 2)
    score = matched_scores(weighted_anchors.flatten(0, 1), candidates, rows.flatten(0, 1))
    return score.view(*rows.shape).transpose(1, 2), index


def match_blocks(
    weighted_anchors: Tensor, candidates: Tensor, dtype: torch.dtype | None = None
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield the best score and its region for block after block of anchors against all candidates.

    ``max`` and ``argmax`` over r' of ``<v_i f_i^(r), f_j^(r')>``: a matrix product per block, in `dtype` (bfloat16 is
    for the argmax only). Arguments as of :func:`best_matches`; pairs of a score (b', m, a) in at least float32 and an
    index in the smallest sufficient integer type, of equal scores the first.

    Cost: 2 b a m r k operations; 2 MB (float32) in addition to inputs and outputs, or the scores of one anchor and one
    candidate if those are larger.

    >>> eye = torch.eye(2)[None]
    >>> [(score.tolist(), index.tolist()) for score, index in match_blocks(eye, eye)]
    [([[[1.0, 1.0]]], [[[0, 1]]])]
    """
    count, regions, channels = candidates.shape
    per_anchor = weighted_anchors.shape[1]
    anchors_at_once = max(1, _REGIONS_AT_ONCE // per_anchor)
    candidates_at_once = max(1, _SCORES_AT_ONCE // (anchors_at_once * per_anchor * regions))
    table = candidates.to(dtype or candidates.dtype)
    for anchors in weighted_anchors.to(table.dtype).split(anchors_at_once):
        columns = anchors.reshape(-1, channels).T
        best = [
            _best_of((part.reshape(-1, channels) @ columns).view(len(part), regions, -1))
            for part in table.split(candidates_at_once)
        ]
        score, index = (
            torch.cat(parts).view(count, len(anchors), per_anchor).transpose(0, 1) for parts in zip(*best, strict=True)
        )
        yield score, index


def _best_of(scores: Tensor) -> tuple[Tensor, Tensor]:
    """Return the maximum over dimension 1 and its index, the first of equal ones: (c, r, a) -> (c, a) twice.

    Pooling finds value and index in one vectorised pass over anchors; a reduction with indices compares one number at a
    time, and four vectorised passes take more than twice as long.
    """
    scores = scores if scores.dtype == torch.float64 else scores.float()
    regions = scores.shape[1]
    if scores.device.type != "cpu":
        best, index = scores.max(dim=1)
    else:
        # Regions are the height of a picture whose channels, the anchors, are innermost: "channels last".
        window = scores.transpose(1, 2).unsqueeze(2)
        pooled = torch.nn.functional.max_pool2d(window, (1, regions), return_indices=True)
        best, index = (part.flatten(1) for part in pooled)
    return best, index.to(index_type(regions))


def index_type(regions: int) -> torch.dtype:
    """Return the smallest integer type that holds a region index.

    >>> index_type(196), index_type(784)
    (torch.uint8, torch.int16)
    """
    if regions <= 256:
        return torch.uint8
    return torch.int16 if regions <= 1 << 15 else torch.int32
