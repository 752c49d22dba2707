"""Results of the stage training: the network at each checkpoint, and how accurate it is."""

from pathlib import Path
from typing import Literal

from patternscope.results.result import Result, record

Start = Literal["weights", "published", "factory"]
NETWORK_FILE, STATE_FILE = "network.safetensors", "state.safetensors"
"""Weights of a network, and the state from which its training goes on; `networks` reads and writes both."""


class TrainingResult(Result):
    """One checkpoint of a network.

    Attributes:
        checkpoint: number among the checkpoints. name: what it is called. step: of the training, None where unknown.
        losses: of each training step since the checkpoint before; none where the network was trained elsewhere.
        total_steps: of the whole training, where it took place here.
        start: where the weights came from before it: a file of the user's, published ones or those of a factory; None
            for a network that was trained from scratch here, and for one that was trained elsewhere.
        held_out_accuracy: share of the held-out images that are classified correctly, in [0, 1]; None where
            labels are unknown.
        held_out_images: their number.
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
    start: Start | None = record("training", omit_none=True)

    @property
    def title(self) -> str:
        """The checkpoint as a figure names it."""
        return f"checkpoint {self.name}" if self.step is None else f"training step {self.step}"

    @property
    def title_of_last(self) -> str | None:
        """The last checkpoint as a figure names it, None where it is the only one: then nothing was trained over time.

        The last of several is never the first.
        """
        return self.title if self.checkpoint else None


def network_file(folder: Path) -> Path:
    """Return the file of a network's weights in the folder of a unit that trained it."""
    return folder / NETWORK_FILE
