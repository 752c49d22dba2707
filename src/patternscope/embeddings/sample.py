"""The sample embedding: the network's prediction for each image as a point in the radial space."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from patternscope.autograd_modes import differentiable, isolate_autograd
from patternscope.embeddings.checks import as_tensor, check_keys, check_target_probs
from patternscope.embeddings.linear import LinearMap, ridge
from patternscope.embeddings.objectives import sample_loss
from patternscope.embeddings.settings import LOOKING, SAMPLE_DEFAULTS, Auto, SampleParams
from patternscope.embeddings.threads import threads_for
from patternscope.embeddings.verbose import write_losses
from patternscope.radial.checks import check_finite, check_shape, working_dtype
from patternscope.radial.posterior import log_posterior, mean_directions
from patternscope.radial.rotation import procrustes
from patternscope.radial.units import in_usual_unit
from patternscope.solvers import Stopwatch, Trace, minimise_lbfgs, minimise_stepwise, with_gradient

# A start of more than this mean strength is no better, even for a certain network.
_START_STRENGTH = 0.5


class SampleEmbedding(LinearMap):
    """The sample embedding ``g = M f / s`` (n, e): strength expresses certainty, orientation the class.

    M minimises :func:`sample_loss`. Source: Sec. 3.2.

    Attributes after `fit`:
        map: M (e, d).   scale: s.   embedding: g of the fitted samples (n, e).
        mean_directions: (c, e).   class_prior: (c,).   trace: record of the solve.

    Args:
        in_dim: d, entries of a sample feature.
        out_dim: e >= 2.
        kappa_max: largest concentration, > 0.
        scale: s, or "auto" for the mean strength of the features given to `fit`.

    >>> features = torch.tensor([[2.0, 0.0], [1.0, 0.0], [0.0, 1.0], [0.0, 2.0]])
    >>> probs = torch.tensor([[0.9, 0.1], [0.7, 0.3], [0.3, 0.7], [0.1, 0.9]])
    >>> embedding = SampleEmbedding(in_dim=2, out_dim=2)
    >>> _ = embedding.fit({"target_probs": probs, "sample_features": features})
    >>> embedding.posterior(features).argmax(1)
    tensor([0, 0, 1, 1])
    """

    mean_directions: Tensor
    class_prior: Tensor
    embedding: Tensor

    def __init__(
        self,
        in_dim: int,
        out_dim: int = LOOKING,
        *,
        kappa_max: float = SAMPLE_DEFAULTS.kappa_max,
        scale: float | Auto = SAMPLE_DEFAULTS.scale,
    ) -> None:
        super().__init__(in_dim, out_dim, kappa_max=kappa_max, scale=scale)
        for name in ("mean_directions", "class_prior"):
            self.register_buffer(name, torch.zeros(0))
        self.register_buffer("embedding", torch.zeros(0), persistent=False)

    @isolate_autograd()
    def fit(
        self,
        data: Mapping[str, Any],
        params: Mapping[str, Any] | None = None,
        verbose_dir: str | Path | None = None,
        align: "Tensor | SampleEmbedding | None" = None,
        start: Tensor | None = None,
    ) -> "SampleEmbedding":
        """Fit M to the network's probabilities.

        Args:
            data: "target_probs" (n, c), "sample_features" (n, d).
            params: any of :class:`SampleParams`.
            verbose_dir: folder for the loss curve (csv, png), or None to write nothing.
            align: embedding (n, e) of the same samples into whose frame this one is rotated.
            start: a map (e, d) to begin with, such as the mean of those of earlier checkpoints.

        Returns:
            self.

        Raises:
            InputError: NaN or inf, shapes that disagree, rows that are not probabilities, unknown parameters.
        """
        settings = SampleParams.read(params)
        features, probs = self._read(data)
        watch = Stopwatch()
        features, exponent = in_usual_unit(features)
        self._set_scale(features, exponent)
        with threads_for(features):
            weight, self.trace = _solve(features / self.scale, probs, self, settings, start)
        watch.close(self.trace, "sample embedding")
        self.map = weight.to(features)
        if align is not None:
            self.map = self._rotation(features, align).T @ self.map
        self.embedding = self(features)
        self.mean_directions = mean_directions(self.embedding, probs, self.kappa_max)
        self.class_prior = probs.mean(dim=0)
        self._leave_unit(exponent)
        if verbose_dir is not None:
            write_losses(self.trace, verbose_dir, "sample_embedding")
        return self

    def forward(self, features: Tensor) -> Tensor:
        """Return the embedding of sample features: (n, d) -> (n, e)."""
        features = as_tensor(features, "features")
        check_shape(features, "features", (None, self.in_dim), "(n, d)")
        usual, scale = self._in_unit(features)
        return usual.to(self.map) @ self.map.T / scale

    def posterior(self, features: Tensor) -> Tensor:
        """Return p(class | embedding) with the fitted prior: (n, d) -> (n, c).

        InputError before `fit` and for features of another length. Source: Sec. 3.1.
        """
        embedding = self(features)
        prior = self.class_prior.clamp_min(torch.finfo(embedding.dtype).tiny).log()
        return log_posterior(embedding, self.mean_directions, self.kappa_max, prior).exp()

    def _read(self, data: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
        """Check and return features and probabilities."""
        names = ("sample_features", "target_probs")
        check_keys(data, required=names[::-1])
        features, probs = (as_tensor(data[name], name).detach() for name in names)
        check_target_probs(probs)
        check_shape(features, "sample_features", (len(probs), self.in_dim), "(n, d)")
        check_finite(features, "sample_features")
        dtype = working_dtype(features)
        return features.to(dtype), differentiable(probs).to(features.device, dtype)

    def _rotation(self, features: Tensor, align: "Tensor | SampleEmbedding") -> Tensor:
        """Return the rotation that brings the embedding nearest to the one given."""
        target = align.embedding if isinstance(align, SampleEmbedding) else as_tensor(align, "align")
        check_shape(target, "align", (len(features), self.out_dim), "(n, e)")
        return procrustes(self(features), target.to(features))


def spectral_start(features: Tensor, target_probs: Tensor, dim: int) -> Tensor:
    """Return a map near the best one, without randomness and for any order of samples.

    By the posterior, ``log P(c | x) = log pi_c + kappa(l) o . mu_c + const(x)``, so the log probabilities, centred
    over classes and samples, have rank e. Their e leading singular vectors over samples are regressed on the
    features. Mean directions spread over the sphere have ``sum_c mu_c mu_c^T = c/e I``, which gives the strength:
    it is 0 for a network that predicts the same for every image.

    f / s (n, d), P (n, c) -> M (e, d), of mean strength at most 1/2; zero where all probabilities are the same.

    >>> spectral_start(torch.eye(3), torch.eye(3), dim=2).shape
    torch.Size([2, 3])
    """
    logs = target_probs.clamp_min(1e-6).log()
    centred = logs - logs.mean(dim=1, keepdim=True)
    centred = centred - centred.mean(dim=0)
    _, _, loadings = torch.linalg.svd(centred.T @ centred)
    # Singular vectors are unique up to their sign: make the largest entry positive.
    largest = loadings.gather(1, loadings.abs().argmax(dim=1, keepdim=True))
    target = centred @ (loadings * largest.sign())[:dim].T
    target = nn.functional.pad(target, (0, dim - target.shape[1])) * (dim / target_probs.shape[1]) ** 0.5
    strength = torch.linalg.vector_norm(target, dim=1).mean()
    return ridge(features, target * (_START_STRENGTH / strength.clamp_min(_START_STRENGTH)))


def _solve(
    features: Tensor, probs: Tensor, embedding: SampleEmbedding, settings: SampleParams, start: Tensor | None
) -> tuple[Tensor, Trace]:
    """Minimise the sample loss with weight decay, from the given, the spectral or a random start.

    L-BFGS works in float64 if the device has it: in float32, the loss of a nearly constant network is below the
    rounding errors.
    """
    exact = settings.solver == "lbfgs"
    if exact and features.device.type != "mps":
        features, probs = features.double(), probs.double()

    def objective(weight: Tensor, _: Tensor | None = None) -> Tensor:
        return sample_loss(weight, features, probs, embedding.kappa_max, exact_gradient=exact)

    def with_decay(weight: Tensor) -> Tensor:
        return objective(weight) + settings.wd / 2 * weight.square().sum()

    if start is not None:
        check_shape(start, "start", (embedding.out_dim, embedding.in_dim), "(e, d)")
        start = start.to(features)
    if exact:
        start = spectral_start(features, probs, embedding.out_dim) if start is None else start
        weight, losses = minimise_lbfgs(with_gradient(with_decay), start, settings.steps)
    else:
        start = embedding.random_map(settings.seed).to(features) if start is None else start
        weight, losses = minimise_stepwise(
            objective,
            start,
            [features[:0]] * settings.steps,
            lambda point: torch.optim.SGD([point], settings.sgd_rate, settings.momentum, weight_decay=settings.wd),
        )
    with torch.no_grad():
        loss = float(objective(weight))
    return weight, Trace(losses=losses, steps=len(losses), parts={"kl": loss})
