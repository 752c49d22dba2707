"""Images and labels from tensors, arrays, data sets, loaders, or a folder of pictures."""

import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images import ImageSet, choose_samples, open_images
from patternscope.networks.capture.hooks import isolate_random_state

Labels = Tensor | np.ndarray | Sequence[int]
_HOW = ("resize", "white", "pixel_limit")


def read_images(
    images: Any,
    labels: Labels | None,
    classes: Sequence[str] | None,
    samples_per_class: int,
    image_size: int,
    seed: int,
    asked: Mapping[str, Any] | None = None,
) -> tuple[Tensor, Tensor | None, Sequence[str] | None, ImageSet | None]:
    """Return images (n, channels, h, w), labels (n,), class names and images to train on, as far as known.

    `asked` is the section [images] of the settings: how the pictures of a folder are resized, and their value of white.
    InputError for unusable input, and for `asked` without pictures to read.
    """
    how = {name: value for name, value in (asked or {}).items() if name in _HOW}
    if isinstance(images, str | Path):
        opened = open_images("folder", folder=images, image_size=image_size, class_names=classes, seed=seed, **how)
        chosen = opened.test.subset(choose_samples(opened.test.labels, samples_per_class, seed=seed))
        return chosen.batch(range(len(chosen))), chosen.labels, chosen.classes, opened.train
    if how:
        raise InputError(f"settings: expected images.{next(iter(how))} for a folder of pictures, got images in memory")
    if isinstance(images, Tensor | np.ndarray):
        known = None if labels is None else _integers(labels)
        return _checked_pixels(_tensor(images)), known, classes, None
    if labels is not None:
        raise InputError("labels: expected None for a data set, whose items have labels, got labels")
    batches = [_pair(item) for item in _items(images)]
    if not batches:
        raise InputError("images: expected pairs of images and labels, got none")
    if len(shapes := {tuple(batch.shape[1:]) for batch, _ in batches}) > 1:
        raise InputError(f"images: expected images of one size, got {sorted(shapes)[:3]}")
    pixels, known = torch.cat([batch for batch, _ in batches]), torch.cat([own for _, own in batches])
    return _checked_pixels(pixels), known, classes, None


def _items(images: Any) -> Iterable[Any]:
    """The items of a data set or loader; a data set of torch need not be iterable."""
    if hasattr(images, "__getitem__") and hasattr(images, "__len__"):
        return (images[index] for index in range(len(images)))
    if not isinstance(images, Iterable):
        raise InputError(f"images: expected a tensor, a data set, a loader or a folder, got {type(images).__name__}")
    return images


def _pair(item: Any) -> tuple[Tensor, Tensor]:
    """One item as a batch of images and their labels."""
    try:
        pixels, labels = _tensor(item[0]), _integers(item[1])
    except (TypeError, ValueError, IndexError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"images: expected pairs of an image and a label, got {type(item).__name__}") from error
    return (pixels[None], labels[None]) if pixels.ndim == 3 else (pixels, labels)


def _tensor(values: Any) -> Tensor:
    """A tensor on the CPU from anything with numbers; an array may be flipped or have a foreign byte order."""
    if isinstance(values, Tensor):
        return values.detach().cpu()
    array = np.array(values, order="C")
    return torch.from_numpy(array.astype(array.dtype.newbyteorder("="), copy=False))


def _integers(labels: Any) -> Tensor:
    """Labels as integers; InputError for any other type, which a cast would hide."""
    try:
        known = _tensor(labels)
    except (TypeError, ValueError) as error:
        raise InputError(f"labels: expected integers, got {labels!r:.60}") from error
    if known.is_floating_point() or known.is_complex() or known.dtype == torch.bool:
        raise InputError(f"labels: expected integers, got {known.dtype}")
    return known.long()


@contextmanager
def isolated_randomness() -> Iterator[None]:
    """Protect the caller's random state from a loader that shuffles, or a data set with random transforms."""
    states = random.getstate(), np.random.get_state()  # noqa: NPY002 - the state of others
    try:
        with isolate_random_state():
            yield
    finally:
        random.setstate(states[0])
        np.random.set_state(states[1])  # noqa: NPY002


def _checked_pixels(pixels: Tensor) -> Tensor:
    """Images of 1 to 4 channels with pixels in [0, 1], or uint8."""
    if pixels.ndim != 4 or pixels.shape[1] not in (1, 2, 3, 4) or not len(pixels):
        raise InputError(f"images: expected (n, 1 to 4, height, width), got {tuple(pixels.shape)}")
    pixels = pixels.contiguous()  # another memory order would be rounded differently
    if pixels.dtype == torch.uint8:
        return pixels
    if not pixels.is_floating_point():
        raise InputError(f"images: expected floating point or uint8, got {pixels.dtype}")
    low, high = float(pixels.min()), float(pixels.max())
    if not (low >= 0 and high <= 1):
        raise InputError(
            f"images: expected pixels in [0, 1], got {low:.3g} to {high:.3g}; give the normaliser as mean and std"
        )
    return pixels


def as_bytes(pixels: Tensor) -> Tensor:
    """Return pixels as uint8, for pictures.

    >>> as_bytes(torch.tensor([0.0, 1.0])).tolist()
    [0, 255]
    """
    return pixels if pixels.dtype == torch.uint8 else (pixels * 255).round().to(torch.uint8)


def check_labels(labels: Tensor | None, classes: Sequence[str] | None, logits: Tensor) -> tuple[Tensor, Sequence[str]]:
    """Return labels that fit the logits (without labels, the predicted ones), and names of classes; else InputError."""
    n, c = logits.shape
    labels = logits.argmax(dim=1) if labels is None else labels
    if labels.shape != (n,):
        raise InputError(f"labels: expected {n}, one per image, got shape {tuple(labels.shape)}")
    if n and not 0 <= int(labels.min()) <= int(labels.max()) < c:
        raise InputError(
            f"labels: expected classes of the network, 0 to {c - 1}, got {int(labels.min())} to {int(labels.max())}"
        )
    names = [str(label) for label in range(c)] if classes is None else list(classes)
    if len(names) != c:
        raise InputError(f"classes: expected {c} names, one per logit of the network, got {len(names)}")
    if len(set(names)) < c:
        raise InputError(f"classes: expected each name once, got {names}")
    return labels, names
