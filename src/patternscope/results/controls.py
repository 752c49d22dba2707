"""Results of the stage controls: the evidence and the knowledge points that a layer has by chance."""

from dataclasses import dataclass
from typing import Literal

from patternscope.knowledge.intervals import Interval
from patternscope.results.knowledge import Counts
from patternscope.results.result import Result, record

Untrained = Literal["first checkpoint", "re-initialised"]


@dataclass(frozen=True)
class Control:
    """The chance level of a control: evidence in bits per region, and points by either rule."""

    evidence: Interval
    counts: Counts
    paper: Counts


class ControlsResult(Result):
    """What a layer has by chance at the last checkpoint, measured as the layer itself is.

    Attributes:
        permuted: with target probabilities and labels permuted over the images, and unchanged features.
        untrained: with the features of an untrained network, and unchanged targets and labels.
        untrained_from: where that network comes from.
    """

    STAGE = "controls"
    AXES = ("layer",)
    PART = "controls"

    permuted: Control = record("controls")
    untrained: Control = record("controls")
    untrained_from: Untrained = record("controls")
