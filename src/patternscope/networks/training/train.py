"""Training as a chain of segments: all randomness is a function of seed and step."""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.capture.forward_pass import run_for_logits
from patternscope.networks.capture.hooks import borrowed, isolate_random_state
from patternscope.networks.device import device_of, pixels_for
from patternscope.networks.models.normalised import explain_faults
from patternscope.networks.settings import TrainingSettings
from patternscope.networks.training.augmentation import augmented
from patternscope.networks.training.objectives import Objective, cross_entropy
from patternscope.networks.training.schedule import batch_indices, derived_seed, one_cycle
from patternscope.tensor_files import read_tensors, write_tensors

Report = Callable[[int, int, float], None]
# Tells whether a segment ends at a step, given the step and the network, which must not be changed.
Stop = Callable[[int, nn.Module], bool]


class ImageStore(Protocol):
    """Training images: a uint8 tensor (N, c, h, w), or anything that returns batches of one."""

    def __len__(self) -> int: ...

    def __getitem__(self, indices: Tensor, /) -> Tensor: ...


@dataclass(frozen=True)
class TrainingState:
    """The state that the next segment starts from: step, weights, the optimizer's tensors, the losses so far.

    Tensors are contiguous copies on the CPU; losses (step,) float64.
    """

    step: int
    network: dict[str, Tensor]
    optimizer: dict[str, Tensor]
    losses: Tensor


class Evaluation(NamedTuple):
    """Share of images classified correctly, and the logits (n, c) on the CPU."""

    accuracy: float
    logits: Tensor


