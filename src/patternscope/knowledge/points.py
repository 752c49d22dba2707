"""Knowledge points: regions by which the network tells classes apart."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.radial import log_posterior

KAPPA_MAX = 1000.0


@dataclass(frozen=True)
class KnowledgePoints:
    """The knowledge points of some images in one layer of one network.

    Attributes:
        mask: (n, r) bool, whether a region is a knowledge point.
        reliable: (n, r) bool, whether it is one of the image's true class.
        category: (n, r) int64, the class a region speaks for most.
        confidence: (n, r), the probability of that class, in (0, 1].
        strength: (n, r), strength in units of `unit_strength`.

    Source: Sec. 3.4.
    """

    mask: Tensor
    reliable: Tensor
    category: Tensor
    confidence: Tensor
    strength: Tensor

    @property
    def total(self) -> float:
        """Knowledge points an image."""
        return float(self.mask.sum(dim=1).double().mean())

    @property
    def total_reliable(self) -> float:
        """Reliable knowledge points an image."""
        return float(self.reliable.sum(dim=1).double().mean())

    @property
    def ratio(self) -> float | None:
        """Reliable points as a share of all, in [0, 1]; None where there is no point at all."""
        return reliable_ratio(int(self.reliable.sum()), int(self.mask.sum()))


def find_knowledge_points(
    region_embedding: Tensor,
    mean_directions: Tensor,
    labels: Tensor,
    tau: float | Literal["auto"] = "auto",
    *,
    kappa_max: float = KAPPA_MAX,
    unit_strength: float | None = None,
) -> KnowledgePoints:
    """Find the regions whose embedding says a class with more than probability tau.

    ``max_c p(c | h^(r)) > tau``; reliable where that class is the image's own. p is the radial posterior with a
    uniform prior, on strengths divided by `unit_strength`.

    Source: Sec. 3.4; the unit of strength is the reference code's.

    Args:
        region_embedding: h (n, r, e).
        mean_directions: mu of the sample embedding (c, e), unit vectors.
        labels: true classes (n,), integers in [0, c).
        tau: threshold in (1 / c, 1), as a region that says nothing gives every class 1 / c; "auto" as in
            :func:`threshold`.
        kappa_max: largest concentration of regional embeddings.
        unit_strength: the layer's mean strength at the last checkpoint analysed, > 0; None for that of this
            embedding.

    Returns:
        KnowledgePoints.

    Raises:
        InputError: shapes that disagree, labels outside the classes, non-finite embeddings, tau outside (1 / c, 1).

    Cost: 2 n r c e operations.

    >>> h = torch.tensor([[[3.0, 0.0], [0.0, 3.0], [0.0, 0.0]]])
    >>> found = find_knowledge_points(h, torch.eye(2), torch.tensor([0]), tau=0.6)
    >>> found.mask.tolist(), found.reliable.tolist(), found.ratio
    ([[True, True, False]], [[True, False, False]], 0.5)
    """
    tau = threshold(tau, len(mean_directions))
    _check(region_embedding, mean_directions, labels, tau)
    strength = torch.linalg.vector_norm(region_embedding, dim=-1)
    unit = float(strength.double().mean()) if unit_strength is None else unit_strength
    if unit_strength is not None and not 0 < unit_strength < float("inf"):
        raise InputError(f"unit_strength: got {unit_strength}, wants a positive finite number")
    # A layer whose regions all lie at the origin has no strength to measure by, and no points either.
    unit = unit or 1.0
    posterior = log_posterior(region_embedding / unit, mean_directions, kappa_max)
    confidence, category = posterior.exp().max(dim=-1)
    mask = confidence > tau
    reliable = mask & (category == labels.to(category.device)[:, None])
    return KnowledgePoints(mask, reliable, category, confidence, strength / unit)


def threshold(tau: float | Literal["auto"], classes: int) -> float:
    """Return tau, or for "auto" that of so many classes: the paper's 0.4, or more where fewer than ten make 0.4 easy.

    ``max(0.4, 1/c + (1 - 1/c) / 3)``, a third of the way from what a region that says nothing gives to certainty;
    that is 0.4 at ten classes.

    Source: Sec. 3.4 for ten classes; fewer are this project's. InputError for fewer than 2 classes.

    >>> [round(threshold("auto", classes), 3) for classes in (2, 3, 5, 10, 100)], threshold(0.8, 10)
    ([0.667, 0.556, 0.467, 0.4, 0.4], 0.8)
    """
    if classes < 2:
        raise InputError(f"classes: got {classes}, wants at least 2")
    return max(0.4, (1 + 2 / classes) / 3) if tau == "auto" else tau


def class_probability(
    region_embedding: Tensor, mean_directions: Tensor, classes: Tensor, kappa_max: float = KAPPA_MAX
) -> Tensor:
    """Return p(class | h^(r)) of one class an image, with a uniform prior.

    Source: Sec. 3.4. h (n, r, e) with strengths in units of the layer's, mu (c, e), classes (n,) integers in
    [0, c) -> (n, r), in (0, 1). InputError when the classes are not one an image.

    >>> class_probability(torch.zeros(1, 2, 3), torch.eye(3), torch.tensor([1]))
    tensor([[0.3333, 0.3333]])
    """
    if classes.shape != (len(region_embedding),):
        raise InputError(f"classes: got shape {tuple(classes.shape)}, wants ({len(region_embedding)},)")
    posterior = log_posterior(region_embedding, mean_directions, kappa_max)
    chosen = classes.to(posterior.device)[:, None, None].expand(-1, posterior.shape[1], 1)
    return posterior.gather(2, chosen)[..., 0].exp()


def class_log_odds(
    region_embedding: Tensor, mean_directions: Tensor, classes: Tensor, kappa_max: float = KAPPA_MAX
) -> Tensor:
    """Return log p / (1 - p) of p = p(class | h^(r)): the order of p where p itself is rounded to 1.

    Arguments and errors as :func:`class_probability`; (n, r) float64.

    >>> h = torch.tensor([[[30.0, 0.0], [40.0, 0.0]]])
    >>> class_probability(h, torch.eye(2), torch.tensor([0]))
    tensor([[1., 1.]])
    >>> class_log_odds(h, torch.eye(2), torch.tensor([0])).diff() > 0
    tensor([[True]])
    """
    if classes.shape != (len(region_embedding),):
        raise InputError(f"classes: got shape {tuple(classes.shape)}, wants ({len(region_embedding)},)")
    posterior = log_posterior(region_embedding.double(), mean_directions.double(), kappa_max)
    own = torch.nn.functional.one_hot(classes.to(posterior.device), len(mean_directions)).bool()[:, None]
    others = posterior.masked_fill(own, -torch.inf).logsumexp(dim=-1)
    return posterior.masked_fill(~own, -torch.inf).logsumexp(dim=-1) - others


def reliable_ratio(reliable: float, total: float) -> float | None:
    """Return reliable / total, or None where there is nothing to divide by.

    Source: Sec. 3.4.

    >>> reliable_ratio(3, 4), reliable_ratio(0, 0)
    (0.75, None)
    """
    return reliable / total if total else None


def _check(region_embedding: Tensor, mean_directions: Tensor, labels: Tensor, tau: float) -> None:
    if region_embedding.ndim != 3:
        raise InputError(f"region_embedding: got shape {tuple(region_embedding.shape)}, wants (n, r, e)")
    if not torch.isfinite(region_embedding).all():
        raise InputError("region_embedding: got NaN or inf, wants finite numbers")
    if labels.shape != (len(region_embedding),) or labels.is_floating_point():
        raise InputError(
            f"labels: got {labels.dtype} of shape {tuple(labels.shape)}, wants {len(region_embedding)} integers"
        )
    classes = len(mean_directions)
    if len(labels) and not 0 <= int(labels.min()) <= int(labels.max()) < classes:
        raise InputError(f"labels: got {int(labels.min())} to {int(labels.max())}, wants 0 to {classes - 1}")
    if not 1 / classes < tau < 1:
        such = threshold("auto", classes)
        raise InputError(
            f"tau: got {tau:g}, but with {classes} classes every region says one with at least {1 / classes:.3g}; "
            f"wants more than that, and less than 1, such as {such:.2g}"
        )
