"""The surprise of true classes under a posterior, as a function of inverse temperatures, and its minimum."""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

# The sharpest posterior: the inverse of the lowest temperature.
_SHARPEST = 1e6
# Images of an unknown class that are added to those of a known one.
_UNKNOWN = 0.5
_MOST_STEPS = 60
_TOLERANCE = 1e-7
# A probability of 0 counts as the smallest one that a float64 can hold.
_LEAST_LOG = -708.0


@dataclass(frozen=True)
class Surprise:
    """The mean -log p(y) of regions as a function of inverse temperatures.

    Attributes:
        rows: scores below the largest (n r, c), of the classes that have a share. logs: log shares (c,).
        told: the score of the true class of each region (n r,), mixed with that of an unknown one.
    """

    rows: Tensor
    logs: Tensor
    told: Tensor

    @classmethod
    def of(cls, scores: Tensor, labels: Tensor, prior: Tensor) -> "Surprise":
        """Return that of scores (n, r, c) and true classes (n,), with the shares of the classes (c,)."""
        classes = torch.arange(len(prior), device=scores.device)[prior > 0]
        rows = below_largest(scores.index_select(-1, classes)).flatten(0, 1)
        place = torch.searchsorted(classes, labels)[:, None].expand(scores.shape[:2]).reshape(-1, 1)
        n = len(labels)
        told = (n * rows.gather(1, place)[:, 0] + _UNKNOWN * (rows @ prior[classes])) / (n + _UNKNOWN)
        return cls(rows, prior[classes].log(), told)

    @property
    def rounding(self) -> float:
        """A slope within rounding errors of 0, from equal scores or a single class, counts as 0."""
        return 1e-12 * (1 + float(self.rows.abs().max()))

    def derivatives(self, inverse: Tensor) -> tuple[float, Tensor, Tensor]:
        """Return the mean, and the slope and curvature of each region (n r,).

        `inverse` is an inverse temperature, or one per region (n r, 1).
        """
        z = self.logs + inverse * self.rows
        total = z.logsumexp(dim=1)
        p = (z - total[:, None]).exp()
        mean = (p * self.rows).sum(dim=1)
        curvature = (p * self.rows * self.rows).sum(dim=1).sub(mean * mean).clamp_min(0)
        return float((total - inverse.reshape(-1) * self.told).mean()), mean - self.told, curvature

    def best(self) -> float:
        """Return the best inverse temperature of all regions in [0, 1e6], by a safeguarded Newton iteration."""

        def slope_and_curve(inverse: float) -> tuple[float, float]:
            _, slope, curve = self.derivatives(self.rows.new_tensor(inverse))
            return float(slope.mean()), float(curve.mean())

        if slope_and_curve(0.0)[0] >= -self.rounding:
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

    def best_pair(self, shares: Tensor) -> tuple[float, float]:
        """Return the best a >= 0 of ``1 / T = a_1 shares_1 + a_2 shares_2``, shares (2, n r), by Newton steps.

        The first guess is one temperature for all, so that the pair is never worse. A step that leaves the quadrant or
        does not improve is shortened; an end at 0 stays there while the slope points outwards.
        """
        same, rounding = self.best(), self.rounding
        if same == _SHARPEST:
            return same, same
        at = self.rows.new_tensor([same, same])
        found = self._at(at, shares)
        for _ in range(_MOST_STEPS):
            step = _newton_step(at, found, rounding)
            shortened = None if step is None else self._shortened(at, step, found, shares)
            if shortened is None:
                break
            new, found = shortened
            moved, at = (new - at).abs().max() > _TOLERANCE * at.abs().max(), new
            if not bool(moved):
                break
        return float(at[0]), float(at[1])

    def _shortened(self, at: Tensor, step: Tensor, found: "_Point", shares: Tensor) -> "tuple[Tensor, _Point] | None":
        """The first improvement among the step, its half, its quarter and so on, and its point; else None."""
        for halving in range(_MOST_STEPS):
            new = (at + 0.5**halving * step).clamp(0, _SHARPEST)
            there = self._at(new, shares)
            if there.value <= found.value + 1e-4 * float(found.slope @ (new - at)):
                return new, there
        return None

    def _at(self, inverses: Tensor, shares: Tensor) -> "_Point":
        """The mean and its derivatives for two inverse temperatures."""
        value, slope, curve = self.derivatives((inverses @ shares)[:, None])
        return _Point(value, shares @ slope / len(slope), (shares * curve) @ shares.T / len(curve))


class _Point(NamedTuple):
    """The mean surprise of two inverse temperatures, its gradient (2,) and matrix of second derivatives (2, 2)."""

    value: float
    slope: Tensor
    curve: Tensor


def _newton_step(at: Tensor, found: _Point, rounding: float) -> Tensor | None:
    """The Newton step (2,) of the free variables; None if all slopes are within rounding errors."""
    free = (at > 0) | (found.slope < -rounding)
    if not bool(free.any()) or float(found.slope[free].abs().max()) <= rounding:
        return None
    step = torch.zeros_like(at)
    inside = found.curve[free][:, free]
    ridge = 1e-12 * inside.diagonal().max().clamp_min(1e-300)
    step[free] = -torch.linalg.solve(inside + ridge * torch.eye(len(inside)).to(inside), found.slope[free])
    return step


def below_largest(scores: Tensor) -> Tensor:
    """Return scores minus the largest of their row; a posterior of 0 becomes the smallest float or another of the row.

    >>> below_largest(torch.tensor([[2.0, 1.0, -torch.inf]]))
    tensor([[   0.,   -1., -708.]])
    """
    below = scores - scores.amax(dim=-1, keepdim=True)
    none = below.isneginf()
    least = below.masked_fill(none, 0.0).amin(dim=-1, keepdim=True).clamp_max(_LEAST_LOG)
    return torch.where(none, least, below)
