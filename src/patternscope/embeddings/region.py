"""The regional embedding: where each region of an image lies in the radial space of its layer."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from patternscope.embeddings.checks import (
    as_tensor,
    check_finite,
    check_rows_sum_to_one,
    check_shape,
    check_target_probs,
    read_data,
    working_dtype,
)
from patternscope.embeddings.importance import find_neighbours, unit_rows
from patternscope.embeddings.linear import LinearMap, ridge
from patternscope.embeddings.sample import SampleEmbedding
from patternscope.embeddings.settings import RegionParams
from patternscope.embeddings.solver import Stopwatch, Trace, minimise_stepwise
from patternscope.errors import InputError
from patternscope.radial import concentrated
from patternscope.similarity.matching import best_matches
from patternscope.similarity.neighbours import Neighbours
from patternscope.similarity.probabilities import target_log_similarities
from patternscope.similarity.regional import orientation

KAPPA_MAX = 1000.0
# Anchors in a step of the default solver; "sgd" takes one.
_ANCHORS_A_STEP = 50
_ANCHORS_MATCHED_AT_ONCE = 64


def similarity_loss(
    region_embedding: Tensor,
    candidate_embedding: Tensor,
    region_weights: Tensor,
    positions: Tensor,
    matches: Tensor,
    log_target: Tensor,
    kappa_max: float,
) -> Tensor:
    """Return how badly regional embeddings explain which samples are alike.

    ``mean_i KL(p_i || q_i)``, ``q_i(j) = softmax_j(sum_r w_i^(r) kappa(l_i^(r)) <o_i^(r), o_j^(r')>)``

    Source: Sec. 3.3; kappa and norms are constants of the gradient (reference code).

    Args:
        region_embedding: h of the anchors (b, r, e).
        candidate_embedding: h of the possible neighbours (m + 1, r, e).
        region_weights: w of the anchors (b, r).
        positions: which candidates are the neighbours of each anchor (b, m).
        matches: r' (b, m, r) integers.
        log_target: log p (b, m).
        kappa_max: > 0.

    Returns:
        Scalar >= 0, in nats.

    Cost: 2 b m r e operations and as many scattered reads forward, twice that backward.

    >>> h = torch.eye(2)[:, None]
    >>> zero = torch.zeros(2, 1, 1, dtype=torch.uint8)
    >>> position, sure = torch.tensor([[1], [0]]), torch.zeros(2, 1)
    >>> similarity_loss(h, h, torch.ones(2, 1), position, zero, sure, 10.0)
    tensor(0.)
    """
    regions, dim = candidate_embedding.shape[1:]
    pulls = concentrated(region_embedding, kappa_max) * region_weights[..., None]
    rows = positions[:, :, None] * regions + matches.long()
    # An embedding look-up, as its gradient is summed row by row and not by a sort of all indices.
    matched = nn.functional.embedding(rows, orientation(candidate_embedding).reshape(-1, dim))
    log_q = torch.log_softmax(torch.einsum("bmre,bre->bm", matched, pulls), dim=1)
    return (log_target.exp() * (log_target - log_q)).sum(dim=1).mean()


def align_loss(region_embedding: Tensor, region_weights: Tensor, sample_embedding: Tensor) -> Tensor:
    """Return how little the important regions point where their image points.

    ``- mean_i sum_r w_i^(r) cos(h_i^(r), g_i)``

    Source: Sec. 3.3; the gradient of the cosine is exact (reference code).

    Args:
        region_embedding: h (b, r, e).
        region_weights: w (b, r).
        sample_embedding: g (b, e).

    Returns:
        Scalar in [-1, 1].

    >>> align_loss(torch.tensor([[[2.0, 0.0]]]), torch.ones(1, 1), torch.tensor([[1.0, 0.0]]))
    tensor(-1.)
    """
    cosines = nn.functional.cosine_similarity(region_embedding, sample_embedding[:, None], dim=2)
    return -(region_weights * cosines).sum(dim=1).mean()


class RegionEmbedding(LinearMap):
    """The regional embedding ``h^(r) = L f^(r) / s`` (n, r, e).

    L minimises ``lambda_kl similarity_loss + lambda_mi align_loss + wd/2 |L|^2``. Source: Sec. 3.3.

    Attributes after `fit`:
        map: L (e, k).   scale: s.   trace: record of the solve; its parts are the losses over all pairs.

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
    generator = torch.Generator().manual_seed(settings.seed)
    n = len(problem.features)
    if settings.solver == "adam":
        start, anchors_a_step = _start(problem), _ANCHORS_A_STEP
    else:
        start = embedding.random_map(settings.seed).to(problem.region_weights)
        anchors_a_step = 1
    passes = [
        torch.randperm(n, generator=generator).to(start.device).split(anchors_a_step)
        for _ in range(settings.n_step)
    ]
    steps = sum(len(each) for each in passes)

    def objective(weight: Tensor, anchors: Tensor) -> Tensor:
        similarity, align = problem.losses(weight, anchors)
        decay = settings.wd / 2 * weight.square().sum() if settings.solver == "adam" else 0.0
        return settings.lambda_kl * similarity + settings.lambda_mi * align + decay

    weight, losses = minimise_stepwise(
        objective,
        start,
        (anchors for each in passes for anchors in each),
        _optimiser(settings, start),
        (lambda step: 1 - step / steps) if settings.solver == "adam" else (lambda step: 1.0),
    )
    return _judge(problem, settings, start, weight, _pass_means(losses, len(passes[0])))


def _judge(
    problem: _Problem, settings: RegionParams, start: Tensor, weight: Tensor, losses: list[float]
) -> tuple[Tensor, Trace]:
    """Compare start and end on all pairs; never return the worse of the two."""

    def total(point: Tensor) -> tuple[float, dict[str, float]]:
        similarity, align = problem.all_losses(point)
        decay = settings.wd / 2 * float(point.square().sum())
        objective = settings.lambda_kl * similarity + settings.lambda_mi * align + decay
        return objective, {"similarity": similarity, "align": align, "objective": objective}

    before, parts_before = total(start)
    after, parts_after = total(weight)
    trace = Trace(losses=[before, *losses, after], steps=settings.n_step, parts=parts_after)
    # Not (after <= before), so that a NaN counts as worse.
    if settings.solver == "adam" and not after <= before:
        trace.parts, trace.losses[-1] = parts_before, before
        return start, trace
    return weight, trace


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
