"""The regional embedding: each region of an image as a point in the radial space of its layer."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from patternscope.autograd_modes import differentiable, isolate_autograd
from patternscope.embeddings.checks import as_tensor, check_keys, check_rows_sum_to_one, check_target_probs
from patternscope.embeddings.likelihood import RegionalLikelihood, sharpened
from patternscope.embeddings.linear import LinearMap
from patternscope.embeddings.regional_objective import embed_regions
from patternscope.embeddings.regional_solver import fit_pairs
from patternscope.embeddings.sample import SampleEmbedding
from patternscope.embeddings.settings import LOOKING, REGION_DEFAULTS, Auto, RegionParams
from patternscope.embeddings.threads import threads_for
from patternscope.embeddings.verbose import write_losses
from patternscope.radial.checks import check_finite, check_kappa, check_shape, working_dtype
from patternscope.radial.units import in_usual_unit
from patternscope.solvers import Stopwatch, Trace

_PAIRS = ("sample_embs", "w_k", "w_r")
_LIKELIHOOD = ("mean_directions",)


class RegionEmbedding(LinearMap):
    """The regional embedding ``h^(r) = L f^(r) / s`` (n, r, e).

    L minimises ``lambda_kl similarity_loss + lambda_mi align_loss + wd/2 |L|^2`` (Source: Sec. 3.3), or the
    cross-entropy of each region's posterior with the network's probabilities (`RegionalLikelihood`).

    Attributes after `fit`:
        map: L (e, k).   scale: s.   trace: record of the solve; its parts are the losses over all pairs.

    Args:
        in_dim: k, channels of the layer.
        out_dim: e >= 2, that of the sample embedding.
        kappa_max: largest concentration, > 0.
        kappa_prob: kappa_p > 0 of the target similarity.
        scale: s, or "auto" for the mean strength of the regional features given to `fit`.

    >>> import torch
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
        out_dim: int = LOOKING,
        *,
        kappa_max: float = REGION_DEFAULTS.kappa_max,
        kappa_prob: float = REGION_DEFAULTS.kappa_prob,
        scale: float | Auto = REGION_DEFAULTS.scale,
    ) -> None:
        super().__init__(in_dim, out_dim, kappa_max=kappa_max, scale=scale)
        check_kappa(kappa_prob, "kappa_prob")
        self.kappa_prob = float(kappa_prob)

    @isolate_autograd()
    def fit(
        self, data: Mapping[str, Any], params: Mapping[str, Any] | None = None, verbose_dir: str | Path | None = None
    ) -> "RegionEmbedding":
        """Fit L in the frame of the sample embedding.

        Args:
            data: "target_probs" (n, c) and "regional_features" (n, k, h, w); for the paper's objective also
                "sample_embs" (n, e) or the SampleEmbedding fitted to the same samples, "w_k" channel weights (n, k),
                "w_r" region weights (n, r), and optionally "neighbours" as for `ImportanceWeight.estimate`; for the
                likelihood "mean_directions" (c, e) of the sample embedding.
            params: any of :class:`RegionParams`.
            verbose_dir: folder for the loss curve (csv, png), or None to write nothing.

        Returns:
            self.

        Raises:
            InputError: NaN or inf, shapes that disagree, rows that are not probabilities, unknown parameters.

        Cost: some 15 evaluations of two passes over the features each, 4 n r k e operations. For the paper's objective
        a match of ``2 r k`` operations for each neighbour and region that carries weight, and in each of some 25
        evaluations m e look-ups and sums for such a region.
        """
        settings = RegionParams.read(params)
        self._check(data, settings)
        watch = Stopwatch()
        features, exponent = in_usual_unit(as_tensor(data["regional_features"], "regional_features").detach())
        self._set_scale(features, exponent)
        if settings.objective == "likelihood":
            with threads_for(features):
                weight, self.trace = self._fit_likelihood(data, features, settings)
        else:
            samples = _sample_embedding(data)
            weight, self.trace = fit_pairs(data, features, samples, self, self.kappa_prob, settings)
        watch.close(self.trace, "regional embedding")
        self.map = weight.contiguous()
        self._leave_unit(exponent)
        if verbose_dir is not None:
            write_losses(self.trace, verbose_dir, "region_embedding")
        return self

    def _fit_likelihood(
        self, data: Mapping[str, Any], features: Tensor, settings: RegionParams
    ) -> tuple[Tensor, Trace]:
        """Return the map from which regions best predict the network's decision."""
        dtype = working_dtype(features)
        probs, directions = (
            differentiable(as_tensor(data[name], name).detach()).to(features.device, dtype)
            for name in ("target_probs", "mean_directions")
        )
        objective = RegionalLikelihood.of(
            features.flatten(2),
            sharpened(probs, settings.sharpening),
            directions,
            self.scale.to(dtype),
            self.kappa_max,
            settings.wd,
        )
        return objective.minimise(settings.steps)

    def forward(self, regional_features: Tensor) -> Tensor:
        """Return the embedding of regional features: (n, k, h, w) -> (n, h*w, e)."""
        features = as_tensor(regional_features, "regional_features")
        check_shape(features, "regional_features", (None, self.in_dim, None, None), "(n, k, h, w)")
        usual, scale = self._in_unit(features)
        return embed_regions(self.map, usual, scale)

    def _check(self, data: Mapping[str, Any], settings: RegionParams) -> None:
        pairs = settings.objective == "paper"
        own, other = (_PAIRS, _LIKELIHOOD) if pairs else (_LIKELIHOOD, _PAIRS)
        check_keys(data, required=("target_probs", "regional_features", *own), optional=("neighbours", *other))
        probs = as_tensor(data["target_probs"], "target_probs")
        check_target_probs(probs)
        features = as_tensor(data["regional_features"], "regional_features")
        check_shape(features, "regional_features", (len(probs), self.in_dim, None, None), "(n, k, h, w)")
        check_finite(features, "regional_features")
        if pairs:
            self._check_pairs(data, features)
        else:
            directions = as_tensor(data["mean_directions"], "mean_directions")
            check_shape(directions, "mean_directions", (probs.shape[1], self.out_dim), "(c, e)")
            check_finite(directions, "mean_directions")

    def _check_pairs(self, data: Mapping[str, Any], features: Tensor) -> None:
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
