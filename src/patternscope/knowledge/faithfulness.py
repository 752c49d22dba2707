"""Whether the network depends on the regions said to matter: its answer as they are taken away one after another."""

from collections.abc import Callable

import torch
from torch import Tensor

from patternscope.errors import InputError

Probabilities = Callable[[Tensor], Tensor]


def removal_order(importance: Tensor) -> Tensor:
    """Return the regions of each image, the most important first; equals in the order they stand.

    Source: this project. (n, r) -> (n, r) int64, rows are permutations of the regions.

    >>> removal_order(torch.tensor([[0.1, 0.6, 0.3]])).tolist()
    [[1, 2, 0]]
    """
    if importance.ndim != 2 or not torch.isfinite(importance).all():
        raise InputError(f"importance: got shape {tuple(importance.shape)}, wants finite numbers (n, r)")
    return importance.argsort(dim=1, descending=True, stable=True)


def mean_colour(images: Tensor) -> Tensor:
    """Return each image's mean colour, as images of one pixel in the type given.

    Source: this project. (n, channels, height, width) -> (n, channels, 1, 1).

    >>> mean_colour(torch.tensor([[[[0, 10], [20, 30]]]], dtype=torch.uint8)).flatten().tolist()
    [15]
    """
    return images.double().mean(dim=(2, 3), keepdim=True).to(images.dtype)


def replace_regions(
    images: Tensor, replacement: Tensor, order: Tensor, grid: tuple[int, int], count: int
) -> Tensor:
    """Return images whose first regions in an order show something else.

    Source: this project.

    Args:
        images: (n, channels, height, width).
        replacement: what is shown instead, of a shape that expands to that of the images.
        order: (n, r), rows are permutations of the regions.
        grid: (h, w) with h*w = r; a region is its share of the image's pixels.
        count: regions replaced, 0 to r.

    Returns:
        A copy, (n, channels, height, width).

    >>> image = torch.ones(1, 1, 1, 4)
    >>> replace_regions(image, torch.zeros(1), torch.tensor([[3, 1, 0, 2]]), (1, 4), 2).flatten().tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    chosen = torch.zeros_like(order, dtype=torch.float32).scatter_(1, order[:, :count], 1.0)
    mask = torch.nn.functional.interpolate(chosen.view(-1, 1, *grid), size=images.shape[2:], mode="nearest")
    return torch.where(mask.to(images.device).bool(), replacement, images)


def deletion_curve(
    probabilities: Probabilities,
    images: Tensor,
    labels: Tensor,
    order: Tensor,
    grid: tuple[int, int],
    *,
    replacement: Tensor | None = None,
    steps: int = 16,
) -> Tensor:
    """Return the probability of each image's class as its regions are replaced one after another.

    Source: this project, after the deletion test of saliency maps.

    Args:
        probabilities: images -> class probabilities (n, c); it sees n images at a time.
        images: (n, channels, height, width).
        labels: the class asked for (n,), integers in [0, c).
        order: which region goes first, by :func:`removal_order` (n, r).
        grid: (h, w) with h*w = r.
        replacement: what is shown instead, as in :func:`replace_regions`; None for each image's mean colour.
        steps: equal shares in which the regions go, clipped to r.

    Returns:
        (n, steps + 1) in [0, 1], from the whole image to no region at all. With the last step all is replaced.

    Raises:
        InputError: shapes that disagree, fewer than one step.

    Cost: steps + 1 passes of the network.

    >>> def brightness(images):
    ...     share = images.mean(dim=(1, 2, 3))
    ...     return torch.stack([share, 1 - share], dim=1)
    >>> image, order = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[0, 1]])
    >>> deletion_curve(brightness, image, torch.tensor([0]), order, (1, 2), replacement=torch.zeros(1)).tolist()
    [[0.5, 0.0, 0.0]]
    """
    regions = grid[0] * grid[1]
    if images.ndim != 4 or order.shape != (len(images), regions) or labels.shape != (len(images),):
        raise InputError(
            f"images, labels, order: got shapes {tuple(images.shape)}, {tuple(labels.shape)} and "
            f"{tuple(order.shape)}, wants (n, channels, height, width), (n,) and (n, {regions})"
        )
    if steps < 1:
        raise InputError(f"steps: got {steps}, wants at least 1")
    instead = mean_colour(images) if replacement is None else replacement
    counts = torch.linspace(0, regions, min(steps, regions) + 1).round().int().tolist()
    curve = []
    for count in counts:
        seen = probabilities(replace_regions(images, instead, order, grid, count))
        curve.append(seen.gather(1, labels[:, None].to(seen.device)).squeeze(1))
    return torch.stack(curve, dim=1)


def curve_area(curve: Tensor) -> Tensor:
    """Return the area under each curve over the share of regions, by trapezoids: (n, steps + 1) -> (n,).

    Source: this project. For deletion, the smaller the better the order.

    >>> curve_area(torch.tensor([[1.0, 0.5, 0.0]]))
    tensor([0.5000])
    """
    return torch.trapezoid(curve, dx=1.0 / (curve.shape[1] - 1), dim=1)
