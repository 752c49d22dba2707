"""Grad-CAM: the regions of a layer that raise the logit of a class, by its gradient; a baseline to compare with."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from patternscope.autograd_modes import differentiable
from patternscope.errors import InputError
from patternscope.networks.capture.forward_pass import (
    checked_classes,
    checked_images,
    checked_labels,
    images_at_once,
    outputs_for_gradient,
    run_for_gradient,
)
from patternscope.networks.capture.hooks import borrowed
from patternscope.networks.capture.layouts import Grid, Layout, pooled
from patternscope.networks.device import pixels_for


def grad_cam(
    model: nn.Module,
    images: Tensor,
    classes: Tensor,
    layers: Sequence[str],
    grid: Grid | None = None,
    *,
    rectified: bool = True,
) -> dict[str, Tensor]:
    """Return the Grad-CAM map of each image's class in each layer.

    ``relu(sum_k a_k f^(r,k)),  a_k = mean_r d logit_class / d f^(r,k)``

    Source: Selvaraju et al., ICCV 2017.

    Args:
        model: any network that returns (n, c) logits; it is as found afterwards.
        images: (n, channels, h, w), float as the model expects them or uint8.
        classes: (n,) integers in [0, c).
        layers: names from `list_layers`, of layers whose output is one tensor.
        grid: as in `record_batches`.
        rectified: apply the relu; without it, regions that lower the logit keep their order.

    Returns:
        layer -> (n, r) on the CPU.

    Raises:
        InputError: classes that are not one per image or not the model's, an unknown layer, or one that has no regions
            or does not affect the logits.

    Cost: a forward and a backward pass.

    >>> from patternscope.networks import build_network
    >>> maps = grad_cam(build_network("vgg16_slim", classes=10), torch.rand(2, 3, 64, 64), torch.arange(2), ["conv_53"])
    >>> maps["conv_53"].shape
    torch.Size([2, 64])
    """
    checked_images(images)
    checked_labels("classes", classes, len(images))
    size = images_at_once(images)
    parts = zip(images.split(size), classes.split(size), strict=True)
    batches = [_maps(model, batch, chosen, layers) for batch, chosen in parts]
    maps = {layer: torch.cat([pooled(batch[layer], grid).flatten(1).cpu() for batch in batches]) for layer in layers}
    return {layer: cam.clamp_min(0) if rectified else cam for layer, cam in maps.items()}


def _maps(model: nn.Module, images: Tensor, classes: Tensor, layers: Sequence[str]) -> dict[str, Tensor]:
    """Return the maps (n, 1, h, w) of one batch on the layers' own grids, before the relu."""
    with borrowed(model), torch.enable_grad():
        pixels = pixels_for(model, images.detach()).requires_grad_()
        with outputs_for_gradient(model, images, layers) as outputs:
            logits = run_for_gradient(model, pixels)
        chosen = differentiable(checked_classes("classes", classes, logits.shape[1]))
        score = logits.gather(1, chosen.to(logits.device, torch.int64)[:, None]).sum()
        # A part of a network that runs under no_grad gives tensors without gradients.
        known = [layer for layer in layers if outputs[layer][0].requires_grad]
        tensors = [outputs[layer][0] for layer in known]
        found = torch.autograd.grad(score, tensors, allow_unused=True) if known else ()
        slopes = dict(zip(known, found, strict=True))
    return {layer: _map(layer, *outputs[layer], slopes.get(layer)) for layer in layers}


def _map(layer: str, output: Tensor, layout: Layout, slope: Tensor | None) -> Tensor:
    """Return the weighted sum of a layer's channels, (n, 1, h, w)."""
    if slope is None:
        raise InputError(f"layer {layer!r}: expected one that the logits depend on, got no gradient")
    features, slopes = layout.regional(output.detach()).float(), layout.regional(slope).float()
    return (slopes.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True)
