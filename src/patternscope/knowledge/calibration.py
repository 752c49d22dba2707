"""Temperatures of a layer: how much to trust its posterior, from images that it was not fitted to."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.surprise import Surprise, below_largest
from patternscope.knowledge.temperatures import Temperatures, strength_share
from patternscope.radial.checks import check_same_shape, class_labels

BINS = 15


@dataclass(frozen=True)
class Calibration:
    """A temperature, and a posterior at this temperature.

    Attributes:
        temperature: T > 0; inf if nothing is known.
        log_posterior: log p_T (n, r, c), the classes' shares included, float64.
    """

    temperature: float
    log_posterior: Tensor


@dataclass(frozen=True)
class ReliabilityBin:
    """Regions of similar confidence: their mean confidence, the share that is correct, and their share of all."""

    confidence: float
    right: float
    share: float


def calibrate(log_posterior: Tensor, labels: Tensor, class_prior: Tensor | None = None) -> Calibration:
    """Choose the temperature at which the true classes are most probable.

    ``T = argmin mean_ir -sum_c t_ic log p_T(c)``, ``p_T = softmax(log pi + s / T)``, s the log posterior with a uniform
    prior, pi the shares of the classes and ``t_i = (n [c = y_i] + m pi_c) / (n + m)``: the true class of each image,
    and m = 1/2 of an image of an unknown class, so that a few images that happen to be correct make no posterior
    certain. T = inf means that the posterior is worse than the shares alone. The objective is convex in
    1 / T (docs/method.md, "Evidence").

    Args:
        log_posterior: s (n, r, c), of regions that the map has not seen; constants added to a row have no effect.
        labels: true classes (n,), integers in [0, c).
        class_prior: pi (c,), by default the shares of the labels.

    Raises:
        InputError: shapes that disagree, NaN, labels outside the classes.

    Cost: some ten passes over (n, r, c) numbers in float64.

    >>> scores = torch.tensor([[[3.0, 0.0]], [[0.0, 3.0]], [[3.0, 0.0]]])  # 0, 1, 0 with p = 0.95
    >>> round(calibrate(scores, torch.tensor([0, 1, 1])).temperature, 1)  # correct in two of three
    3.5
    >>> calibrate(scores, torch.tensor([1, 0, 1])).temperature
    inf
    """
    scores, labels, prior = _checked(log_posterior, labels, class_prior)
    temperature = _temperature(scores, labels, prior)
    return Calibration(temperature, at_temperature(scores, temperature, prior))


def at_temperature(log_posterior: Tensor, temperature: float | Tensor, class_prior: Tensor | None = None) -> Tensor:
    """Return log p_T for a temperature, one per image (n,) or one per region (n, r): (n, r, c) -> (n, r, c) in float64.

    The prior is pi (c,) if given, otherwise uniform.

    >>> at_temperature(torch.tensor([[[9.0, 0.0]]]), float("inf")).exp()
    tensor([[[0.5000, 0.5000]]], dtype=torch.float64)
    """
    scores = log_posterior.double()
    given = torch.as_tensor(temperature, dtype=torch.float64, device=scores.device)
    if given.shape not in ((), scores.shape[:1], scores.shape[:2]) or not (given > 0).all():
        raise InputError(
            f"temperature: expected a positive number or {len(scores)} of them, one per image, or one per region, "
            f"got {temperature!r:.60}"
        )
    inverse = (1 / given).reshape(*given.shape, *[1] * (3 - given.ndim))
    c = scores.shape[-1]
    shares = scores.new_full((c,), 1 / c) if class_prior is None else class_prior.to(scores)
    logs = shares.log().expand_as(scores)
    return torch.where(inverse > 0, torch.log_softmax(logs + inverse * below_largest(scores), dim=-1), logs)


def calibrate_folds(
    log_posterior: Tensor, labels: Tensor, fold: Tensor, class_prior: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Calibrate each fold with the temperature of the others, chosen with their shares of the classes.

    Arguments and errors as :func:`calibrate`; `log_posterior` (n, r, c) has for each image the posterior by the map
    that was fitted without its fold, `fold` (n,) as `assign_folds`. Returns the temperatures (folds,) float64 and log
    p_T (n, r, c).

    >>> s = torch.tensor([[[9.0, 0.0]], [[0.0, 9.0]], [[9.0, 0.0]], [[0.0, 9.0]]])
    >>> calibrate_folds(s, torch.tensor([0, 1, 1, 0]), torch.tensor([0, 0, 1, 1]))[0].isinf()
    tensor([ True, False])
    """
    scores, labels, prior = _checked(log_posterior, labels, class_prior)
    temperatures = torch.full((_folds_of(fold, labels),), torch.inf, dtype=torch.float64)
    for own, others, shares in _others(fold, labels, scores.shape[-1]):
        temperatures[own] = _temperature(scores[others], labels[others], shares)
    return temperatures, at_temperature(scores, temperatures[fold], prior)


