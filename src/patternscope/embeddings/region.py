"""The regional embedding: where each region of an image lies in the radial space of its layer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from patternscope.embeddings.checks import (
    as_tensor,
    check_finite,
    check_rows_sum_to_one,
    check_shape,
    check_target_probs,
    read_data,
    working_dtype,
)
from patternscope.embeddings.linear import LinearMap, ridge
from patternscope.embeddings.neighbourhood import find_neighbours, unit_rows
from patternscope.embeddings.objectives import align_loss, similarity_loss
from patternscope.embeddings.sample import SampleEmbedding
from patternscope.embeddings.settings import RegionParams
from patternscope.embeddings.solver import Stopwatch, Trace, minimise_stepwise
from patternscope.errors import InputError
from patternscope.similarity.matching import best_matches
from patternscope.similarity.neighbours import Neighbours
from patternscope.similarity.probabilities import target_log_similarities

KAPPA_MAX = 1000.0
# Anchors in a step of the default solver; "sgd" takes one.
_ANCHORS_A_STEP = 50
_ANCHORS_MATCHED_AT_ONCE = 64
# Factors of the default step size, tried in turn until the fit improves on its start.
_STEP_SIZES = (1.0, 0.25, 0.0625)


class RegionEmbedding(LinearMap):
    """The regional embedding ``h^(r) = L f^(r) / s`` (n, r, e).

    L minimises ``lambda_kl similarity_loss + lambda_mi align_loss + wd/2 |L|^2``. Source: Sec. 3.3.

    Attributes after `fit`:
        map: L (e, k).   scale: s.   trace: record of the solve; its parts are the losses over all pairs, its
            steps 0 where no step improved on the least-squares start, which then is the map.

    Args:
        in_dim: k, channels of the layer.
        out_dim: e >= 2, that of the sample embedding.
        kappa_max: largest concentration, > 0.
        kappa_prob: kappa_p > 0 of the target similarity.
        scale: s, or "auto" for the mean strength of the regional features given to `fit`.

    >>> generator = torch.Generator().manual_seed(0)
    >>> features = torch.rand(6, 4, 2, 2, generator=generator)
    >>> probs = torch.softmax(features.mean((2, 3)) * 9, dim=1)
    >>> samples, quarters = torch.eye(3).repeat(2, 1), torch.full((6, 4), 0.25)
    >>> data = {"target_probs": probs, "regional_features": features, "sample_embs": samples,
    ...         "w_k": quarters, "w_r": quarters}
    >>> RegionEmbedding(in_dim=4).fit(data)(features).shape
    torch.Size([6, 4, 3])
    """

    def __init__(
        self,
        in_dim: int,
        out_dim: int = 3,
        *,
        kappa_max: float = KAPPA_MAX,
        kappa_prob: float = 5.0,
        scale: float | Literal["auto"] = "auto",
    ) -> None:
        super().__init__(in_dim, out_dim, kappa_max=kappa_max, scale=scale)
        if not 0 < kappa_prob < float("inf"):
            raise InputError(f"kappa_prob: got {kappa_prob}, wants a positive finite number")
        self.kappa_prob = float(kappa_prob)

    def fit(
        self,
        data: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        verbose_dir: str | Path | None = None,
    ) -> "RegionEmbedding":
        """Fit L to the similarities of samples, in the frame of the sample embedding.

        Source: Sec. 3.3.

        Args:
            data: "target_probs" (n, c), "regional_features" (n, k, h, w), "sample_embs" (n, e) or the
                SampleEmbedding fitted to the same samples, "w_k" channel weights (n, k),
                "w_r" region weights (n, r).
            params: any of :class:`RegionParams`.
            verbose_dir: folder for the loss curve (csv, png), or None to write nothing.

        Returns:
            self.

        Raises:
            InputError: NaN or inf, shapes that disagree, rows that are no probabilities, unknown parameters.

        Cost: one match of ``2 r^2 k`` operations a pair, then 6 m r e operations a sample and pass.
        """
        settings = RegionParams.read(params)
        self._check(data)
        watch = Stopwatch()
        features = as_tensor(data["regional_features"], "regional_features").detach()
        self._set_scale(features)
        problem = _problem(data, features, self, settings)
        weight, self.trace = _solve(problem, self, settings)
        watch.close(self.trace, "regional embedding")
        self.map = weight
        if verbose_dir is not None:
            from patternscope.embeddings.verbose import write_losses

            write_losses(self.trace, verbose_dir, "region_embedding")
        return self

    def forward(self, regional_features: Tensor) -> Tensor:
        """Return the embedding of regional features: (n, k, h, w) -> (n, h*w, e)."""
        features = as_tensor(regional_features, "regional_features")
        check_shape(features, "regional_features", (None, self.in_dim, None, None), "(n, k, h, w)")
        return embed_regions(self.fitted_map(), features, self.scale)

    def _check(self, data: Mapping[str, Any]) -> None:
        read_data(data, required=("target_probs", "regional_features", "sample_embs", "w_k", "w_r"))
        probs = as_tensor(data["target_probs"], "target_probs")
        check_target_probs(probs)
        features = as_tensor(data["regional_features"], "regional_features")
        check_shape(features, "regional_features", (len(probs), self.in_dim, None, None), "(n, k, h, w)")
        check_finite(features, "regional_features")
        n, k, height, width = features.shape
        for name, shape in (("w_k", (n, k)), ("w_r", (n, height * width))):
            weights = as_tensor(data[name], name)
            check_shape(weights, name, shape, "(n, k)" if name == "w_k" else "(n, r)")
            check_rows_sum_to_one(weights, name)
        samples = _sample_embedding(data)
        check_shape(samples, "sample_embs", (n, self.out_dim), "(n, e)")
        check_finite(samples, "sample_embs")


def embed_regions(weight: Tensor, features: Tensor, scale: Tensor) -> Tensor:
    """Return ``L f^(r) / s`` without a copy of the features: (e, k), (n, k, h, w) -> (n, r, e).

    Source: Sec. 3.3.

    >>> embed_regions(torch.eye(2), torch.ones(1, 2, 1, 3), torch.tensor(2.0)).shape
    torch.Size([1, 3, 2])
    """
    return (weight @ features.flatten(2).to(weight.dtype)).transpose(1, 2) / scale


@dataclass(frozen=True)
class _Problem:
    """All that the fit looks at."""

    features: Tensor  # as given (n, k, h, w)
    candidates: Tensor  # those of the possible neighbours (m + 1, k, h, w)
    sample_embedding: Tensor  # g (n, e)
    region_weights: Tensor  # w (n, r)
    neighbours: Neighbours
    matches: Tensor  # r' (n, m, r)
    log_target: Tensor  # log p (n, m)
    scale: Tensor
    kappa_max: float

    def losses(self, weight: Tensor, anchors: Tensor) -> tuple[Tensor, Tensor]:
        """Similarity and alignment loss of some anchors under a map."""
        embedding = embed_regions(weight, self.features[anchors], self.scale)
        candidates = embed_regions(weight, self.candidates, self.scale)
        w = self.region_weights[anchors]
        positions, matches = self.neighbours.positions[anchors], self.matches[anchors]
        similarity = similarity_loss(
            embedding, candidates, w, positions, matches, self.log_target[anchors], self.kappa_max
        )
        return similarity, align_loss(embedding, w, self.sample_embedding[anchors])

    def all_losses(self, weight: Tensor) -> tuple[float, float]:
        """Both losses over all anchors."""
        total = torch.zeros(2, dtype=torch.float64)
        with torch.no_grad():
            for block in torch.arange(len(self.features), device=self.scale.device).split(_ANCHORS_A_STEP):
                total += len(block) * torch.stack(self.losses(weight, block)).double().cpu()
        similarity, align = (total / len(self.features)).tolist()
        return similarity, align


def _problem(
    data: Mapping[str, Any], features: Tensor, embedding: RegionEmbedding, settings: RegionParams
) -> _Problem:
    dtype, device = working_dtype(features), features.device
    probs, v, w = (
        as_tensor(data[name], name).detach().to(device, dtype) for name in ("target_probs", "w_k", "w_r")
    )
    neighbours = find_neighbours(features, probs, settings.kl_sample_num, settings.seed)
    everyone = torch.arange(len(probs), device=device)
    return _Problem(
        features=features,
        candidates=features[neighbours.candidates],
        sample_embedding=_sample_embedding(data).detach().to(device, dtype),
        region_weights=w,
        neighbours=neighbours,
        matches=_all_matches(features, v, neighbours),
        log_target=target_log_similarities(probs, everyone, neighbours.samples, embedding.kappa_prob),
        scale=embedding.scale.to(dtype),
        kappa_max=embedding.kappa_max,
    )


def _all_matches(features: Tensor, channel_weights: Tensor, neighbours: Neighbours) -> Tensor:
    """r' of every anchor, neighbour and region (n, m, r)."""
    candidates = unit_rows(features, neighbours.candidates)
    everyone = torch.arange(len(features), device=features.device)
    blocks = []
    for block in everyone.split(_ANCHORS_MATCHED_AT_ONCE):
        weighted = unit_rows(features, block) * channel_weights[block][:, None]
        blocks.append(best_matches(weighted, candidates, neighbours.positions[block])[1])
    return torch.cat(blocks)


