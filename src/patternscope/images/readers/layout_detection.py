"""Which source a folder is made for, by the files that are there."""

from pathlib import Path
from typing import NamedTuple

from patternscope.images.readers.cifar import is_pickled_cifar


class _Layout(NamedTuple):
    """A source, what people call it, and patterns of which each has a file or folder."""

    source: str
    title: str
    signs: tuple[str, ...]


_LAYOUTS = (
    _Layout("tiny_imagenet", "Tiny ImageNet", ("wnids.txt", "train")),
    _Layout("cub", "CUB-200-2011", ("images.txt", "image_class_labels.txt")),
    _Layout("coco", "COCO", ("annotations/instances_*.json",)),
    _Layout("cifar", "CIFAR-10", ("data_batch_1.bin",)),
    _Layout("cifar", "CIFAR-100", ("train.bin", "test.bin")),
    _Layout("imagenet", "ImageNet", ("train/n" + "[0-9]" * 8,)),
    _Layout("imagenet", "ImageNet", ("ILSVRC/Data/CLS-LOC/train",)),
    _Layout("idx", "MNIST's IDX files", ("train-images*idx3-ubyte*",)),
    _Layout("parquet", "Hugging Face's parquet files", ("*.parquet",)),
    _Layout("parquet", "Hugging Face's parquet files", ("*/*.parquet",)),
    _Layout("arrays", "NumPy arrays", ("images.npy", "labels.npy")),
    _Layout("arrays", "NumPy arrays", ("x_train.npy", "y_train.npy")),
)
_NO_CLASS_FOLDERS = ("tiny_imagenet", "cub", "coco")
"""Sources whose folders would pass for class folders, and the images be those of wrong classes."""
_MOST_FOLDERS = 50


def layout_hint(source: str, folder: Path | None) -> str | None:
    """Return a clause that says what a folder looks like, and what to set; None when that is `source`, or unknown.

    Also looked for in the folders inside, since archives unpack into one of their own.

    >>> layout_hint("folder", None) is None
    True
    """
    if folder is None or not folder.is_dir():
        return None
    inside = sorted(each for each in folder.iterdir() if each.is_dir())[:_MOST_FOLDERS]
    for place in (folder, *inside):
        found = [each for each in _LAYOUTS if all(any(place.glob(sign)) for sign in each.signs)]
        if found and found[0].source == source and place == folder:
            return None
        if found:
            return _text(found[0], place, folder)
        if is_pickled_cifar(place) and source != "cifar":
            return (
                f"{place} looks like CIFAR's Python version, which is pickled: unpack the binary version, "
                'and set source = "cifar"'
            )
    return None


def passes_for_class_folders(folder: Path | None) -> str | None:
    """Return the hint for a folder whose parts would be taken for classes, None for any other."""
    if folder is None or not folder.is_dir():
        return None
    for each in _LAYOUTS:
        if each.source in _NO_CLASS_FOLDERS and all(any(folder.glob(sign)) for sign in each.signs):
            return _text(each, folder, folder)
    return None


def _text(layout: _Layout, place: Path, folder: Path) -> str:
    """The clause."""
    where = "" if place == folder else f' and folder = "{place}"'
    return f'{place} looks like {layout.title}: set source = "{layout.source}"{where}'
