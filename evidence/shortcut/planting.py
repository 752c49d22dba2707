"""A patch in the background that occurs with one class more often than with the others."""

import torch
import torch.nn.functional as F
from torch import Tensor

from patternscope.errors import InputError

# Two colours that a checkerboard makes unlike anything drawn.
_COLOURS = ((255, 0, 255), (0, 255, 0))
_SQUARES = 4


def patch_carriers(labels: Tensor, target: int, strength: float, *, base: float = 0.5, seed: int) -> Tensor:
    """Choose which images carry the patch, so that it predicts the target class with a given strength.

    ``P(patch | target) = base + (1 - base) strength``, ``P(patch | other) = base (1 - strength)``: the two differ by
    `strength`. At 0 the patch is independent of the class, at 1 it is on all images of the class and on no other. The
    share of each class is exact up to one image; which images carry the patch is random.

    Args:
        labels: (n,) integers.
        target: the class.
        strength: in [0, 1].
        base: in (0, 1), share of images with the patch at strength 0.
        seed: of the choice.

    Returns:
        (n,) bool.

    Raises:
        InputError: a share out of range, or a class without images.

    >>> patch_carriers(torch.tensor([0, 0, 1, 1]), 1, 1.0, seed=0).tolist()
    [False, False, True, True]
    """
    if not 0 <= strength <= 1 or not 0 < base < 1:
        raise InputError(f"strength, base: expected shares in [0, 1] and (0, 1), got {strength} and {base}")
    if not (labels == target).any():
        raise InputError(f"target: expected a class with images, got class {target}")
    generator = torch.Generator().manual_seed(seed)
    carries = torch.zeros(len(labels), dtype=torch.bool)
    for label in labels.unique().tolist():
        share = base + (1 - base) * strength if label == target else base * (1 - strength)
        members = torch.nonzero(labels == label).flatten()
        order = torch.randperm(len(members), generator=generator)
        carries[members[order[: round(share * len(members))]]] = True
    return carries


def plant_patch(images: Tensor, masks: Tensor, carries: Tensor, *, side: int, seed: int) -> tuple[Tensor, Tensor]:
    """Paint a checkerboard patch into the background of some images.

    Its position is random among those, half a side apart, at which it covers least of the object.

    Args:
        images: (n, 3, height, width) uint8.
        masks: of the object (n, height, width) bool.
        carries: which images get one (n,) bool.
        side: of the patch in pixels, even, at most the image's.
        seed: of the positions.

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
            "images, masks: expected uint8 (n, 3, height, width) and (n, height, width), got "
            f"{images.dtype} {tuple(images.shape)} and {tuple(masks.shape)}"
        )
    if side < 2 or side % 2 or side > min(height, width) or carries.shape != (len(images),):
        raise InputError(
            f"side, carries: expected an even side of at most {min(height, width)} pixels and shape "
            f"({len(images)},), got {side} and {tuple(carries.shape)}"
        )
    step = side // 2
    cover = F.avg_pool2d(masks[:, None].float(), side, stride=step)[:, 0]
    columns, cover = cover.shape[2], cover.flatten(1)
    drawn = torch.rand(cover.shape, generator=torch.Generator().manual_seed(seed))
    places = drawn.masked_fill(cover > cover.amin(dim=1, keepdim=True), -1).argmax(dim=1)
    planted, patches = images.clone(), torch.zeros_like(masks)
    painted = _checkerboard(side)
    for image in torch.nonzero(carries).flatten().tolist():
        top, left = step * int(places[image] // columns), step * int(places[image] % columns)
        planted[image, :, top : top + side, left : left + side] = painted
        patches[image, top : top + side, left : left + side] = True
    return planted, patches


def _checkerboard(side: int) -> Tensor:
    """The patch (3, side, side), squares of two colours."""
    squares = torch.arange(side) * _SQUARES // side
    dark = (squares[:, None] + squares).remainder(2).bool()
    first, second = (torch.tensor(colour, dtype=torch.uint8).view(3, 1, 1) for colour in _COLOURS)
    return torch.where(dark, first, second)
