"""Knowledge points of some images: which regions they are, and how many."""

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class KnowledgePoints:
    """The knowledge points of some images in one layer of one network (Sec. 3.4).

    Attributes:
        mask: (n, r) bool, whether a region is a knowledge point.
        reliable: (n, r) bool, whether it is one of the image's true class.
        category: (n, r) int64, the most probable class of a region.
        confidence: (n, r), the probability of that class, in (0, 1].
        strength: (n, r), strength in units of `unit_strength`.
    """

    mask: Tensor
    reliable: Tensor
    category: Tensor
    confidence: Tensor
    strength: Tensor

    @property
    def total(self) -> float:
        """Knowledge points per image."""
        return float(self.mask.sum(dim=1).double().mean())

    @property
    def total_reliable(self) -> float:
        """Reliable knowledge points per image."""
        return float(self.reliable.sum(dim=1).double().mean())

    @property
    def ratio(self) -> float | None:
        """Reliable points as a share of all, in [0, 1]; None without points."""
        return reliable_ratio(int(self.reliable.sum()), int(self.mask.sum()))


def reliable_ratio(reliable: float, total: float) -> float | None:
    """Return reliable / total, or None if the total is 0.

    >>> reliable_ratio(3, 4), reliable_ratio(0, 0)
    (0.75, None)
    """
    return reliable / total if total else None
