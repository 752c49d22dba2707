"""Evidence: how many bits the regions of a layer tell about the class of their image, on unseen images."""

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.bootstrap import bootstrap_mean
from patternscope.knowledge.calibration import calibration_error, class_shares, reliability
from patternscope.knowledge.intervals import Interval
from patternscope.radial.checks import check_shape, class_labels


@dataclass(frozen=True)
class Evidence:
    """The evidence of a layer's regions for the true class.

    Attributes:
        bits: mean over regions, at most log2 c; 0 if nothing is known.
        low, high: ends of its interval over images; None for a single image.
        per_region: (n, r) float64.
        calibration_error: expected calibration error of the posterior, in [0, 1].
    """

    bits: float
    low: float | None
    high: float | None
    per_region: Tensor
    calibration_error: float

    @property
    def interval(self) -> Interval:
        """The bits with their interval."""
        return Interval(self.bits, self.low, self.high)


def evidence(
    log_posterior: Tensor,
    labels: Tensor,
    class_prior: Tensor | None = None,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> Evidence:
    """Measure what a calibrated posterior tells about the true class of each region's image.

    ``log2(p_T(y | h) / pi_y)`` bits, pi the shares of the classes; for a layer, the mean over unseen regions
    (docs/method.md, "Evidence").

    Args:
        log_posterior: log p_T (n, r, c), calibrated on other images, by `calibrate_folds`.
        labels: true classes (n,), integers in [0, c).
        class_prior: pi (c,), by default the shares of the labels.
        resamples, level, seed: of the interval, as `bootstrap_counts`.

    Raises:
        InputError: shapes that disagree, NaN.

    Cost: a pass over (n, r, c) numbers and the bootstrap of n.

    >>> told = evidence(torch.tensor([[[0.9, 0.1]], [[0.2, 0.8]]]).log(), torch.tensor([0, 1]))
    >>> round(told.bits, 3), told.per_region.shape
    (0.763, torch.Size([2, 1]))
    """
    check_shape(log_posterior, "log_posterior", (None, None, None), "(n, r, c)")
    if log_posterior.isnan().any():
        # The mean over images would omit them.
        raise InputError("log_posterior: expected logarithms of probabilities, got NaN")
    c = log_posterior.shape[-1]
    own = class_labels(labels, len(log_posterior), c).to(log_posterior.device)
    prior = class_shares(own, c) if class_prior is None else class_prior.to(own.device, torch.float64)
    error = calibration_error(reliability(log_posterior, own))
    draws = {"resamples": resamples, "seed": seed}
    return evidence_of_regions(region_bits(log_posterior, own, prior), error, level=level, **draws)


def evidence_of_regions(
    bits: Tensor, calibration_error: float, *, resamples: int = 1000, level: float = 0.95, seed: int = 0
) -> Evidence:
    """Return the evidence of bits of regions (n, r) that were measured block by block, with its interval.

    >>> evidence_of_regions(torch.ones(2, 3).double(), 0.0).interval
    Interval(value=1.0, low=1.0, high=1.0)
    """
    of_images = bits.mean(dim=1)
    interval = bootstrap_mean(of_images, resamples=resamples, level=level, seed=seed)
    return Evidence(float(of_images.mean()), interval.low, interval.high, bits, calibration_error)


def region_bits(log_posterior: Tensor, labels: Tensor, class_prior: Tensor) -> Tensor:
    """Return ``log2(p_T(y | h) / pi_y)`` of each region: log p_T (n, r, c), y (n,), pi (c,) -> (n, r) float64.

    >>> region_bits(torch.tensor([[[1.0, 0.0]]]).log(), torch.tensor([0]), torch.tensor([0.5, 0.5]))
    tensor([[1.]], dtype=torch.float64)
    """
    place = labels[:, None, None].expand(*log_posterior.shape[:2], 1)
    told = log_posterior.double().gather(2, place)[..., 0]
    return (told - class_prior[labels].double().log()[:, None]) / log(2)


def stability(masks: Tensor, categories: Tensor, category: Tensor) -> Tensor:
    """Return the share of refits in which a region is a knowledge point of the same class.

    Masks and categories of f refits (f, n, r), category (n, r) -> (n, r) in [0, 1].

    >>> stability(torch.tensor([[[True]], [[True]]]), torch.tensor([[[1]], [[2]]]), torch.tensor([[1]]))
    tensor([[0.5000]])
    """
    return (masks & (categories == category)).float().mean(dim=0)


def shared_points(masks: Tensor, categories: Tensor) -> float | None:
    """Return the share of knowledge points that two refits have in common: the same region, the same class.

    ``|both| / |either|`` of masks and categories (2, n, r); in [0, 1], None if neither has a point.

    >>> masks = torch.tensor([[[True, True]], [[True, False]]])
    >>> shared_points(masks, torch.zeros(2, 1, 2).long())
    0.5
    """
    either = int((masks[0] | masks[1]).sum())
    both = int((masks[0] & masks[1] & (categories[0] == categories[1])).sum())
    return both / either if either else None
