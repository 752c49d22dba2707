"""Pictures that are listed before they are read: files, crops of files, rows of tables, items of data sets."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from patternscope.errors import InputError, nearest
from patternscope.images.readers.decoding import UNREADABLE, PixelFormat, fit_mask, pixels_at_most, to_tensor
from patternscope.images.readers.image_set import ImageSet, Progress, check_class_sizes
from patternscope.images.readers.source import Request, Splits
from patternscope.images.readers.value_range import Brightness
from patternscope.images.selection import choose_samples, hold_out

_TEST_SHARE = 0.2
_CACHE_BYTES = 2**30


class Picture(NamedTuple):
    """One labelled picture: `load` opens it upright and cut out, `mask` (h, w) its object in the same frame.

    `refused` is the reason not to open it.
    """

    name: str
    label: int
    load: Callable[[], Image.Image]
    mask: Callable[[], np.ndarray] | None = None
    refused: str = ""

    def object_mask(self, pixels: PixelFormat) -> Tensor:
        """Return the mask of its object, cut and resized as the picture is, bool (size, size)."""
        return fit_mask(np.ones((1, 1), dtype=bool) if self.mask is None else self.mask(), pixels)


def _read_picture(pictures: list[Picture], pixels: PixelFormat, index: int) -> Tensor:
    """Decode a picture by position."""
    picture = pictures[index]
    with _still_readable(picture, pixels):
        return to_tensor(picture.load(), pixels, picture.name)


def _read_mask(pictures: list[Picture], pixels: PixelFormat, index: int) -> Tensor:
    """Return the mask of a picture by position."""
    picture = pictures[index]
    with _still_readable(picture, pixels):
        return picture.object_mask(pixels)


@contextmanager
def _still_readable(picture: Picture, pixels: PixelFormat) -> Iterator[None]:
    """Name a picture that is missing or damaged."""
    try:
        with pixels_at_most(pixels.pixel_limit):
            yield
    except InputError:
        raise
    except UNREADABLE as error:
        raise InputError(f"{picture.name} cannot be read: {_reason(error)}") from error


def open_classes(
    names: Sequence[str], train: Sequence[Picture], test: Sequence[Picture] | None, request: Request, where: str
) -> Splits:
    """Return the requested classes of listed pictures, whose labels are indices of `names`; see `open_pictures`.

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

    Of two lists, no more is read than the request needs of each class. Every picture is read once, here; those that
    cannot be read completely are listed in `skipped`, and up to 1 GiB of pixels is cached. `where` is named in errors.

    Raises InputError for fewer than two readable pictures of a class to train on, or none held out.
    """
    train, refused = _openable(train)
    note = f" ({len(refused)} not opened, first {refused[0]})" if refused else ""
    check_class_sizes(_labels(train), classes, f" in {where}", note)
    if test is not None:
        test, refused_too = _openable(test)
        refused += refused_too
        train = _limit(train, request.train_per_class, request.seed)
        test = _limit(test, request.test_per_class, request.seed)
    report, total = request.progress or _ignore, len(train) + len(test or ())
    brightness = Brightness()
    images = _read(train, classes, request, brightness, lambda done, _: report(done, total))
    unreadable = f" ({len(images.skipped)} unreadable)" if images.skipped else ""
    images.skipped += tuple(refused)
    check_class_sizes(images.labels, classes, f" in {where}", unreadable)
    held_out = None
    if test is not None:
        held_out = _read(test, classes, request, brightness, lambda done, _: report(len(train) + done, total))
        if not len(held_out):
            raise InputError(f"{where}: expected readable pictures that are held out, got none")
    if request.white is None:
        brightness.check(where)
    return split_images(images, request.seed) if held_out is None else Splits(images, held_out)


def split_images(images: ImageSet, seed: int) -> Splits:
    """Return a set with a seeded 20 % of every class held out; `skipped` stays with the images to train on.

    Raises InputError for a class with one image.
    """
    kept, held = hold_out(images.labels, _TEST_SHARE, seed=seed)
    test = images.subset(held)
    test.skipped = ()
    return Splits(images.subset(kept), test)


def _openable(pictures: Sequence[Picture]) -> tuple[list[Picture], list[str]]:
    """Return the pictures to open, and the others with the reasons."""
    others = [f"{picture.name}: {picture.refused}" for picture in pictures if picture.refused]
    return [picture for picture in pictures if not picture.refused], others


def _labels(pictures: Sequence[Picture]) -> Tensor:
    """Return the labels of pictures, int64 (n,)."""
    return torch.tensor([picture.label for picture in pictures], dtype=torch.int64)


def _limit(pictures: Sequence[Picture], per_class: int | None, seed: int) -> Sequence[Picture]:
    """Return at most `per_class` pictures of each class, those that `open_images` will choose again."""
    if per_class is None or len(pictures) < 2:
        return pictures
    return [pictures[place] for place in choose_samples(_labels(pictures), per_class, seed=seed).tolist()]


def _read(
    pictures: Sequence[Picture], classes: tuple[str, ...], request: Request, brightness: Brightness, progress: Progress
) -> ImageSet:
    """Return the pictures that can be read as a set that lists the others."""
    readable, images, skipped, room = [], {}, [], _CACHE_BYTES
    for done, picture in enumerate(pictures, 1):
        try:
            with pixels_at_most(request.pixel_limit):
                loaded = picture.load()
                image = to_tensor(loaded, request.pixels, picture.name)
        except InputError:
            raise  # concerns the whole source, not this picture
        except UNREADABLE as error:
            skipped.append(f"{picture.name}: {_reason(error)}")
        else:
            brightness.see(loaded)
            if image.nbytes <= room:
                images[len(readable)], room = image, room - image.nbytes
            readable.append(picture)
        progress(done, len(pictures))
    has_masks = bool(readable) and all(picture.mask is not None for picture in readable)
    image_set = ImageSet(
        classes,
        _labels(readable),
        partial(_read_picture, readable, request.pixels),
        names=[picture.name for picture in readable],
        read_mask=partial(_read_mask, readable, request.pixels) if has_masks else None,
        skipped=skipped,
    )
    image_set.keep(images)
    return image_set


def _reason(error: BaseException) -> str:
    """Return an error's text on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _ignore(done: int, total: int) -> None:
    """Ignore progress."""
