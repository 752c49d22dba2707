"""Weights on a simplex that make one softmax explain another: many small problems at once."""

from collections.abc import Callable

import torch
from torch import Tensor

from patternscope.similarity.regional import combine_regions
from patternscope.similarity.targets import divergence

_BETAS = (0.9, 0.999)


def solve_simplex(
    scores: Tensor, log_target: Tensor, lr: float, n_step: int, start: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Return, for each problem of a batch, weights on a simplex whose mixture of scores explains the target.

    ``minimise over w:  KL(p || softmax_j(sum_a w_a score_ja))``, w >= 0, sum w = 1: convex in w. Adam works on the
    logits of w. A problem keeps the best point so far, so its loss never ends higher than it began, and no problem
    depends on another. Source: Sec. 3.3.

    Scores (b, m, a) by region or by channel, log p (b, m), `start` positive weights (b, a) or None for uniform ones
    -> weights (b, a), rows on the simplex, and the losses at the start and of the weights (b, 2). Cost: 4 b m a
    operations and two reads of the scores per step.

    >>> scores = torch.tensor([[[0.0, 5.0], [0.0, -5.0]]])
    >>> weights, losses = solve_simplex(scores, torch.tensor([[0.9999, 0.0001]]).log(), lr=0.3, n_step=50)
    >>> bool(weights[0, 1] > 0.9), bool(losses[0, 1] < losses[0, 0])
    (True, True)
    """
    b, _, size = scores.shape
    smallest = torch.finfo(scores.dtype).tiny
    logits = scores.new_zeros(b, size) if start is None else start.clamp_min(smallest).log()
    target = log_target.exp()
    mean, square = torch.zeros_like(logits), torch.zeros_like(logits)
    first = best_loss = scores.new_full((b,), torch.inf)
    best = torch.softmax(logits, dim=1)
    for step in range(1, n_step + 2):
        weights = torch.softmax(logits, dim=1)
        log_q = combine_regions(scores, weights)
        loss = divergence(log_target, log_q)
        first = loss if step == 1 else first
        better = loss < best_loss
        best_loss, best = torch.where(better, loss, best_loss), torch.where(better[:, None], weights, best)
        if step > n_step:
            break
        slope = torch.einsum("bm,bma->ba", log_q.exp() - target, scores)
        slope = weights * (slope - (weights * slope).sum(dim=1, keepdim=True))
        logits = logits - lr * _adam_direction(slope, mean, square, step)
    return best, torch.stack([first, best_loss], dim=1)


def _adam_direction(slope: Tensor, mean: Tensor, square: Tensor, step: int) -> Tensor:
    """Update Adam's two averages in place and return its direction."""
    mean.lerp_(slope, 1 - _BETAS[0])
    square.lerp_(slope * slope, 1 - _BETAS[1])
    # The floor is far below any slope that matters: a solved problem does not move.
    size = (square / (1 - _BETAS[1] ** step)).sqrt() + 1e-10
    return mean / (1 - _BETAS[0] ** step) / size


def solve_two_simplices(
    products: Callable[[Tensor], Tensor], log_target: Tensor, shape: tuple[int, ...], lr: float, n_step: int, every: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Return region and channel weights learnt together, and the losses at the start and the end.

    ``minimise over w, v:  KL(p || softmax_j(sum_rk w_r v_k g_jrk(v)))``, by Adam on the logits of both simplices; g is
    refreshed by `products`, v (1, k) -> g (m, r, k), after `every` steps. The best weights under the last match are
    returned, or uniform ones if those are better. Source: Sec. 3.3.

    log p (m,), shape (r, k) -> w (r,), v (k,) and the two losses (2,).

    >>> g = torch.tensor([[[1.0, 0.0]], [[0.0, 1.0]]])
    >>> w, v, _ = solve_two_simplices(lambda v: g * 9, torch.tensor([0.99, 0.01]).log(), (1, 2), 0.3, 30, 7)
    >>> bool(v[0] > v[1])
    True
    """
    target = log_target.exp()
    logits = [log_target.new_zeros(size) for size in shape]
    averages = [(torch.zeros_like(part), torch.zeros_like(part)) for part in logits]
    uniform = best = [torch.softmax(part, dim=0) for part in logits]
    first = best_loss = torch.inf
    g = products(best[1][None])
    for step in range(n_step + 1):
        w, v = (torch.softmax(part, dim=0) for part in logits)
        if step and step % every == 0:
            g, best_loss = products(v[None]), torch.inf
        by_region, by_channel = g @ v, torch.einsum("mrk,r->mk", g, w)
        log_q = combine_regions(by_region, w)
        loss = float(divergence(log_target, log_q))
        first = loss if step == 0 else first
        if loss < best_loss:
            best_loss, best = loss, [w, v]
        for i, (weights, scores) in enumerate(((w, by_region), (v, by_channel))):
            slope = (log_q.exp() - target) @ scores
            slope = weights * (slope - weights @ slope)
            logits[i] = logits[i] - lr * _adam_direction(slope, *averages[i], step + 1)
    if best_loss > first:
        best, best_loss = uniform, first
    return best[0], best[1], log_target.new_tensor([first, best_loss])
