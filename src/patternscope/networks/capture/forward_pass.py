"""One forward pass: images are checked before it, outputs of layers kept during it, and logits checked after it."""

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.capture.hooks import hooked
from patternscope.networks.capture.layers import find_layer, list_layers, resolve_names
from patternscope.networks.capture.layouts import Layout, LayoutFinder, first_tensor, keyed_tensors
from patternscope.networks.capture.tokens import layout_finder
from patternscope.networks.device import dtype_of
from patternscope.networks.models.normalised import call_once, inner_network

Kept = TypeVar("Kept")

_PIXELS_AT_ONCE = 800_000
_MOST_AT_ONCE = 64


def checked_images(images: Any) -> Tensor:
    """Return the images; InputError unless they are a batch (n, channels, h, w), floating point or uint8.

    >>> checked_images(torch.zeros(0, 3, 4, 4))
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: images: expected shape (n, channels, h, w), none of them 0, got (0, 3, 4, 4)
    """
    if not isinstance(images, Tensor):
        raise InputError(f"images: expected a tensor (n, channels, h, w), got {type(images).__name__}")
    if images.ndim != 4 or 0 in images.shape:
        shape = tuple(images.shape)
        raise InputError(f"images: expected shape (n, channels, h, w), none of them 0, got {shape}")
    if not (images.is_floating_point() or images.dtype == torch.uint8):
        raise InputError(f"images: expected floating point or uint8, got {images.dtype}")
    return images


def checked_labels(name: str, labels: Tensor, count: int) -> Tensor:
    """Return the labels; InputError unless they are `count` integers.

    >>> checked_labels("labels", torch.tensor([0, 1]), 2)
    tensor([0, 1])
    """
    no_integers = labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool
    if no_integers or labels.shape != (count,):
        shape = tuple(labels.shape)
        raise InputError(f"{name}: expected {count} integers, got {labels.dtype} of shape {shape}")
    return labels


def checked_classes(name: str, labels: Tensor, classes: int) -> Tensor:
    """Return the labels; InputError unless each is in [0, classes).

    >>> checked_classes("labels", torch.tensor([0, 3]), 3)
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: labels: expected classes 0 to 2, got 0 to 3
    """
    low, high = (int(labels.min()), int(labels.max())) if len(labels) else (0, 0)
    if low < 0 or high >= classes:
        raise InputError(f"{name}: expected classes 0 to {classes - 1}, got {low} to {high}")
    return labels


