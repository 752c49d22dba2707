"""Results of the stage controls: the evidence and the knowledge points that a layer has by chance."""

from dataclasses import dataclass
from typing import Literal

from patternscope.knowledge.intervals import Interval
from patternscope.results.knowledge import Counts
from patternscope.results.result import Result, record

Untrained = Literal["first checkpoint", "re-initialised"]


@dataclass(frozen=True)
class Control:
    """What is found where nothing can be known: evidence, bits per region, and points by either rule."""

    evidence: Interval
    counts: Counts
    paper: Counts


class ControlsResult(Result):
    """What a layer has by chance at the last checkpoint, measured as the layer itself is.

    Attributes:
        permuted: target probabilities and labels permuted over the images, the features as they are.
        untrained: the features of an untrained network, targets and labels as they are.
        untrained_from: where that network comes from.
    """

    STAGE = "controls"
    AXES = ("layer",)
    PART = "controls"

    permuted: Control = record("controls")
    untrained: Control = record("controls")
    untrained_from: Untrained = record("controls")
