"""Images in class folders, with or without split folders above them."""

from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from patternscope.errors import InputError
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


def _class_folders(root: Path) -> list[Path]:
    """The class folders of a folder; at least two."""
    folders = _folders(root)
    if len(folders) < 2:
        raise InputError(f"folder {str(root)!r} holds {len(folders)} class folder(s); two or more are needed")
    return folders


def _listed(root: Path, classes: tuple[str, ...]) -> list[_Found]:
    """The picture files of every class folder, in the order of the classes."""
    for each in _folders(root):
        if each.name not in classes:
            raise InputError(f"folder {str(each)!r} is of a class that the images to train on don't have")
    return [_Found(path, label) for label, name in enumerate(classes) for path in _pictures(root / name)]


def _opened(
    root: Path, found: list[_Found], classes: tuple[str, ...], request: Request, progress: Progress
) -> ImageSet:
    """The files that decode, as a set that remembers the others; each file is decoded once."""
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
    beside it (any case; test comes first); without such a folder 20 % of every class are held out. Hidden
    files are ignored, files that can't be decoded to their end are named in `skipped`. Every file is decoded
    once, up to 1 GiB of pixels is kept.

    Raises InputError for a missing or empty folder, fewer than two classes or a class with fewer than two
    images.
    """
    if request.folder is None or not request.folder.is_dir():
        raise InputError(
            f"folder {str(request.folder)!r} is not there; a folder with one folder for each class is needed"
        )
    train_root, test_root = _split_folders(request.folder)
    classes = tuple(each.name for each in _class_folders(train_root))
    if request.class_names is not None and set(request.class_names) != set(classes):
        raise InputError(
            f"class_names {list(request.class_names)} differ from the class folders {list(classes)}"
        )
    classes = request.class_names or classes
    train_found, test_found = (
        _listed(train_root, classes),
        [] if test_root is None else _listed(test_root, classes),
    )
    if not train_found:
        raise InputError(
            f"folder {str(train_root)!r} holds no picture file; class folders with pictures are needed"
        )
    total, tell = len(train_found) + len(test_found), request.progress or _ignore
    train = _opened(request.folder, train_found, classes, request, lambda done, _: tell(done, total))
    where = f" in {str(train_root)!r}" + (f", {len(train.skipped)} unreadable" if train.skipped else "")
    check_class_sizes(train.labels, classes, where=where)
    if test_root is None:
        kept, held = hold_out(train.labels, TEST_SHARE, seed=request.seed)
        return Splits(train.subset(kept), train.subset(held))
    before = len(train_found)
    test = _opened(request.folder, test_found, classes, request, lambda done, _: tell(before + done, total))
    if not len(test):
        raise InputError(
            f"folder {str(test_root)!r} holds no readable picture; class folders with pictures are needed"
        )
    return Splits(train, test)
