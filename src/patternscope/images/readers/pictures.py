"""Pictures that are listed before they are read: files, boxes cut out of them, rows of tables, items of data sets."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from patternscope.errors import InputError, nearest
from patternscope.images.readers.boxes import Box, square_around
from patternscope.images.readers.decoding import UNREADABLE, fit_mask, to_tensor
from patternscope.images.readers.image_set import ImageSet, Progress, check_class_sizes
from patternscope.images.readers.source import Request, Splits
from patternscope.images.selection import choose_samples, hold_out

_TEST_SHARE = 0.2
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


def _read_picture(pictures: list[Picture], size: int, channels: int, index: int) -> Tensor:
    """Decode a picture by position."""
    picture = pictures[index]
    try:
        return picture.tensor(size, channels)
    except UNREADABLE as error:
        raise InputError(f"{picture.name} can no longer be read: {_reason(error)}") from error


def _read_mask(pictures: list[Picture], size: int, index: int) -> Tensor:
    """Return the mask of a picture by position."""
    return pictures[index].object_mask(size)


def open_classes(
    names: Sequence[str], train: Sequence[Picture], test: Sequence[Picture] | None, request: Request, where: str
) -> Splits:
    """Return the classes asked for, of listed pictures whose labels are places in `names`; see `open_pictures`.

    Raises InputError for a class name that is unknown or that several classes have.
    """
    labels = _select_labels(names, request.class_names)
    classes = tuple(names[label] for label in labels)
    held_out = None if test is None else relabel(test, labels)
    return open_pictures(classes, relabel(train, labels), held_out, request, where)


def _select_labels(names: Sequence[str], selected: Sequence[str] | None) -> list[int]:
    """Return the labels of the selected classes in that order; all without a selection."""
    for name in selected or ():
        if names.count(name) > 1:
            raise InputError(f"class_names: expected names of one class, got {name!r} of {names.count(name)}")
        if name not in names:
            raise InputError(f"class_names: expected names of classes, got {name!r}; {nearest(name, names)}")
    return list(range(len(names))) if selected is None else [names.index(name) for name in selected]


def relabel(pictures: Sequence[Picture], labels: Sequence[Any]) -> list[Picture]:
    """Return the pictures with one of these labels, relabelled by its position among them."""
    places = {label: place for place, label in enumerate(labels)}
    return [picture._replace(label=places[picture.label]) for picture in pictures if picture.label in places]


def open_pictures(
    classes: tuple[str, ...], train: Sequence[Picture], test: Sequence[Picture] | None, request: Request, where: str
) -> Splits:
    """Return listed pictures as sets; without `test` a seeded 20 % of every class is held out.

    Of two lists no more is read than the request takes of each class. Every picture is read once, here; those
    that cannot be read to their end are listed in `skipped`, and 1 GiB of pixels is cached. `where` is the place
    that errors name.

    Raises InputError for fewer than two readable pictures of a class to train on, or none held out.
    """
    check_class_sizes(_labels(train), classes, f" in {where}")
    if test is not None:
        train = _limit(train, request.train_per_class, request.seed)
        test = _limit(test, request.test_per_class, request.seed)
    report, total = request.progress or _ignore, len(train) + len(test or ())
    images = _read(train, classes, request, lambda done, _: report(done, total))
    unreadable = f" ({len(images.skipped)} unreadable)" if images.skipped else ""
    check_class_sizes(images.labels, classes, f" in {where}", unreadable)
    if test is None:
        return split_images(images, request.seed)
    held_out = _read(test, classes, request, lambda done, _: report(len(train) + done, total))
    if not len(held_out):
        raise InputError(f"{where}: expected readable pictures that are held out, got none")
    return Splits(images, held_out)


def split_images(images: ImageSet, seed: int) -> Splits:
    """Return a set with a seeded 20 % of every class held out; `skipped` stays with the images to train on.

    Raises InputError for a class with one image.
    """
    kept, held = hold_out(images.labels, _TEST_SHARE, seed=seed)
    test = images.subset(held)
    test.skipped = ()
    return Splits(images.subset(kept), test)


def _labels(pictures: Sequence[Picture]) -> Tensor:
    """Return the labels of pictures, int64 (n,)."""
    return torch.tensor([picture.label for picture in pictures], dtype=torch.int64)


def _limit(pictures: Sequence[Picture], per_class: int | None, seed: int) -> Sequence[Picture]:
    """Return at most `per_class` pictures of each class, those that `open_images` will choose again."""
    if per_class is None or len(pictures) < 2:
        return pictures
    return [pictures[place] for place in choose_samples(_labels(pictures), per_class, seed=seed).tolist()]


def _read(pictures: Sequence[Picture], classes: tuple[str, ...], request: Request, progress: Progress) -> ImageSet:
    """Return the pictures that can be read as a set that lists the others."""
    readable, images, skipped, room = [], {}, [], _CACHE_BYTES
    for done, picture in enumerate(pictures, 1):
        try:
            image = picture.tensor(request.image_size, request.channels)
        except InputError:
            raise  # concerns the whole source, not this picture
        except UNREADABLE as error:
            skipped.append(f"{picture.name}: {_reason(error)}")
        else:
            if image.nbytes <= room:
                images[len(readable)], room = image, room - image.nbytes
            readable.append(picture)
        progress(done, len(pictures))
    has_masks = bool(readable) and all(picture.mask is not None for picture in readable)
    image_set = ImageSet(
        classes,
        _labels(readable),
        partial(_read_picture, readable, request.image_size, request.channels),
        names=[picture.name for picture in readable],
        read_mask=partial(_read_mask, readable, request.image_size) if has_masks else None,
        skipped=skipped,
    )
    image_set.keep(images)
    return image_set


def _reason(error: BaseException) -> str:
    """Return an error's text on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _ignore(done: int, total: int) -> None:
    """Report progress to nobody."""
