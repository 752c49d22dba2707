"""Results of the stage training: the network at each checkpoint, and its accuracy."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from patternscope.results.result import Result, record

Start = Literal["weights", "published", "factory"]
NETWORK_FILE, STATE_FILE = "network.safetensors", "state.safetensors"
"""Weights of a network, and the state from which its training continues; `networks` reads and writes both."""
HEAD_FILE = "head.safetensors"
"""The head of a network: some of its outputs, or a probe; absent if all outputs are used in order."""
NETWORK_FILES = (NETWORK_FILE, HEAD_FILE)
"""All files that a network is read from."""


@dataclass(frozen=True)
class ReadOutputs:
    """The outputs of a network that are the classes of the images.

    names: of the outputs, by class; count: of all outputs; source: where the choice comes from.
    """

    names: tuple[str, ...]
    count: int
    source: str

    @property
    def sentence(self) -> str:
        """What is analysed, in one line."""
        chosen = "The network's single output" if self.count == 1 else f"{len(self.names)} of {self.count:,} outputs"
        verb = "is" if self.count == 1 else "are"
        return f"{chosen} {verb} analysed, {self.source}: {', '.join(self.names)}."


@dataclass(frozen=True)
class ReadProbe:
    """A linear probe that gives the probabilities of a network without a classifier.

    strength: of the penalty; folds: that chose it; accuracy: on held-out images; images: it was fitted to;
    own_images: whether these are the analysed images.
    """

    strength: float
    folds: int
    accuracy: float
    images: int
    own_images: bool = False

    @property
    def sentence(self) -> str:
        """What is analysed, in one line."""
        which = "the analysed images themselves" if self.own_images else "training images"
        return (
            f'Probabilities are those of a linear probe, as requested by head = "probe", fitted to the network\'s '
            f"features of {self.images:,} {which} (penalty {self.strength:g}, chosen in {self.folds} folds; accuracy "
            f"{self.accuracy:.2f} on held-out images): statements about classes are about the probe."
        )


class TrainingResult(Result):
    """One checkpoint of a network.

    Attributes:
        checkpoint: number among the checkpoints. name: its name. step: of the training, None where unknown.
        losses: of each training step since the checkpoint before; empty if the network was trained elsewhere.
        total_steps: of the whole training, if it took place here.
        start: where the weights came from before it: a file of the user's, published ones or those of a factory; None
            for a network that was trained from scratch here, and for one that was trained elsewhere.
        held_out_accuracy: share of the held-out images that are classified correctly, in [0, 1]; None where
            labels are unknown.
        held_out_images: their number.
        outputs, probe: the head of the network, None if its output is used directly.
    """

    STAGE = "training"
    AXES = ("checkpoint",)

    checkpoint: int = record("training")
    name: str = record("training")
    step: int | None = record("training")
    losses: list[float] = record("training")
    held_out_accuracy: float | None = record("training")
    held_out_images: int = record("training")
    total_steps: int | None = record("training", omit_none=True)
    outputs: ReadOutputs | None = record("training", omit_none=True)
    probe: ReadProbe | None = record("training", omit_none=True)
    start: Start | None = record("training", omit_none=True)

    @property
    def head_sentence(self) -> str | None:
        """The head of the network in one line; None if its output is used directly."""
        head = self.outputs or self.probe
        return None if head is None else head.sentence

    @property
    def title(self) -> str:
        """The name of the checkpoint in figures."""
        return f"checkpoint {self.name}" if self.step is None else f"training step {self.step}"

    @property
    def title_of_last(self) -> str | None:
        """The name of the last checkpoint in figures, None if it is the only one, without a training over time.

        The last of several is never the first.
        """
        return self.title if self.checkpoint else None


def network_file(folder: Path) -> Path:
    """Return the file of a network's weights in the folder of a unit that trained it."""
    return folder / NETWORK_FILE
