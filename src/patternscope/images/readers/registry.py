"""All image sources, and which settings fit which."""

from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from patternscope.errors import InputError, nearest
from patternscope.images.readers.source import Option, Source, SourceOptions

# A folder that fits the layouts of several sources belongs to the first. A factory accepts any name with a colon.
_MODULES = (
    "pictograms",
    "folder",
    "tiny_imagenet",
    "cub",
    "coco",
    "cifar",
    "imagenet",
    "idx",
    "parquet",
    "arrays",
    "torchvision_sets",
    "memory",
    "factory",
)
_RECORDS: list[Source] = [import_module(f"{__package__}.{name}").SOURCE for name in _MODULES]
SOURCES: dict[str, Source] = {source.name: source for source in _RECORDS}
"""The record of each source."""


def find_source(source: str) -> Source:
    """Return the record of a source; InputError for an unknown name, with the nearest one.

    >>> find_source("torchvision:MNIST").name, find_source("my_images:load").name
    ('torchvision', 'factory')
    """
    record = next((record for record in SOURCES.values() if record.accepts(source)), None)
    if record is None:
        hint = nearest(source, offered_forms())
        raise InputError(f"source: expected a source of images, got {source!r}; {hint}")
    return record


def source_kind(source: str) -> str:
    """Return the name of the record of a source: "torchvision" for "torchvision:MNIST".

    Raises InputError for an unknown name; the nearest is named.

    >>> source_kind("cub")
    'cub'
    """
    return find_source(source).name


def offered_forms() -> list[str]:
    """Return the sources that the settings may name, as written there.

    >>> offered_forms()[-1]
    'package.module:factory'
    """
    return [source.form for source in SOURCES.values() if source.is_offered]


def source_options() -> list[Option[Any]]:
    """Return the options of all sources, each once.

    >>> [option.name for option in source_options()][:3]
    ['preset', 'crop', 'margin']
    """
    return list({option.name: option for source in SOURCES.values() for option in source.options}.values())


def sources_with(option: str) -> list[str]:
    """Return the sources that have an option, as written in the settings.

    >>> sources_with("margin")
    ['cub', 'coco']
    """
    return [source.form for source in SOURCES.values() if source.has(option)]


def check_source(source: str, folder: Path | None, options: SourceOptions) -> None:
    """Refuse an unknown source, a missing or superfluous folder, and options of another source.

    Options that are None are not set.

    Raises InputError.

    >>> check_source("cub", Path("birds"), {"preset": "paper"})
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: preset: expected source 'tiny_imagenet' or 'imagenet', got 'cub'
    """
    record = find_source(source)
    if record.folder == "none" and folder is not None:
        raise InputError(f"source {source!r}: expected no folder, got {str(folder)!r}; omit it or set the source")
    if record.folder == "required" and folder is None:
        raise InputError(f"source {source!r}: expected a folder, got none")
    for name, value in options.items():
        owners = sources_with(name)
        if not owners:
            hint = nearest(name, [option.name for option in source_options()])
            raise InputError(f"{name}: expected an option of a source; {hint}")
        if value is not None and not record.has(name):
            raise InputError(f"{name}: expected source {' or '.join(map(repr, owners))}, got {source!r}")


def count_classes(source: str, folder: Path | None, class_names: Sequence[str] | None) -> int | None:
    """Return the number of classes of a source if it is known before reading, else None.

    Also None for fewer than two, which reading refuses. Raises InputError for an unknown source.

    >>> count_classes("pictograms", None, None)
    10
    """
    count = find_source(source).count_classes(folder, class_names)
    return count if count is not None and count > 1 else None
