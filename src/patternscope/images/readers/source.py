"""An image source as one record: its name, options and layouts, and how its images are identified and read."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Literal, NamedTuple, TypeVar

from patternscope.errors import InputError
from patternscope.images.readers.decoding import PIXEL_LIMIT, PixelFormat, Resize
from patternscope.images.readers.files import files_below
from patternscope.images.readers.image_set import ImageSet, Progress

Value = TypeVar("Value")
SourceOptions = Mapping[str, Any]
"""Values of options by name, None where unset; each record of `SOURCES` lists the options of its source."""


@dataclass(frozen=True)
class Option(Generic[Value]):
    """An option of one or more sources, a key of [images].

    `kind` is its type, which may have limits of pydantic; the default of a folder is that of the settings file.
    `default` is used by readers if the option is unset.
    """

    name: str
    kind: Any
    description: str
    default: Value


@dataclass(frozen=True, slots=True)
class Request:
    """A request to a source.

    `image_size` in pixels, `channels` 1 to 4; the counts per class are upper bounds (None: all).
    """

    source: str = ""
    folder: Path | None = None
    image_size: int = 64
    channels: int = 3
    resize: Resize = "crop"
    white: float | None = None
    pixel_limit: int = PIXEL_LIMIT
    seed: int = 0
    train_per_class: int | None = None
    test_per_class: int | None = None
    class_names: tuple[str, ...] | None = None
    progress: Progress | None = None
    options: SourceOptions = field(default_factory=dict)

    @property
    def pixels(self) -> PixelFormat:
        """The format of the pictures."""
        return PixelFormat(self.image_size, self.channels, self.resize, self.white, self.pixel_limit)

    def option(self, option: Option[Value]) -> Value:
        """Return the value of an option, or its default if unset."""
        value = self.options.get(option.name)
        return option.default if value is None else value

    def folder_with(self, *entries: str, expected: str) -> Path:
        """Return the folder; InputError unless it exists and holds the entries."""
        if self.folder is None or not self.folder.exists():
            raise InputError(f"folder {str(self.folder)!r} does not exist; expected {expected}")
        missing = next((entry for entry in entries if not (self.folder / entry).exists()), None)
        if missing is not None or not self.folder.is_dir():
            got = f"no {missing} in it" if self.folder.is_dir() else "a file"
            raise InputError(f"folder {str(self.folder)!r}: expected {expected}, got {got}")
        return self.folder


class Splits(NamedTuple):
    """Images to train on and images held out, of the same classes."""

    train: ImageSet
    test: ImageSet


class Layout(NamedTuple):
    """The name of a data set, and patterns of its files; a pattern of folders ends in "/".

    `remedy` says what to do before the folder can be read.
    """

    title: str
    signs: tuple[str, ...]
    remedy: str = ""

    def fits(self, folder: Path) -> bool:
        """Tell whether a folder has this layout."""
        return all(
            any(path.is_dir() == sign.endswith("/") for path in folder.glob(sign.rstrip("/"))) for sign in self.signs
        )


def _named_classes(folder: Path | None, class_names: Sequence[str] | None) -> int | None:
    """Return the number of class names."""
    return None if class_names is None else len(class_names)


@dataclass(frozen=True, kw_only=True)
class Source:
    """A source of images.

    Attributes:
        name: what [images] source says, or the kind of source where `pattern` is given.
        read: returns the requested images.
        options: its options.
        folder: whether it reads a folder.
        layouts: identify its folders.
        passes_for_class_folders: whether its folders would be read as class folders, with wrong classes.
        files: returns the files of a folder whose names, sizes and times are its fingerprint.
        stamp: returns what else belongs to the fingerprint, of the source's name and options.
        count_classes: returns the number of classes, of the folder and the class names, or None if only reading tells.
        pattern: regular expression for the names of a source that has many.
        written: the form of such a name.
        is_offered: whether a study's settings may name it.
    """

    name: str
    read: Callable[[Request], Splits]
    options: tuple[Option[Any], ...] = ()
    folder: Literal["required", "optional", "none"] = "required"
    layouts: tuple[Layout, ...] = ()
    passes_for_class_folders: bool = False
    files: Callable[[Path], Iterable[Path]] = files_below
    stamp: Callable[[str, SourceOptions], Sequence[Any]] = lambda source, options: ()
    count_classes: Callable[[Path | None, Sequence[str] | None], int | None] = _named_classes
    pattern: str = ""
    written: str = ""
    is_offered: bool = True

    @property
    def form(self) -> str:
        """The name of the source in the settings."""
        return self.written or self.name

    def accepts(self, source: str) -> bool:
        """Tell whether a name is that of this source."""
        return re.fullmatch(self.pattern or re.escape(self.name), source) is not None

    def has(self, option: str) -> bool:
        """Tell whether the source has an option of this name."""
        return any(option == own.name for own in self.options)
