"""Whether the network depends on the regions called important: its output while they are removed."""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from patternscope.errors import InputError
from patternscope.radial.checks import check_at_least

Probabilities = Callable[[Tensor], Tensor]


def removal_order(importance: Tensor) -> Tensor:
    """Return the regions of each image, the most important first; equal ones in their own order.

    (n, r) -> (n, r) int64, rows are permutations of the regions.

    >>> removal_order(torch.tensor([[0.1, 0.6, 0.3]])).tolist()
    [[1, 2, 0]]
    """
    if importance.ndim != 2 or not torch.isfinite(importance).all():
        raise InputError(f"importance: expected finite numbers (n, r), got shape {tuple(importance.shape)}")
    return importance.argsort(dim=1, descending=True, stable=True)


def mean_colour(images: Tensor) -> Tensor:
    """Return each image's mean colour as an image of one pixel: (n, channels, h, w) -> (n, channels, 1, 1).

    >>> mean_colour(torch.tensor([[[[0, 10], [20, 30]]]], dtype=torch.uint8)).flatten().tolist()
    [15]
    """
    return images.double().mean(dim=(2, 3), keepdim=True).to(images.dtype)


def blurred(images: Tensor, share: float = 1 / 8) -> Tensor:
    """Return blurred images: convolved with a Gaussian whose sigma is a share of their longer side.

    (n, channels, height, width) floating point -> the same shape. The border repeats the outermost pixels, so
    that a uniform image does not change. InputError for a share that is not positive or images that are not
    floating point.

    >>> blurred(torch.ones(1, 1, 8, 8)).sub(1).abs().max() < 1e-6
    tensor(True)
    """
    if not share > 0 or images.ndim != 4 or not images.is_floating_point():
        raise InputError(
            "images, share: expected floating point (n, channels, height, width) and a positive share, "
            f"got {images.dtype} of shape {tuple(images.shape)} and {share}"
        )
    sigma = share * max(images.shape[2:])
    reach = max(1, round(3 * sigma))
    offsets = torch.arange(-reach, reach + 1, dtype=images.dtype, device=images.device)
    kernel = torch.softmax(-offsets.square() / (2 * sigma**2), dim=0)
    planes = F.pad(images.flatten(0, 1)[:, None], (reach,) * 4, mode="replicate")
    across = F.conv2d(planes, kernel.view(1, 1, 1, -1))
    return F.conv2d(across, kernel.view(1, 1, -1, 1)).view_as(images)


def replace_regions(images: Tensor, replacement: Tensor, replaced: Tensor, grid: tuple[int, int]) -> Tensor:
    """Return a copy of the images with some regions replaced.

    Images (n, channels, height, width), a replacement that expands to their shape, which regions are replaced
    (n, r) bool, grid (h, w) with h*w = r: a region is its share of the image's pixels.

    >>> image, replaced = torch.ones(1, 1, 1, 4), torch.tensor([[False, True, False, True]])
    >>> replace_regions(image, torch.zeros(1), replaced, (1, 4)).flatten().tolist()
    [1.0, 0.0, 1.0, 0.0]
    """
    mask = F.interpolate(replaced.float().view(-1, 1, *grid), size=images.shape[2:], mode="nearest")
    return torch.where(mask.to(images.device).bool(), replacement, images)


def removal_shares(regions: int, steps: int) -> Tensor:
    """Return which share of the regions is removed at each point of a deletion curve.

    Regions are removed whole: if the steps do not divide them, some steps remove one region more.
    (min(steps, r) + 1,) float64, from 0 to 1. InputError for no region or no step.

    >>> removal_shares(4, 2).tolist(), (9 * removal_shares(9, 4)).tolist()
    ([0.0, 0.5, 1.0], [0.0, 2.0, 4.0, 7.0, 9.0])
    """
    check_at_least(regions, 1, "regions")
    check_at_least(steps, 1, "steps")
    return torch.linspace(0, regions, min(steps, regions) + 1).round().double() / regions


