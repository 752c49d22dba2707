"""Results of the stage faithfulness: the probability of the true class as the regions of a layer are removed."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from patternscope.knowledge.intervals import Interval
from patternscope.results.result import Result, arrays, record

ORDERS = {
    "p": "p of the true class",
    "strength": "strength",
    "w": "importance w",
    "grad_cam": "Grad-CAM",
    "random": "random",
    "mask": "the object's mask",
}
"""Orders in which regions are removed, by key, with their displayed names."""
REPLACEMENTS = {"blur": "blurred", "mean": "the image's mean colour"}
"""The replacements of a region, with their displayed names."""


@dataclass(frozen=True)
class RemovalOrder:
    """One order of removal: the area below its mean curve, and how much smaller that of p is on the same images."""

    order: str
    area: Interval
    difference: Interval
    curve: list[float]


class FaithfulnessResult(Result):
    """The deletion test of a layer at the last checkpoint.

    Attributes:
        samples: which samples were used (m,) int64. curves: by order, the probability (m, steps + 1).
        images: m. replacement: a key of `REPLACEMENTS`. omitted: orders that the layer lacks, with the reason.
        shares: of the regions removed at each step. orders: the measured orders, p first.
    """

    STAGE = "faithfulness"
    AXES = ("layer",)
    PART = "faithfulness"

    samples: Tensor = arrays("faithfulness")
    curves: Mapping[str, Tensor] = arrays("faithfulness", key="")
    images: int = record("faithfulness")
    replacement: str = record("faithfulness")
    omitted: dict[str, str] = record("faithfulness", key="left_out")
    shares: list[float] = record("faithfulness")
    orders: tuple[RemovalOrder, ...] = record("faithfulness")

    def order(self, name: str) -> RemovalOrder:
        """Return the measurements of one order."""
        return next(order for order in self.orders if order.order == name)
