"""Pictures that are listed before they are read: files, boxes cut out of them, rows of tables, items of data sets."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images.readers.boxes import Box, square_around
from patternscope.images.readers.decoding import UNREADABLE, fit_mask, to_tensor
from patternscope.images.readers.image_set import ImageSet, Progress, Request, Splits, check_class_sizes
from patternscope.images.selection import choose_samples, hold_out

TEST_SHARE = 0.2
_CACHE_BYTES = 2**30


class Picture(NamedTuple):
    """One labelled picture: `load` opens it upright, `box` is what is cut out of it, `mask` (h, w) its object.

    `margin` is the share of the box's longer side added on each of its sides.
    """

    name: str
    label: int
    load: Callable[[], Image.Image]
    box: Box | None = None
    margin: float = 0.0
    mask: Callable[[], np.ndarray] | None = None

    def tensor(self, size: int, channels: int) -> Tensor:
        """Return its pixels, uint8 (channels, size, size); one of UNREADABLE when there are none."""
        picture = self.load()
        if self.box is not None:
            picture = picture.crop(square_around(self.box, picture.size, self.margin))
        return to_tensor(picture, size, channels)

    def object_mask(self, size: int) -> Tensor:
        """Return the mask of its object, cut and resized as the picture is, bool (size, size)."""
        mask = np.ones((1, 1), dtype=bool) if self.mask is None else self.mask()
        if self.box is not None:
            left, top, right, bottom = square_around(self.box, (mask.shape[1], mask.shape[0]), self.margin)
            mask = mask[top:bottom, left:right]
        return fit_mask(mask, size)


class _Decoded(NamedTuple):
    """Decodes by position."""

    pictures: list[Picture]
    size: int
    channels: int

    def __call__(self, index: int) -> Tensor:
        picture = self.pictures[index]
        try:
            return picture.tensor(self.size, self.channels)
        except UNREADABLE as error:
            raise InputError(f"{picture.name} can no longer be read: {_reason(error)}") from error


class _Masks(NamedTuple):
    """Gives masks by position."""

    pictures: list[Picture]
    size: int

    def __call__(self, index: int) -> Tensor:
        return self.pictures[index].object_mask(self.size)


def open_pictures(
    classes: tuple[str, ...],
    train: Sequence[Picture],
    test: Sequence[Picture] | None,
    request: Request,
    where: str,
) -> Splits:
    """Return listed pictures as sets; without `test` a seeded 20 % of every class is held out.

    Of two lists no more is read than the request takes of each class. Every picture is read once, here; those
    that can't be read to their end are named in `skipped`, and 1 GiB of pixels is kept. `where` tells errors
    the place.

    Raises InputError for fewer than two readable pictures of a class to train on, or none held out.
    """
    check_class_sizes(_labels(train), classes, where=f" in {where}")
    if test is not None:
        train = _limited(train, request.train_per_class, request.seed)
        test = _limited(test, request.test_per_class, request.seed)
    tell, total = request.progress or _ignore, len(train) + len(test or ())
    opened = _opened(train, classes, request, lambda done, _: tell(done, total))
    unreadable = f", {len(opened.skipped)} unreadable" if opened.skipped else ""
    check_class_sizes(opened.labels, classes, where=f" in {where}{unreadable}")
    if test is None:
        return _split(opened, request.seed)
    held_out = _opened(test, classes, request, lambda done, _: tell(len(train) + done, total))
    if not len(held_out):
        raise InputError(f"{where} has no readable picture held out; at least one is needed")
    return Splits(opened, held_out)


def _labels(pictures: Sequence[Picture]) -> Tensor:
    """Labels of pictures, int64 (n,)."""
    return torch.tensor([each.label for each in pictures], dtype=torch.int64)


def _limited(pictures: Sequence[Picture], per_class: int | None, seed: int) -> Sequence[Picture]:
    """At most `per_class` pictures of each class, as `open_images` will choose them again."""
    if per_class is None or len(pictures) < 2:
        return pictures
    return [pictures[at] for at in choose_samples(_labels(pictures), per_class, seed=seed).tolist()]


def _opened(
    pictures: Sequence[Picture], classes: tuple[str, ...], request: Request, progress: Progress
) -> ImageSet:
    """The pictures that can be read, as a set that remembers the others."""
    good, images, skipped, room = [], {}, [], _CACHE_BYTES
    for done, each in enumerate(pictures):
        try:
            image = each.tensor(request.image_size, request.channels)
        except InputError:
            raise  # of the whole source, not of this picture
        except UNREADABLE as error:
            skipped.append(f"{each.name}: {_reason(error)}")
        else:
            if image.nbytes <= room:
                images[len(good)], room = image, room - image.nbytes
            good.append(each)
        progress(done + 1, len(pictures))
    masked = bool(good) and all(each.mask is not None for each in good)
    opened = ImageSet(
        classes,
        _labels(good),
        _Decoded(good, request.image_size, request.channels),
        names=[each.name for each in good],
        read_mask=_Masks(good, request.image_size) if masked else None,
        skipped=skipped,
    )
    opened.keep(images)
    return opened


def _split(images: ImageSet, seed: int) -> Splits:
    """A seeded choice of held-out images; the skipped files are told once."""
    kept, held = hold_out(images.labels, TEST_SHARE, seed=seed)
    test = images.subset(held)
    test.skipped = ()
    return Splits(images.subset(kept), test)


def _reason(error: BaseException) -> str:
    """The error's text on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _ignore(done: int, total: int) -> None:
    """Progress for nobody."""
