"""Light random changes of training images, by torchvision's transforms."""

from functools import cache

import torch
from torch import Tensor, nn

from patternscope.networks.capture.hooks import isolate_random_state

_IMAGES_PER_DRAW = 8
_PADDING_SHARE = 8


def augmented(images: Tensor, seed: int) -> Tensor:
    """Return the images randomly cropped from a padded border, flipped and changed slightly in colour.

    Eight neighbours in the batch share one draw, for speed; batches are in random order. The result depends only on the
    images and the seed; the global random state is restored. Images (n, c, h, w), uint8; colours change for c = 1 or 3.

    >>> images = torch.zeros(9, 3, 32, 32, dtype=torch.uint8)
    >>> augmented(images, seed=3).shape
    torch.Size([9, 3, 32, 32])
    """
    transform = _transform(images.shape[2], images.shape[3], images.shape[1] in (1, 3))
    with isolate_random_state(seed=seed):
        return torch.cat([transform(group) for group in images.split(_IMAGES_PER_DRAW)])


@cache
def _transform(height: int, width: int, has_colours: bool) -> nn.Module:
    """Build the chain of transforms for one image size."""
    from torchvision.transforms import v2

    padding = (max(1, width // _PADDING_SHARE), max(1, height // _PADDING_SHARE))
    steps: list[nn.Module] = [
        v2.RandomCrop((height, width), padding=padding, padding_mode="reflect"),
        v2.RandomHorizontalFlip(),
    ]
    if has_colours:
        steps.append(v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2))
    return v2.Compose(steps)
