"""Evidence of a few layers, measured while a network is trained, within a share of the training time."""

import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor, nn

from patternscope.autograd_modes import isolate_autograd
from patternscope.callback.readings import Reading
from patternscope.callback.recorder import is_first_process
from patternscope.callback.signs import early_warnings
from patternscope.callback.time_budget import TimeBudget
from patternscope.callback.writers import Target, writers_of
from patternscope.errors import InputError
from patternscope.knowledge.probe import probe_evidence
from patternscope.knowledge.region_evidence import Evidence
from patternscope.networks.capture.forward_pass import checked_images, checked_labels
from patternscope.networks.capture.layouts import Grid
from patternscope.networks.capture.record import Recording, record
from patternscope.networks.device import device_of


class EvidenceLogger:
    """Measures the evidence of layers on a fixed set of images every few steps, and writes it to the user's logger.

    Call `logger(network, step)` with 0 before the first step, and with the number of steps done after each. A
    measurement runs the images through the network once, and reads each layer by a linear probe that is fitted to one
    half of the images and judged on the other, both ways: calibrated bits per region, with an interval over images
    (docs/method.md, "Evidence"). No map is fitted, so this is the readable evidence of a layer, not that of its map.

    Measurements are due every `every` steps and wait until the budget allows one more: `share` is at most `budget`,
    except at the first measurement, which later ones wait for. The network, its flags and the random state are left as
    found. In distributed training, the first process measures.

    Args:
        images: (n, channels, h, w), some 200 that the network is not trained on, as the network expects them, or uint8
            (divided by 255).
        labels: (n,) integers.
        layers: names as `networks.list_layers` gives them, shallow to deep.
        to: a file of JSON lines (by default evidence.jsonl), a TensorBoard `SummaryWriter`, a run of Weights & Biases,
            the module `mlflow`, a logger of Lightning; or several.
        every: steps from one measurement to the next.
        budget: largest share of the training's seconds, measurements included, in (0, 1].
        grid: largest region grid, n or (h, w), to which larger maps are averaged.
        patience: measurements before the warning "no layer has gained evidence".
        clock: seconds, for tests.

    Attributes:
        readings: the measurements so far.

    Raises:
        InputError: labels that do not fit the images, a number out of its range, an unknown target; when called, an
            unknown layer, a step that goes back, or at step 0 a file of an earlier training.

    Cost: a forward pass of n images, and per layer a probe (`knowledge.probe_evidence`).

    >>> import tempfile
    >>> images, labels = torch.zeros(8, 1, 4, 4), torch.arange(8) % 2
    >>> network = nn.Sequential(nn.Conv2d(1, 3, 1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     logger = EvidenceLogger(images, labels, ["1"], to=f"{folder}/evidence.jsonl", every=10)
    ...     reading = logger(network, 0)
    >>> round(reading.evidence["1"].bits, 3), reading.accuracy  # black images tell nothing
    (0.0, 0.5)
    """

    def __init__(
        self,
        images: Tensor,
        labels: Tensor,
        layers: Sequence[str],
        *,
        to: Target | Sequence[Target] | None = None,
        every: int = 100,
        budget: float = 0.05,
        grid: int | Grid = 4,
        patience: int = 5,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._images = checked_images(images).detach().cpu().clone()
        self._labels = checked_labels("labels", labels, len(images)).detach().cpu().clone()
        self._layers = _checked_layers(layers)
        if every < 1 or patience < 1 or not 0 < budget <= 1:
            got = f"{every}, {patience} and {budget}"
            raise InputError(f"every, patience, budget: expected 1 or more, 1 or more and a share in (0, 1], got {got}")
        self._every, self._grid, self._patience = every, grid, patience
        self._writers = writers_of(to)
        self._budget = TimeBudget(budget, clock)
        self._last_step: int | None = None
        self._warned: set[tuple[str, str | None]] = set()
        self.readings: list[Reading] = []

    @property
    def spent(self) -> float:
        """Seconds of all measurements so far."""
        return self._budget.spent

    @property
    def share(self) -> float:
        """Seconds of all measurements as a share of those since the training began, in [0, 1]."""
        return self._budget.share()

    def __call__(self, network: nn.Module, step: int, accuracy: float | Tensor | None = None) -> Reading | None:
        """Measure, write and return a reading if one is due and affordable; `accuracy` is that of the training."""
        self._advance_to(step)
        due = not self.readings or step // self._every > self.readings[-1].step // self._every
        return self._measure(network, step, accuracy) if due else None

    def finish(self, network: nn.Module, step: int, accuracy: float | Tensor | None = None) -> Reading | None:
        """Measure the network that the training ends with, if its step is not measured yet and the budget allows it."""
        self._advance_to(step)
        due = not self.readings or step > self.readings[-1].step
        return self._measure(network, step, accuracy) if due else None

    def _advance_to(self, step: int) -> None:
        """Check that steps only increase, and start the clock."""
        if self._last_step is not None and step < self._last_step:
            raise InputError(f"step: expected {self._last_step} or more, the steps done so far, got {step}")
        self._last_step = step
        self._budget.begin()

    def _measure(self, network: nn.Module, step: int, accuracy: float | Tensor | None) -> Reading | None:
        """Return a reading, written and with its warnings; None if it is over budget or left to another process."""
        if not is_first_process() or not self._budget.affords():
            return None
        _finish_queued_work(network)
        with self._budget.measuring():
            recording = record(network, self._images, self._layers, self._grid)
            evidence = self._evidence(recording)
        reading = Reading(
            step=step,
            evidence=evidence,
            accuracy=float((recording.logits.argmax(dim=1) == self._labels).double().mean()),
            train_accuracy=None if accuracy is None else float(accuracy),
            seconds=self._budget.last,
            share=self.share,
        )
        with self._budget.measuring(further=True):
            reading = replace(reading, warnings=self._new_warnings(reading))
            self.readings.append(reading)
            for writer in self._writers:
                writer.write(reading)
        for sentence in reading.warnings:
            warnings.warn(sentence, UserWarning, stacklevel=3)
        return reading

    def _evidence(self, recording: Recording) -> Mapping[str, Evidence]:
        """Return the evidence of each layer, independently of the caller's autograd mode."""
        classes = max(recording.logits.shape[1], int(self._labels.max()) + 1)
        with isolate_autograd(), torch.no_grad():
            return {
                layer: probe_evidence(recording.regional_features[layer], self._labels, classes=classes)
                for layer in self._layers
            }

    def _new_warnings(self, reading: Reading) -> tuple[str, ...]:
        """Return the sentences that were not true at the previous reading."""
        found = early_warnings([*self.readings, reading], patience=self._patience)
        new = tuple(warning.sentence for warning in found if (warning.sign, warning.layer) not in self._warned)
        self._warned = {(warning.sign, warning.layer) for warning in found}
        return new


def _checked_layers(layers: Sequence[str]) -> tuple[str, ...]:
    """Return the names of layers; InputError for none or a plain text."""
    if isinstance(layers, str) or not layers:
        raise InputError(f"layers: expected a list of names, shallow to deep, got {layers!r}")
    return tuple(layers)


def _finish_queued_work(network: nn.Module) -> None:
    """Wait until the device has finished the training steps, whose time does not count as measurement."""
    device = device_of(network)
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
