"""Where readings are written: TensorBoard, Weights & Biases, MLflow, Lightning's loggers, or a file of JSON lines."""

import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from patternscope.callback.readings import Reading
from patternscope.errors import InputError

Target: TypeAlias = str | os.PathLike[str] | Any
"""A file or a logger of the user: a SummaryWriter, a run of W&B, the module mlflow, a logger of Lightning."""
DEFAULT_FILE = "evidence.jsonl"


class Writer(Protocol):
    """Writes readings."""

    def write(self, reading: Reading) -> None:
        """Write one reading."""


def writers_of(to: Target | Sequence[Target] | None) -> list[Writer]:
    """Return the writers of one target or several, by default a file of JSON lines in the current folder.

    Objects are recognised by their methods, so that no package needs to be imported. InputError for any other object.

    >>> writers_of(3)
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: to: expected a file, a SummaryWriter, a run of wandb, mlflow or a logger, got int
    """
    if isinstance(to, list | tuple):
        return [writer for target in to for writer in writers_of(target)]
    if to is None or isinstance(to, str | os.PathLike):
        return [JsonLines(Path(DEFAULT_FILE if to is None else to).expanduser())]
    if hasattr(to, "add_scalar"):
        return [TensorBoard(to)]
    if hasattr(to, "log_metrics"):
        return [MetricsLogger(to)]
    if hasattr(to, "define_metric"):
        return [WandbRun(to)]
    kind = type(to).__name__
    raise InputError(f"to: expected a file, a SummaryWriter, a run of wandb, mlflow or a logger, got {kind}")


def scalars(reading: Reading) -> dict[str, float]:
    """Return the numbers of a reading by their names, which are the same in every logger.

    Names contain characters that all of them accept: letters, digits and ``_ - . /``.
    """
    found: dict[str, float] = {}
    for layer, evidence in reading.evidence.items():
        ends = {"evidence": evidence.bits, "evidence_low": evidence.low, "evidence_high": evidence.high}
        name = re.sub(r"[^\w./-]", "_", layer)
        found |= {f"patternscope/{key}/{name}": bits for key, bits in ends.items() if bits is not None}
    found["patternscope/accuracy"] = reading.accuracy
    if reading.train_accuracy is not None:
        found["patternscope/train_accuracy"] = reading.train_accuracy
    return found | {"patternscope/share_of_training_time": reading.share}


class JsonLines:
    """A file with one JSON object per reading, added line by line."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def write(self, reading: Reading) -> None:
        """Add a line; InputError at step 0 if the file contains an earlier training."""
        self.file.parent.mkdir(parents=True, exist_ok=True)
        held = self.file.read_bytes()[-1:] if self.file.exists() else b""
        if held and reading.step == 0:
            raise InputError(f"to: expected a new file for a training from step 0, got {str(self.file)!r}")
        # A training that was killed may have left half a line.
        with self.file.open("a", encoding="utf-8") as lines:
            lines.write(("" if held in (b"", b"\n") else "\n") + json.dumps(_record(reading)) + "\n")


def _record(reading: Reading) -> dict[str, Any]:
    """Return a reading as JSON values."""
    return {
        "step": reading.step,
        "evidence": {
            layer: {"bits": evidence.bits, "low": evidence.low, "high": evidence.high}
            for layer, evidence in reading.evidence.items()
        },
        "accuracy": reading.accuracy,
        "train_accuracy": reading.train_accuracy,
        "seconds": reading.seconds,
        "share": reading.share,
        "warnings": list(reading.warnings),
    }


class TensorBoard:
    """A `SummaryWriter`, of torch or tensorboardX; warnings are its texts."""

    def __init__(self, writer: Any) -> None:
        self.writer = writer

    def write(self, reading: Reading) -> None:
        """Add the numbers and the sentences."""
        for name, value in scalars(reading).items():
            self.writer.add_scalar(name, value, reading.step)
        for sentence in reading.warnings:
            self.writer.add_text("patternscope/warnings", sentence, reading.step)


class MetricsLogger:
    """A logger with `log_metrics`: the module mlflow within a run, or one of Lightning's loggers."""

    def __init__(self, logger: Any) -> None:
        self.logger = logger

    def write(self, reading: Reading) -> None:
        """Log the numbers."""
        self.logger.log_metrics(scalars(reading), step=reading.step)


class WandbRun:
    """A run of Weights & Biases; the step is a separate metric, so that the run's own steps need not agree."""

    def __init__(self, run: Any) -> None:
        self.run = run
        run.define_metric("patternscope/step")
        run.define_metric("patternscope/*", step_metric="patternscope/step")

    def write(self, reading: Reading) -> None:
        """Log the numbers."""
        self.run.log(scalars(reading) | {"patternscope/step": reading.step})
