"""Images in class folders, with or without split folders above them."""

import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from patternscope.errors import InputError, nearest
from patternscope.images.readers.decoding import load_picture
from patternscope.images.readers.image_set import Request, Splits
from patternscope.images.readers.layout_detection import passes_for_class_folders
from patternscope.images.readers.pictures import Picture, open_pictures

_TRAIN_NAMES = ("train", "training")
_TEST_NAMES = ("test", "testing", "val", "valid", "validation")
_SUFFIXES = frozenset(
    [".jpg", ".jpeg", ".jfif", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp", ".ppm", ".pgm", ".pbm"]
)


# What this program writes may lie among the images: a study's folder, and that of a comparison.
_WRITTEN = ("study.json", "compare.json")


def _visible(name: str) -> bool:
    """Whether a name is neither hidden nor left by an archiver or by Python."""
    return not name.startswith((".", "__MACOSX", "__pycache__"))


def _written_here(folder: Path) -> bool:
    """Whether a folder holds a study, or studies alone."""
    if any((folder / name).is_file() for name in _WRITTEN):
        return True
    inside = [each for each in folder.iterdir() if _visible(each.name)]
    return bool(inside) and all(each.is_dir() and _written_here(each) for each in inside)


def folders_in(root: Path) -> list[Path]:
    """Return the folders in a folder that may hold images, by name; none where there is no folder.

    Hidden ones, and those of studies, are left out.
    """
    inside = root.iterdir() if root.is_dir() else ()
    return sorted(
        each for each in inside if each.is_dir() and _visible(each.name) and not _written_here(each)
    )


def files_below(root: Path) -> Iterator[Path]:
    """Yield the visible files below a folder, in no order; none of those that studies there hold."""
    for place, folders, names in os.walk(root):
        at = Path(place)
        folders[:] = [name for name in folders if _visible(name) and not _written_here(at / name)]
        yield from (at / name for name in names if _visible(name))


def picture_files(folder: Path) -> list[Path]:
    """Return the visible picture files below a folder, by path."""
    return sorted(each for each in files_below(folder) if each.suffix.lower() in _SUFFIXES)


def _named(folders: list[Path], names: tuple[str, ...]) -> list[Path]:
    """The folders with one of these names in any case, in the order of the names."""
    return [each for name in names for each in folders if each.name.lower() == name]


def split_folders(root: Path) -> tuple[Path, Path | None]:
    """Return the folder of the class folders to train on, and that of the held-out ones if there is one."""
    folders = folders_in(root)
    train = _named(folders, _TRAIN_NAMES)
    if not train:
        return root, None
    known = {each.name for each in folders_in(train[0])}
    for other in _named(folders, _TEST_NAMES):
        # Some image sets ship held-out pictures without class folders; those have no labels to test on.
        if known & {each.name for each in folders_in(other)}:
            return train[0], other
    return train[0], None


def _class_names(root: Path, wanted: tuple[str, ...] | None) -> tuple[str, ...]:
    """The names of the class folders, or those of them that are wanted; at least two."""
    present = [each.name for each in folders_in(root)]
    for name in wanted or ():
        if name not in present:
            raise InputError(
                f"class_names has {name!r}, no folder in {str(root)!r}; {nearest(name, present)}"
            )
    if len(present) < 2:
        raise InputError(f"folder {str(root)!r} holds {len(present)} class folder(s); two or more are needed")
    return tuple(present) if wanted is None else wanted


def listed(root: Path, folders: Sequence[Path]) -> list[Picture]:
    """Return the picture files of class folders, labelled by the order of the folders, named from `root` on."""
    return [
        Picture(path.relative_to(root).as_posix(), label, partial(load_picture, path))
        for label, folder in enumerate(folders)
        for path in picture_files(folder)
    ]


def _check_held_out(root: Path, train_root: Path) -> None:
    """Refuse held-out images of a class that isn't trained on."""
    known = [each.name for each in folders_in(train_root)]
    for each in folders_in(root):
        if each.name not in known:
            raise InputError(f"folder {str(each)!r} is of no class trained on; {nearest(each.name, known)}")


def open_folder(request: Request) -> Splits:
    """Return the images of class folders (ImageFolder layout), held-out ones from a split folder or chosen.

    `folder/CLASS/...` or `folder/train/CLASS/...` with test, val, valid or validation beside it (any case;
    test comes first); without such a folder a seeded 20 % of every class is held out. `class_names` takes
    just these class folders, in this order. Hidden files and the folders of studies are ignored, files that
    can't be decoded to their end are named in `skipped`, once.

    Raises InputError for a missing or empty folder, fewer than two classes, fewer than two images of one.
    """
    root = request.folder
    if root is None or not root.is_dir():
        raise InputError(f"folder {str(root)!r} is not there; class folders are needed")
    other = passes_for_class_folders(root)
    if other is not None:
        raise InputError(f"folder {str(root)!r} is not one of class folders; {other}")
    train_root, test_root = split_folders(root)
    classes = _class_names(train_root, request.class_names)
    train = listed(root, [train_root / name for name in classes])
    if not train:
        raise InputError(f"folder {str(train_root)!r} has no picture in its class folders")
    test = None
    if test_root is not None:
        _check_held_out(test_root, train_root)
        test = listed(root, [test_root / name for name in classes])
    return open_pictures(classes, train, test, request, where=repr(str(train_root)))
