"""Results of the stage evidence: what the regions of a layer tell of the class of an image that no map has seen."""

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from patternscope.knowledge.calibration import ReliabilityBin, temperature_of_points
from patternscope.knowledge.intervals import Interval, above_zero
from patternscope.results.knowledge import Counts
from patternscope.results.result import Result, arrays, record

Against = Literal["labels", "decision"]


@dataclass(frozen=True)
class ClassEvidence:
    """Evidence over the images of one class, in bits per region."""

    name: str = field(metadata={"key": "class"})
    evidence: Interval


class EvidenceResult(Result):
    """What a layer tells at a checkpoint, in bits per region, each image judged by a map fitted without it.

    Attributes:
        bits: log2 p_T(y | h) / pi_y of each region (n, r) float32, y the true class.
        temperature: T of each image's fold (n,) float64, inf where nothing is known.
        refit_category, refit_confidence: most probable class and its probability in each refit of the layer (f, n, r),
            int16 and float16; the refits are the maps that lack a fold, on all images.
        evidence: mean over regions. readable: of a linear probe. calibration_error: in [0, 1].
        most: bits of a region that is always right, the entropy of the classes' shares.
        against: what evidence is about, the images' labels or, where there are none, the network's own decision.
        reliability: how often regions of similar confidence are right. classes: evidence by class.
        paper: knowledge points by the rule of the paper, from the map of all images (Sec. 3.4).
    """

    STAGE = "evidence"
    AXES = ("checkpoint", "layer")

    bits: Tensor = arrays("evidence")
    temperature: Tensor = arrays("evidence")
    refit_category: Tensor = arrays("refits")
    refit_confidence: Tensor = arrays("refits")
    evidence: Interval = record("evidence")
    readable: Interval = record("evidence")
    calibration_error: float = record("evidence")
    most: float = record("evidence")
    against: Against = record("evidence")
    reliability: tuple[ReliabilityBin, ...] = record("evidence")
    classes: tuple[ClassEvidence, ...] = record("evidence")
    paper: Counts = record("evidence")

    @property
    def beyond_noise(self) -> bool:
        """Whether there is evidence: its interval is above 0."""
        return above_zero(self.evidence)

    @property
    def point_temperature(self) -> Tensor:
        """The temperature of each image by which its regions are knowledge points (n,): inf without evidence."""
        return temperature_of_points(self.temperature, self.evidence)

    @property
    def emerged(self) -> Tensor:
        """Which images have emerged (n,) bool: the layer has evidence, and their regions tell of their class.

        They do where they tell more of it than its share of the images does: above 0 bits on average.
        """
        return (self.bits.double().mean(dim=1) > 0) & self.beyond_noise

    @property
    def known_share(self) -> float | None:
        """Evidence as a share of what is readable; None where nothing is readable."""
        told, readable = self.evidence.value, self.readable.value
        return None if told is None or not readable or readable <= 0 else told / readable
