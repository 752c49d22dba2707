"""The published arithmetic as loops over pairs, in tensors of one pair each: what the estimators are timed against.

tests/naive.py has the same formulas number by number, which is slower by orders of magnitude; tests/test_benchmarks.py
holds the two together.
"""

import torch
from torch import Tensor

from patternscope.radial import concentration
from patternscope.similarity.targets import divergence

KAPPA_V = 1000.0


def match_pair(unit_i: Tensor, unit_j: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Return score and region of the best match of one pair, through a (k, r, r) tensor: (k, r), (k, r), (k,)."""
    products = (v[:, None] * unit_i)[:, :, None] * unit_j[:, None, :]
    return products.sum(dim=0).max(dim=1)


def importance_anchor(
    unit: Tensor, anchor: int, neighbours: Tensor, log_target: Tensor, n_step: int
) -> tuple[Tensor, Tensor]:
    """Return w and v of one anchor by SGD (lr 0.05, momentum 0.9), a fresh match for each pair and step.

    Rows are put back on their simplices by clamping and dividing after each step.
    """
    k, r = unit.shape[1:]
    v, w = torch.full((k,), 1.0 / k, requires_grad=True), torch.full((r,), 1.0 / r, requires_grad=True)
    solver = torch.optim.SGD([v, w], lr=0.05, momentum=0.9)
    for _ in range(n_step):
        loss = _importance_loss(unit, anchor, neighbours, log_target, w, v, KAPPA_V)
        solver.zero_grad()
        loss.backward()
        solver.step()
        with torch.no_grad():
            for weights in (v, w):
                weights.clamp_(min=1e-8)
                weights /= weights.sum()
    return w.detach(), v.detach()


def importance_loss(
    unit: Tensor, anchor: int, neighbours: Tensor, log_target: Tensor, w: Tensor, v: Tensor, kappa: float
) -> float:
    """Return KL(p || q) of one anchor over all its neighbours, under the best match for v."""
    return float(_importance_loss(unit, anchor, neighbours, log_target, w, v, kappa))


def _importance_loss(
    unit: Tensor, anchor: int, neighbours: Tensor, log_target: Tensor, w: Tensor, v: Tensor, kappa: float
) -> Tensor:
    scores = torch.stack([match_pair(unit[anchor], unit[j], v)[0] for j in neighbours])
    log_q = torch.log_softmax(torch.log_softmax(kappa * scores, dim=0) @ w, dim=0)
    return divergence(log_target, log_q)


def region_step(
    weight: Tensor,
    features: Tensor,
    anchor: int,
    neighbours: Tensor,
    matches: Tensor,
    w: Tensor,
    log_target: Tensor,
    sample: Tensor,
    scale: Tensor,
) -> Tensor:
    """Return the gradient of the published loss of one anchor with respect to the map, by a loop over its neighbours.

    Strengths and concentrations are constants of the similarity's gradient. features (n, k, r), matches (m, r),
    sample embedding of the anchor (e,).
    """
    weight = weight.detach().requires_grad_()
    h_i = weight @ features[anchor] / scale
    kappa = concentration(h_i.detach().norm(dim=0), KAPPA_V)
    scores = []
    for j, match in zip(neighbours, matches, strict=True):
        h_j = (weight @ features[j] / scale)[:, match]
        cosines = (h_i / h_i.detach().norm(dim=0) * h_j / h_j.detach().norm(dim=0)).sum(dim=0)
        scores.append((w * kappa * cosines).sum())
    similarity = divergence(log_target, torch.log_softmax(torch.stack(scores), dim=0))
    align = -(w * torch.nn.functional.cosine_similarity(h_i, sample[:, None], dim=0)).sum()
    (gradient,) = torch.autograd.grad(similarity + align, weight)
    return gradient
