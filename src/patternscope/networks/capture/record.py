"""Recording features and logits of images, batch by batch, in one forward pass each."""

import copy
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, TypedDict, Unpack, get_args

import torch
from torch import Tensor, nn

from patternscope.errors import InputError, nearest
from patternscope.networks.capture.classifier import head_calls, heads_of
from patternscope.networks.capture.forward_pass import checked_images, images_at_once, layer_outputs, run_for_logits
from patternscope.networks.capture.hooks import borrowed, hooked
from patternscope.networks.capture.layers import resolve_names
from patternscope.networks.capture.layouts import Grid, Layout, first_tensor, pooled
from patternscope.networks.device import device_of, pixels_for
from patternscope.networks.models.heads import ChosenOutputs
from patternscope.networks.models.normalised import head_of

Precision = Literal["float32", "bfloat16", "float16"]


@dataclass(frozen=True)
class Recording:
    """The values of a network for n images; all on the CPU, float32 (float64 from a float64 network).

    regional_features: layer name -> (n, k, h, w); sample_features: (n, d), from which the logits are linear;
    logits: (n, c). Source: Sec. 3.1 and 3.3.
    """

    regional_features: dict[str, Tensor]
    sample_features: Tensor
    logits: Tensor


class RecordOptions(TypedDict, total=False):
    """How `record` and `record_batches` run the model; `record_batches` documents each option."""

    batch_size: int | None
    device: str | torch.device | None
    sample_layer: str | None
    precision: Precision


def record(
    model: nn.Module,
    images: Tensor | Iterable[Any],
    layers: Sequence[str],
    grid: int | Grid | None = None,
    **options: Unpack[RecordOptions],
) -> Recording:
    """Record regional features of layers, sample features and logits of all images, in memory.

    For images that do not fit, use `record_batches`, which takes the same arguments and documents them. Cost: one
    forward pass per batch.

    >>> from patternscope.networks import build_network
    >>> recording = record(build_network("vgg16_slim", classes=10), torch.zeros(4, 3, 64, 64), ["conv_53"])
    >>> tuple(recording.regional_features["conv_53"].shape[-2:]), tuple(recording.logits.shape)
    ((8, 8), (4, 10))
    """
    batches = record_batches(model, images, layers, grid, **options)
    if isinstance(images, Tensor):
        return _gathered(batches, len(images))
    parts = list(batches)
    if not parts:
        raise InputError("images: expected at least one batch, got none")
    return Recording(
        {layer: torch.cat([part.regional_features[layer] for part in parts]) for layer in layers},
        torch.cat([part.sample_features for part in parts]),
        torch.cat([part.logits for part in parts]),
    )


def record_batches(
    model: nn.Module,
    images: Tensor | Iterable[Any],
    layers: Sequence[str],
    grid: int | Grid | None = None,
    **options: Unpack[RecordOptions],
) -> Iterator[Recording]:
    """Record batch by batch: the model runs once per batch, and only one batch is in memory.

    Between batches, and after an exception, the model is as found: no hook, its own train/eval flags, its device.

    Args:
        model: any network that returns (n, c) logits; wrapped by Normalised it takes pixels in [0, 1].
        images: (n, channels, h, w), float as the model expects them or uint8 (divided by 255); or an iterable
            of such batches, or of (batch, ...) tuples as a DataLoader yields, whose sizes are kept.
        layers: names from `list_layers`; `name@2` for a module's second call, `name:key` for one tensor of
            several in its output.
        grid: largest region grid, n or (h, w): larger maps are averaged down to it (adaptive average pooling), and
            none is ever enlarged. None keeps every layer's own grid.
        batch_size: images at a time; by default 64, fewer when they are larger than 111 pixels. If the device's memory
            is too small for a batch, it and all later ones are halved.
        device: where to run; another device than the model's own runs a copy. None: the model's own.
        sample_layer: the module whose input is the sample feature; by default the linear layer whose output is the
            logits, or the layers whose mean output is the logits (their inputs concatenated), else the last linear
            layer.
        precision: "bfloat16" or "float16" run matrix products and convolutions in half precision.

    Raises:
        InputError: an unknown layer, one without a region grid, images of a wrong shape or none, features
            that are not finite, or no linear layer that gives the logits.
    """
    sample_layer, precision = options.get("sample_layer"), options.get("precision", "float32")
    if precision not in get_args(Precision):
        hint = nearest(precision, get_args(Precision))
        raise InputError(f"precision: expected a floating point type, got {precision!r}; {hint}")
    resolve_names(model, layers if sample_layer is None else [*layers, sample_layer])
    device = options.get("device")
    if device is not None and torch.device(device) != device_of(model):
        model = copy.deepcopy(model).to(device)
    request = (tuple(layers), _as_grid(grid), sample_layer, precision)
    run = partial(_record_batch, model, *request)
    return _recordings(run, _batches(images, options.get("batch_size")), device_of(model))


def _recordings(
    run: Callable[[Tensor], Recording], batches: Iterator[Tensor], device: torch.device
) -> Iterator[Recording]:
    """Yield a recording per batch, or per part of a batch once memory was too small for a whole one."""
    most: int | None = None
    for batch in batches:
        parts = [batch] if most is None else list(batch.split(most))
        while parts:
            recording = _if_it_fits(run, parts[0], device)
            if recording is None:
                most = len(parts[0]) // 2
                parts = [half for part in parts for half in part.split(most)]
                continue
            del parts[0]
            yield recording
            del recording


