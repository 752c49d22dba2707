"""Recording what chosen layers do with images, batch by batch, in one forward pass each."""

import copy
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypedDict, Unpack

import torch
from torch import Tensor, nn

from patternscope.errors import InputError, nearest
from patternscope.networks.capture.activations import Precision, Recording, Wanted, forward
from patternscope.networks.capture.forward_pass import checked_images, images_at_once
from patternscope.networks.capture.hooks import device_of
from patternscope.networks.capture.layers import resolve_names
from patternscope.networks.capture.layouts import Grid

PRECISIONS = ("float32", "bfloat16", "float16")


class RecordOptions(TypedDict, total=False):
    """How `record` and `record_batches` run the model; `record_batches` documents each."""

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

    For more than fits, use `record_batches`, which takes the same arguments and documents them. Cost: one
    forward pass a batch.

    >>> from patternscope.networks import build_network
    >>> found = record(build_network("vgg16_slim", classes=10), torch.zeros(4, 3, 64, 64), ["conv_53"])
    >>> tuple(found.regional_features["conv_53"].shape[-2:]), tuple(found.logits.shape)
    ((8, 8), (4, 10))
    """
    batches = record_batches(model, images, layers, grid, **options)
    if isinstance(images, Tensor):
        return _gather(batches, len(images))
    found = list(batches)
    if not found:
        raise InputError("images: saw no batch, wanted at least one")
    return Recording(
        {name: torch.cat([each.regional_features[name] for each in found]) for name in layers},
        torch.cat([each.sample_features for each in found]),
        torch.cat([each.logits for each in found]),
    )


def record_batches(
    model: nn.Module,
    images: Tensor | Iterable[Any],
    layers: Sequence[str],
    grid: int | Grid | None = None,
    **options: Unpack[RecordOptions],
) -> Iterator[Recording]:
    """Record batch by batch: the model runs once a batch, and only one batch is in memory.

    Between batches, and after an exception, the model is as found: no hook, its own train/eval flags, its
    device.

    Args:
        model: any network that returns (n, c) logits; wrapped by Normalised it takes pixels in [0, 1].
        images: (n, channels, h, w), float as the model wants them or uint8 (divided by 255); or an iterable
            of such batches, or of (batch, ...) tuples as a DataLoader yields, whose sizes are kept.
        layers: names from `list_layers`; `name@2` for a module's second call, `name:key` for one tensor of
            several in its output.
        grid: regions wanted, n or (h, w): maps are averaged down to it (adaptive average pooling). A side
            that is smaller already stays as it is: nothing is ever enlarged. None keeps every layer's own
            grid.
        batch_size: images at a time; by default 64, fewer when they are larger than 111 pixels. A batch for
            which the device's memory is too small is halved, and those after it.
        device: where to run; another device than the model's own runs a copy. None: the model's own.
        sample_layer: the module whose input is the sample feature; by default the last linear layer.
        precision: "bfloat16" or "float16" run matrix products and convolutions in half precision.

    Raises:
        InputError: an unknown layer, one without a region grid, images of a wrong shape or none, features
            that are not finite, or no linear layer from whose input the logits come.
    """
    sample_layer, precision = options.get("sample_layer"), options.get("precision", "float32")
    if precision not in PRECISIONS:
        raise InputError(f"precision {precision!r} is unknown: {nearest(precision, PRECISIONS)}")
    resolve_names(model, layers if sample_layer is None else [*layers, sample_layer])
    wanted = Wanted(tuple(layers), _checked_grid(grid), sample_layer, precision)
    device = options.get("device")
    if device is not None and torch.device(device) != device_of(model):
        model = copy.deepcopy(model).to(device)
    return _run(model, _batches(images, options.get("batch_size")), wanted)


def _run(model: nn.Module, batches: Iterator[Tensor], wanted: Wanted) -> Iterator[Recording]:
    """Yield a recording a batch, or a part of a batch once memory was too small for a whole one."""
    most: int | None = None
    for batch in batches:
        parts = [batch] if most is None else list(batch.split(most))
        while parts:
            found = _if_it_fits(model, parts[0], wanted)
            if found is None:
                most = len(parts[0]) // 2
                parts = [half for part in parts for half in part.split(most)]
                continue
            del parts[0]
            yield found
            del found


def _if_it_fits(model: nn.Module, images: Tensor, wanted: Wanted) -> Recording | None:
    """Return the recording, None when memory was too small for more than one image."""
    try:
        return forward(model, images, wanted)
    except RuntimeError as error:
        if "out of memory" not in str(error).lower():
            raise
        if len(images) == 1:
            raise InputError(
                f"images: the memory of {device_of(model)} is too small for one image of "
                f"{images.shape[2]} x {images.shape[3]} pixels; use another device or smaller images"
            ) from error
    return None


def _checked_grid(grid: int | Grid | None) -> Grid | None:
    """Return the grid as (h, w)."""
    size = (grid, grid) if isinstance(grid, int) else grid
    if size is not None and (len(size) != 2 or min(size) < 1):
        raise InputError(f"grid: saw {grid!r}, wanted a positive number or a pair (h, w) of them")
    return size


def _batches(images: Tensor | Iterable[Any], batch_size: int | None) -> Iterator[Tensor]:
    """Cut a tensor into batches, or take the images out of the batches given."""
    if batch_size is not None and batch_size < 1:
        raise InputError(f"batch_size: saw {batch_size}, wanted at least 1")
    if not isinstance(images, Tensor):
        return (checked_images(each[0] if isinstance(each, tuple | list) else each) for each in images)
    checked_images(images)
    return iter(images.split(batch_size or images_at_once(images)))


def _gather(batches: Iterator[Recording], count: int) -> Recording:
    """Put batches into tensors of the final size, which needs half the memory of joining them."""
    whole: Recording | None = None
    start = 0
    for part in batches:
        if whole is None:
            whole = _empty_like(part, count)
        stop = start + len(part.logits)
        for name, features in part.regional_features.items():
            whole.regional_features[name][start:stop] = features
        whole.sample_features[start:stop] = part.sample_features
        whole.logits[start:stop] = part.logits
        start = stop
    if whole is None:
        raise InputError("images: saw none, wanted at least one")
    return whole


def _empty_like(part: Recording, count: int) -> Recording:
    """Return a recording of `count` images to be filled."""
    return Recording(
        {name: each.new_empty(count, *each.shape[1:]) for name, each in part.regional_features.items()},
        part.sample_features.new_empty(count, *part.sample_features.shape[1:]),
        part.logits.new_empty(count, *part.logits.shape[1:]),
    )
