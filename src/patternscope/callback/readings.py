"""The result of one measurement during training."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from patternscope.knowledge.region_evidence import Evidence


@dataclass(frozen=True)
class Reading:
    """Evidence of some layers at one training step.

    Attributes:
        step: optimizer steps done.
        evidence: by layer, shallow to deep, in bits per region, by a linear probe on unseen images.
        accuracy: of the network on the same images, in [0, 1].
        train_accuracy: as passed by the training loop, or None.
        seconds: of this measurement. share: of all measurements so far, of the seconds since the training began.
        warnings: sentences that became true with this reading.
    """

    step: int
    evidence: Mapping[str, Evidence]
    accuracy: float
    train_accuracy: float | None = None
    seconds: float = 0.0
    share: float = 0.0
    warnings: tuple[str, ...] = field(default=())