def calibrate_by_strength(
    log_posterior: Tensor, strength: Tensor, labels: Tensor, fold: Tensor, class_prior: Tensor | None = None
) -> tuple[Temperatures, Tensor]:
    """Calibrate each fold with the temperatures of the others, which depend on the strength of a region.

    ``(T_weak, T_strong) = argmin mean_ir -sum_c t_ic log softmax(log pi + s / T(l))_c``, T(l) as :class:`Temperatures`
    with the mean strength of the others as its unit, and t as in :func:`calibrate`; convex in both inverse
    temperatures. A linear map may be too confident about regions with little evidence of any class and not confident
    enough about those with much, or the reverse (docs/method.md, "Evidence").

    Arguments and errors as :func:`calibrate_folds`; `strength` (n, r) >= 0, of the same maps as the posterior. Returns
    the temperatures of the folds and log p_T (n, r, c).

    Cost: some twenty passes over (n, r, c) numbers in float64.

    >>> s = torch.tensor([[[9.0, 0.0]], [[0.0, 9.0]], [[9.0, 0.0]], [[0.0, 9.0]]])
    >>> known, _ = calibrate_by_strength(s, torch.ones(4, 1), torch.tensor([0, 1, 1, 0]), torch.tensor([0, 0, 1, 1]))
    >>> known.middle.isinf()
    tensor([ True, False])
    """
    scores, labels, prior = _checked(log_posterior, labels, class_prior)
    found = _pairs(scores, strength.to(scores), labels, fold)
    return found, at_temperature(scores, found.rows(fold).of(strength.to(scores)), prior)


def fold_temperatures(log_posterior: Tensor, strength: Tensor, labels: Tensor, fold: Tensor) -> Temperatures:
    """Return only the temperatures of `calibrate_by_strength`, a row per fold, without probabilities.

    >>> s = torch.tensor([[[9.0, 0.0]], [[0.0, 9.0]], [[9.0, 0.0]], [[0.0, 9.0]]])
    >>> labels, fold = torch.tensor([0, 1, 1, 0]), torch.tensor([0, 0, 1, 1])
    >>> fold_temperatures(s, torch.ones(4, 1), labels, fold).weak.isinf()
    tensor([ True, False])
    """
    scores, labels, _ = _checked(log_posterior, labels, None)
    return _pairs(scores, strength.to(scores), labels, fold)


def reliability(log_posterior: Tensor, labels: Tensor) -> tuple[ReliabilityBin, ...]:
    """Return how often regions are correct, by the probability of their most probable class, in 15 equal bins.

    log p_T (n, r, c), labels (n,) -> the bins that contain a region. Source: Guo et al., ICML 2017.

    >>> reliability(torch.tensor([[[0.8, 0.2], [0.8, 0.2]]]).log(), torch.tensor([0]))[0].right
    1.0
    """
    confidence, category = log_posterior.exp().max(dim=-1)
    return reliability_of_regions(confidence, category == labels.to(category.device)[:, None])


def reliability_of_regions(confidence: Tensor, right: Tensor) -> tuple[ReliabilityBin, ...]:
    """Return `reliability` from the largest probability of each region and whether its class is correct, both (n, r).

    >>> reliability_of_regions(torch.tensor([[0.8, 0.8]]), torch.tensor([[True, False]]))[0].right
    0.5
    """
    right, confidence = right.double().flatten(), confidence.double().flatten()
    place = (confidence * BINS).long().clamp(0, BINS - 1)
    sums = [torch.zeros(BINS, dtype=torch.float64, device=place.device).index_add_(0, place, values)
            for values in (torch.ones_like(confidence), confidence, right)]  # fmt: skip
    return tuple(
        ReliabilityBin(float(sure / count), float(true / count), float(count / len(place)))
        for count, sure, true in zip(*sums, strict=True)
        if count > 0
    )


