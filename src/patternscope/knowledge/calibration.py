"""One temperature for a layer: how far its posterior is to be trusted, from images that it was not fitted to."""

from dataclasses import dataclass

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.intervals import Interval, above_zero
from patternscope.radial.checks import class_labels

BINS = 15
# The sharpest posterior: the inverse of the lowest temperature.
_SHARPEST = 1e6
# Images of an unknown class that count beside those of a known one.
_UNKNOWN = 0.5
_MOST_STEPS = 60
_TOLERANCE = 1e-7
# A probability of 0 counts as the smallest one that a float64 can hold.
_LEAST_LOG = -708.0


@dataclass(frozen=True)
class Calibration:
    """A temperature and what it makes of a posterior.

    Attributes:
        temperature: T > 0; inf where nothing is known.
        log_posterior: log p_T (n, r, c), the classes' shares included, float64.
    """

    temperature: float
    log_posterior: Tensor


def temperature_of_points(temperature: Tensor, evidence: Interval) -> Tensor:
    """Return the temperatures (n,) by which regions are knowledge points: inf where the layer knows nothing.

    A temperature that was chosen on few images may be too low by chance; without evidence beyond the noise, points
    would be chance as well (docs/method.md, "Evidence").

    >>> temperature_of_points(torch.tensor([0.5, 2.0]), Interval(0.1, -0.1, 0.3))
    tensor([inf, inf])
    """
    return temperature if above_zero(evidence) else torch.full_like(temperature, torch.inf)


@dataclass(frozen=True)
class ReliabilityBin:
    """Regions of similar confidence: their mean confidence, the share that is right, and their share of all."""

    confidence: float
    right: float
    share: float


def calibrate(log_posterior: Tensor, labels: Tensor, class_prior: Tensor | None = None) -> Calibration:
    """Choose the temperature at which a posterior says most of the true classes.

    ``T = argmin mean_ir -sum_c t_ic log p_T(c)``, ``p_T = softmax(log pi + s / T)``, s the log posterior with a uniform
    prior, pi the shares of the classes and ``t_i = (n [c = y_i] + m pi_c) / (n + m)``: the true class of each image,
    and m = 1/2 of an image of an unknown class, so that a few images that happen to be correct make no posterior
    certain. T = inf says that the posterior is worse than knowing nothing but the shares. The objective is convex in
    1 / T (docs/method.md, "Evidence").

    Args:
        log_posterior: s (n, r, c), of regions that the map has not seen; a constant added to a row changes nothing.
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
    """Return log p_T for a temperature, or one per image (n,): (n, r, c) -> (n, r, c) in float64.

    With shares pi (c,) they are the prior, otherwise each class is as likely as another.

    >>> at_temperature(torch.tensor([[[9.0, 0.0]]]), float("inf")).exp()
    tensor([[[0.5000, 0.5000]]], dtype=torch.float64)
    """
    scores = log_posterior.double()
    given = torch.as_tensor(temperature, dtype=torch.float64, device=scores.device)
    if given.shape not in ((), (len(scores),)) or not (given > 0).all():
        raise InputError(
            f"temperature: expected a positive number or {len(scores)} of them, one per image, got {temperature!r:.60}"
        )
    inverse = (1 / given).reshape(-1, 1, 1)
    c = scores.shape[-1]
    shares = scores.new_full((c,), 1 / c) if class_prior is None else class_prior.to(scores)
    logs = shares.log().expand_as(scores)
    return torch.where(inverse > 0, torch.log_softmax(logs + inverse * _bounded(scores), dim=-1), logs)


def calibrate_folds(
    log_posterior: Tensor, labels: Tensor, fold: Tensor, class_prior: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Calibrate each fold by the temperature of the others, chosen with the shares of the classes among these.

    Arguments and errors as :func:`calibrate`; `log_posterior` (n, r, c) has for each image the posterior by the map
    that was fitted without its fold, `fold` (n,) as `assign_folds`. Returns the temperatures (folds,) float64 and log
    p_T (n, r, c).

    >>> s = torch.tensor([[[9.0, 0.0]], [[0.0, 9.0]], [[9.0, 0.0]], [[0.0, 9.0]]])
    >>> calibrate_folds(s, torch.tensor([0, 1, 1, 0]), torch.tensor([0, 0, 1, 1]))[0].isinf()
    tensor([ True, False])
    """
    scores, labels, prior = _checked(log_posterior, labels, class_prior)
    temperatures = _of_folds(scores, labels, fold)
    return temperatures, at_temperature(scores, temperatures[fold], prior)


