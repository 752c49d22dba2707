"""The layers of a network: what they are called, what they put out, where their region grid is."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from patternscope.errors import InputError, nearest
from patternscope.networks.capture.hooks import borrowed, device_of, dtype_of, observed
from patternscope.networks.capture.layouts import (
    Grid,
    Layout,
    LayoutFinder,
    as_pixels,
    first_tensor,
    keyed_tensors,
)
from patternscope.networks.models.normalised import call_once, inner_network

_BYTES_PER_NUMBER = 4
_LEAST_SUGGESTED_SIDE = 4


@dataclass(frozen=True)
class Layer:
    """One call of one module during a forward pass.

    name: dotted module name, `name@2` for a module's second call, `name:key` for one of several tensors in
    its output; alias: conv_XY for torchvision's VGGs. kind: class name; shape: of the output for one image;
    grid: (h, w) or None; layout: how to read it. stride: pixels from one region to the next (vertical,
    horizontal); bytes_per_1000: regional features of 1,000 images at 4 bytes a number; depth: share of the
    convolution and linear layers that have run, 0 to 1. outermost: False when the module around it gives out
    the very same tensor.
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
        if self.layout is None:
            return 1000 * _BYTES_PER_NUMBER * math.prod(self.shape)
        return 1000 * _BYTES_PER_NUMBER * self.layout.channels * math.prod(self.layout.grid)


def list_layers(model: nn.Module, example: Tensor) -> list[Layer]:
    """List the layers in the order in which they finish, found by one dry run.

    The model is given back as found.

    `example` is one image (channels, h, w) or a batch of them; it runs as a batch of at least two, so that
    the batch axis is told from the others. Layers that put out no tensor, or none a batch row each, are
    listed without a grid.

    Raises:
        InputError: the example is not an image or the model fails on it.

    >>> from patternscope.networks import build_network
    >>> layers = list_layers(build_network("vgg16_slim", classes=10), torch.zeros(3, 64, 64))
    >>> [(each.name, each.shape, each.grid) for each in layers if each.name in ("conv_53", "classifier")]
    [('conv_53', (64, 8, 8), (8, 8)), ('classifier', (10,), None)]
    """
    batch = _as_batch(example)
    inner = inner_network(model)
    run = _DryRun(LayoutFinder(len(batch), (batch.shape[2], batch.shape[3])), alias_of=_aliases(inner))
    modules = {name: module for name, module in inner.named_modules() if name}
    with borrowed(model), observed(modules, run.note):
        call_once(model, as_pixels(batch, device_of(inner), dtype_of(inner)))
    return run.layers()


def suggest_layers(layers: Sequence[Layer], count: int = 4) -> list[str]:
    """Choose layers with a region grid, spread evenly over depth, the last one included; first to last.

    Preferred are the last layers before grid or channels change (the ends of a network's stages) with grids
    of at least 4 x 4; pools and layers inside another with the same output are left out.

    Raises:
        InputError: no layer has a region grid, or count < 1.

    >>> from patternscope.networks import build_network
    >>> network = build_network("vgg16_slim", classes=10)
    >>> suggest_layers(list_layers(network, torch.zeros(3, 64, 64)))
    ['conv_22', 'conv_33', 'conv_43', 'conv_53']
    """
    if count < 1:
        raise InputError(f"count: saw {count}, wanted at least 1")
    with_grid = [each for each in layers if each.grid and "Pool" not in each.kind and ":" not in each.name]
    if not with_grid:
        raise InputError("layers: saw none with a region grid, wanted at least one")
    large = [each for each in with_grid if min(each.grid or (0,)) >= _LEAST_SUGGESTED_SIDE] or with_grid
    levels = range(1 + max(each.name.count(".") for each in large))
    offers = [
        _candidates([each for each in large if each.name.count(".") <= level], count) for level in levels
    ]
    best = max(offers, key=lambda offer: min(len(offer), count))  # the first of equals: the outermost level
    return [each.alias or each.name for each in _spread(best, count)]


def find_layer(name: str, layers: Sequence[Layer], *, with_grid: bool = True) -> Layer:
    """Return the layer of this name or alias.

    Raises:
        InputError: no such layer (names the nearest), or, with `with_grid`, one without a region grid (shows
            its shape and the nearest layers that have one).

    >>> find_layer("conv_5", [Layer("conv_53", "ConvBlock", (96, 8, 8))])
    Traceback (most recent call last):
    ...
    patternscope.errors.InputError: layer 'conv_5' is unknown: did you mean 'conv_53'?
    """
    for place, layer in enumerate(layers):
        if name in (layer.name, layer.alias):
            if layer.grid is None and with_grid:
                raise InputError(_no_grid_text(layer, place, layers))
            return layer
    names = [name for each in layers for name in (each.name, each.alias) if name]
    raise InputError(f"layer {name!r} is unknown: {nearest(name, names)}")


def resolve_names(model: nn.Module, names: Iterable[str]) -> dict[str, str]:
    """Return the module name of each layer asked for, with aliases replaced; `@2` and `:key` are kept.

    Raises:
        InputError: a name that is no module's; the nearest is named.

    >>> resolve_names(nn.Sequential(nn.ReLU()), ["0@2"])
    {'0@2': '0@2'}
    """
    inner = inner_network(model)
    by_alias = {alias: name for name, alias in _aliases(inner).items()}
    modules = {name for name, _ in inner.named_modules(remove_duplicate=False) if name}
    found = {}
    for asked in names:
        called, colon, key = asked.partition(":")
        name, at, call = called.partition("@")
        name = name if name in modules else by_alias.get(name, name)
        if name not in modules or (at and (not call.isdigit() or int(call) < 1)):
            raise InputError(f"layer {asked!r} is unknown: {nearest(asked, [*by_alias, *sorted(modules)])}")
        found[asked] = (name if call in ("", "1") else f"{name}@{call}") + colon + key
    return found


