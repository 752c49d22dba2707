"""Knowledge points: regions with which the network distinguishes classes."""

from typing import Literal

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.calibration import at_temperature
from patternscope.knowledge.knowledge_points import KnowledgePoints
from patternscope.knowledge.temperatures import Temperatures
from patternscope.radial.checks import check_at_least, check_finite, check_positive, class_labels
from patternscope.radial.defaults import REGION_KAPPA_MAX
from patternscope.radial.posterior import log_posterior

_BLOCK_NUMBERS = 2**25


def find_knowledge_points(
    region_embedding: Tensor,
    mean_directions: Tensor,
    labels: Tensor,
    tau: float | Literal["auto"] = "auto",
    *,
    kappa_max: float = REGION_KAPPA_MAX,
    unit_strength: float | None = None,
    temperature: float | Tensor | Temperatures = 1.0,
) -> KnowledgePoints:
    """Find the regions whose embedding assigns a class a probability above tau.

    ``max_c p(c | h^(r)) > tau``; reliable if that class is the image's own. p is the radial posterior with a
    uniform prior, on strengths divided by `unit_strength` as in the reference code. Source: Sec. 3.4. Calibrated points
    have a unit of 1, the embedding by a map that has not seen the image, and temperatures by `calibrate_by_strength`.

    Args:
        region_embedding: h (n, r, e).
        mean_directions: mu of the sample embedding (c, e), unit vectors.
        labels: true classes (n,), integers in [0, c).
        tau: threshold in (1 / c, 1): a region that carries no information assigns every class 1 / c; "auto" as in
            :func:`threshold`.
        kappa_max: largest concentration of regional embeddings.
        unit_strength: the layer's mean strength at the last checkpoint analysed, > 0; None for that of this
            embedding.
        temperature: T that divides the log posterior: one, one per image (n,), or by strength as chosen by
            `calibrate_by_strength`; inf if nothing is known.

    Returns:
        KnowledgePoints.

    Raises:
        InputError: shapes that disagree, labels outside the classes, non-finite embeddings, tau outside (1 / c, 1).

    Cost: 2 n r c e operations.

    >>> h = torch.tensor([[[3.0, 0.0], [0.0, 3.0], [0.0, 0.0]]])
    >>> points = find_knowledge_points(h, torch.eye(2), torch.tensor([0]), tau=0.6)
    >>> points.mask.tolist(), points.reliable.tolist(), points.ratio
    ([[True, True, False]], [[True, False, False]], 0.5)
    """
    tau = threshold(tau, len(mean_directions))
    _check(region_embedding, mean_directions, labels, tau)
    strength = torch.linalg.vector_norm(region_embedding, dim=-1)
    unit = mean_strength(region_embedding) if unit_strength is None else unit_strength
    if unit_strength is not None:
        check_positive(unit_strength, "unit_strength")
    # A layer with all regions at the origin has no unit of strength, and no points either.
    unit = unit or 1.0
    confidence, category = _most_probable(region_embedding, unit, mean_directions, kappa_max, temperature)
    mask = confidence > tau
    reliable = mask & (category == labels.to(category.device)[:, None])
    return KnowledgePoints(mask, reliable, category, confidence, strength / unit)


