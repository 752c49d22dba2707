"""Results of the stage evidence: what the regions of a layer tell about the class of an unseen image."""

from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from patternscope.knowledge.calibration import ReliabilityBin
from patternscope.knowledge.intervals import Interval, above_zero
from patternscope.knowledge.temperatures import Temperatures, temperatures_of_points
from patternscope.results.knowledge import Counts
from patternscope.results.result import Result, arrays, record

Against = Literal["labels", "decision"]
TEMPERATURES = ("temperature", "strong_temperature", "middle_strength")
"""The fields of `EvidenceResult` with the temperatures of the posterior."""


@dataclass(frozen=True)
class ClassEvidence:
    """Evidence over the images of one class, in bits per region."""

    name: str = field(metadata={"key": "class"})
    evidence: Interval


class EvidenceResult(Result):
    """The evidence of a layer at a checkpoint, in bits per region, each image judged by a map fitted without it.

    Attributes:
        bits: log2 p_T(y | h) / pi_y of each region (n, r) float32, y the true class.
        temperature, strong_temperature, middle_strength: of each image's fold (n,) float64, `temperatures` together: T
            for regions without strength and of infinite strength, inf if nothing is known, and the strength in between;
            in studies of earlier versions T is the same for all strengths, and the other two are None.
        refit_category, refit_confidence: most probable class and its probability in each refit of the layer (f, n, r),
            int16 and float16; the refits are the maps that lack a fold, on all images.
        evidence: mean over regions. readable: of a linear probe. calibration_error: in [0, 1].
        most: bits of a region that is always correct, the entropy of the classes' shares.
        against: what evidence is about, the images' labels or, without labels, the network's own decision.
        reliability: how often regions of similar confidence are correct. classes: evidence by class.
        paper: knowledge points by the rule of the paper, from the map of all images (Sec. 3.4).
    """

    STAGE = "evidence"
    AXES = ("checkpoint", "layer")

    bits: Tensor = arrays("evidence")
    temperature: Tensor = arrays("evidence")
    strong_temperature: Tensor | None = arrays("evidence")
    middle_strength: Tensor | None = arrays("evidence")
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
    def temperatures(self) -> Temperatures:
        """The temperature of each region by its image's fold and its strength."""
        return stored_temperatures(self.temperature, self.strong_temperature, self.middle_strength)

    @property
    def point_temperatures(self) -> Temperatures:
        """The temperatures that decide which regions are knowledge points: inf without evidence."""
        return temperatures_of_points(self.temperatures, self.evidence)

    @property
    def emerged(self) -> Tensor:
        """Which images have emerged (n,) bool: the layer has evidence, and their regions tell about their class.

        Regions tell about their class if they have more than 0 bits on average.
        """
        return (self.bits.double().mean(dim=1) > 0) & self.beyond_noise

    @property
    def known_share(self) -> float | None:
        """Evidence as a share of what is readable; None unless both are beyond the noise."""
        told, readable = self.evidence.value, self.readable.value
        if told is None or readable is None or not (self.beyond_noise and above_zero(self.readable)):
            return None
        return told / readable


def temperature_fields(known: Temperatures) -> dict[str, Tensor]:
    """Return temperatures in stored form, on the CPU: the values of `TEMPERATURES` (n,) by name."""
    return dict(zip(TEMPERATURES, (known.weak.cpu(), known.strong.cpu(), known.unit.cpu()), strict=True))


def stored_temperatures(weak: Tensor, strong: Tensor | None, unit: Tensor | None) -> Temperatures:
    """Return temperatures from stored values (n,); those of earlier versions are the same for all strengths."""
    return Temperatures.equal(weak) if strong is None or unit is None else Temperatures(weak, strong, unit)
