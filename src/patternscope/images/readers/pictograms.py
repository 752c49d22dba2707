"""The built-in pictograms as a source of images."""

from functools import partial

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images.pictograms import CLASSES, DRAWING_VERSION, draw, draw_mask
from patternscope.images.readers.image_set import ImageSet
from patternscope.images.readers.source import Request, Source, Splits

_TRAIN_PER_CLASS, _TEST_PER_CLASS = 500, 100
_TEST_START = 10**9  # the first held-out picture, whatever the number to train on
_CACHE_BYTES = 2**30


def open_pictograms(request: Request) -> Splits:
    """Return drawn images, with masks; those held out are never among those to train on.

    500 per class to train on and 100 held out unless the request says otherwise. Each is drawn on first access (about 2
    ms at 64 px) and cached.

    >>> splits = open_pictograms(Request(image_size=16, train_per_class=3, test_per_class=2))
    >>> len(splits.train), len(splits.test), splits.train.mask(0).shape
    (30, 20, torch.Size([16, 16]))
    """
    if request.class_names is not None and request.class_names != CLASSES:
        raise InputError(
            f"class_names: pictograms always have the classes {', '.join(CLASSES)}; expected none, got "
            f"{list(request.class_names)}"
        )
    if request.channels not in (1, 3):
        raise InputError(f"channels: expected 1 or 3 for pictograms, got {request.channels}")
    train = _TRAIN_PER_CLASS if request.train_per_class is None else request.train_per_class
    test = _TEST_PER_CLASS if request.test_per_class is None else request.test_per_class
    return Splits(_split(request, train, 0), _split(request, test, _TEST_START))


def _split(request: Request, per_class: int, start: int) -> ImageSet:
    """Return `per_class` pictures of each class from an index on."""
    if not 2 <= per_class <= _TEST_START // len(CLASSES):
        most = _TEST_START // len(CLASSES)
        raise InputError(f"pictograms per class: expected 2 to {most}, got {per_class}")
    count = per_class * len(CLASSES)
    size, seed = request.image_size, request.seed
    return ImageSet(
        CLASSES,
        torch.arange(count) % len(CLASSES),
        partial(_read_image, start, size, seed, request.channels),
        names=[f"pictogram {start + i}" for i in range(count)],
        read_mask=partial(_read_mask, start, size, seed),
        cache_bytes=_CACHE_BYTES,
    )


def _read_image(start: int, size: int, seed: int, channels: int, index: int) -> Tensor:
    """Draw an image, uint8 (channels, size, size)."""
    image = torch.from_numpy(draw(start + index, size=size, seed=seed).image)
    if channels == 1:
        weights = torch.tensor([0.299, 0.587, 0.114])
        return (image.float() @ weights).round().to(torch.uint8)[None]
    return image.permute(2, 0, 1).contiguous()


def _read_mask(start: int, size: int, seed: int, index: int) -> Tensor:
    """Draw the mask of an image, bool (size, size)."""
    return torch.from_numpy(draw_mask(start + index, size=size, seed=seed))


SOURCE = Source(
    name="pictograms",
    read=open_pictograms,
    folder="none",
    stamp=lambda source, options: [DRAWING_VERSION],
    count_classes=lambda folder, class_names: len(CLASSES),
)