def images_at_once(images: Tensor) -> int:
    """Return how many of the images (n, channels, h, w) make a batch: 64, fewer when larger than 111 pixels.

    >>> images_at_once(torch.zeros(1, 3, 64, 64)), images_at_once(torch.zeros(1, 3, 224, 224))
    (64, 15)
    """
    return max(1, min(_MOST_AT_ONCE, _PIXELS_AT_ONCE // (images.shape[2] * images.shape[3])))


def run_for_logits(model: nn.Module, pixels: Tensor) -> Tensor:
    """Run the model, without torch's wrappers, and return its logits (n, c).

    InputError when the model fails, or as `as_logits`.

    >>> run_for_logits(nn.Flatten(), torch.ones(1, 1, 1, 2))
    tensor([[1., 1.]])
    """
    return as_logits(call_once(model, pixels), len(pixels))


def run_for_gradient(model: nn.Module, pixels: Tensor) -> Tensor:
    """Run the model on a copy of the pixels and return logits that have a gradient.

    A copy, since a network may change its input in place. InputError as `run_for_logits`, and for logits without a
    gradient.
    """
    logits = run_for_logits(model, pixels.to(dtype_of(model), copy=True))
    if not logits.requires_grad:
        raise InputError("model: expected a differentiable network, got logits without a gradient")
    return logits


def as_logits(output: object, count: int, name: str = "model") -> Tensor:
    """Return a network's output for `count` images as logits (n, c).

    InputError if it contains no tensor or the first one has another shape.

    >>> as_logits({"logits": torch.zeros(2, 3), "loss": None}, 2).shape
    torch.Size([2, 3])
    """
    logits = first_tensor(output)
    if logits is None or logits.ndim != 2 or len(logits) != count:
        shape = "no tensor" if logits is None else f"an output of shape {tuple(logits.shape)}"
        raise InputError(f"{name}: expected logits ({count}, classes), got {shape}")
    return logits


@contextmanager
def layer_outputs(
    model: nn.Module,
    images: Tensor,
    layers: Iterable[str],
    keep: Callable[[str, Tensor, Layout], Kept],
    *,
    instead: Callable[[Tensor, Layout], Tensor] | None = None,
) -> Iterator[dict[str, Kept]]:
    """Give a mapping that a run of the model on the images, within the block, fills with its layers' outputs.

    `keep(layer, output, layout)` returns what is kept of an output; it must copy it, since an in-place activation may
    follow. `instead(output, layout)` returns a replacement, such as a copy, with which the network continues, so that
    gradients reach the output that was kept. InputError for an unknown layer, one without a region grid and one that
    has not run.

    >>> network = nn.Sequential(nn.Conv2d(1, 5, 1), nn.ReLU())
    >>> with layer_outputs(network, torch.ones(2, 1, 3, 3), ["0"], lambda _, output, layout: layout) as layouts:
    ...     _ = network(torch.ones(2, 1, 3, 3))
    >>> layouts
    {'0': Layout(axes='nchw', grid=(3, 3), channels=5, prefix=0, suffix=0)}
    """
    names: dict[str, list[str]] = {}  # a name and its alias are the same call
    for layer, call in resolve_names(model, layers).items():
        names.setdefault(call, []).append(layer)
    finder = layout_finder(model, images)
    outputs = _Outputs(names, finder, keep, instead)
    try:
        with hooked(modules_of(model, names), outputs.on_call):
            yield outputs.kept
    except _NoGridError as error:
        find_layer(str(error), list_layers(model, images[:2]))
        raise InputError(f"layer {str(error)!r}: expected a region grid, got none for these images") from error
    for call, (layer, *_) in names.items():
        if layer not in outputs.kept:
            raise InputError(f"layer {layer!r}: expected a call of {call!r} on these images, got none")


def outputs_for_gradient(
    model: nn.Module, images: Tensor, layers: Iterable[str]
) -> AbstractContextManager[dict[str, tuple[Tensor, Layout]]]:
    """Give outputs and layouts as :func:`layer_outputs`, with gradients of these outputs and with respect to them.

    The network continues with copies, since an in-place activation would change the kept outputs.

    >>> network, pixels = nn.Sequential(nn.Conv2d(1, 5, 1), nn.ReLU(True)), torch.ones(2, 1, 3, 3)
    >>> with outputs_for_gradient(network, pixels, ["0"]) as outputs:
    ...     scores = network(pixels)
    >>> torch.autograd.grad(scores.sum(), outputs["0"][0])[0].shape
    torch.Size([2, 5, 3, 3])
    """
    return layer_outputs(model, images, layers, lambda _, *kept: kept, instead=lambda output, _: output.clone())


def modules_of(model: nn.Module, calls: Iterable[str]) -> dict[str, nn.Module]:
    """Return the modules of calls by name, and all linear and convolution layers, which decide layouts and logits."""
    names = {re.split("[@:]", call)[0] for call in calls}
    return {
        name: module
        for name, module in inner_network(model).named_modules(remove_duplicate=False)
        if name in names or isinstance(module, nn.Linear | nn.Conv2d)
    }


class _NoGridError(InputError):
    """A layer's output has no region grid; the text is the layer's name."""


@dataclass
class _Outputs(Generic[Kept]):
    """Keeps the outputs of calls during one forward pass, under all names that each call has."""

    names: dict[str, list[str]]
    finder: LayoutFinder
    keep: Callable[[str, Tensor, Layout], Kept]
    instead: Callable[[Tensor, Layout], Tensor] | None
    kept: dict[str, Kept] = field(default_factory=dict)

    def on_call(self, call: str, module: nn.Module, _: tuple[Any, ...], output: Any) -> Tensor | None:
        """Keep the output of a requested call; return its replacement, if any."""
        tensor = first_tensor(output)
        if tensor is None:
            return None
        self.finder.see(module, tensor)
        other = None
        for name, layers in self.names.items():
            called, colon, key = name.partition(":")
            if called == call:
                chosen = _tensor_at(key, output, layers[0]) if colon else tensor
                self.kept |= dict.fromkeys(layers, self._kept(layers[0], chosen))
                other = self._other(layers[0], output)
        return other

    def _kept(self, layer: str, tensor: Tensor) -> Kept:
        return self.keep(layer, tensor, self._layout(layer, tensor))

    def _layout(self, layer: str, tensor: Tensor) -> Layout:
        layout = self.finder.find(tuple(tensor.shape))
        if layout is None:
            raise _NoGridError(layer)
        return layout

    def _other(self, layer: str, output: Any) -> Tensor | None:
        if self.instead is None:
            return None
        if not isinstance(output, Tensor):
            kind = type(output).__name__
            raise InputError(f"layer {layer!r}: expected one tensor as its output, got a {kind}")
        return self.instead(output, self._layout(layer, output))


def _tensor_at(key: str, output: Any, layer: str) -> Tensor:
    """Return the tensor under a key of an output with several tensors."""
    tensors = keyed_tensors(output)
    if key not in tensors:
        keys = f"a key of its output ({', '.join(map(repr, tensors))})" if tensors else "no key of one tensor"
        raise InputError(f"layer {layer!r}: expected {keys}, got {key!r}")
    return tensors[key]
