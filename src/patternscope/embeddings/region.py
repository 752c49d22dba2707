"""The regional embedding: each region of an image as a point in the radial space of its layer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patternscope.autograd_modes import differentiable, isolate_autograd
from patternscope.embeddings.checks import as_tensor, check_keys, check_rows_sum_to_one, check_target_probs
from patternscope.embeddings.linear import LinearMap, ridge
from patternscope.embeddings.matched_regions import match_anchors
from patternscope.embeddings.neighbourhood import given_neighbours
from patternscope.embeddings.regional_objective import RegionalObjective, embed_regions
from patternscope.embeddings.sample import SampleEmbedding
from patternscope.embeddings.settings import REGION_DEFAULTS, SAMPLE_DEFAULTS, Auto, RegionParams
from patternscope.embeddings.solver import Stopwatch, Trace, minimise_lbfgs, minimise_stepwise, preconditioned
from patternscope.embeddings.verbose import write_losses
from patternscope.radial.checks import check_finite, check_positive, check_shape, working_dtype
from patternscope.similarity.targets import target_log_similarity

# Share of an image's weight in regions that the default solver does not compare.
_OMITTED = 1e-3
# Added to the second moment of unit features, in units of its mean eigenvalue.
_RIDGE = 1e-2
_MOST_HALVINGS = 8


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
        out_dim: int = SAMPLE_DEFAULTS.out_dim,
        *,
        kappa_max: float = REGION_DEFAULTS.kappa_max,
        kappa_prob: float = REGION_DEFAULTS.kappa_prob,
        scale: float | Auto = REGION_DEFAULTS.scale,
    ) -> None:
        super().__init__(in_dim, out_dim, kappa_max=kappa_max, scale=scale)
        check_positive(kappa_prob, "kappa_prob")
        self.kappa_prob = float(kappa_prob)

    @isolate_autograd()
    def fit(
        self, data: Mapping[str, Any], params: Mapping[str, Any] | None = None, verbose_dir: str | Path | None = None
    ) -> "RegionEmbedding":
        """Fit L to the similarities of samples, in the frame of the sample embedding.

        Args:
            data: "target_probs" (n, c), "regional_features" (n, k, h, w), "sample_embs" (n, e) or the
                SampleEmbedding fitted to the same samples, "w_k" channel weights (n, k),
                "w_r" region weights (n, r), and optionally "neighbours" as for `ImportanceWeight.estimate`.
            params: any of :class:`RegionParams`.
            verbose_dir: folder for the loss curve (csv, png), or None to write nothing.

        Returns:
            self.

        Raises:
            InputError: NaN or inf, shapes that disagree, rows that are not probabilities, unknown parameters.

        Cost: a match of ``2 r k`` operations for each neighbour and region that carries weight; then some 25
        evaluations, each of m e look-ups and sums for such a region and two passes over the features.
        """
        settings = RegionParams.read(params)
        self._check(data)
        watch = Stopwatch()
        features = as_tensor(data["regional_features"], "regional_features").detach()
        self._set_scale(features)
        objective, moment = _objective(data, features, self, settings)
        if settings.solver == "sgd":
            start = self.random_map(settings.seed).to(objective.region_weights)
            weight, self.trace = _solve_by_protocol(objective, start, settings)
        else:
            weight, self.trace = _solve(objective, moment, settings)
        watch.close(self.trace, "regional embedding")
        self.map = weight.contiguous()
        if verbose_dir is not None:
            write_losses(self.trace, verbose_dir, "region_embedding")
        return self

    def forward(self, regional_features: Tensor) -> Tensor:
        """Return the embedding of regional features: (n, k, h, w) -> (n, h*w, e)."""
        features = as_tensor(regional_features, "regional_features")
        check_shape(features, "regional_features", (None, self.in_dim, None, None), "(n, k, h, w)")
        return embed_regions(self.fitted_map(), features, self.scale)

    def _check(self, data: Mapping[str, Any]) -> None:
        required = ("target_probs", "regional_features", "sample_embs", "w_k", "w_r")
        check_keys(data, required=required, optional=("neighbours",))
        probs = as_tensor(data["target_probs"], "target_probs")
        check_target_probs(probs)
        features = as_tensor(data["regional_features"], "regional_features")
        check_shape(features, "regional_features", (len(probs), self.in_dim, None, None), "(n, k, h, w)")
        check_finite(features, "regional_features")
        n, k, height, width = features.shape
        for name, length, axes in (("w_k", k, "(n, k)"), ("w_r", height * width, "(n, r)")):
            weights = as_tensor(data[name], name)
            check_shape(weights, name, (n, length), axes)
            check_rows_sum_to_one(weights, name)
        samples = _sample_embedding(data)
        check_shape(samples, "sample_embs", (n, self.out_dim), "(n, e)")
        check_finite(samples, "sample_embs")


def _sample_embedding(data: Mapping[str, Any]) -> Tensor:
    """Return the sample embedding of the data, from a tensor or a fitted estimator."""
    given = data["sample_embs"]
    if isinstance(given, SampleEmbedding):
        given.fitted_map()
        return given.embedding
    return as_tensor(given, "sample_embs")


def _objective(
    data: Mapping[str, Any], features: Tensor, embedding: RegionEmbedding, settings: RegionParams
) -> tuple[RegionalObjective, Tensor]:
    """Return the objective, and the second moment of the unit regional features (k, k)."""
    dtype, device = working_dtype(features), features.device
    probs, v, w = (
        differentiable(as_tensor(data[name], name).detach()).to(device, dtype)
        for name in ("target_probs", "w_k", "w_r")
    )
    neighbours = given_neighbours(data, features, probs, settings)
    # The published protocol takes one anchor a step and omits nothing.
    omitted, at_once = (0.0, 1) if settings.solver == "sgd" else (_OMITTED, None)
    blocks, moment = match_anchors(features, v, w, neighbours, omitted=omitted, at_once=at_once)
    everyone = torch.arange(len(probs), device=device)
    objective = RegionalObjective(
        features=features,
        sample_embedding=differentiable(_sample_embedding(data).detach()).to(device, dtype),
        region_weights=w,
        candidates=neighbours.candidates,
        log_target=target_log_similarity(probs, everyone, neighbours.samples, embedding.kappa_prob),
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
    point, losses = minimise_lbfgs(evaluate, _start(objective) @ factor, settings.n_step)
    weight = torch.linalg.solve_triangular(factor, point, upper=False, left=False)
    return weight, Trace(losses=losses, steps=len(losses) - 1, parts=objective.parts(weight))


def _start(objective: RegionalObjective) -> Tensor:
    """Return the map that brings each image's w-weighted mean feature nearest to its sample embedding, or a fraction.

    Where samples are not what linear maps of regions can be, least squares overestimates strengths, and halving
    them helps.
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
    """Minimise by the published protocol: SGD from a random map, one anchor a step, the published gradient."""
    generator = torch.Generator().manual_seed(settings.seed)
    n = len(objective.blocks)
    orders = [torch.randperm(n, generator=generator) for _ in range(settings.n_step)]
    candidate_features = objective.features[objective.candidates]
    weight, losses = minimise_stepwise(
        lambda point, anchor: objective.of_one_block(point, anchor, candidate_features),
        start,
        [anchor for order in orders for anchor in order],
        lambda point: torch.optim.SGD([point], settings.lr, settings.momentum, weight_decay=settings.wd),
    )
    before, after = objective.parts(start), objective.parts(weight)
    means = torch.tensor(losses).view(settings.n_step, n).mean(dim=1).tolist()
    return weight, Trace([before["objective"], *means, after["objective"]], settings.n_step, parts=after)
