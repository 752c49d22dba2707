"""The layers of a network: their names, their outputs and the region grids in these."""

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from patternscope.errors import InputError, nearest
from patternscope.networks.capture.hooks import borrowed, hooked
from patternscope.networks.capture.layouts import Grid, Layout, LayoutFinder, first_tensor, keyed_tensors
from patternscope.networks.capture.tokens import layout_finder
from patternscope.networks.device import pixels_for
from patternscope.networks.models.normalised import call_once, inner_network

_BYTES_PER_NUMBER = 4


@dataclass(frozen=True)
class Layer:
    """One call of one module during a forward pass.

    name: dotted module name, `name@2` for a module's second call, `name:key` for one of several tensors in
    its output; alias: conv_XY for torchvision's VGGs. kind: class name; shape: of the output for one image;
    grid: (h, w) or None; layout: how to read it. stride: pixels from one region to the next (vertical,
    horizontal); bytes_per_1000: regional features of 1,000 images at 4 bytes per number; depth: share of the
    convolution and linear layers that have run, 0 to 1. outermost: False if the module around it returns the same
    tensor.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    layout: Layout | None = None
    alias: str | None = None
    stride: tuple[float, float] | None = None
    depth: float = 0.0
    outermost: bool = True

    @property
    def grid(self) -> Grid | None:
        """Regions (h, w), None when the output has no region grid."""
        return None if self.layout is None else self.layout.grid

    @property
    def bytes_per_1000(self) -> int:
        """Bytes of this layer's output for 1,000 images, without class and register tokens."""
        layout = self.layout
        numbers = math.prod(self.shape) if layout is None else layout.channels * math.prod(layout.grid)
        return 1000 * _BYTES_PER_NUMBER * numbers


def list_layers(model: nn.Module, example: Tensor) -> list[Layer]:
    """List the layers in the order in which they finish, by one dry run; the model is given back as found.

    `example` is one image (channels, h, w) or a batch of them; it runs as a batch of at least two, so that the batch
    axis can be recognised. Layers whose output contains no tensor, or none with a row per image, are listed without a
    grid. InputError if the example is not an image or the model fails on it.

    >>> from patternscope.networks import build_network
    >>> layers = list_layers(build_network("vgg16_slim", classes=10), torch.zeros(3, 64, 64))
    >>> [(layer.name, layer.shape, layer.grid) for layer in layers if layer.name in ("conv_53", "classifier")]
    [('conv_53', (64, 8, 8), (8, 8)), ('classifier', (10,), None)]
    """
    batch = _as_batch(example)
    inner = inner_network(model)
    run = _DryRun(layout_finder(model, batch), _aliases(inner))
    modules = {name: module for name, module in inner.named_modules() if name}
    with borrowed(model), hooked(modules, run.on_call):
        call_once(model, pixels_for(model, batch))
    return run.layers()


def find_layer(name: str, layers: Sequence[Layer], *, with_grid: bool = True) -> Layer:
    """Return the layer of this name or alias.

    InputError for an unknown name (with the nearest) or, with `with_grid`, a layer without a region grid (with its
    shape and the nearest layers that have one).

    >>> find_layer("conv_5", [Layer("conv_53", "ConvBlock", (96, 8, 8))])
    Traceback (most recent call last):
    ...
    patternscope.errors.InputError: layer: expected a layer of the network, got 'conv_5'; did you mean 'conv_53'?
    """
    for place, layer in enumerate(layers):
        if name in (layer.name, layer.alias):
            if layer.grid is None and with_grid:
                raise InputError(_no_grid_text(layer, place, layers))
            return layer
    raise _unknown_layer(name, [name for layer in layers for name in (layer.name, layer.alias) if name])


def resolve_names(model: nn.Module, names: Iterable[str]) -> dict[str, str]:
    """Return the module name of each requested layer, with aliases replaced; `@2` and `:key` are kept.

    InputError for a name of no module, with the nearest one.

    >>> resolve_names(nn.Sequential(nn.ReLU()), ["0@2"])
    {'0@2': '0@2'}
    """
    inner = inner_network(model)
    by_alias = {alias: name for name, alias in _aliases(inner).items()}
    modules = {name for name, _ in inner.named_modules(remove_duplicate=False) if name}
    calls = {}
    for layer in names:
        called, colon, key = layer.partition(":")
        name, at, call = called.partition("@")
        name = name if name in modules else by_alias.get(name, name)
        if name not in modules or (at and (not call.isdigit() or int(call) < 1)):
            raise _unknown_layer(layer, [*by_alias, *sorted(modules)])
        calls[layer] = (name if call in ("", "1") else f"{name}@{call}") + colon + key
    return calls


