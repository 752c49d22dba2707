"""The effective receptive field of a layer: the pixels that a region depends on, by their gradient."""

import torch
from torch import Tensor, nn

from patternscope.errors import InputError
from patternscope.networks.capture.forward_pass import checked_images, outputs_for_gradient, run_for_gradient
from patternscope.networks.capture.hooks import borrowed
from patternscope.networks.capture.layouts import Grid, pooled
from patternscope.networks.device import pixels_for

_HELD = 0.9


def receptive_field(model: nn.Module, images: Tensor, layer: str, grid: Grid | None = None) -> tuple[float, float]:
    """Return the height and width in pixels of the effective receptive field of a layer's middle region.

    Along each axis, the width around the region's centre that contains 0.9 of ``sum |g|``, where g is the gradient of
    the sum of the region's features with respect to the pixels. The theoretical receptive field is larger, but its
    outer part hardly matters. After Luo et al., "Understanding the effective receptive field in deep convolutional
    neural networks", NeurIPS 2016.

    Args:
        model: any network that returns (n, c) logits; it is as found afterwards.
        images: (n, channels, h, w), over which the gradients are averaged; some ten are enough.
        layer: a name from `list_layers`, of a layer whose output is one tensor.
        grid: as in `record_batches`.

    Raises:
        InputError: an unknown layer, one without regions, or whose middle region does not depend on any pixel.

    Cost: a forward and a backward pass.

    >>> network = nn.Sequential(nn.Conv2d(1, 1, 3, padding=1), nn.AdaptiveAvgPool2d(1), nn.Flatten())
    >>> _ = nn.init.ones_(network[0].weight)
    >>> height, width = receptive_field(network, torch.rand(1, 1, 9, 9), "0")
    >>> height, width
    (3.0, 3.0)
    """
    checked_images(images)
    slope, shape = _slope(model, images, layer, grid)
    weight = slope.abs().sum(dim=(0, 1)).double().cpu()
    if not weight.sum() > 0:
        raise InputError(f"layer {layer!r}: expected a region in the middle that depends on the images, got none")
    height, width = (_extent(weight.sum(dim=1 - axis), (shape[axis] // 2 + 0.5) / shape[axis]) for axis in (0, 1))
    return height, width


def _slope(model: nn.Module, images: Tensor, layer: str, grid: Grid | None) -> tuple[Tensor, tuple[int, int]]:
    """The gradient (n, channels, h, w) of the middle region's features with respect to the pixels, and the grid."""
    with borrowed(model), torch.enable_grad():
        pixels = pixels_for(model, images.detach()).requires_grad_()
        with outputs_for_gradient(model, images, [layer]) as outputs:
            run_for_gradient(model, pixels)
        output, layout = outputs[layer]
        features = pooled(layout.regional(output), grid)
        rows, columns = features.shape[2:]
        middle = features[..., rows // 2, columns // 2].sum()
        if not middle.requires_grad:
            raise InputError(f"layer {layer!r}: expected one that depends on the images, got no gradient")
        (found,) = torch.autograd.grad(middle, pixels)
    return found, (rows, columns)


def _extent(weight: Tensor, middle: float) -> float:
    """The width around the middle, as a share of the axis, of the pixels with most of the weight; at most the axis."""
    distance = (torch.arange(len(weight), dtype=torch.float64) + 0.5 - middle * len(weight)).abs()
    order = distance.argsort()
    held = weight[order].cumsum(0) / weight.sum()
    farthest = distance[order][int((held < _HELD).sum())]
    return min(2 * float(farthest) + 1, float(len(weight)))
