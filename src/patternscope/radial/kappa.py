"""The concentration of a radial distribution as a function of strength: kappa(l)."""

from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from patternscope.radial.bessel import bessel_ratio, bessel_ratio_slope
from patternscope.radial.checks import check_at_least, check_kappa, working_dtype

_CELLS = 4096
_REACH = 1e8


def concentration(strength: Tensor, kappa_max: float, dim: int = 3) -> Tensor:
    """Return the concentration of a radial distribution at the given strengths.

    ``kappa(l) = A_e^-1(rho_e(l) A_e(kappa_max))``: a clean orientation o* from vMF(mu, kappa_max) is observed
    through unit Gaussian noise, and kappa(l) is the concentration of the vMF with the same mean resultant length
    as the orientation of ``l o* + noise``. Smooth, increasing and differentiable, ``kappa(0) = 0``,
    ``kappa(inf) = kappa_max``; relative error below 2e-6 in float32.

    Source: Sec. 3.1 for the model. The published code reads this function from tables that were never published.

    Strengths l >= 0 of any shape, floating dtype and device, e >= 2 -> the same in [0, kappa_max]. InputError for a
    kappa_max that is not positive and finite, or another e; NaN stays NaN. Cost: four table reads and some 15
    operations per element; the table of each (kappa_max, e) is computed once.

    >>> concentration(torch.tensor([0.0, 0.1, 1.0, 5.0, 60.0]), kappa_max=10.0)
    tensor([0.0000, 0.1437, 1.4885, 7.3529, 9.9751])
    """
    found = strength * concentration_per_strength(strength, kappa_max, dim)
    return torch.where(torch.isposinf(strength), kappa_max, found)


def concentration_per_strength(strength: Tensor, kappa_max: float, dim: int = 3) -> Tensor:
    """Return ``kappa(l) / l``, which stays finite at l = 0.

    An embedding x = l o times this is ``kappa(l) o`` without a division by zero, which is all that the posterior and
    the mean directions need. Arguments, errors and cost as for :func:`concentration`; in (0, kappa'(0)], 0 at inf.

    >>> concentration_per_strength(torch.tensor([0.0, 1.0]), kappa_max=10.0)
    tensor([1.4362, 1.4885])
    """
    # Half precision is looked up in float32: the table's coordinate needs more than 8 or 11 bits.
    dtype = working_dtype(strength)
    coefficients, spacing = _table_on(float(kappa_max), int(dim), dtype, strength.device)
    x = strength.to(dtype)
    position = torch.log1p(x / dim**0.5) / spacing
    # NaN is in no cell, but remains NaN in the computation.
    cell = position.detach().nan_to_num(0.0).clamp(0, _CELLS - 1).to(torch.int32).long()
    t = (position - cell).clamp(max=1.0)
    c3, c2, c1, c0 = (row[cell] for row in coefficients)
    smooth = ((c3 * t + c2) * t + c1) * t + c0
    return (smooth / (1 + x / dim**0.5)).to(strength.dtype)


def exact_concentration(strength: NDArray[np.float64], kappa_max: float, dim: int) -> NDArray[np.float64]:
    """Return kappa(l) for positive strengths by a safeguarded Newton iteration in float64.

    This is the definition that :func:`concentration` interpolates. Strengths > 0, any shape; values in
    (0, kappa_max).

    >>> exact_concentration(np.array([1.0, 60.0]), 1000.0, 3).round(3)
    array([  1.713, 782.779])
    """
    target = _noisy_resultant(strength, dim) * bessel_ratio(kappa_max, dim)
    low, high = np.zeros_like(target), np.full_like(target, kappa_max)
    kappa = np.clip(target * (dim - target**2) / (1 - target**2), 1e-12 * kappa_max, kappa_max)
    for _ in range(100):
        ratio = bessel_ratio(kappa, dim)
        low, high = np.where(ratio < target, kappa, low), np.where(ratio < target, high, kappa)
        newton = kappa - (ratio - target) / bessel_ratio_slope(kappa, ratio, dim)
        inside = (newton > low) & (newton < high)
        new = np.where(inside, newton, (low + high) / 2)
        settled = np.all(np.abs(new - kappa) <= 1e-13 * kappa)
        kappa = new
        if settled:
            break
    return kappa


def _noisy_resultant(strength: NDArray[np.float64], dim: int) -> NDArray[np.float64]:
    """Return rho_e(l), the mean cosine between l o + unit Gaussian noise and o."""
    from scipy.special import gammaln, hyp1f1

    log_factor = gammaln((dim + 1) / 2) - gammaln(dim / 2 + 1)
    return strength / np.sqrt(2) * np.exp(log_factor) * hyp1f1(0.5, dim / 2 + 1, -(strength**2) / 2)


@lru_cache(maxsize=64)
def _table(kappa_max: float, dim: int) -> tuple[NDArray[np.float64], float]:
    """Return cubic pieces of kappa(l) (1/l + 1/sqrt(e)) over log(1 + l/sqrt(e)), smooth, bounded and never zero.

    Coefficients (4, cells) of the powers 3 to 0 within a cell, and the spacing of the cells.
    """
    from scipy.interpolate import CubicSpline  # takes half a second to import, which other commands need not wait for
    from scipy.special import gammaln

    check_kappa(kappa_max, "kappa_max")
    check_at_least(dim, 2, "dim")
    # Beyond the last node kappa equals kappa_max to 12 digits.
    end = np.log1p(_REACH * np.sqrt(1 + kappa_max / dim))
    nodes = np.linspace(0, end, _CELLS + 1)
    strength = np.expm1(nodes[1:]) * np.sqrt(dim)
    smooth = exact_concentration(strength, kappa_max, dim) * (1 / strength + 1 / np.sqrt(dim))
    slope_at_zero = np.exp(gammaln((dim + 1) / 2) - gammaln(dim / 2 + 1)) / np.sqrt(2) * dim
    spline = CubicSpline(nodes, np.concatenate([[slope_at_zero * bessel_ratio(kappa_max, dim)], smooth]))
    spacing = nodes[1] - nodes[0]
    scale = spacing ** np.array([3, 2, 1, 0])[:, None]
    return spline.c * scale, float(spacing)


@lru_cache(maxsize=64)
def _table_on(kappa_max: float, dim: int, dtype: torch.dtype, device: torch.device) -> tuple[Tensor, float]:
    coefficients, spacing = _table(kappa_max, dim)
    return torch.from_numpy(coefficients).to(dtype).to(device), spacing
