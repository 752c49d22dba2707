"""A callback of `transformers.Trainer`: evidence measured while a model of Hugging Face is trained."""

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from torch import Tensor

from patternscope.callback.evidence_logger import EvidenceLogger
from patternscope.callback.writers import DEFAULT_FILE, Target
from patternscope.errors import InputError


def transformers_evidence_callback(
    images: Tensor,
    labels: Tensor,
    layers: Sequence[str],
    *,
    accuracy: str | None = None,
    to: Target | Sequence[Target] | None = None,
    **options: Any,
) -> Any:
    """Return a callback that measures evidence as `EvidenceLogger` does: Trainer(callbacks=[...]).

    `transformers` is imported here and nowhere else (extra "huggingface"; its Trainer needs `accelerate` as well).

    Args:
        images: pixel values as the model expects them, (n, channels, h, w) float.
        labels, layers, options: of :class:`EvidenceLogger`; layers by their names in the model.
        accuracy: the name under which the trainer logs its training accuracy, if it does.
        to: by default evidence.jsonl in the trainer's `output_dir`.

    Raises:
        InputError: transformers is not installed; else as :class:`EvidenceLogger`, when training starts.
    """

    class EvidenceCallback(_transformers().TrainerCallback):
        """Measures evidence while the model is trained."""

        logger: EvidenceLogger | None = None
        metric: float | None = None

        def on_train_begin(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            """Measure the model as it starts."""
            target = to if to is not None else Path(args.output_dir, DEFAULT_FILE)
            self.logger = EvidenceLogger(images, labels, layers, to=target, **options)
            self.logger(model, state.global_step)

        def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
            """Keep the training accuracy for the next measurement."""
            if accuracy is not None and accuracy in (logs or {}):
                self.metric = float(logs[accuracy])

        def on_step_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            """Measure the model if that is due."""
            if self.logger is not None:
                self.logger(model, state.global_step, self.metric)

        def on_train_end(self, args: Any, state: Any, control: Any, model: Any = None, **_: Any) -> None:
            """Measure the model that the training ends with."""
            if self.logger is not None:
                self.logger.finish(model, state.global_step, self.metric)

    return EvidenceCallback()


def _transformers() -> Any:
    """Return the package; InputError if it is not installed."""
    if importlib.util.find_spec("transformers") is None:
        raise InputError("transformers: expected an installed one, got none; pip install 'patternscope[huggingface]'")
    return importlib.import_module("transformers")
