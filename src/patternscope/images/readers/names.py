"""Names of sources, and which settings belong to which."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from patternscope.errors import InputError, nearest

NAMED = (
    "pictograms",
    "folder",
    "idx",
    "arrays",
    "tiny_imagenet",
    "imagenet",
    "cub",
    "coco",
    "cifar",
    "parquet",
)
"""Sources that are called by one word."""

_OPTIONS = {
    "preset": ("tiny_imagenet", "imagenet"),
    "crop": ("cub",),
    "margin": ("cub", "coco"),
    "smallest_box": ("coco",),
    "image_column": ("parquet",),
    "label_column": ("parquet",),
    "arguments": ("torchvision", "factory"),
    "factory_folder": ("factory",),
}
_WITHOUT_FOLDER = ("pictograms", "factory")


def source_kind(source: str) -> str:
    """Return what kind of source a name is: one of NAMED, "torchvision" or "factory".

    Raises InputError for an unknown name; the nearest is named.

    >>> source_kind("torchvision:MNIST"), source_kind("my_images:load")
    ('torchvision', 'factory')
    """
    before, colon, after = source.partition(":")
    if source in NAMED:
        return source
    if colon and before and after:
        return "torchvision" if before == "torchvision" else "factory"
    raise InputError(
        f"source is {source!r}, which is not known; {nearest(source, NAMED)}; also torchvision:NAME and "
        "package.module:factory"
    )


def check_source(source: str, folder: Path | None, options: Mapping[str, Any]) -> None:
    """Refuse an unknown source, one without its folder or with a needless one, and options of another.

    Options that are None are not set.

    Raises InputError.

    >>> check_source("cub", Path("birds"), {"preset": "paper"})
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: preset is for tiny_imagenet and imagenet, not for source 'cub'
    """
    kind = source_kind(source)
    if kind == "pictograms" and folder is not None:
        raise InputError(
            "folder is given, but source 'pictograms' needs no folder; leave it out or name another source"
        )
    if kind not in _WITHOUT_FOLDER and folder is None:
        raise InputError(f"source {source!r} needs a folder")
    for name, value in options.items():
        if name not in _OPTIONS:
            raise InputError(f"{name} is no option of a source; {nearest(name, _OPTIONS)}")
        if value is not None and kind not in _OPTIONS[name]:
            raise InputError(f"{name} is for {' and '.join(_OPTIONS[name])}, not for source {source!r}")