def fold_temperatures(log_posterior: Tensor, labels: Tensor, fold: Tensor) -> Tensor:
    """Return the temperatures of `calibrate_folds` alone (folds,), where no probability is asked for.

    >>> s = torch.tensor([[[9.0, 0.0]], [[0.0, 9.0]], [[9.0, 0.0]], [[0.0, 9.0]]])
    >>> fold_temperatures(s, torch.tensor([0, 1, 1, 0]), torch.tensor([0, 0, 1, 1])).isinf()
    tensor([ True, False])
    """
    scores, labels, _ = _checked(log_posterior, labels, None)
    return _of_folds(scores, labels, fold)


def reliability(log_posterior: Tensor, labels: Tensor) -> tuple[ReliabilityBin, ...]:
    """Return how often regions are right, by the probability of their most probable class, in 15 equal bins.

    log p_T (n, r, c), labels (n,) -> the bins that hold a region. Source: Guo et al., ICML 2017.

    >>> reliability(torch.tensor([[[0.8, 0.2], [0.8, 0.2]]]).log(), torch.tensor([0]))[0].right
    1.0
    """
    confidence, category = log_posterior.exp().max(dim=-1)
    right = (category == labels.to(category.device)[:, None]).double().flatten()
    confidence = confidence.double().flatten()
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


def _of_folds(scores: Tensor, labels: Tensor, fold: Tensor) -> Tensor:
    """The temperature of each fold, chosen on the others with their own shares of the classes."""
    if fold.shape != labels.shape or len(found := fold.unique()) < 2:
        raise InputError(f"fold: expected two or more folds of {len(labels)} images, got {fold.unique().tolist()}")
    temperatures = torch.full((int(found.max()) + 1,), torch.inf, dtype=torch.float64)
    for own in found.tolist():
        others = fold != own
        shares = class_shares(labels[others], scores.shape[-1])
        temperatures[own] = _temperature(scores[others], labels[others], shares)
    return temperatures


def _temperature(scores: Tensor, labels: Tensor, prior: Tensor) -> float:
    """The temperature of the least mean -log p(y), inf where no posterior is better than the shares."""
    sharpest = _best_inverse(scores, labels, prior)
    return 1 / sharpest if sharpest > 0 else torch.inf


def _best_inverse(scores: Tensor, labels: Tensor, prior: Tensor) -> float:
    """The inverse temperature in [0, 1e6] of the least mean -log p(y), by a safeguarded Newton iteration."""
    classes = torch.arange(len(prior), device=scores.device)[prior > 0]
    rows = _bounded(scores.index_select(-1, classes)).flatten(0, 1)
    logs = prior[classes].log()
    place = torch.searchsorted(classes, labels)[:, None].expand(scores.shape[:2]).reshape(-1, 1)
    n = len(labels)
    told = (n * rows.gather(1, place).mean() + _UNKNOWN * (rows @ prior[classes]).mean()) / (n + _UNKNOWN)

    def slope_and_curve(inverse: float) -> tuple[float, float]:
        p = torch.softmax(logs + inverse * rows, dim=1)
        mean = (p * rows).sum(dim=1)
        return float(mean.mean() - told), float((p * rows * rows).sum(dim=1).sub(mean * mean).mean())

    # A slope within rounding errors of 0, of equal scores or a single class, is none.
    smallest = 1e-12 * (1 + float(rows.abs().max()))
    if slope_and_curve(0.0)[0] >= -smallest:
        return 0.0
    if slope_and_curve(_SHARPEST)[0] < 0:
        return _SHARPEST
    low, high, inverse = 0.0, _SHARPEST, 1.0
    for _ in range(_MOST_STEPS):
        slope, curve = slope_and_curve(inverse)
        low, high = (inverse, high) if slope < 0 else (low, inverse)
        newton = inverse - slope / curve if curve > 0 else torch.inf
        inside = low < newton < high
        new = newton if inside else (low * high) ** 0.5 if low > 0 else high / 16
        if abs(new - inverse) <= _TOLERANCE * inverse:
            return new
        inverse = new
    return inverse


def _bounded(scores: Tensor) -> Tensor:
    """Scores below the largest of their row, where a posterior of 0 is as small as a number or another of the row."""
    below = scores - scores.amax(dim=-1, keepdim=True)
    none = below.isneginf()
    least = below.masked_fill(none, 0.0).amin(dim=-1, keepdim=True).clamp_max(_LEAST_LOG)
    return torch.where(none, least, below)


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
