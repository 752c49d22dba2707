"""The one type for images of any source, and what an opener is asked for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple, TypedDict

import torch
from torch import Tensor
from torch.utils.data import Dataset

from patternscope.errors import InputError

Progress = Callable[[int, int], None]
"""Called with (done, total) during long work."""


class SourceOptions(TypedDict, total=False):
    """What single sources take besides; `open_images` documents each."""

    preset: str | None
    crop: bool | None
    margin: float | None
    smallest_box: int | None
    image_column: str | None
    label_column: str | None
    arguments: Mapping[str, Any] | None
    factory_folder: Path | None


@dataclass(frozen=True, slots=True)
class Request:
    """What an opener is asked for.

    `image_size` in pixels, `channels` 1 or 3; the counts per class are upper bounds (None: all). `source` is
    the name after which the opener was chosen.
    """

    source: str = ""
    folder: Path | None = None
    image_size: int = 64
    channels: int = 3
    seed: int = 0
    train_per_class: int | None = None
    test_per_class: int | None = None
    class_names: tuple[str, ...] | None = None
    progress: Progress | None = None
    options: SourceOptions = field(default_factory=SourceOptions)


class ImageSet(Dataset[tuple[Tensor, int]]):
    """Labelled images of one size, read when asked for; a map-style torch Dataset.

    `classes` names, `labels` int64 (n,), `names` a file name or index for each image, `skipped` unreadable
    files with the reason. `set[i]` is (uint8 (channels, size, size), label), the caller's to change.
    `read(i)` gives image i and `read_mask(i)` a bool (size, size) mask of its object; the latter is None
    without masks. Images read are kept up to `cache_bytes`, so that a slow source is read once.

    Raises InputError when labels, names and classes don't fit together.

    >>> pictures = torch.zeros(2, 3, 8, 8, dtype=torch.uint8)
    >>> image_set = ImageSet(("a", "b"), torch.tensor([0, 1]), pictures.__getitem__)
    >>> len(image_set), image_set[1][0].shape, image_set[1][1], image_set.mask(0)
    (2, torch.Size([3, 8, 8]), 1, None)
    """

    def __init__(
        self,
        classes: Sequence[str],
        labels: Tensor,
        read: Callable[[int], Tensor],
        *,
        names: Sequence[str] | None = None,
        read_mask: Callable[[int], Tensor] | None = None,
        skipped: Sequence[str] = (),
        cache_bytes: int = 0,
    ) -> None:
        check_labels(labels, classes)
        self.classes = tuple(classes)
        self.labels = labels.to(dtype=torch.int64, device="cpu", copy=True)
        self.names = tuple(str(i) for i in range(len(labels))) if names is None else tuple(names)
        self.skipped = tuple(skipped)
        if len(self.names) != len(labels):
            raise InputError(
                f"names hold {len(self.names)} entries; {len(labels)} are needed, one for each label"
            )
        self._read, self._read_mask = read, read_mask
        self._cache: dict[int, Tensor] = {}
        self._room = cache_bytes

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Return one image and its label."""
        at = self._position(index)
        return self._image(at).clone(), int(self.labels[at])

    @property
    def has_masks(self) -> bool:
        """Whether `mask` gives masks."""
        return self._read_mask is not None

    def mask(self, index: int) -> Tensor | None:
        """Return the mask of the object in one image, bool (size, size), or None where the source has none."""
        at = self._position(index)
        return None if self._read_mask is None else self._read_mask(at)

    def batch(self, indices: Sequence[int] | Tensor, progress: Progress | None = None) -> Tensor:
        """Return several images as one uint8 tensor (b, channels, size, size).

        `progress` is called with (done, total) after each image.

        Raises InputError for no index or one out of range.
        """
        wanted = [self._position(int(index)) for index in indices]
        if not wanted:
            raise InputError("indices are empty; at least one image is needed")
        first = self._image(wanted[0])
        images = torch.empty((len(wanted), *first.shape), dtype=torch.uint8)
        for done, at in enumerate(wanted):
            images[done] = self._image(at)
            if progress is not None:
                progress(done + 1, len(wanted))
        return images

    def subset(self, indices: Sequence[int] | Tensor) -> "ImageSet":
        """Return the images at `indices`, in that order, as a set of its own.

        Classes, names and masks are kept; nothing is read.

        Raises InputError for an index out of range.
        """
        chosen = [self._position(int(index)) for index in indices]
        mask = None if self._read_mask is None else _Picked(self._read_mask, chosen)
        return ImageSet(
            self.classes,
            self.labels[torch.tensor(chosen, dtype=torch.int64)],
            _Picked(self._image, chosen),
            names=[self.names[at] for at in chosen],
            read_mask=mask,
            skipped=self.skipped,
        )

    def keep(self, images: dict[int, Tensor]) -> None:
        """Keep images that an opener has read already, by index, so that they aren't read again."""
        self._cache.update(images)

    def _position(self, index: int) -> int:
        """The index counted from the front, or why there is none."""
        if not -len(self) <= index < len(self):
            # An IndexError too, since iteration over a sequence ends by one.
            raise ImageIndexError(f"index is {index}; the set holds {len(self)} images")
        return index % len(self)

    def _image(self, at: int) -> Tensor:
        """One image, kept if there is room; not to be given out without a copy."""
        if at in self._cache:
            return self._cache[at]
        image = self._read(at)
        if image.nbytes <= self._room:
            self._cache[at] = image
            self._room -= image.nbytes
        return image


class ImageIndexError(InputError, IndexError):
    """An index beyond the images of a set."""


class _Picked(NamedTuple):
    """Reads by position in a choice; a type rather than a closure so that loader processes can receive it."""

    read: Callable[[int], Tensor]
    chosen: list[int]

    def __call__(self, index: int) -> Tensor:
        return self.read(self.chosen[index])


class Splits(NamedTuple):
    """Images to train on and images held out, of the same classes."""

    train: ImageSet
    test: ImageSet


def check_labels(labels: Tensor, classes: Sequence[str], what: str = "labels") -> None:
    """Refuse labels that aren't integers of shape (n,) within the classes.

    Raises InputError.

    >>> check_labels(torch.tensor([0, 1]), ["a", "b"])
    """
    if labels.ndim != 1 or labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        seen = f"{str(labels.dtype).removeprefix('torch.')} of shape {tuple(labels.shape)}"
        raise InputError(f"{what} are {seen}; integers of shape (n,) are needed")
    outside = labels[(labels < 0) | (labels >= len(classes))]
    if len(outside):
        raise InputError(
            f"{what} hold {int(outside[0])}, outside the classes; 0 to {len(classes) - 1} are valid"
        )


def check_class_sizes(labels: Tensor, classes: Sequence[str], least: int = 2, where: str = "") -> None:
    """Refuse a class with fewer than `least` images.

    `where` is added to the message.

    Raises InputError.

    >>> check_class_sizes(torch.tensor([0, 0, 1, 1]), ["a", "b"])
    """
    counts = torch.bincount(labels, minlength=len(classes)).tolist()
    for name, count in zip(classes, counts, strict=True):
        if count < least:
            raise InputError(f"class {name!r} has {count} image(s){where}; at least {least} are needed")
