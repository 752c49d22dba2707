"""Measures of a projection: certainty and class of the network's predictions, and which samples are near each other."""

import torch
from projection_methods import Projection, library
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.quality import strength_uncertainty_correlation

NEIGHBOURS = 10
TRUSTED = 5  # scikit-learn's default of trustworthiness


def projection_quality(
    projection: Projection,
    features: Tensor,
    logits: Tensor,
    target_probs: Tensor,
    *,
    fitted_logits: Tensor | None = None,
) -> dict[str, float | None]:
    """Return the measures of a projection, on the samples it was fitted to or on others.

    - correlation: Pearson, of the distance from the origin with the entropy of P(. | x);
    - class_correlation: the same within the network's decisions, both less their means over a class;
    - agreement: share of samples for which the posterior decides as the network; the discriminant reads those
      that have no posterior;
    - sure_agreement: the same among the half of the samples for which the network's two most likely classes
      are farthest apart;
    - discriminant_agreement: the same, decided by linear discriminant analysis of the network's decisions on
      the samples fitted to, whatever the projection: one reader for all;
    - orientation_agreement: the same, decided by :func:`orientation_decisions`, about the projection's origin;
    - neighbour_agreement: the same, decided by :func:`neighbour_decisions`;
    - trustworthiness: how few of the 5 nearest in the projection are not among the nearest in the features;
    - separation: mean silhouette of the network's decisions.

    Source: Venna and Kaski 2001 (trustworthiness), Rousseeuw 1987 (silhouette).

    Args:
        projection: as :func:`projection_methods.project` fits it.
        features: of the samples judged (m, d).
        logits: (m, c).
        target_probs: (m, c).
        fitted_logits: (n, c) of the samples fitted to, when others are judged.

    Returns:
        Each measure by its name; None where it does not exist.

    Raises:
        InputError: a projection that has no place for other samples; scikit-learn is not installed.

    Cost: m n distances.
    """
    if fitted_logits is not None and projection.transform is None:
        raise InputError(
            "projection: has no transform, so other samples than those fitted have no place in it"
        )
    seen = fitted_logits is None
    fitted, decided = projection.embedding, (logits if fitted_logits is None else fitted_logits).argmax(dim=1)
    places = fitted if seen or projection.transform is None else projection.transform(features)
    decisions = logits.argmax(dim=1)
    read = _discriminant_decisions(places, fitted, decided)
    told = read if projection.posterior is None else projection.posterior(places).argmax(dim=1)
    voted = neighbour_decisions(places, fitted, decided, own=seen)
    centred = places - projection.origin
    pointed = orientation_decisions(centred, fitted - projection.origin, decided, classes=logits.shape[1])
    metrics, manifold = library("sklearn.metrics"), library("sklearn.manifold")
    first, second = target_probs.topk(2, dim=1).values.unbind(dim=1)
    sure = first - second >= (first - second).median()
    several = 2 <= len(decisions.unique()) < len(decisions)
    return {
        "correlation": strength_uncertainty_correlation(centred, target_probs),
        "class_correlation": strength_uncertainty_correlation(centred, target_probs, decisions),
        "agreement": _share(told == decisions),
        "sure_agreement": _share((told == decisions)[sure]),
        "discriminant_agreement": _share(read == decisions),
        "orientation_agreement": _share(pointed == decisions),
        "neighbour_agreement": _share(voted == decisions),
        "trustworthiness": float(
            manifold.trustworthiness(features.double().numpy(), places.numpy(), n_neighbors=TRUSTED)
        ),
        "separation": float(metrics.silhouette_score(places.numpy(), decisions.numpy())) if several else None,
    }


def neighbour_decisions(
    places: Tensor, fitted: Tensor, decided: Tensor, *, own: bool, neighbours: int = NEIGHBOURS
) -> Tensor:
    """Return the class that most of the nearest fitted samples have; of equals, that of the lower number.

    Places (m, e), fitted (n, e) with classes decided (n,) -> (m,). `own`: places are those fitted, and none
    is its own neighbour. At most n, or n - 1, neighbours.

    >>> line = torch.tensor([[0.0], [1.0], [10.0], [11.0]])
    >>> neighbour_decisions(line, line, torch.tensor([0, 1, 2, 3]), own=True, neighbours=1)
    tensor([1, 0, 3, 2])
    """
    distance = torch.cdist(places, fitted)
    if own:
        distance.fill_diagonal_(torch.inf)
    nearest = distance.topk(min(neighbours, len(fitted) - own), largest=False).indices
    votes = torch.nn.functional.one_hot(decided[nearest]).sum(dim=1)
    return votes.argmax(dim=1)


def orientation_decisions(places: Tensor, fitted: Tensor, decided: Tensor, *, classes: int) -> Tensor:
    """Return the class whose mean orientation is nearest to that of each place.

    ``argmax_c <o, mu_c>``, ``mu_c = normalise(sum of the orientations of the fitted samples decided as c)``

    No strength, no prior. Places (m, e), fitted (n, e) with classes decided (n,) -> (m,); a class that nobody
    has is never decided.

    >>> rays = torch.tensor([[1.0, 0.0], [5.0, 0.1], [0.0, 0.2]])
    >>> orientation_decisions(rays, rays, torch.tensor([0, 0, 1]), classes=2)
    tensor([0, 0, 1])
    """
    members = torch.nn.functional.one_hot(decided, classes).to(fitted)
    means = torch.nn.functional.normalize(members.T @ torch.nn.functional.normalize(fitted, dim=1), dim=1)
    cosines = torch.nn.functional.normalize(places, dim=1) @ means.T
    return cosines.masked_fill(members.sum(dim=0) == 0, -torch.inf).argmax(dim=1)


def _discriminant_decisions(places: Tensor, fitted: Tensor, decided: Tensor) -> Tensor:
    """The class that linear discriminant analysis of the fitted samples reads off each place (m,)."""
    reader = library("sklearn.discriminant_analysis").LinearDiscriminantAnalysis()
    reader.fit(fitted.numpy(), decided.numpy())
    return torch.from_numpy(reader.predict(places.numpy()))


def _share(right: Tensor) -> float:
    """The share of those that are."""
    return float(right.double().mean())