@dataclass
class _DryRun:
    """Lists each call of a dry run."""

    finder: LayoutFinder
    alias_of: dict[str, str]

    def __post_init__(self) -> None:
        self._calls: list[tuple[Layer, int]] = []
        self._last: Tensor | None = None
        self._work = 0

    def on_call(self, name: str, module: nn.Module, _: tuple[Any, ...], output: Any) -> None:
        """Add one call."""
        tensor = first_tensor(output)
        if tensor is None:
            return
        self.finder.see(module, tensor)
        self._work += isinstance(module, nn.Linear | nn.modules.conv._ConvNd)
        if self._calls and tensor is self._last and not self._calls[-1][0].alias:
            inside, work = self._calls[-1]
            self._calls[-1] = (replace(inside, outermost=False), work)
        several = keyed_tensors(output)
        for key, part in several.items() if len(several) > 1 else ():
            self._calls.append((self._layer(f"{name}:{key}", module, part), self._work))
        self._calls.append((self._layer(name, module, tensor), self._work))
        self._last = tensor

    def layers(self) -> list[Layer]:
        """Return the calls as layers, depth filled in."""
        total = max(1, self._work)
        return [replace(layer, depth=work / total) for layer, work in self._calls]

    def _layer(self, name: str, module: nn.Module, tensor: Tensor) -> Layer:
        """Return the description of one output; its depth is filled in at the end."""
        layout = self.finder.find(tuple(tensor.shape))
        rows = len(tensor.shape) > 0 and tensor.shape[0] == self.finder.batch
        shape = tuple(tensor.shape[1:] if rows else tensor.shape)
        stride = None
        if layout is not None:
            height, width = self.finder.image_size
            stride = (height / layout.grid[0], width / layout.grid[1])
        return Layer(name, type(module).__name__, shape, layout, self.alias_of.get(name), stride)


def _as_batch(example: Tensor) -> Tensor:
    """Return the example as a batch of at least two images."""
    if not isinstance(example, Tensor) or example.ndim not in (3, 4) or 0 in example.shape:
        got = f"shape {tuple(example.shape)}" if isinstance(example, Tensor) else type(example).__name__
        raise InputError(f"example: expected an image (channels, h, w) or a batch of images, got {got}")
    batch = example if example.ndim == 4 else example[None]
    return batch if len(batch) > 1 else torch.cat([batch, batch])


def _aliases(network: nn.Module) -> dict[str, str]:
    """Return module name -> conv_XY for the activations of torchvision's VGGs."""
    # Such a network exists only if its module was imported: importing all of torchvision takes seconds, and most
    # networks are not from it.
    vgg = sys.modules.get("torchvision.models.vgg")
    if vgg is None or not isinstance(network, vgg.VGG):
        return {}
    aliases, stage, layer = {}, 1, 0
    features: nn.Module = getattr(network, "features")  # noqa: B009 - torchvision's, whose type nobody knows here
    for place, module in enumerate(features.children()):
        if isinstance(module, nn.MaxPool2d):
            stage, layer = stage + 1, 0
        elif isinstance(module, nn.ReLU):
            layer += 1
            aliases[f"features.{place}"] = f"conv_{stage}{layer}"
    return aliases


def _unknown_layer(name: str, names: Sequence[str]) -> InputError:
    """Return the error for an unknown layer name."""
    return InputError(f"layer: expected a layer of the network, got {name!r}; {nearest(name, names)}")


def _no_grid_text(layer: Layer, place: int, layers: Sequence[Layer]) -> str:
    """Return the error for a layer without a region grid, with the nearest ones that have one."""
    having = sorted((abs(i - place), i) for i, other in enumerate(layers) if other.grid)[:3]
    near = ", ".join(f"{layers[i].name!r} {layers[i].shape} with grid {layers[i].grid}" for _, i in having)
    return (
        f"layer {layer.name!r} ({layer.kind}): expected an output with a region grid, got shape {layer.shape} per "
        "image; " + (f"nearest layers that have one: {near}" if near else "no layer of this network has one")
    )
