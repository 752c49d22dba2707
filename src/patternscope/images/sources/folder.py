"""Images in class folders, with or without split folders above them."""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from patternscope.errors import InputError, nearest
from patternscope.images.selection import hold_out
from patternscope.images.sources.decoding import UNREADABLE, decode
from patternscope.images.sources.image_set import ImageSet, Progress, Request, Splits, check_class_sizes

TEST_SHARE = 0.2
_TRAIN_NAMES = ("train", "training")
_TEST_NAMES = ("test", "testing", "val", "valid", "validation")
_SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"]
)
_CACHE_BYTES = 2**30


class _Found(NamedTuple):
    """One picture file of a class."""

    path: Path
    label: int


class _Decoded(NamedTuple):
    """Decodes by position."""

    paths: list[Path]
    size: int
    channels: int

    def __call__(self, index: int) -> Tensor:
        try:
            return decode(self.paths[index], self.size, self.channels)
        except UNREADABLE as error:
            raise InputError(f"{self.paths[index]} can no longer be read: {_reason(error)}") from error


def _reason(error: BaseException) -> str:
    """The error's text on one line."""
    return " ".join(str(error).split()) or type(error).__name__


def _visible(name: str) -> bool:
    """Whether a name is neither hidden nor left by an archiver."""
    return not name.startswith((".", "__MACOSX"))


def _folders(root: Path) -> list[Path]:
    """The visible folders in a folder, by name."""
    return sorted(each for each in root.iterdir() if each.is_dir() and _visible(each.name))


def _pictures(folder: Path) -> list[Path]:
    """The visible picture files below a folder, by path."""
    inside = (each for each in folder.rglob("*") if each.suffix.lower() in _SUFFIXES and each.is_file())
    return sorted(each for each in inside if all(_visible(part) for part in each.relative_to(folder).parts))


def _named(folders: list[Path], names: tuple[str, ...]) -> list[Path]:
    """The folders with one of these names in any case, in the order of the names."""
    return [each for name in names for each in folders if each.name.lower() == name]


def _split_folders(root: Path) -> tuple[Path, Path | None]:
    """The folder of the class folders to train on, and that of the held-out ones if there is one."""
    folders = _folders(root)
    train = _named(folders, _TRAIN_NAMES)
    if not train:
        return root, None
    known = {each.name for each in _folders(train[0])}
    for other in _named(folders, _TEST_NAMES):
        # Some image sets ship held-out pictures without class folders; those have no labels to test on.
        if known & {each.name for each in _folders(other)}:
            return train[0], other
    return train[0], None


def _class_names(root: Path, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    """The names of the class folders, or those of them that are wanted; at least two."""
    present = [each.name for each in _folders(root)]
    for name in wanted or ():
        if name not in present:
            raise InputError(
                f"class_names has {name!r}, no folder in {str(root)!r}; {nearest(name, present)}"
            )
    if len(present) < 2:
        raise InputError(f"folder {str(root)!r} holds {len(present)} class folder(s); two or more are needed")
    return tuple(present) if wanted is None else wanted


def _listed(root: Path, classes: tuple[str, ...]) -> list[_Found]:
    """The picture files of every class folder, in the order of the classes."""
    return [_Found(path, label) for label, name in enumerate(classes) for path in _pictures(root / name)]


def _check_held_out(root: Path, train_root: Path) -> None:
    """Refuse held-out images of a class that isn't trained on."""
    known = [each.name for each in _folders(train_root)]
    for each in _folders(root):
        if each.name not in known:
            raise InputError(f"folder {str(each)!r} is of no class trained on; {nearest(each.name, known)}")


def _opened(found: list[_Found], classes: tuple[str, ...], request: Request, progress: Progress) -> ImageSet:
    """The files that decode, as a set that remembers the others; each file is decoded once."""
    root = request.folder or Path()
    good, images, skipped, room = [], {}, [], _CACHE_BYTES
    for done, each in enumerate(found):
        try:
            image = decode(each.path, request.image_size, request.channels)
        except UNREADABLE as error:
            skipped.append(f"{each.path.relative_to(root).as_posix()}: {_reason(error)}")
        else:
            if image.nbytes <= room:
                images[len(good)], room = image, room - image.nbytes
            good.append(each)
        progress(done + 1, len(found))
    opened = ImageSet(
        classes,
        torch.tensor([each.label for each in good], dtype=torch.int64),
        _Decoded([each.path for each in good], request.image_size, request.channels),
        names=[each.path.relative_to(root).as_posix() for each in good],
        skipped=skipped,
    )
    opened.keep(images)
    return opened


def _ignore(done: int, total: int) -> None:
    """Progress for nobody."""


def open_folder(request: Request) -> Splits:
    """Return the images of class folders (ImageFolder layout), held-out ones from a split folder or chosen.

    Source: this project. `folder/CLASS/...` or `folder/train/CLASS/...` with test, val, valid or validation
    beside it (any case; test comes first); without such a folder a seeded 20 % of every class is held out.
    `class_names` takes just these class folders, in this order. Hidden files are ignored, files that can't be
    decoded to their end are named in `skipped`, once. Every file is decoded once, 1 GiB of pixels is kept.

    Raises InputError for a missing or empty folder, fewer than two classes, fewer than two images of one.
    """
    root = request.folder
    if root is None or not root.is_dir():
        raise InputError(f"folder {str(root)!r} is not there; class folders are needed")
    train_root, test_root = _split_folders(root)
    classes = _class_names(train_root, request.class_names)
    found, held_out = _listed(train_root, classes), []
    if not found:
        raise InputError(f"folder {str(train_root)!r} has no picture in its class folders")
    if test_root is not None:
        _check_held_out(test_root, train_root)
        held_out = _listed(test_root, classes)
    tell, total = request.progress or _ignore, len(found) + len(held_out)
    train = _opened(found, classes, request, lambda done, _: tell(done, total))
    unreadable = f", {len(train.skipped)} unreadable" if train.skipped else ""
    check_class_sizes(train.labels, classes, where=f" in {str(train_root)!r}{unreadable}")
    if test_root is None:
        return _split(train, request.seed)
    test = _opened(held_out, classes, request, lambda done, _: tell(len(found) + done, total))
    if not len(test):
        raise InputError(
            f"folder {str(test_root)!r} has no readable picture; class folders with pictures are needed"
        )
    return Splits(train, test)


def _split(images: ImageSet, seed: int) -> Splits:
    """A seeded choice of held-out images; the skipped files are told once."""
    kept, held = hold_out(images.labels, TEST_SHARE, seed=seed)
    test = images.subset(held)
    test.skipped = ()
    return Splits(images.subset(kept), test)
