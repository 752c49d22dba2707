"""Continuing a network from a layer whose features were changed."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from patternscope.networks.capture.forward_pass import checked_images, images_at_once, layer_outputs, run_for_logits
from patternscope.networks.capture.hooks import borrowed
from patternscope.networks.capture.layouts import Layout
from patternscope.networks.device import pixels_for

Edit = Callable[[Tensor, Tensor], Tensor]


def edited_logits(model: nn.Module, images: Tensor, layer: str, edit: Edit) -> Tensor:
    """Return the logits of images after a change of their regional features in a layer.

    Args:
        model: any network that returns (n, c) logits; it is as found afterwards.
        images: (n, channels, h, w), float as the model expects them or uint8 (divided by 255).
        layer: a name as `list_layers` gives it, of a layer whose output is one tensor.
        edit: features of some images (b, k, h, w), on the layer's own grid, and which images these are (b,) int64 ->
            other features of the same shape. Class and register tokens are not changed.

    Returns:
        (n, c) on the CPU.

    Raises:
        InputError: an unknown layer, one without a region grid or whose output is several tensors.

    Cost: one forward pass of the images.

    >>> network = nn.Sequential(nn.Conv2d(1, 2, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(2, 2))
    >>> nothing = edited_logits(network, torch.rand(3, 1, 4, 4), "0", lambda features, _: 0 * features)
    >>> bool(torch.allclose(nothing, network[3].bias.expand(3, 2)))
    True
    """
    checked_images(images)
    rows = torch.arange(len(images)).split(images_at_once(images))
    return torch.cat([_logits(model, images[some], layer, edit, some) for some in rows])


def _logits(model: nn.Module, images: Tensor, layer: str, edit: Edit, rows: Tensor) -> Tensor:
    """Return the logits (b, c) of one batch."""

    def instead(output: Tensor, layout: Layout) -> Tensor:
        changed = output.clone()
        regional = layout.regional(changed)
        regional.copy_(edit(layout.regional(output), rows))
        return changed

    with borrowed(model), layer_outputs(model, images, [layer], lambda *_: None, instead=instead):
        return run_for_logits(model, pixels_for(model, images)).float().cpu()
