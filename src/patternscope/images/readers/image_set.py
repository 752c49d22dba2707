"""The one type for images of any source."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from patternscope.errors import InputError

Progress = Callable[[int, int], None]
"""Called with (done, total) during long work."""


class ImageSet(Dataset[tuple[Tensor, int]]):
    """Labelled images of one size, read on access; a map-style torch Dataset.

    `classes` names, `labels` int64 (n,), `names` a file name or index per image, `skipped` unreadable files
    with the reason. `set[i]` is (uint8 (channels, size, size), label); the caller may change the image.
    `read(i)` returns image i and `read_mask(i)` a bool (size, size) mask of its object; the latter is None
    without masks. Images are cached up to `cache_bytes`, so that a slow source is read only once.

    Raises InputError when labels, names and classes disagree.

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
            raise InputError(f"names: expected {len(labels)}, one per label, got {len(self.names)}")
        self._read, self._read_mask = read, read_mask
        self._cache: dict[int, Tensor] = {}
        self._room = cache_bytes

    def __len__(self) -> int:
        """Return the number of images."""
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        """Return one image and its label."""
        position = self._position(index)
        return self._image(position).clone(), int(self.labels[position])

    @property
    def has_masks(self) -> bool:
        """Whether the source has masks."""
        return self._read_mask is not None

    def mask(self, index: int) -> Tensor | None:
        """Return the mask of the object in one image, bool (size, size), or None if the source has none."""
        position = self._position(index)
        return None if self._read_mask is None else self._read_mask(position)

    def batch(self, indices: Sequence[int] | Tensor, progress: Progress | None = None) -> Tensor:
        """Return several images as one uint8 tensor (b, channels, size, size); InputError for none.

        `progress` is called with (done, total) after each image.
        """
        positions = [self._position(int(index)) for index in indices]
        if not positions:
            raise InputError("indices: expected at least one, got none")
        images = torch.empty((len(positions), *self._image(positions[0]).shape), dtype=torch.uint8)
        for place, position in enumerate(positions):
            images[place] = self._image(position)
            if progress is not None:
                progress(place + 1, len(positions))
        return images

    def subset(self, indices: Sequence[int] | Tensor) -> "ImageSet":
        """Return the images at `indices`, in that order, with their names and masks; nothing is read."""
        positions = [self._position(int(index)) for index in indices]
        return ImageSet(
            self.classes,
            self.labels[torch.tensor(positions, dtype=torch.int64)],
            partial(_read_subset, self._image, positions),
            names=[self.names[position] for position in positions],
            read_mask=None if self._read_mask is None else partial(_read_subset, self._read_mask, positions),
            skipped=self.skipped,
        )

    def keep(self, images: dict[int, Tensor]) -> None:
        """Cache images that were read while the source was opened, by index."""
        self._cache.update(images)

    def _position(self, index: int) -> int:
        """Return the index counted from the front; ImageIndexError beyond the set."""
        if not -len(self) <= index < len(self):
            raise ImageIndexError(f"index: expected one of {len(self)} images, got {index}")
        return index % len(self)

    def _image(self, position: int) -> Tensor:
        """Return one image, cached if there is room; the caller copies it."""
        if position in self._cache:
            return self._cache[position]
        image = self._read(position)
        if image.nbytes <= self._room:
            self._cache[position] = image
            self._room -= image.nbytes
        return image


class ImageIndexError(InputError, IndexError):
    """An index beyond the images of a set; also an IndexError, which ends iteration over a sequence."""


def _read_subset(read: Callable[[int], Tensor], positions: list[int], index: int) -> Tensor:
    """Read by position in a subset."""
    return read(positions[index])


def check_labels(labels: Tensor, classes: Sequence[str], what: str = "labels") -> None:
    """Raise InputError unless labels are integers of shape (n,) within the classes.

    >>> check_labels(torch.tensor([0, 1]), ["a", "b"])
    """
    if labels.ndim != 1 or labels.is_floating_point() or labels.is_complex() or labels.dtype == torch.bool:
        dtype = str(labels.dtype).removeprefix("torch.")
        raise InputError(f"{what}: expected integers of shape (n,), got {dtype} of shape {tuple(labels.shape)}")
    outside = labels[(labels < 0) | (labels >= len(classes))]
    if len(outside):
        raise InputError(f"{what}: expected classes 0 to {len(classes) - 1}, got {int(outside[0])}")


def label_classes(labels: Sequence[int] | np.ndarray, names: Sequence[str] | None, what: str) -> dict[int, str]:
    """Return the classes of labels that are numbers: the name of each label, in the order of the classes.

    Names are by label; without them, the classes are the distinct labels, named by their number. Memory does not depend
    on the size of the numbers, which may be identifiers.

    Raises InputError, which begins with `what`, for labels below 0 or without a name.

    >>> label_classes([3, 10_000_000, 3], None, "labels")
    {3: '3', 10000000: '10000000'}
    """
    distinct = np.unique(np.asarray(labels)).tolist()
    if distinct[0] < 0 or (names is not None and distinct[-1] >= len(names)):
        expected = "labels from 0" if names is None else f"labels of {len(names)} named classes"
        raise InputError(f"{what}: expected {expected}, got {distinct[0] if distinct[0] < 0 else distinct[-1]}")
    return {label: str(label) for label in distinct} if names is None else dict(enumerate(names))


def place_labels(labels: np.ndarray, classes: Mapping[int, str]) -> Tensor:
    """Return labels (n,), all of them among the classes, as their places there, int64.

    >>> place_labels(np.array([7, 3, 7]), {3: "a", 7: "b"}).tolist()
    [1, 0, 1]
    """
    return torch.from_numpy(np.searchsorted(np.fromiter(classes, np.int64), labels))


def check_class_sizes(labels: Tensor, classes: Sequence[str], where: str = "", note: str = "") -> None:
    """Raise InputError, which begins with `where` and ends with a `note`, unless each class has two images.

    >>> check_class_sizes(torch.tensor([0, 0, 1, 1]), ["a", "b"])
    """
    counts = torch.bincount(labels, minlength=len(classes)).tolist()
    for name, count in zip(classes, counts, strict=True):
        if count < 2:
            raise InputError(f"class {name!r}: expected 2 or more images{where}, got {count}{note}")
