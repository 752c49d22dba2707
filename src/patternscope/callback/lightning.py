"""Callbacks of Lightning: checkpoints and evidence recorded while a LightningModule is trained."""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from patternscope.callback.evidence_logger import EvidenceLogger
from patternscope.callback.recorder import CheckpointRecorder
from patternscope.callback.writers import DEFAULT_FILE, Target
from patternscope.errors import InputError, nearest

_LIGHTNINGS = ("lightning.pytorch", "pytorch_lightning")


def lightning_callback(
    folder: str | Path, *, network: str | None = None, count: int = 8, every: int | None = None
) -> Any:
    """Return a Lightning callback that records checkpoints as `CheckpointRecorder` does: Trainer(callbacks=[...]).

    `network` is the attribute of the LightningModule that holds the network (default: the module itself). The number
    of steps is the trainer's own estimate; a trainer without an end needs `every`. Lightning, as `lightning` or
    `pytorch_lightning`, is imported here and nowhere else.

    Raises:
        InputError: Lightning is not installed; when training starts, an attribute that is no network, or a training
            without an end and no `every`.
    """

    class CheckpointCallback(_lightning().Callback):
        """Records the network at planned steps."""

        recorder: CheckpointRecorder | None = None

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            """Plan the steps, and record the network as it starts."""
            total = None if every is not None else _total_steps(trainer)
            self.recorder = CheckpointRecorder(folder, total_steps=total, count=count, every=every)
            self.recorder(_part(pl_module, network), trainer.global_step)

        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any, **__: Any) -> None:
            """Record the network if a planned step was reached."""
            if self.recorder is not None:
                self.recorder(_part(pl_module, network), trainer.global_step)

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            """Record the network that the training ends with."""
            if self.recorder is not None:
                self.recorder.finish(_part(pl_module, network), trainer.global_step)

    return CheckpointCallback()


def lightning_evidence_callback(
    images: Tensor,
    labels: Tensor,
    layers: Sequence[str],
    *,
    network: str | None = None,
    accuracy: str | None = None,
    to: Target | Sequence[Target] | None = None,
    **options: Any,
) -> Any:
    """Return a Lightning callback that measures evidence as `EvidenceLogger` does: Trainer(callbacks=[...]).

    Args:
        images, labels, layers, options: of :class:`EvidenceLogger`.
        network: the attribute of the LightningModule that holds the network (default: the module itself).
        accuracy: the name under which the module logs its training accuracy, if it does.
        to: by default the trainer's own loggers; without any, evidence.jsonl in its `default_root_dir`.

    Raises:
        InputError: Lightning is not installed; else as :class:`EvidenceLogger`, when training starts.
    """

    class EvidenceCallback(_lightning().Callback):
        """Measures evidence while the network is trained."""

        logger: EvidenceLogger | None = None

        def on_train_start(self, trainer: Any, pl_module: Any) -> None:
            """Measure the network as it starts."""
            target = to if to is not None else list(trainer.loggers) or Path(trainer.default_root_dir, DEFAULT_FILE)
            self.logger = EvidenceLogger(images, labels, layers, to=target, **options)
            self.logger(_part(pl_module, network), trainer.global_step)

        def on_train_batch_end(self, trainer: Any, pl_module: Any, *_: Any, **__: Any) -> None:
            """Measure the network if that is due."""
            if self.logger is not None:
                self.logger(_part(pl_module, network), trainer.global_step, _metric(trainer, accuracy))

        def on_train_end(self, trainer: Any, pl_module: Any) -> None:
            """Measure the network that the training ends with."""
            if self.logger is not None:
                self.logger.finish(_part(pl_module, network), trainer.global_step, _metric(trainer, accuracy))

    return EvidenceCallback()


def _metric(trainer: Any, name: str | None) -> Any:
    """Return a metric that the module has logged, or None."""
    return None if name is None else trainer.callback_metrics.get(name)


def _lightning() -> Any:
    """Return the Lightning package that is loaded, or else an installed one."""
    loaded = [name for name in _LIGHTNINGS if name in sys.modules]
    for name in (*loaded, *_LIGHTNINGS):
        if name in sys.modules or importlib.util.find_spec(name.partition(".")[0]) is not None:
            return importlib.import_module(name)
    raise InputError("Lightning: expected an installed one, got none; pip install lightning")


def _total_steps(trainer: Any) -> int:
    """Return the number of optimizer steps of a training."""
    total = trainer.estimated_stepping_batches
    if not 0 < total < float("inf"):
        raise InputError(
            f"every: expected a number of steps for a training without an end, got None (estimated steps {total})"
        )
    return int(total)


def _part(module: nn.Module, name: str | None) -> nn.Module:
    """Return the network inside a LightningModule."""
    if name is None:
        return module
    try:
        return module.get_submodule(name)
    except AttributeError as error:
        names = [child for child, _ in module.named_children()]
        raise InputError(
            f"network: expected an attribute of the module, got {name!r}; {nearest(name, names)}"
        ) from error
