"""The layout of the region grid in a layer's output: channels first, channels last, or a row of tokens."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor, nn

Grid = tuple[int, int]
_MOST_EXTRA_TOKENS = 16


@dataclass(frozen=True)
class ExtraTokens:
    """The number of class and register tokens before and after a network's patches; None if undeclared.

    >>> ExtraTokens(1).around(5), ExtraTokens().around(5), ExtraTokens(1, 2).around(5)
    ((1, 4), (5, 0), None)
    """

    prefix: int | None = None
    suffix: int | None = None

    def around(self, others: int) -> Grid | None:
        """Return how many of the other tokens are before and after the patches, None if that is impossible.

        A row of only patches has neither, and one without register tokens only those of one side.
        """
        if not 0 <= others <= _MOST_EXTRA_TOKENS:
            return None
        prefix, suffix = self.prefix, self.suffix
        if prefix is None and suffix is None:
            return others, 0
        if prefix is None:
            prefix = others - suffix if suffix is not None and others >= suffix else others
        if suffix is None:
            suffix = max(0, others - prefix)
        sides = ((prefix, suffix), (prefix, 0), (0, suffix), (0, 0))
        return next((pair for pair in sides if sum(pair) == others), None)


@dataclass(frozen=True)
class Layout:
    """How to read regional features (n, k, h, w) from an output.

    `axes` is "nchw", "nhwc" or "tokens" (n, prefix + h w + suffix, k); `prefix` and `suffix` count the class and
    register tokens before and after the patches.

    >>> Layout("nhwc", (2, 3), channels=5).regional(torch.zeros(1, 2, 3, 5)).shape
    torch.Size([1, 5, 2, 3])
    """

    axes: Literal["nchw", "nhwc", "tokens"]
    grid: Grid
    channels: int
    prefix: int = 0
    suffix: int = 0

    def regional(self, output: Tensor) -> Tensor:
        """Return a view of the output as (n, k, h, w), without class and register tokens."""
        if self.axes == "nchw":
            return output
        if self.axes == "tokens":
            output = output[:, self.prefix : output.shape[1] - self.suffix].unflatten(1, self.grid)
        return output.permute(0, 3, 1, 2)

    def same_stage(self, other: "Layout | None") -> bool:
        """Tell whether another output has this grid and these channels, in any layout."""
        return other is not None and (self.grid, self.channels) == (other.grid, other.channels)


def first_tensor(output: Any) -> Tensor | None:
    """Return the tensor itself, or the first one inside a tuple, list or mapping ("logits" before others).

    >>> first_tensor((None, {"logits": torch.ones(1)}))
    tensor([1.])
    """
    if isinstance(output, Tensor):
        return output
    if isinstance(output, Mapping):
        output = [output["logits"]] if "logits" in output else list(output.values())
    if isinstance(output, tuple | list):
        return next((tensor for part in output if (tensor := first_tensor(part)) is not None), None)
    return None


def keyed_tensors(output: Any) -> dict[str, Tensor]:
    """Return the tensors of a mapping by key, of a tuple or list by position; nothing for a single tensor.

    >>> list(keyed_tensors({"x": torch.ones(1), "weights": None, "pair": (torch.ones(1),)}))
    ['x', 'pair']
    """
    if isinstance(output, tuple | list):
        output = dict(enumerate(output))
    if not isinstance(output, Mapping):
        return {}
    tensors = {str(key): first_tensor(part) for key, part in output.items()}
    return {key: tensor for key, tensor in tensors.items() if tensor is not None}


def pooled(features: Tensor, grid: Grid | None) -> Tensor:
    """Average maps (n, k, h, w) down to at most the grid; smaller sides are not changed.

    >>> pooled(torch.ones(1, 1, 4, 2), (3, 3)).shape
    torch.Size([1, 1, 3, 2])
    """
    height, width = features.shape[2:]
    size = (height, width) if grid is None else (min(grid[0], height), min(grid[1], width))
    return features if size == (height, width) else torch.nn.functional.adaptive_avg_pool2d(features, size)


@dataclass
class LayoutFinder:
    """Finds layouts during one forward pass, in the order of the calls, from shapes and the calls before.

    In a 4-axis output, the pair of axes with the image's proportions decides between channels first and last; if it
    does not decide, the last convolution or linear layer with this shape does. A 3-axis output is a row of tokens: the
    grid is that of an earlier convolution (the patch embedding) or one with the image's proportions; the remaining
    tokens, up to 16, are class and register tokens, in front unless `extra` says otherwise. A single region is not a
    grid.

    >>> finder = LayoutFinder(batch=2, image_size=(32, 32))
    >>> finder.find((2, 17, 64))
    Layout(axes='tokens', grid=(4, 4), channels=64, prefix=1, suffix=0)
    """

    batch: int
    image_size: Grid
    extra: ExtraTokens = ExtraTokens()
    convolution_grids: list[Grid] = field(default_factory=list)
    token_counts: set[int] = field(default_factory=set)
    known_axes: dict[tuple[int, ...], Literal["nchw", "nhwc"]] = field(default_factory=dict)

    def see(self, module: nn.Module, output: Tensor) -> None:
        """Record what the kind of a module implies for its output."""
        shape = tuple(output.shape)
        if shape[:1] != (self.batch,):
            return
        if isinstance(module, nn.Conv2d) and len(shape) == 4:
            self.known_axes[shape] = "nchw"
            self.convolution_grids.append((shape[2], shape[3]))
        elif isinstance(module, nn.Linear) and len(shape) == 4:
            self.known_axes[shape] = "nhwc"
        elif isinstance(module, nn.Linear) and len(shape) == 3:
            self.token_counts.add(shape[1])

    def find(self, shape: tuple[int, ...]) -> Layout | None:
        """Return the layout of an output of this shape, None when it has no region grid."""
        if not shape or shape[0] != self.batch or 0 in shape:
            return None
        find = {4: self._find_map, 3: self._find_tokens}.get(len(shape))
        layout = None if find is None else find(shape)
        return None if layout is None or layout.grid == (1, 1) else layout

    def _find_map(self, shape: tuple[int, ...]) -> Layout | None:
        """Decide between channels first and last by the image's proportions."""
        _, a, b, c = shape
        if b == c and b in self.token_counts:  # attention weights, a token by a token
            return None
        first, last = self._mismatch(b, c), self._mismatch(a, b)
        known = self.known_axes.get(shape)
        if min(first, last) >= 1:  # neither fits, as after a convolution without padding
            axes = known if known == "nchw" else None
        else:
            axes = (known or "nchw") if first == last else "nchw" if first < last else "nhwc"
        if axes is None:
            return None
        return Layout("nchw", (b, c), a) if axes == "nchw" else Layout("nhwc", (a, b), c)

    def _mismatch(self, height: int, width: int) -> float:
        """Return the deviation of a grid from the image's proportions, in regions; infinite if it is too large."""
        image_height, image_width = self.image_size
        if height > image_height + 2 or width > image_width + 2:
            return float("inf")
        return abs(height * image_width - width * image_height) / max(image_height, image_width)

    def _find_tokens(self, shape: tuple[int, ...]) -> Layout | None:
        """Split a row of tokens into prefix, grid and suffix."""
        _, tokens, channels = shape
        for grid in sorted(set(self.convolution_grids), reverse=True):
            sides = self.extra.around(tokens - grid[0] * grid[1])
            if sides is not None and grid != (1, 1):
                return Layout("tokens", grid, channels, *sides)
        for others in range(min(_MOST_EXTRA_TOKENS, tokens - 4) + 1):
            grid, sides = self._proportional_grid(tokens - others), self.extra.around(others)
            if grid is not None and sides is not None:
                return Layout("tokens", grid, channels, *sides)
        return None

    def _proportional_grid(self, regions: int) -> Grid | None:
        """Return the grid of exactly that many regions with exactly the image's proportions."""
        image_height, image_width = self.image_size
        height = round((regions * image_height / image_width) ** 0.5)
        if height == 0 or regions % height:
            return None
        width = regions // height
        return (height, width) if height * image_width == width * image_height else None
