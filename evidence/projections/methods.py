"""The sample embedding and the projections that one would otherwise choose, each at its library's defaults."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import torch
from torch import Tensor

from evidence.projections.drpr import class_centres, fit_drpr, gaussian_log_posterior
from patternscope.embeddings import SampleEmbedding
from patternscope.embeddings.objectives import log_prior
from patternscope.errors import InputError, nearest
from patternscope.radial import log_posterior

_LIBRARIES = {"sklearn": "scikit-learn", "umap": "umap-learn"}


@dataclass(frozen=True)
class Projection:
    """A projection of n samples to e dimensions.

    Attributes:
        embedding: positions of the samples it was fitted to (n, e).
        origin: the point from which strength is measured (e,).
        transform: features (m, d) -> (m, e), None where it cannot place other samples.
        posterior: positions (m, e) -> class probabilities (m, c), None where it has no distribution of its own.
    """

    embedding: Tensor
    origin: Tensor
    transform: Callable[[Tensor], Tensor] | None = None
    posterior: Callable[[Tensor], Tensor] | None = None


Fit = Callable[[Tensor, Tensor, int, int], Projection]


def project(name: str, features: Tensor, target_probs: Tensor, *, dim: int = 3, seed: int = 0) -> Projection:
    """Fit one of :data:`PROJECTIONS` to sample features, at its library's defaults but for dimensions and seed.

    Strength is measured from zero where zero has a meaning (radial, raw), else from the mean.

    Args:
        name: "radial" (the sample embedding), "radial_sgd" (the same by the published solver), "raw" (no
            projection, e = d), "drpr", "pca", "tsne", "lle", "isomap", "umap".
        features: (n, d).
        target_probs: (n, c); only radial and drpr use them.
        dim: e.
        seed: of those that :func:`is_random` names.

    Returns:
        Projection, float64.

    Raises:
        InputError: an unknown name, or a library that is not installed.

    >>> features = torch.tensor([[2.0, 0.0], [1.0, 1.0], [0.0, 3.0]])
    >>> project("raw", features, torch.eye(3)).embedding.norm(dim=1)[0]
    tensor(2., dtype=torch.float64)
    """
    if name not in PROJECTIONS:
        raise InputError(f"projection: {name!r} is unknown; {nearest(name, list(PROJECTIONS))}")
    return PROJECTIONS[name](features.double(), target_probs.double(), dim, seed)


def is_random(name: str) -> bool:
    """Tell whether a projection depends on its seed; t-SNE starts from PCA and does not.

    >>> is_random("pca"), is_random("umap")
    (False, True)
    """
    return name in {"radial_sgd", "umap", "drpr"}


def _radial(features: Tensor, probs: Tensor, dim: int, seed: int, solver: str = "lbfgs") -> Projection:
    """The sample embedding, with its own posterior."""
    fitted = SampleEmbedding(features.shape[1], dim)
    fitted.fit({"sample_features": features, "target_probs": probs}, {"solver": solver, "seed": seed})
    prior = log_prior(probs)

    def posterior(embedding: Tensor) -> Tensor:
        return log_posterior(embedding, fitted.mean_directions, fitted.kappa_max, prior).exp()

    return Projection(fitted.embedding, torch.zeros(dim).double(), fitted, posterior)


def _radial_sgd(features: Tensor, probs: Tensor, dim: int, seed: int) -> Projection:
    return _radial(features, probs, dim, seed, solver="sgd")


def _raw(features: Tensor, probs: Tensor, dim: int, seed: int) -> Projection:
    return Projection(features, torch.zeros(features.shape[1]).double(), lambda other: other.double())


def _drpr(features: Tensor, probs: Tensor, dim: int, seed: int) -> Projection:
    weight = fit_drpr(features, probs, dim, seed=seed)
    embedding = features @ weight.T
    centres, prior = class_centres(embedding, probs), log_prior(probs)

    def posterior(other: Tensor) -> Tensor:
        return gaussian_log_posterior(other, centres, prior).exp()

    return Projection(embedding, embedding.mean(dim=0), lambda other: other.double() @ weight.T, posterior)


def _pca(features: Tensor, probs: Tensor, dim: int, seed: int) -> Projection:
    return _fitted(library("sklearn.decomposition").PCA(dim, random_state=seed), features)


def _tsne(features: Tensor, probs: Tensor, dim: int, seed: int) -> Projection:
    return _fitted(library("sklearn.manifold").TSNE(dim, random_state=seed), features)


def _lle(features: Tensor, probs: Tensor, dim: int, seed: int) -> Projection:
    manifold = library("sklearn.manifold")
    return _fitted(manifold.LocallyLinearEmbedding(n_components=dim, random_state=seed), features)


def _isomap(features: Tensor, probs: Tensor, dim: int, seed: int) -> Projection:
    return _fitted(library("sklearn.manifold").Isomap(n_components=dim), features)


def _umap(features: Tensor, probs: Tensor, dim: int, seed: int) -> Projection:
    # A seed forces one thread anyway; asking for one avoids the library's warning.
    return _fitted(library("umap").UMAP(n_components=dim, random_state=seed, n_jobs=1), features)


def _fitted(estimator: Any, features: Tensor) -> Projection:
    """A projection by an estimator with scikit-learn's interface."""
    embedding = torch.from_numpy(estimator.fit_transform(features.numpy())).double()

    def transform(other: Tensor) -> Tensor:
        return torch.from_numpy(estimator.transform(other.double().numpy())).double()

    places_others = hasattr(estimator, "transform")
    return Projection(embedding, embedding.mean(dim=0), transform if places_others else None)


def library(module: str) -> Any:
    """Return a module of a library that only comparisons need; InputError where it is not installed."""
    top = module.partition(".")[0]
    if find_spec(top) is None:
        raise InputError(f"{top}: expected {_LIBRARIES[top]} to be installed; pip install 'patternscope[evidence]'")
    return import_module(module)


PROJECTIONS: dict[str, Fit] = {
    "radial": _radial,
    "radial_sgd": _radial_sgd,
    "raw": _raw,
    "drpr": _drpr,
    "pca": _pca,
    "tsne": _tsne,
    "lle": _lle,
    "isomap": _isomap,
    "umap": _umap,
}