def calibration_error(bins: tuple[ReliabilityBin, ...]) -> float:
    """Return the expected calibration error, ``sum_b share_b |confidence_b - right_b|``, in [0, 1].

    >>> calibration_error((ReliabilityBin(0.5, 0.25, 1.0),))
    0.25
    """
    return sum(each.share * abs(each.confidence - each.right) for each in bins)


def class_shares(labels: Tensor, classes: int) -> Tensor:
    """Return the share of each class (c,) float64 among labels (n,).

    >>> class_shares(torch.tensor([0, 0, 2, 2]), 3)
    tensor([0.5000, 0.0000, 0.5000], dtype=torch.float64)
    """
    return torch.bincount(labels, minlength=classes).double() / len(labels)


def _folds_of(fold: Tensor, labels: Tensor) -> int:
    """The number of folds, from 0 to the largest; at least two must have images."""
    if fold.shape != labels.shape or len(found := fold.unique()) < 2:
        raise InputError(f"fold: expected two or more folds of {len(labels)} images, got {fold.unique().tolist()}")
    return int(found.max()) + 1


def _others(fold: Tensor, labels: Tensor, classes: int) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Yield each fold that has images, the images of the others (n,) bool, and their shares of the classes."""
    for own in fold.unique().tolist():
        others = fold != own
        yield own, others, class_shares(labels[others], classes)


def _pairs(scores: Tensor, strength: Tensor, labels: Tensor, fold: Tensor) -> Temperatures:
    """The temperatures of each fold, chosen on the others with their own shares of the classes."""
    check_same_shape(scores[..., 0], strength, "log_posterior, strength", "(n, r)", least=1)
    rows = torch.full((3, _folds_of(fold, labels)), torch.inf, dtype=torch.float64)
    rows[2] = 1.0
    for own, others, shares in _others(fold, labels, scores.shape[-1]):
        rows[:, own] = torch.tensor(_pair(scores[others], strength[others], labels[others], shares)).double()
    return Temperatures(*rows)


def _temperature(scores: Tensor, labels: Tensor, prior: Tensor) -> float:
    """The temperature of the least mean -log p(y), inf where no posterior is better than the shares."""
    return _inverted(Surprise.of(scores, labels, prior).best())


def _pair(scores: Tensor, strength: Tensor, labels: Tensor, prior: Tensor) -> tuple[float, float, float]:
    """T_weak, T_strong and the unit of strength of the least mean -log p(y)."""
    unit = strength.mean() or strength.new_ones(())
    surprise = Surprise.of(scores, labels, prior)
    share = strength_share(strength.flatten(), unit)
    weak, strong = surprise.best_pair(torch.stack([1 - share, share]))
    return _inverted(weak), _inverted(strong), float(unit)


def _inverted(inverse: float) -> float:
    return 1 / inverse if inverse > 0 else torch.inf


def _checked(log_posterior: Tensor, labels: Tensor, class_prior: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
    """The posterior in float64, labels in int64, and the shares of classes."""
    if log_posterior.ndim != 3 or 0 in log_posterior.shape:
        raise InputError(f"log_posterior: expected shape (n, r, c), got {tuple(log_posterior.shape)}")
    n, _, c = log_posterior.shape
    if log_posterior.isnan().any() or (log_posterior == torch.inf).any():
        raise InputError("log_posterior: expected logarithms of probabilities, got NaN or inf")
    if log_posterior.isneginf().all(dim=-1).any():
        raise InputError("log_posterior: expected a class with a probability in each region, got one without any")
    labels = class_labels(labels, n, c).to(log_posterior.device)
    prior = class_shares(labels, c) if class_prior is None else class_prior.double()
    if prior.shape != (c,) or not (prior >= 0).all() or abs(float(prior.sum()) - 1) > 1e-6:
        raise InputError(f"class_prior: expected {c} shares that sum to 1, got {prior.tolist()[:5]}")
    if not (prior[labels] > 0).all():
        raise InputError("class_prior: expected a share for each class with images, got 0")
    return log_posterior.double(), labels, prior.to(log_posterior.device)
