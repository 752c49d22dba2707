"""Checkpoints recorded in your own training, for a study's `[checkpoints] folder`."""

import re
from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor, nn

from patternscope.atomic import replaced_file
from patternscope.errors import InputError
from patternscope.networks import checkpoint_steps, save_weights

_NAME = re.compile(r"step_(\d+)\.safetensors")


class CheckpointRecorder:
    """Writes a network's weights at chosen steps of its training, as `step_00000930.safetensors` in a folder.

    Call `recorder(network, step)` with 0 before the first step, and with the number of steps done after each; it
    writes once a planned step is reached. Planned are `count` of `total_steps` steps, evenly spaced in log time by
    `networks.checkpoint_steps`; or all multiples of `every`, and the last step, by `finish`. Prefixes of torch's
    wrappers are removed from the names of weights. In distributed training, the first process writes.

    Raises:
        InputError: neither or both of total_steps and every, or a number below 1; a step that goes back; at step 0 a
            folder that holds the steps of an earlier training.

    >>> import tempfile
    >>> network = nn.Linear(1, 1)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     recorder = CheckpointRecorder(folder, total_steps=100, count=4)
    ...     written = [recorder(network, step) for step in range(101)]
    ...     sorted(path.name for path in Path(folder).iterdir())
    ['step_00000000.safetensors', 'step_00000004.safetensors', 'step_00000021.safetensors', 'step_00000100.safetensors']
    """

    def __init__(
        self, folder: str | Path, *, total_steps: int | None = None, count: int = 8, every: int | None = None
    ) -> None:
        if (total_steps is None) == (every is None):
            got = "neither" if every is None else "both"
            raise InputError(f"total_steps and every: expected one of them, got {got}")
        if every is not None and every < 1:
            raise InputError(f"every: expected 1 or more, got {every}")
        self.folder = Path(folder).expanduser()
        self._every = every
        self._planned = () if total_steps is None else tuple(checkpoint_steps(total_steps, count))
        self._last_step: int | None = None
        self._written = -1

    def __call__(self, network: nn.Module | Mapping[str, Tensor], step: int) -> Path | None:
        """Write the network, or its state dict, if a planned step was reached; return the file or None."""
        self._advance_to(step)
        return self._write(network, step) if self._is_due(step) else None

    def finish(self, network: nn.Module | Mapping[str, Tensor], step: int) -> Path | None:
        """Write the network at the end of its training, unless this step is written already."""
        self._advance_to(step)
        return self._write(network, step) if step > self._written else None

    def _advance_to(self, step: int) -> None:
        """Check that steps only increase and, before the first one, that the folder has no earlier steps."""
        if self._last_step is None:
            earlier = _steps_in(self.folder)
            if step == 0 and earlier:
                got = f"{len(earlier)} steps of an earlier training"
                raise InputError(f"folder {str(self.folder)!r}: expected an empty one, got {got}")
            self._written = max((number for number in earlier if number <= step), default=-1)
        elif step < self._last_step:
            raise InputError(f"step: expected {self._last_step} or more, the steps done so far, got {step}")
        self._last_step = step

    def _is_due(self, step: int) -> bool:
        """Tell whether a planned step lies between the last one written and this one."""
        if self._every is None:
            return any(self._written < planned <= step for planned in self._planned)
        return self._written < 0 or step // self._every > self._written // self._every

    def _write(self, network: nn.Module | Mapping[str, Tensor], step: int) -> Path | None:
        """Write a file atomically, even if the training is killed."""
        self._written = step
        if not is_first_process():
            return None
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"step_{step:08d}.safetensors"
        with replaced_file(path) as partial:
            save_weights(network, partial)
        return path


def is_first_process() -> bool:
    """Tell whether this process is the one that writes."""
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    return not distributed or torch.distributed.get_rank() == 0


def _steps_in(folder: Path) -> list[int]:
    """Return the steps that a folder already contains."""
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    return [int(match[1]) for name in names if (match := _NAME.fullmatch(name))]