def total_steps(settings: TrainingSettings, image_count: int) -> int:
    """Return the number of steps of the whole training; an epoch omits its incomplete batch.

    >>> total_steps(TrainingSettings(epochs=2, batch_size=64), 1000)
    30
    """
    if image_count < 1:
        raise InputError(f"image_count: expected at least 1, got {image_count}")
    return settings.epochs * (image_count // min(settings.batch_size, image_count))


def train(
    network: nn.Module,
    images: ImageStore,
    labels: Tensor,
    settings: TrainingSettings,
    *,
    seed: int,
    start: TrainingState | None = None,
    until_step: int | None = None,
    objective: Objective | None = None,
    report: Report | None = None,
    stop: Stop | None = None,
) -> TrainingState:
    """Train a copy of the network, on its device, from `start` (None: step 0) up to `until_step` (None: the end).

    One segment from 0 to the end and any chain of segments through saved states give the same bytes, on one
    machine with one number of threads. The network given is not changed: load `state.network` into it.

    Args:
        network: takes pixels in [0, 1] (see Normalised), returns logits (n, c).
        images: uint8 (N, channels, h, w), or anything with a length that gives such a batch for an index
            tensor.
        labels: int64 (N,), 0 to c - 1.
        settings: see TrainingSettings.
        seed: for the order of images, the augmentation and the network's own randomness (dropout).
        start: the state after an earlier segment with the same seed, settings and images.
        until_step: last step of this segment, start.step to total_steps(settings, N).
        objective: the loss to minimise; None for cross-entropy with the settings' label smoothing.
        report: called after each step with (step, total steps, loss).
        stop: called after each step, tells whether the segment ends there, before `until_step`.

    Raises:
        InputError: images and labels that do not match, labels outside the classes, a state of another
            network, a step outside the range, a network that fails or has nothing to train, or a loss that is not
            finite.
    """
    _check_counts(images, labels, 2)
    if labels.dtype != torch.int64 or labels.ndim != 1:
        raise InputError(f"labels: expected int64 (n,), got {labels.dtype} {tuple(labels.shape)}")
    total = total_steps(settings, len(images))
    until = total if until_step is None else until_step
    first = 0 if start is None else start.step
    if not first <= until <= total:
        raise InputError(f"until_step: expected {first} to {total}, got {until}")
    segment = _Segment(network, settings, seed, objective or cross_entropy(settings.label_smoothing))
    if start is not None:
        segment.restore(start)
    losses = [] if start is None else start.losses.tolist()
    with isolate_random_state(segment.device):
        for step in range(first, until):
            chosen = batch_indices(step, len(images), settings.batch_size, seed)
            losses.append(segment.advance(step, total, images[chosen], labels[chosen]))
            if report is not None:
                report(step + 1, total, losses[-1])
            if stop is not None and stop(step + 1, segment.network):
                until = step + 1
                break
    return segment.state(until, losses)


def evaluate(network: nn.Module, images: ImageStore, labels: Tensor, batch_size: int = 128) -> Evaluation:
    """Return accuracy and logits; the network is given back as found.

    Images uint8 or floating point (n, channels, h, w), labels (n,).

    >>> images, labels = torch.tensor([[[[0.0, 1.0]]], [[[1.0, 0.0]]]]), torch.tensor([1, 0])
    >>> evaluate(nn.Flatten(), images, labels).accuracy
    1.0
    """
    _check_counts(images, labels, 1)
    with borrowed(network):
        batches = (images[chosen] for chosen in torch.arange(len(images)).split(batch_size))
        parts = [run_for_logits(network, pixels_for(network, batch)).float().cpu() for batch in batches]
    logits = torch.cat(parts)
    return Evaluation((logits.argmax(1) == labels.cpu()).double().mean().item(), logits)


def save_state(state: TrainingState, path: str | Path) -> None:
    """Write a state as one safetensors file; the same state gives the same bytes."""
    tensors = {f"network/{name}": tensor for name, tensor in state.network.items()}
    tensors |= {f"optimizer/{name}": tensor for name, tensor in state.optimizer.items()}
    write_tensors({**tensors, "losses": state.losses, "step": torch.tensor(state.step)}, path)


def load_state(path: str | Path) -> TrainingState:
    """Read a state that `save_state` wrote.

    InputError if the file is missing, truncated or contains something else.
    """
    tensors = read_tensors(path)
    if not {"losses", "step"} <= set(tensors):
        raise InputError(f"{path}: expected a training state with tensors step and losses, got other tensors")

    def part(prefix: str) -> dict[str, Tensor]:
        names = sorted(name for name in tensors if name.startswith(prefix))
        return {name.removeprefix(prefix): tensors[name] for name in names}

    return TrainingState(int(tensors["step"]), part("network/"), part("optimizer/"), tensors["losses"])


class _Segment:
    """A copy of the network with its optimizer, while it is trained."""

    def __init__(self, network: nn.Module, settings: TrainingSettings, seed: int, objective: Objective) -> None:
        self.settings, self.seed, self.objective = settings, seed, objective
        # Channels last is the faster layout for thin convolutions on CPUs: 15 to 20 % of a step.
        self.network = copy.deepcopy(network).to(memory_format=torch.channels_last)
        self.network.train()
        self.device = device_of(self.network)
        self.optimizer = self._make_optimizer()

    def advance(self, step: int, total: int, images: Tensor, labels: Tensor) -> float:
        """Take one step and return its loss."""
        if self.settings.augmentation:
            images = augmented(images, derived_seed(self.seed, "augmentation", step))
        _seed_device(self.device, derived_seed(self.seed, "network", step))
        for group in self.optimizer.param_groups:
            group["lr"] = one_cycle(step, total, self.settings.maximum_lr)
        pixels = pixels_for(self.network, images).contiguous(memory_format=torch.channels_last)
        loss = self.objective(self.network, pixels, labels.to(self.device))
        self.optimizer.zero_grad()
        with explain_faults(pixels):
            loss.backward()
        self.optimizer.step()
        value = loss.item()
        if value != value or value == float("inf"):
            raise InputError(f"training: expected a finite loss, got {value} at step {step}; lower training.lr")
        return value

    def state(self, step: int, losses: list[float]) -> TrainingState:
        """Return a copy of the state."""
        optimizer = {
            f"{index}.{name}": value
            for index, entry in self.optimizer.state_dict()["state"].items()
            for name, value in entry.items()
            if isinstance(value, Tensor)
        }
        network = _copies(self.network.state_dict())
        return TrainingState(step, network, _copies(optimizer), torch.tensor(losses, dtype=torch.float64))

    def restore(self, state: TrainingState) -> None:
        """Continue from a state."""
        try:
            self.network.load_state_dict(state.network)
        except RuntimeError as error:
            raise InputError("start: expected a state of this network, got another network's") from error
        weights = self.optimizer.param_groups[0]["params"]
        entries: dict[int, dict[str, Tensor]] = {}
        for name, value in state.optimizer.items():
            index, _, key = name.partition(".")
            entries.setdefault(int(index), {})[key] = _laid_out_like(weights[int(index)], value)
        groups = self.optimizer.state_dict()["param_groups"]
        self.optimizer.load_state_dict({"state": entries, "param_groups": groups})

    def _make_optimizer(self) -> torch.optim.Optimizer:
        """Build the optimizer over the trainable weights."""
        weights = [weight for weight in self.network.parameters() if weight.requires_grad]
        if not weights:
            raise InputError(
                "network: expected a parameter with requires_grad, got none; to analyse a trained "
                "network, set network.weights"
            )
        settings = self.settings
        common: dict[str, Any] = {"lr": settings.maximum_lr, "weight_decay": settings.weight_decay}
        if settings.optimizer == "sgd":
            nesterov = settings.momentum > 0
            return torch.optim.SGD(weights, momentum=settings.momentum, nesterov=nesterov, **common)
        return torch.optim.AdamW(weights, betas=(settings.momentum, 0.999), fused=True, **common)


def _check_counts(images: ImageStore, labels: Tensor, least: int) -> None:
    """Raise unless there is one label per image, and at least that many."""
    if len(images) != len(labels) or len(labels) < least:
        counts = f"{len(images)} and {len(labels)}"
        raise InputError(f"images and labels: expected the same number, at least {least}, got {counts}")


def _seed_device(device: torch.device, seed: int) -> None:
    """Set the random state that the network draws from; the caller's own is restored after the segment."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        index = torch.cuda.current_device() if device.index is None else device.index
        torch.cuda.default_generators[index].manual_seed(seed)
    elif device.type == "mps":
        torch.mps.manual_seed(seed)


def _copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return contiguous copies on the CPU in the order of names, as they come back from a file."""
    return {name: tensors[name].detach().to("cpu", copy=True).contiguous() for name in sorted(tensors)}


def _laid_out_like(weight: Tensor, value: Tensor) -> Tensor:
    """Return the value with the weight's strides, which the fused optimizers assume."""
    if value.shape != weight.shape:
        return value
    return torch.empty_like(weight, dtype=value.dtype, requires_grad=False).copy_(value)
