"""Results of the stage directions: the probability of a class once its direction is removed from a layer."""

from dataclasses import dataclass

from torch import Tensor

from patternscope.knowledge.intervals import Interval
from patternscope.results.result import Result, arrays, record


@dataclass(frozen=True)
class Fall:
    """The fall of the probability of the true class, a mean over images.

    of: the class, None for all images. images: their number. own, other, random: the falls if the direction of the true
    class, of another class, or random ones of the same length are removed; above_random: own minus random, of the same
    images.
    """

    of: str | None
    images: int
    own: Interval
    other: Interval
    random: Interval
    above_random: Interval


class DirectionsResult(Result):
    """Directions of classes removed from a layer of the last checkpoint.

    Attributes:
        samples: which samples were used (m,) int64. before: probability of the true class (m,). own, other: the same
            after the direction of the true class, or of another one, was removed (m,); random: (m, draws).
        removed: length of the removed part of a region's features, as a share of theirs, a mean.
        all_images: the fall over all images. classes: of each class that has images.
    """

    STAGE = "directions"
    AXES = ("layer",)
    PART = "faithfulness"

    samples: Tensor = arrays("directions")
    before: Tensor = arrays("directions")
    own: Tensor = arrays("directions")
    other: Tensor = arrays("directions")
    random: Tensor = arrays("directions")
    removed: float = record("directions")
    all_images: Fall = record("directions")
    classes: tuple[Fall, ...] = record("directions")
