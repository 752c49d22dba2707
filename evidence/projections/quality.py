"""Measures of a projection: what it preserves of the network's certainty and classes, and of which samples are near."""

import torch
from torch import Tensor

from evidence.projections.methods import Projection, library
from patternscope.errors import InputError
from patternscope.knowledge.quality import strength_uncertainty_correlation

NEIGHBOURS = 10
TRUSTED_NEIGHBOURS = 5  # scikit-learn's default


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
    - class_correlation: the same within predicted classes, both less their means over a class;
    - agreement: share of samples for which the posterior predicts the same class as the network; of projections
      without a posterior the discriminant predicts;
    - sure_agreement: the same among the half of the samples for which the network's two most likely classes
      are farthest apart;
    - discriminant_agreement: the same, predicted by linear discriminant analysis of the network's classes on the
      samples fitted to, whatever the projection;
    - orientation_agreement: the same, predicted by :func:`orientation_decisions`, about the projection's origin;
    - neighbour_agreement: the same, predicted by :func:`neighbour_decisions`;
    - trustworthiness: how few of the 5 nearest in the projection are not among the nearest in the features;
    - separation: mean silhouette of the predicted classes.

    Source: Venna and Kaski 2001 (trustworthiness), Rousseeuw 1987 (silhouette).

    Args:
        projection: as :func:`project` fits it.
        features: of the samples judged (m, d).
        logits: (m, c).
        target_probs: (m, c).
        fitted_logits: (n, c) of the samples fitted to, when others are judged.

    Returns:
        Each measure by its name; None where it does not exist.

    Raises:
        InputError: a projection that cannot place other samples; scikit-learn is not installed.

    Cost: m n distances.
    """
    fitted, places = projection.embedding, _places(projection, features, fitted_logits is not None)
    predicted = logits.argmax(dim=1)
    fitted_classes = predicted if fitted_logits is None else fitted_logits.argmax(dim=1)
    centred = places - projection.origin
    discriminant = _discriminant_decisions(places, fitted, fitted_classes)
    own = discriminant if projection.posterior is None else projection.posterior(places).argmax(dim=1)
    orientation = orientation_decisions(centred, fitted - projection.origin, fitted_classes, classes=logits.shape[1])
    neighbour = neighbour_decisions(places, fitted, fitted_classes, own=fitted_logits is None)
    first, second = target_probs.topk(2, dim=1).values.unbind(dim=1)
    sure = first - second >= (first - second).median()
    return {
        "correlation": strength_uncertainty_correlation(centred, target_probs),
        "class_correlation": strength_uncertainty_correlation(centred, target_probs, predicted),
        "agreement": _share(own == predicted),
        "sure_agreement": _share((own == predicted)[sure]),
        "discriminant_agreement": _share(discriminant == predicted),
        "orientation_agreement": _share(orientation == predicted),
        "neighbour_agreement": _share(neighbour == predicted),
        "trustworthiness": _trustworthiness(features, places),
        "separation": _silhouette(places, predicted),
    }


def _places(projection: Projection, features: Tensor, others: bool) -> Tensor:
    """Where the samples are that are judged: those fitted to, or others."""
    if not others:
        return projection.embedding
    if projection.transform is None:
        raise InputError("projection: has no transform, so that it cannot place other samples than those fitted to")
    return projection.transform(features)


def _trustworthiness(features: Tensor, places: Tensor) -> float:
    manifold = library("sklearn.manifold")
    return float(manifold.trustworthiness(features.double().numpy(), places.numpy(), n_neighbors=TRUSTED_NEIGHBOURS))


def _silhouette(places: Tensor, classes: Tensor) -> float | None:
    """The mean silhouette; None for one class, and where no two samples share one."""
    if not 2 <= len(classes.unique()) < len(classes):
        return None
    return float(library("sklearn.metrics").silhouette_score(places.numpy(), classes.numpy()))


def neighbour_decisions(
    places: Tensor, fitted: Tensor, decided: Tensor, *, own: bool, neighbours: int = NEIGHBOURS
) -> Tensor:
    """Return the class that most of the nearest fitted samples have; of equally many, the one of the lower number.

    Places (m, e), fitted (n, e) with classes decided (n,) -> (m,). `own`: places are those fitted, and none is its own
    neighbour. At most n, or n - 1, neighbours.

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

    No strength, no prior. Places (m, e), fitted (n, e) with classes decided (n,) -> (m,); a class that no fitted sample
    has is never returned.

    >>> rays = torch.tensor([[1.0, 0.0], [5.0, 0.1], [0.0, 0.2]])
    >>> orientation_decisions(rays, rays, torch.tensor([0, 0, 1]), classes=2)
    tensor([0, 0, 1])
    """
    members = torch.nn.functional.one_hot(decided, classes).to(fitted)
    means = torch.nn.functional.normalize(members.T @ torch.nn.functional.normalize(fitted, dim=1), dim=1)
    cosines = torch.nn.functional.normalize(places, dim=1) @ means.T
    return cosines.masked_fill(members.sum(dim=0) == 0, -torch.inf).argmax(dim=1)


def _discriminant_decisions(places: Tensor, fitted: Tensor, decided: Tensor) -> Tensor:
    """The class that linear discriminant analysis of the fitted samples predicts at each place (m,)."""
    discriminant = library("sklearn.discriminant_analysis").LinearDiscriminantAnalysis()
    discriminant.fit(fitted.numpy(), decided.numpy())
    return torch.from_numpy(discriminant.predict(places.numpy()))


def _share(same: Tensor) -> float:
    """The share of true entries."""
    return float(same.double().mean())
