"""How much to trust a posterior, by the strength of a region: one temperature for weak regions, one for strong."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from patternscope.knowledge.intervals import Interval, above_zero


@dataclass(frozen=True)
class Temperatures:
    """The temperature of each region, by its strength l, for some images or folds.

    ``1 / T(l) = (1 - phi) / T_weak + phi / T_strong``, ``phi = l / (l + unit)``: T_weak for a region without strength,
    T_strong for infinite strength, their harmonic mean if l is the unit. Source: docs/method.md, "Evidence".

    Attributes:
        weak, strong: temperatures (n,) float64 > 0; inf if nothing is known.
        unit: (n,) float64 > 0, the mean strength of the regions that the temperatures were chosen on.
    """

    weak: Tensor
    strong: Tensor
    unit: Tensor

    @classmethod
    def equal(cls, temperature: Tensor) -> Self:
        """Return the same temperature for all strengths, one per image (n,).

        >>> Temperatures.equal(torch.tensor([2.0])).of(torch.tensor([[0.0, 1.0, 9.0]]))
        tensor([[2., 2., 2.]], dtype=torch.float64)
        """
        same = temperature.double()
        return cls(same, same, torch.ones_like(same))

    def of(self, strength: Tensor) -> Tensor:
        """Return the temperature of each region of these images by its strength: (n, r) -> (n, r) float64.

        A single row holds for all images.

        >>> known = Temperatures(*torch.tensor([[4.0], [2.0], [1.0]]))
        >>> known.of(torch.tensor([[0.0, 1.0, 1e9]])).round(decimals=2)
        tensor([[4.0000, 2.6700, 2.0000]], dtype=torch.float64)
        """
        unit = self.unit.to(strength.device, torch.float64)[:, None]
        share = strength_share(strength.double(), unit)
        weak, strong = ((1 / each).to(share)[:, None] for each in (self.weak, self.strong))
        return 1 / ((1 - share) * weak + share * strong)

    @property
    def middle(self) -> Tensor:
        """The temperature of a region of the mean strength (n,)."""
        return 2 / (1 / self.weak + 1 / self.strong)

    def rows(self, chosen: Tensor) -> "Temperatures":
        """Return the temperatures of some of the images or folds, such as of the fold of each image."""
        chosen = chosen.to(self.weak.device)
        return Temperatures(self.weak[chosen], self.strong[chosen], self.unit[chosen])

    def cpu(self) -> "Temperatures":
        """Return the same on the CPU."""
        return Temperatures(self.weak.cpu(), self.strong.cpu(), self.unit.cpu())


def temperatures_of_points(temperatures: Temperatures, evidence: Interval) -> Temperatures:
    """Return the temperatures that decide which regions are knowledge points: inf if the layer has no evidence.

    Temperatures that were chosen on few images may be too low by chance; without evidence beyond the noise, points
    would be due to chance as well (docs/method.md, "Evidence").

    >>> known = Temperatures.equal(torch.tensor([0.5, 2.0]))
    >>> temperatures_of_points(known, Interval(0.1, -0.1, 0.3)).middle
    tensor([inf, inf], dtype=torch.float64)
    """
    if above_zero(evidence):
        return temperatures
    return Temperatures.equal(torch.full_like(temperatures.weak, torch.inf))


def strength_share(strength: Tensor, unit: Tensor) -> Tensor:
    """Return ``phi = l / (l + unit)``, in [0, 1): 0 at the origin, 1/2 at the unit.

    >>> strength_share(torch.tensor([0.0, 2.0]), torch.tensor(2.0))
    tensor([0.0000, 0.5000])
    """
    return strength / (strength + unit)
