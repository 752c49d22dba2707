"""The problem of each anchor, KL(p_i || q_i) over its two simplices, and its two solvers."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from patternscope.embeddings.matched_regions import kept_counts
from patternscope.embeddings.neighbourhood import unit_rows
from patternscope.embeddings.settings import ImportanceParams
from patternscope.embeddings.simplex import solve_simplex, solve_two_simplices
from patternscope.similarity.feature_scores import channel_scores, flat_rows
from patternscope.similarity.matching import best_matches
from patternscope.similarity.neighbours import Neighbours
from patternscope.similarity.regional import combine_regions
from patternscope.similarity.targets import divergence

# Numbers in memory for the anchors solved together: 16 MB in float32.
_NUMBERS_AT_ONCE = 1 << 22
# Once v is learnt, the best match changes; a second match is worth its cost, a third is not (docs/decisions.md).
_ROUNDS = 2
# While v is learnt, regions are omitted that together change each log q by at most this, in nats, under uniform v.
_NEGLIGIBLE = 1e-3


@dataclass(frozen=True)
class AnchorProblems:
    """The data of all anchors' problems (Sec. 3.3)."""

    features: Tensor  # as given (n, k, h, w)
    candidates: Tensor  # unit features of the possible neighbours (m + 1, r, k)
    neighbours: Neighbours
    log_target: Tensor  # log p (n, m)
    kappa: float
    match_type: torch.dtype  # of the products that find matches

    def best_matches(self, weighted: Tensor, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Return scores, kappa included, and matches of regions weighted by v: (b, a, k), (b, m) -> (b, m, a) twice."""
        scores, matches = best_matches(weighted, self.candidates, positions, self.match_type)
        return self.kappa * scores, matches

    def blocks(self) -> Sequence[Tensor]:
        """Return anchors in groups whose scores and channel scores fit the memory."""
        n, k = self.features.shape[:2]
        r = self.candidates.shape[1]
        numbers = self.neighbours.count * (3 * r + k) + 2 * r * k
        everyone = torch.arange(n, device=self.features.device)
        return everyone.split(max(1, _NUMBERS_AT_ONCE // numbers))


@dataclass(frozen=True)
class AnchorWeights:
    """The weights of some anchors (b, r) and (b, k), and their losses during the solve (b, stages)."""

    region_weights: Tensor
    channel_weights: Tensor
    losses: Tensor
    steps: int


def solve_separately(problems: AnchorProblems, settings: ImportanceParams, block: Tensor) -> AnchorWeights:
    """Learn w with uniform v; then v, twice, each time under the best match for the v before.

    An anchor keeps the v of the lowest loss under its own best match, uniform v included, so that no anchor's loss
    rises. Losses of the anchors `block` (b,) are those with uniform w and v, with w alone, and after each round.
    Rounds, and their losses, omit regions whose weight is so small that together they change each log q by less than
    1e-3 under uniform v. Cost: a match of all regions, and two of those that matter.
    """
    anchors, log_target = unit_rows(problems.features, block), problems.log_target[block]
    positions = problems.neighbours.positions[block]
    best_v = anchors.new_full((len(block), anchors.shape[2]), 1.0 / anchors.shape[2])
    scores, all_matches = problems.best_matches(anchors * best_v[:, None], positions)
    w, w_losses = solve_simplex(scores, log_target, settings.lr, settings.n_step)
    losses = list(w_losses.unbind(dim=1))
    regions = _heaviest_regions(anchors, w, scores)
    matches, v = all_matches.transpose(1, 2)[regions.mask], best_v
    for _ in range(_ROUNDS):
        by_channel = problems.kappa * regions.channel_scores(problems.candidates, positions, matches)
        v, _ = solve_simplex(by_channel, log_target, settings.lr, settings.n_step, start=v)
        score, matches = problems.best_matches(regions.weighted(v), positions[regions.owner])
        matches = matches.squeeze(2)
        loss = divergence(log_target, regions.log_similarity(score.squeeze(2)))
        better = loss < losses[-1]
        best_v = torch.where(better[:, None], v, best_v)
        losses.append(torch.where(better, loss, losses[-1]))
    return AnchorWeights(w, best_v, torch.stack(losses, dim=1), settings.n_step * (1 + _ROUNDS))


@dataclass(frozen=True)
class _Regions:
    """The regions of some anchors that matter, end to end (q of them)."""

    mask: Tensor  # which they are (b, r)
    features: Tensor  # unit features (q, k)
    weights: Tensor  # w (q,)
    owner: Tensor  # the anchor of each, as a position in the block (q,)
    counts: list[int]  # how many each anchor has

    def weighted(self, v: Tensor) -> Tensor:
        """Return v_i f_i^(r) as anchors of one region each (q, 1, k)."""
        return (self.features * v[self.owner])[:, None]

    def log_similarity(self, scores: Tensor) -> Tensor:
        """Return log q of each anchor from the scores of its regions: (q, m) -> (b, m)."""
        pairs = zip(scores.split(self.counts), self.weights.split(self.counts), strict=True)
        return torch.stack([combine_regions(score.T, w) for score, w in pairs])

    def channel_scores(self, candidates: Tensor, positions: Tensor, matches: Tensor) -> Tensor:
        """Return the channel scores of each anchor: matches (q, m) -> (b, m, k)."""
        rows = flat_rows(positions[self.owner], matches[..., None], candidates.shape[1]).squeeze(2)
        weighted = self.features * self.weights[:, None]
        pairs = zip(weighted.split(self.counts), rows.split(self.counts), strict=True)
        return torch.stack([channel_scores(part, candidates, row) for part, row in pairs])


def _heaviest_regions(anchors: Tensor, w: Tensor, scores: Tensor) -> _Regions:
    """Return each anchor's regions without those of least weight that together are negligible."""
    spread = (scores.amax(dim=(1, 2)) - scores.amin(dim=(1, 2))).clamp_min(1.0)
    counts = kept_counts(w, _NEGLIGIBLE / spread[:, None])
    ranks = torch.arange(w.shape[1], device=w.device).expand_as(w)
    by_weight = w.argsort(dim=1, descending=True, stable=True)
    mask = torch.empty_like(w, dtype=torch.bool).scatter_(1, by_weight, ranks < counts[:, None])
    return _Regions(mask, anchors[mask], w[mask], mask.nonzero()[:, 0], counts.tolist())


def solve_jointly(problems: AnchorProblems, settings: ImportanceParams, block: Tensor) -> AnchorWeights:
    """Learn v and w together by Adam, one anchor at a time, the match refreshed every few steps.

    Arguments as of :func:`solve_separately`; losses at the start and the end. Source: Sec. 3.3.
    """
    solved = [_solve_one_jointly(problems, settings, anchor) for anchor in block.split(1)]
    w, v, losses = (torch.stack(column) for column in zip(*solved, strict=True))
    return AnchorWeights(w, v, losses, settings.n_step)


def _solve_one_jointly(
    problems: AnchorProblems, settings: ImportanceParams, anchor: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    unit, log_target = unit_rows(problems.features, anchor), problems.log_target[anchor]
    positions = problems.neighbours.positions[anchor]

    def products(v: Tensor) -> Tensor:
        """Return kappa f_i f_j of the matched regions under v (m, r, k)."""
        _, matches = problems.best_matches(unit * v[:, None], positions)
        rows = flat_rows(positions, matches, unit.shape[1])[0]
        return problems.kappa * problems.candidates.flatten(0, 1)[rows] * unit

    return solve_two_simplices(
        products, log_target[0], unit.shape[1:], settings.lr, settings.n_step, settings.match_every
    )
