"""Grad-CAM: which regions of a layer raise the logit of a class, by its gradient. To compare with."""

import re
from collections.abc import Sequence
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from patternscope.autograd_modes import differentiable
from patternscope.errors import InputError
from patternscope.networks.capture.forward_pass import checked_images, images_at_once, run_for_logits
from patternscope.networks.capture.hooks import borrowed, device_of, dtype_of, observed
from patternscope.networks.capture.layers import resolve_names
from patternscope.networks.capture.layouts import Grid, LayoutFinder, as_pixels
from patternscope.networks.models.normalised import inner_network


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
        images: (n, channels, h, w), float as the model wants them or uint8.
        classes: (n,) integers in [0, c).
        layers: names from `list_layers`, of layers whose output is one tensor.
        grid: as in `record_batches`.
        rectified: the relu; without it regions that speak against the class stay in order.

    Returns:
        layer -> (n, r) on the CPU.

    Raises:
        InputError: classes that are not one an image or none of the model's, an unknown layer, or one without
            regions or on which the logits do not depend.

    Cost: a forward and a backward pass.

    >>> from patternscope.networks import build_network
    >>> maps = grad_cam(build_network("vgg16_slim", classes=10), torch.rand(2, 3, 64, 64), torch.arange(2), ["conv_53"])
    >>> maps["conv_53"].shape
    torch.Size([2, 64])
    """
    checked_images(images)
    if classes.shape != (len(images),):
        raise InputError(f"classes: got shape {tuple(classes.shape)}, wants ({len(images)},)")
    if classes.is_floating_point() or classes.is_complex() or classes.dtype == torch.bool:
        raise InputError(f"classes: got {classes.dtype}, wants integers")
    found: dict[str, list[Tensor]] = {name: [] for name in layers}
    at_once = images_at_once(images)
    for shown, asked in zip(images.split(at_once), classes.split(at_once), strict=True):
        for name, cam in _maps(model, shown, asked, layers, grid).items():
            found[name].append(cam.clamp_min(0) if rectified else cam)
    return {name: torch.cat(parts) for name, parts in found.items()}


def _maps(
    model: nn.Module, images: Tensor, classes: Tensor, layers: Sequence[str], grid: Grid | None
) -> dict[str, Tensor]:
    """The maps of one batch, before the relu."""
    inner = inner_network(model)
    calls = resolve_names(model, layers)
    taken: dict[str, Tensor] = {}
    finder = LayoutFinder(len(images), (images.shape[2], images.shape[3]))

    def take(call: str, module: nn.Module, _: tuple[Any, ...], output: Any) -> Tensor | None:
        if not isinstance(output, Tensor):
            return None
        finder.see(module, output)
        if call not in calls.values():
            return None
        taken[call] = output
        return output.clone()  # an in-place activation may follow, and would move what was taken

    wanted = {re.split("[@:]", call)[0] for call in calls.values()}
    modules = {
        name: module
        for name, module in inner.named_modules(remove_duplicate=False)
        if name in wanted or isinstance(module, nn.Linear | nn.Conv2d)
    }
    with borrowed(model), observed(modules, take), torch.enable_grad():
        pixels = as_pixels(images.detach(), device_of(inner), dtype_of(inner)).requires_grad_()
        # A copy goes in: a network may change its input in place.
        logits = run_for_logits(model, pixels.clone())
        chosen = logits.gather(1, _checked_classes(classes, logits)[:, None]).sum()
        missing = [name for name, call in calls.items() if call not in taken]
        if missing:
            raise InputError(
                f"layer {missing[0]!r}: its output is no tensor alone; Grad-CAM wants one that is"
            )
        slopes = torch.autograd.grad(chosen, [taken[calls[name]] for name in layers], allow_unused=True)
    return {
        name: _map(name, finder, taken[calls[name]].detach(), slope, grid)
        for name, slope in zip(layers, slopes, strict=True)
    }


def _checked_classes(classes: Tensor, logits: Tensor) -> Tensor:
    """The classes as indices into the logits; InputError where there is no such logit."""
    low, high = int(classes.min()), int(classes.max())
    if low < 0 or high >= logits.shape[1]:
        raise InputError(f"classes: got {low} to {high}, wants 0 to {logits.shape[1] - 1}")
    return differentiable(classes).to(logits.device, torch.int64)


def _map(name: str, finder: LayoutFinder, output: Tensor, slope: Tensor | None, grid: Grid | None) -> Tensor:
    """The weighted sum of a layer's channels, on the grid wanted, as (n, r)."""
    layout = finder.find(tuple(output.shape))
    if layout is None or slope is None:
        lacks = "has no region grid for these images" if layout is None else "has no part in the logits"
        raise InputError(f"layer {name!r} {lacks}")
    features, slopes = layout.regional(output).float(), layout.regional(slope).float()
    cam = (slopes.mean(dim=(2, 3), keepdim=True) * features).sum(dim=1, keepdim=True)
    height, width = cam.shape[2:]
    side = (height, width) if grid is None else (min(grid[0], height), min(grid[1], width))
    return F.adaptive_avg_pool2d(cam, side).flatten(1).cpu()