def _if_it_fits(run: Callable[[Tensor], Recording], images: Tensor, device: torch.device) -> Recording | None:
    """Return the recording, None if memory was too small and the batch can be halved."""
    try:
        return run(images)
    except RuntimeError as error:
        if "out of memory" not in str(error).lower():
            raise
        if len(images) == 1:
            raise InputError(
                f"images: expected a size of which one fits into the memory of {device}, got "
                f"{images.shape[2]} x {images.shape[3]} pixels; use another device or smaller images"
            ) from error
    return None


def _record_batch(
    model: nn.Module,
    layers: tuple[str, ...],
    grid: Grid | None,
    sample_layer: str | None,
    precision: Precision,
    images: Tensor,
) -> Recording:
    """Run the model once on a batch and return its recording."""

    def keep(layer: str, output: Tensor, layout: Layout) -> Tensor:
        features = pooled(_wide(layout.regional(output.detach())), grid).cpu().contiguous()
        if features.untyped_storage().data_ptr() == output.untyped_storage().data_ptr():
            features = features.clone()  # an in-place activation may follow
        return _checked_finite(f"layer {layer!r}", "regional features", features)

    arithmetic = nullcontext()
    if precision != "float32":
        arithmetic = torch.autocast(device_of(model).type, getattr(torch, precision))
    with (
        borrowed(model),
        layer_outputs(model, images, layers, keep) as features,
        head_calls(model, sample_layer) as calls,
        _own_logits(model) as own,
        arithmetic,
    ):
        logits = run_for_logits(model, pixels_for(model, images))
    logits = _checked_finite("model", "logits", _wide(logits).cpu().clone())
    heads = heads_of(calls, own[0] if own else logits, sample_layer)
    sample_features = torch.cat([_sample_features(head.module, head.features) for head in heads], dim=1)
    return Recording({layer: features[layer] for layer in layers}, sample_features, logits)


@contextmanager
def _own_logits(model: nn.Module) -> Iterator[list[Tensor]]:
    """Give a list that a run within the block fills with the network's own logits, if a head selects some of them."""
    head = head_of(model)
    kept: list[Tensor] = []

    def on_call(_: str, __: nn.Module, inputs: tuple[Any, ...], ___: Any) -> None:
        logits = first_tensor(inputs[0])
        kept[:] = [] if logits is None else [logits]

    with hooked({"head": head} if isinstance(head, ChosenOutputs) else {}, on_call):
        yield kept


def _sample_features(module: nn.Module, features: Tensor) -> Tensor:
    """Return the classifier's input (n, d), averaged over regions or tokens when it has them."""
    features = _wide(features).cpu()
    if features.ndim > 2:
        axes = (2, 3) if isinstance(module, nn.Conv2d) else tuple(range(1, features.ndim - 1))
        features = features.mean(dim=axes)
    return _checked_finite("model", "sample features", features.clone())


def _wide(features: Tensor) -> Tensor:
    """Return half precision as float32, and move tensors that MPS cannot pool to the CPU."""
    if features.device.type == "mps":
        features = features.cpu()
    return features.float() if features.dtype in (torch.float16, torch.bfloat16) else features


def _checked_finite(where: str, name: str, values: Tensor) -> Tensor:
    """Return the values; InputError for NaN or inf among them."""
    finite = values.isfinite()
    if not bool(finite.all()):
        bad = int((~finite).sum())
        raise InputError(f"{where}: expected finite {name}, got NaN or inf in {bad} of {values.numel()}")
    return values


def _as_grid(grid: int | Grid | None) -> Grid | None:
    """Return the grid as (h, w)."""
    size = (grid, grid) if isinstance(grid, int) else grid
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise InputError(f"grid: expected a positive integer or a pair (h, w) of them, got {grid!r}")
    return size


def _batches(images: Tensor | Iterable[Any], batch_size: int | None) -> Iterator[Tensor]:
    """Split a tensor into batches, or take the images out of the given batches."""
    if batch_size is not None and batch_size < 1:
        raise InputError(f"batch_size: expected at least 1, got {batch_size}")
    if not isinstance(images, Tensor):
        return (checked_images(batch[0] if isinstance(batch, tuple | list) else batch) for batch in images)
    checked_images(images)
    return iter(images.split(batch_size or images_at_once(images)))


def _gathered(batches: Iterator[Recording], count: int) -> Recording:
    """Write batches into tensors of the final size, which takes half the memory of concatenation."""
    whole: Recording | None = None
    start = 0
    for part in batches:
        whole = whole or _empty_like(part, count)
        stop = start + len(part.logits)
        for layer, features in part.regional_features.items():
            whole.regional_features[layer][start:stop] = features
        whole.sample_features[start:stop] = part.sample_features
        whole.logits[start:stop] = part.logits
        start = stop
    if whole is None:
        raise InputError("images: expected at least one batch, got none")
    return whole


def _empty_like(part: Recording, count: int) -> Recording:
    """Return a recording of `count` images to be filled."""

    def empty(values: Tensor) -> Tensor:
        return values.new_empty(count, *values.shape[1:])

    regional = {layer: empty(features) for layer, features in part.regional_features.items()}
    return Recording(regional, empty(part.sample_features), empty(part.logits))