def deletion_curve(
    probabilities: Probabilities,
    images: Tensor,
    labels: Tensor,
    order: Tensor,
    grid: tuple[int, int],
    *,
    replacement: Tensor | None = None,
    steps: int = 16,
    at_once: int = 256,
) -> Tensor:
    """Return the probability of each image's class as its regions are replaced one after another.

    Source: the deletion test of Petsiuk et al., BMVC 2018.

    Args:
        probabilities: images -> class probabilities (b, c).
        images: (n, channels, height, width).
        labels: the class whose probability is returned (n,), integers in [0, c).
        order: the regions in the order of removal, by :func:`removal_order`; several orders at once are (..., n, r).
        grid: (h, w) with h*w = r.
        replacement: as in :func:`replace_regions`; None for each image's mean colour.
        steps: number of steps, as equal as whole regions allow (:func:`removal_shares`), clipped to r.
        at_once: images per forward pass.

    Returns:
        (..., n, steps + 1) in [0, 1], from the whole image to a complete replacement.

    Raises:
        InputError: shapes that disagree, fewer than one step.

    Cost: n (2 + orders (steps - 1)) images through the network: both ends are the same for all orders.

    >>> def brightness(images):
    ...     share = images.mean(dim=(1, 2, 3))
    ...     return torch.stack([share, 1 - share], dim=1)
    >>> image, order = torch.tensor([[[[1.0, 0.0]]]]), torch.tensor([[0, 1]])
    >>> deletion_curve(brightness, image, torch.tensor([0]), order, (1, 2), replacement=torch.zeros(1)).tolist()
    [[0.5, 0.0, 0.0]]
    """
    n, regions = len(images), grid[0] * grid[1]
    _check(images, labels, order, regions)
    blank = (mean_colour(images) if replacement is None else replacement).expand_as(images)
    counts = (regions * removal_shares(regions, steps)).round().long()
    # The rank of each region in its order: a region is removed once more regions are removed than its rank.
    ranks = order.reshape(-1, n, regions).cpu().argsort(dim=2)
    tasks = torch.cartesian_prod(*(torch.arange(size) for size in (len(ranks), len(counts) - 2, n)))
    ends = [_label_probabilities(probabilities, end, labels, at_once) for end in (images, blank)]
    curve = ends[0].new_empty(len(ranks), n, len(counts))
    curve[..., 0], curve[..., -1] = ends
    for batch in tasks.view(-1, 3).split(at_once):
        which, step, image = batch.unbind(dim=1)
        removed = ranks[which, image] < counts[step + 1, None]
        at = image.to(images.device)
        changed = replace_regions(images[at], blank[at], removed, grid)
        asked = labels[image.to(labels.device)]
        curve[which, image, step + 1] = _label_probabilities(probabilities, changed, asked, at_once)
    return curve.view(*order.shape[:-1], len(counts))


def curve_area(curve: Tensor, shares: Tensor) -> Tensor:
    """Return the area under each curve over the share of regions, by trapezoids.

    The smaller the area of a deletion curve, the better the order. Curve (..., steps + 1), shares of
    :func:`removal_shares` (steps + 1,) -> (...), in the curve's type. InputError for another number of shares.

    >>> curve_area(torch.tensor([[1.0, 0.5, 0.0]]), removal_shares(4, 2))
    tensor([0.5000])
    """
    if shares.shape != curve.shape[-1:]:
        shapes = f"{tuple(curve.shape)} and {tuple(shares.shape)}"
        raise InputError(f"curve, shares: expected shapes (..., s) and (s,), got {shapes}")
    return torch.trapezoid(curve, shares.to(curve), dim=-1)


def _label_probabilities(probabilities: Probabilities, images: Tensor, labels: Tensor, at_once: int) -> Tensor:
    """Return the probability of each image's class, on the CPU."""
    parts = []
    for batch, asked in zip(images.split(at_once), labels.split(at_once), strict=True):
        posterior = probabilities(batch)
        parts.append(posterior.gather(1, asked[:, None].to(posterior.device)).squeeze(1).cpu())
    return torch.cat(parts)


def _check(images: Tensor, labels: Tensor, order: Tensor, regions: int) -> None:
    if images.ndim != 4 or order.shape[-2:] != (len(images), regions) or labels.shape != (len(images),):
        shapes = f"{tuple(images.shape)}, {tuple(labels.shape)} and {tuple(order.shape)}"
        raise InputError(
            f"images, labels, order: expected shapes (n, channels, height, width), (n,) and (..., n, {regions}), "
            f"got {shapes}"
        )
