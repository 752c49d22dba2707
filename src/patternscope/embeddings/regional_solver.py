"""The regional fit of the paper: pairs of matched regions, minimised by L-BFGS or by the published protocol."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from patternscope.autograd_modes import differentiable
from patternscope.embeddings.checks import as_tensor
from patternscope.embeddings.linear import LinearMap, ridge
from patternscope.embeddings.matched_regions import match_anchors
from patternscope.embeddings.neighbourhood import given_neighbours
from patternscope.embeddings.regional_objective import RegionalObjective
from patternscope.embeddings.settings import RegionParams
from patternscope.radial.checks import working_dtype
from patternscope.similarity.targets import target_log_similarity
from patternscope.solvers import Trace, minimise_lbfgs, minimise_stepwise, preconditioned

# Share of an image's weight in regions that the default solver does not compare.
_OMITTED = 1e-3
# Added to the second moment of unit features, in units of its mean eigenvalue.
_RIDGE = 1e-2
_MOST_HALVINGS = 8


def fit_pairs(
    data: Mapping[str, Any],
    features: Tensor,
    sample_embedding: Tensor,
    embedding: LinearMap,
    kappa_prob: float,
    settings: RegionParams,
) -> tuple[Tensor, Trace]:
    """Return the map of the published objective and the record of its solve.

    `data` as of `RegionEmbedding.fit`, checked; `embedding` has the scale and the largest concentration.
    """
    objective, moment = _objective(data, features, sample_embedding, embedding, kappa_prob, settings)
    if settings.solver == "sgd":
        start = embedding.random_map(settings.seed).to(objective.region_weights)
        return _solve_by_protocol(objective, start, settings)
    return _solve(objective, moment, settings)


def _objective(
    data: Mapping[str, Any],
    features: Tensor,
    sample_embedding: Tensor,
    embedding: LinearMap,
    kappa_prob: float,
    settings: RegionParams,
) -> tuple[RegionalObjective, Tensor]:
    """Return the objective, and the second moment of the unit regional features (k, k)."""
    dtype, device = working_dtype(features), features.device
    probs, v, w = (
        differentiable(as_tensor(data[name], name).detach()).to(device, dtype)
        for name in ("target_probs", "w_k", "w_r")
    )
    neighbours = given_neighbours(data, features, probs, settings)
    # The published protocol takes one anchor per step and omits nothing.
    omitted, at_once = (0.0, 1) if settings.solver == "sgd" else (_OMITTED, None)
    blocks, moment = match_anchors(features, v, w, neighbours, omitted=omitted, at_once=at_once)
    everyone = torch.arange(len(probs), device=device)
    objective = RegionalObjective(
        features=features,
        sample_embedding=differentiable(sample_embedding.detach()).to(device, dtype),
        region_weights=w,
        candidates=neighbours.candidates,
        log_target=target_log_similarity(probs, everyone, neighbours.samples, kappa_prob),
        blocks=blocks,
        scale=embedding.scale.to(dtype),
        kappa_max=embedding.kappa_max,
        lambda_kl=settings.lambda_kl,
        lambda_mi=settings.lambda_mi,
        wd=settings.wd,
    )
    return objective, moment


def _solve(objective: RegionalObjective, moment: Tensor, settings: RegionParams) -> tuple[Tensor, Trace]:
    """Minimise by L-BFGS from a start in the right frame, in coordinates that weigh all directions equally."""
    moment.diagonal().add_(_RIDGE / len(moment))
    factor = torch.linalg.cholesky(moment.double()).to(moment.dtype)
    evaluate = preconditioned(objective.evaluate, factor)
    point, losses = minimise_lbfgs(evaluate, _start(objective) @ factor, settings.steps)
    weight = torch.linalg.solve_triangular(factor, point, upper=False, left=False)
    return weight, Trace(losses=losses, steps=len(losses) - 1, parts=objective.parts(weight))


def _start(objective: RegionalObjective) -> Tensor:
    """Return the map that brings each image's w-weighted mean feature nearest to its sample embedding, or a fraction.

    If linear maps of regions cannot reach the samples, least squares overestimates strengths, and halving them helps.
    """
    dtype = objective.region_weights.dtype
    pairs = zip(objective.features.split(256), objective.region_weights.split(256), strict=True)
    pooled = torch.cat([torch.einsum("nkr,nr->nk", block.flatten(2).to(dtype), w) for block, w in pairs])
    start = ridge(pooled / objective.scale, objective.sample_embedding)
    loss = objective.parts(start)["objective"]
    for _ in range(_MOST_HALVINGS):
        half = objective.parts(start / 2)["objective"]
        if half >= loss:
            break
        start, loss = start / 2, half
    return start


def _solve_by_protocol(objective: RegionalObjective, start: Tensor, settings: RegionParams) -> tuple[Tensor, Trace]:
    """Minimise by the published protocol: SGD from a random map, one anchor per step, the published gradient."""
    generator = torch.Generator().manual_seed(settings.seed)
    n = len(objective.blocks)
    orders = [torch.randperm(n, generator=generator) for _ in range(settings.steps)]
    candidate_features = objective.features[objective.candidates]
    weight, losses = minimise_stepwise(
        lambda point, anchor: objective.of_one_block(point, anchor, candidate_features),
        start,
        [anchor for order in orders for anchor in order],
        lambda point: torch.optim.SGD([point], settings.lr, settings.momentum, weight_decay=settings.wd),
    )
    before, after = objective.parts(start), objective.parts(weight)
    means = torch.tensor(losses).view(settings.steps, n).mean(dim=1).tolist()
    return weight, Trace([before["objective"], *means, after["objective"]], settings.steps, parts=after)
