"""A planted shortcut: a patch in the background that goes with one class as often as one wants."""

import torch
import torch.nn.functional as F
from torch import Tensor

from patternscope.errors import InputError

# Two colours that a checkerboard makes unlike anything drawn.
_COLOURS = ((255, 0, 255), (0, 255, 0))
_SQUARES = 4


def patch_carriers(labels: Tensor, target: int, strength: float, *, base: float = 0.5, seed: int) -> Tensor:
    """Choose which images carry the patch, so that it tells the target class by a given strength.

    ``P(patch | target) = base + (1 - base) strength``, ``P(patch | other) = base (1 - strength)``: the two differ by
    `strength`. At 0 the patch says nothing, at 1 it is on all images of the class and on no other.

    Of each class the share is exact up to one image; which ones is drawn.

    Args:
        labels: (n,) integers.
        target: the class.
        strength: in [0, 1].
        base: in (0, 1), share of images with the patch where it says nothing.
        seed: of the draw.

    Returns:
        (n,) bool.

    Raises:
        InputError: a share out of range, or a class that does not occur.

    >>> patch_carriers(torch.tensor([0, 0, 1, 1]), 1, 1.0, seed=0).tolist()
    [False, False, True, True]
    """
    if not 0 <= strength <= 1 or not 0 < base < 1:
        raise InputError(f"strength, base: got {strength} and {base}, wants shares in [0, 1] and (0, 1)")
    if not (labels == target).any():
        raise InputError(f"target: class {target} has no image")
    generator = torch.Generator().manual_seed(seed)
    carries = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique().tolist():
        share = base + (1 - base) * strength if label == target else base * (1 - strength)
        members = torch.nonzero(labels == label).flatten()
        order = torch.randperm(len(members), generator=generator)
        carries[members[order[: round(share * len(members))]]] = True
    return carries


def plant_patch(
    images: Tensor, masks: Tensor, carries: Tensor, *, side: int, seed: int
) -> tuple[Tensor, Tensor]:
    """Paint a checkerboard patch into the background of some images.

    It lies at a place drawn among those, half a side apart, where it covers least of the object.

    Args:
        images: (n, 3, height, width) uint8.
        masks: of the object (n, height, width) bool.
        carries: which images get one (n,) bool.
        side: of the patch in pixels, even, at most the image's.
        seed: of the place.

    Returns:
        The images, a copy, and where the patches are (n, height, width) bool.

    Raises:
        InputError: shapes that disagree, or a side that does not fit.

    >>> images, masks = torch.zeros(1, 3, 8, 8, dtype=torch.uint8), torch.zeros(1, 8, 8, dtype=torch.bool)
    >>> _, patches = plant_patch(images, masks, torch.tensor([True]), side=4, seed=0)
    >>> int(patches.sum())
    16
    """
    height, width = images.shape[2:]
    if images.shape[1] != 3 or images.dtype != torch.uint8 or masks.shape != (len(images), height, width):
        raise InputError(
            f"images, masks: got {images.dtype} of shape {tuple(images.shape)} and {tuple(masks.shape)}, wants uint8 "
            "(n, 3, height, width) and (n, height, width)"
        )
    if side < 2 or side % 2 or side > min(height, width) or carries.shape != (len(images),):
        raise InputError(
            f"side, carries: got {side} and shape {tuple(carries.shape)}, wants an even side of at most "
            f"{min(height, width)} pixels and ({len(images)},)"
        )
    step = side // 2
    cover = F.avg_pool2d(masks[:, None].float(), side, stride=step)[:, 0]
    columns, cover = cover.shape[2], cover.flatten(1)
    drawn = torch.rand(cover.shape, generator=torch.Generator().manual_seed(seed))
    places = drawn.masked_fill(cover > cover.amin(dim=1, keepdim=True), -1).argmax(dim=1)
    planted, patches = images.clone(), torch.zeros_like(masks)
    painted = _checkerboard(side)
    for each in torch.nonzero(carries).flatten().tolist():
        top, left = step * int(places[each] // columns), step * int(places[each] % columns)
        planted[each, :, top : top + side, left : left + side] = painted
        patches[each, top : top + side, left : left + side] = True
    return planted, patches


def _checkerboard(side: int) -> Tensor:
    """The patch (3, side, side): squares of two colours."""
    squares = torch.arange(side) * _SQUARES // side
    dark = (squares[:, None] + squares).remainder(2).bool()
    first, second = (torch.tensor(colour, dtype=torch.uint8).view(3, 1, 1) for colour in _COLOURS)
    return torch.where(dark, first, second)