def _solve(problem: _Problem, embedding: RegionEmbedding, settings: RegionParams) -> tuple[Tensor, Trace]:
    """Minibatch Adam from a start that knows the frame, or the published protocol."""
    if settings.solver == "sgd":
        start = embedding.random_map(settings.seed).to(problem.region_weights)
        weight, losses = _descend(problem, settings, start, lambda step: 1.0, anchors_a_step=1)
        before, after = _total(problem, settings, start), _total(problem, settings, weight)
        return weight, _trace(settings, [before["objective"], *losses], after)
    start = _start(problem)
    before = _total(problem, settings, start)
    # The first step size does for all but small or odd problems; those get smaller ones before the start is kept.
    for size in _STEP_SIZES:
        weight, losses = _descend(
            problem, settings, start, lambda left, size=size: size * left, _ANCHORS_A_STEP
        )
        after = _total(problem, settings, weight)
        if after["objective"] <= before["objective"]:
            return weight, _trace(settings, [before["objective"], *losses], after)
    kept = _trace(settings, [before["objective"]], before)
    kept.steps = 0
    return start, kept


def _descend(
    problem: _Problem,
    settings: RegionParams,
    start: Tensor,
    schedule: Callable[[float], float],
    anchors_a_step: int,
) -> tuple[Tensor, list[float]]:
    """Some passes over the anchors, a few a step; `schedule` maps the share of steps left to a factor of lr."""
    generator = torch.Generator().manual_seed(settings.seed)
    n = len(problem.features)
    orders = [torch.randperm(n, generator=generator).to(start.device) for _ in range(settings.n_step)]
    batches = [batch for order in orders for batch in order.split(anchors_a_step)]

    def objective(weight: Tensor, anchors: Tensor) -> Tensor:
        similarity, align = problem.losses(weight, anchors)
        decay = settings.wd / 2 * weight.square().sum() if settings.solver == "adam" else 0.0
        return settings.lambda_kl * similarity + settings.lambda_mi * align + decay

    weight, losses = minimise_stepwise(
        objective, start, batches, _optimiser(settings, start), lambda step: schedule(1 - step / len(batches))
    )
    return weight, _pass_means(losses, len(batches) // settings.n_step)


def _total(problem: _Problem, settings: RegionParams, weight: Tensor) -> dict[str, float]:
    """The objective over all pairs, and its parts."""
    similarity, align = problem.all_losses(weight)
    decay = settings.wd / 2 * float(weight.square().sum())
    objective = settings.lambda_kl * similarity + settings.lambda_mi * align + decay
    return {"similarity": similarity, "align": align, "objective": objective}


def _trace(settings: RegionParams, losses: list[float], parts: dict[str, float]) -> Trace:
    """Record of the solve; the last loss is that over all pairs."""
    return Trace(losses=[*losses, parts["objective"]], steps=settings.n_step, parts=parts)


def _start(problem: _Problem) -> Tensor:
    """The map that takes each image's w-weighted mean feature nearest to its sample embedding."""
    pooled = torch.einsum(
        "nkr,nr->nk", problem.features.flatten(2).to(problem.region_weights.dtype), problem.region_weights
    )
    return ridge(pooled / problem.scale, problem.sample_embedding)


def _optimiser(settings: RegionParams, start: Tensor) -> Callable[[Tensor], torch.optim.Optimizer]:
    """Make the optimiser; Adam's step follows the size of the map's entries, so that it holds for any k."""
    if settings.solver == "adam":
        size = float(start.square().mean().sqrt())
        rate = settings.lr or max(0.1 * size, 1e-3)
        return lambda point: torch.optim.Adam([point], lr=rate)
    return lambda point: torch.optim.SGD(
        [point], lr=settings.lr or 0.01, momentum=settings.momentum, weight_decay=settings.wd
    )


def _pass_means(losses: list[float], steps_a_pass: int) -> list[float]:
    """Mean loss of each pass, as it went."""
    return [
        sum(part) / len(part)
        for part in (losses[i : i + steps_a_pass] for i in range(0, len(losses), steps_a_pass))
    ]


def _sample_embedding(data: Mapping[str, Any]) -> Tensor:
    """The sample embedding of the data, from a tensor or a fitted estimator."""
    given = data["sample_embs"]
    if isinstance(given, SampleEmbedding):
        given.fitted_map()
        return given.embedding
    return as_tensor(given, "sample_embs")