@dataclass
class _DryRun:
    """Notes each call of a dry run."""

    finder: LayoutFinder
    alias_of: dict[str, str]

    def __post_init__(self) -> None:
        self._calls: list[tuple[Layer, int]] = []
        self._last: Tensor | None = None
        self._work = 0

    def note(self, name: str, module: nn.Module, _: tuple[Any, ...], output: Any) -> None:
        """Add one call."""
        tensor = first_tensor(output)
        if tensor is None:
            return
        self.finder.see(module, tensor)
        self._work += isinstance(module, nn.Linear | nn.modules.conv._ConvNd)
        if self._calls and tensor is self._last:
            inside, work = self._calls[-1]
            self._calls[-1] = (_replace_outermost(inside), work)
        several = keyed_tensors(output)
        for key, each in several.items() if len(several) > 1 else ():
            self._calls.append((self._layer(f"{name}:{key}", module, each), self._work))
        self._calls.append((self._layer(name, module, tensor), self._work))
        self._last = tensor

    def _layer(self, name: str, module: nn.Module, tensor: Tensor) -> Layer:
        """Return what is known of one output; its depth comes at the end."""
        layout = self.finder.find(tuple(tensor.shape))
        rows = len(tensor.shape) > 0 and tensor.shape[0] == self.finder.batch
        shape = tuple(tensor.shape[1:] if rows else tensor.shape)
        kind, alias = type(module).__name__, self.alias_of.get(name)
        return Layer(name, kind, shape, layout, alias, self._stride(layout))

    def layers(self) -> list[Layer]:
        """Return the calls as layers, depth filled in."""
        total = max(1, self._work)
        return [replace(each, depth=work / total) for each, work in self._calls]

    def _stride(self, layout: Layout | None) -> tuple[float, float] | None:
        """Return pixels from one region to the next."""
        if layout is None:
            return None
        height, width = self.finder.image_size
        return (height / layout.grid[0], width / layout.grid[1])


def _replace_outermost(layer: Layer) -> Layer:
    """Mark a layer as inside another with the same output, unless it has an alias."""
    return layer if layer.alias else replace(layer, outermost=False)


def _as_batch(example: Tensor) -> Tensor:
    """Return the example as a batch of at least two images."""
    if not isinstance(example, Tensor) or example.ndim not in (3, 4) or 0 in example.shape:
        seen = f"shape {tuple(example.shape)}" if isinstance(example, Tensor) else type(example).__name__
        raise InputError(f"example: saw {seen}, wanted an image (channels, h, w) or a batch of images")
    batch = example if example.ndim == 4 else example[None]
    return batch if len(batch) > 1 else torch.cat([batch, batch])


def _aliases(network: nn.Module) -> dict[str, str]:
    """Return module name -> conv_XY for the activations of torchvision's VGGs."""
    from torchvision.models import VGG

    if not isinstance(network, VGG):
        return {}
    found, stage, layer = {}, 1, 0
    for place, module in enumerate(network.features.children()):
        if isinstance(module, nn.MaxPool2d):
            stage, layer = stage + 1, 0
        elif isinstance(module, nn.ReLU):
            layer += 1
            found[f"features.{place}"] = f"conv_{stage}{layer}"
    return found


def _candidates(layers: Sequence[Layer], count: int) -> list[Layer]:
    """Return the ends of stages, or when they are fewer than `count` the layers of the commonest kind."""
    outer = [each for each in layers if each.outermost]
    ends = [
        one
        for one, after in zip(outer, [*outer[1:], None], strict=False)
        if after is None or one.layout is None or not one.layout.same_stage(after.layout)
    ]
    families: dict[tuple[int, str], list[Layer]] = {}
    for each in layers:
        families.setdefault((each.name.count("."), each.kind), []).append(each)
    largest = max(families.values(), key=lambda family: min(len(family), count), default=[])
    return ends if len(ends) >= min(count, len(largest)) else largest


def _spread(candidates: Sequence[Layer], count: int) -> list[Layer]:
    """Choose for each of the depths 1/count, 2/count ... 1 the nearest candidate, each once and in order."""
    chosen: list[Layer] = []
    start = 0
    for turn in range(min(count, len(candidates))):
        left = min(count, len(candidates)) - turn - 1
        target = (turn + 1) / count * candidates[-1].depth
        place = min(
            range(start, len(candidates) - left), key=lambda i: (abs(candidates[i].depth - target), -i)
        )
        chosen.append(candidates[place])
        start = place + 1
    return chosen


def _no_grid_text(layer: Layer, place: int, layers: Sequence[Layer]) -> str:
    """Say that a layer has no region grid, and which ones near it do."""
    having = sorted((abs(i - place), i) for i, each in enumerate(layers) if each.grid)[:3]
    near = ", ".join(f"{layers[i].name!r} {layers[i].shape} with grid {layers[i].grid}" for _, i in having)
    return (
        f"layer {layer.name!r} ({layer.kind}) puts out {layer.shape} an image, which has no region grid; "
        + (f"nearest layers that have one: {near}" if near else "no layer of this network has one")
    )