def _most_probable(
    embedding: Tensor, unit: float, directions: Tensor, kappa_max: float, temperature: float | Tensor | Temperatures
) -> tuple[Tensor, Tensor]:
    """The largest probability of each region (n, r), and its class, block by block of images."""
    n, r = embedding.shape[:2]
    found = []
    for rows in torch.arange(n).split(max(1, _BLOCK_NUMBERS // (r * len(directions)))):
        own = embedding[rows[0] : rows[-1] + 1] / unit
        posterior = tempered_posterior(own, directions, kappa_max, _of_images(temperature, rows, n))
        found.append(posterior.exp().max(dim=-1))
    confidence, category = (torch.cat(parts) for parts in zip(*found, strict=True))
    return confidence, category


def _of_images(temperature: float | Tensor | Temperatures, rows: Tensor, n: int) -> float | Tensor | Temperatures:
    """The temperatures of some of n images, if each has its own."""
    if isinstance(temperature, Temperatures):
        return temperature.rows(rows) if len(temperature.weak) == n else temperature
    if isinstance(temperature, Tensor) and temperature.shape[:1] == (n,):
        return temperature[rows.to(temperature.device)]
    return temperature


def mean_strength(region_embedding: Tensor) -> float:
    """Return the mean strength of a layer's regions, the mean norm of h (n, r, e).

    >>> mean_strength(torch.tensor([[[3.0, 4.0], [0.0, 1.0]]]))
    3.0
    """
    return float(torch.linalg.vector_norm(region_embedding, dim=-1).double().mean())


def threshold(tau: float | Literal["auto"], classes: int) -> float:
    """Return tau, or for "auto" the threshold for a number of classes: the paper's 0.4, or more for fewer than ten.

    ``max(0.4, 1/c + (1 - 1/c) / 3)``, a third of the range from the probability without information to certainty; that
    is 0.4 for ten classes. InputError for fewer than 2 classes. Source: Sec. 3.4 for ten classes.

    >>> [round(threshold("auto", classes), 3) for classes in (2, 3, 5, 10, 100)], threshold(0.8, 10)
    ([0.667, 0.556, 0.467, 0.4, 0.4], 0.8)
    """
    check_at_least(classes, 2, "classes")
    return max(0.4, (1 + 2 / classes) / 3) if tau == "auto" else tau


def tempered_posterior(
    region_embedding: Tensor,
    mean_directions: Tensor,
    kappa_max: float = REGION_KAPPA_MAX,
    temperature: float | Tensor | Temperatures = 1.0,
) -> Tensor:
    """Return log p(c | h^(r)) with a uniform prior, divided by a temperature and normalised again.

    h (n, r, e), mu (c, e), T one, one per image (n,) or by strength -> (n, r, c), of the embedding's type.

    >>> tempered_posterior(torch.ones(1, 1, 2), torch.eye(2), temperature=float("inf")).exp()
    tensor([[[0.5000, 0.5000]]])
    """
    posterior = log_posterior(region_embedding, mean_directions, kappa_max)
    if isinstance(temperature, float) and temperature == 1.0:
        return posterior
    if isinstance(temperature, Temperatures):
        temperature = temperature.of(torch.linalg.vector_norm(region_embedding, dim=-1))
    return at_temperature(posterior, temperature).to(posterior.dtype)


def class_probability(
    region_embedding: Tensor,
    mean_directions: Tensor,
    classes: Tensor,
    kappa_max: float = REGION_KAPPA_MAX,
    temperature: float | Tensor | Temperatures = 1.0,
) -> Tensor:
    """Return p(class | h^(r)) of one class per image, with a uniform prior. Source: Sec. 3.4.

    h (n, r, e) with strengths in units of the layer's, mu (c, e), classes (n,) integers in [0, c), `temperature` as
    `tempered_posterior` -> (n, r), in (0, 1), NaN where an embedding is. InputError when the classes are not one per
    image.

    >>> class_probability(torch.zeros(1, 2, 3), torch.eye(3), torch.tensor([1]))
    tensor([[0.3333, 0.3333]])
    """
    _check_classes(classes, region_embedding)
    posterior = tempered_posterior(region_embedding, mean_directions, kappa_max, temperature)
    chosen = classes.to(posterior.device)[:, None, None].expand(-1, posterior.shape[1], 1)
    return posterior.gather(2, chosen)[..., 0].exp()


def class_log_odds(
    region_embedding: Tensor,
    mean_directions: Tensor,
    classes: Tensor,
    kappa_max: float = REGION_KAPPA_MAX,
    temperature: float | Tensor | Temperatures = 1.0,
) -> Tensor:
    """Return log p / (1 - p) of p = p(class | h^(r)): the same order as p, also where p is rounded to 1.

    Arguments and errors as :func:`class_probability`; (n, r) float64.

    >>> h = torch.tensor([[[30.0, 0.0], [40.0, 0.0]]])
    >>> class_probability(h, torch.eye(2), torch.tensor([0]))
    tensor([[1., 1.]])
    >>> class_log_odds(h, torch.eye(2), torch.tensor([0])).diff() > 0
    tensor([[True]])
    """
    _check_classes(classes, region_embedding)
    posterior = tempered_posterior(region_embedding.double(), mean_directions.double(), kappa_max, temperature)
    own = torch.nn.functional.one_hot(classes.to(posterior.device), len(mean_directions)).bool()[:, None]
    others = posterior.masked_fill(own, -torch.inf).logsumexp(dim=-1)
    return posterior.masked_fill(~own, -torch.inf).logsumexp(dim=-1) - others


def _check_classes(classes: Tensor, region_embedding: Tensor) -> None:
    if classes.shape != (len(region_embedding),):
        raise InputError(f"classes: expected shape ({len(region_embedding)},), got {tuple(classes.shape)}")


def _check(region_embedding: Tensor, mean_directions: Tensor, labels: Tensor, tau: float) -> None:
    if region_embedding.ndim != 3:
        raise InputError(f"region_embedding: expected shape (n, r, e), got {tuple(region_embedding.shape)}")
    check_finite(region_embedding, "region_embedding")
    n, classes = len(region_embedding), len(mean_directions)
    class_labels(labels, n, classes)
    if not 1 / classes < tau < 1:
        raise InputError(
            f"tau: expected a number in ({1 / classes:.3g}, 1) for {classes} classes, got {tau:g}; "
            f"a region without information assigns each class {1 / classes:.3g}, "
            f'"auto" is {threshold("auto", classes):.2g}'
        )
