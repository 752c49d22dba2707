"""Images in class folders, with or without split folders above them."""

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path

from patternscope.errors import InputError, nearest
from patternscope.images.readers.decoding import load_picture
from patternscope.images.readers.files import class_folders, folders_in, picture_files, printable, why_not_opened
from patternscope.images.readers.pictures import Picture, open_pictures
from patternscope.images.readers.source import Request, Source, Splits

_TRAIN_NAMES = ("train", "training")
_TEST_NAMES = ("test", "testing", "val", "valid", "validation")


def open_folder(request: Request) -> Splits:
    """Return the images of class folders (ImageFolder layout), held-out ones from a split folder or chosen.

    `folder/CLASS/...` or `folder/train/CLASS/...` next to test, val, valid or validation (any case;
    test comes first); without such a folder, a seeded 20 % of every class is held out. `class_names` selects class
    folders, in this order. Symbolic links are followed; names that differ only in Unicode form are one class.
    Hidden files and the folders of studies are ignored, picture files that cannot be opened and decoded to their end
    are listed in `skipped`, once.
    """
    # Imported here, since the layouts include those of this source.
    from patternscope.images.readers.layout_detection import class_folders_hint

    root = request.folder_with(expected="class folders")
    hint = class_folders_hint(root)
    if hint is not None:
        raise InputError(f"folder {str(root)!r}: expected class folders; {hint}")
    train_root, test_root = _split_folders(root)
    classes = _class_names(train_root, request.class_names)
    train = list_pictures(root, _labelled(train_root, classes))
    if not train:
        raise InputError(f"folder {str(train_root)!r}: expected pictures in its class folders, got none")
    test = None
    if test_root is not None:
        _check_held_out(test_root, train_root)
        test = list_pictures(root, _labelled(test_root, classes))
    return open_pictures(classes, train, test, request, where=repr(str(train_root)))


def _split_folders(root: Path) -> tuple[Path, Path | None]:
    """Return the folder of the class folders to train on, and that of the held-out ones if there is one."""
    folders = folders_in(root)
    train = _named(folders, _TRAIN_NAMES)
    if not train:
        return root, None
    classes = class_folders(train[0]).keys()
    for test in _named(folders, _TEST_NAMES):
        # Some image sets ship held-out pictures without class folders; those have no labels to test on.
        if classes & class_folders(test).keys():
            return train[0], test
    return train[0], None


def _named(folders: list[Path], names: tuple[str, ...]) -> list[Path]:
    """Return the folders with one of these names in any case, in the order of the names."""
    return [folder for name in names for folder in folders if folder.name.lower() == name]


def _class_names(root: Path, selected: tuple[str, ...] | None) -> tuple[str, ...]:
    """Return the names of the class folders, or the selected ones; at least two."""
    names = list(class_folders(root))
    for name in selected or ():
        if name not in names:
            hint = nearest(name, names)
            raise InputError(f"class_names: expected class folders of {str(root)!r}, got {name!r}; {hint}")
    if len(names) < 2:
        raise InputError(f"folder {str(root)!r}: expected two or more class folders, got {len(names)}")
    return tuple(names) if selected is None else selected


def _labelled(root: Path, classes: Sequence[str]) -> Iterator[tuple[int, Path]]:
    """Yield the folders of classes and their labels; a class may have none, or several forms of its name."""
    folders = class_folders(root)
    return ((label, folder) for label, name in enumerate(classes) for folder in folders.get(name, ()))


def list_pictures(root: Path, folders: Iterable[tuple[int, Path]]) -> list[Picture]:
    """Return the picture files of labelled folders, named from `root` on."""
    return [
        Picture(printable(path.relative_to(root)), label, partial(load_picture, path), refused=why_not_opened(path))
        for label, folder in folders
        for path in picture_files(folder)
    ]


def _check_held_out(root: Path, train_root: Path) -> None:
    """Refuse held-out images of a class that is not trained on."""
    classes = class_folders(train_root)
    for name, folders in class_folders(root).items():
        if name not in classes:
            hint = nearest(name, classes)
            raise InputError(f"folder {str(folders[0])!r}: expected a class that is trained on; {hint}")


def _count_classes(folder: Path | None, class_names: Sequence[str] | None) -> int | None:
    """Return the number of classes that are named, or of class folders."""
    if class_names is not None:
        return len(class_names)
    return None if folder is None else len(class_folders(_split_folders(folder)[0]))


# Settings and code may be next to class folders and change independently of the images: only pictures count.
SOURCE = Source(name="folder", read=open_folder, files=picture_files, count_classes=_count_classes)
