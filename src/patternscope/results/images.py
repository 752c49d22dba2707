"""Results of the stage images: the images to analyse, to test and to train on, and the missing ones."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from torch import Tensor

from patternscope.results.arrays import ShardedArray, ShardWriter
from patternscope.results.result import Result, arrays, folder, record
from patternscope.tensor_files import read_tensors, write_tensors

LABELLED_PARTS = ("held_out", "train")
_LABELS_FILE, _FITTED_FILE = "labels.safetensors", "rows.safetensors"
_BATCH = 256


def visible_channels(images: np.ndarray) -> np.ndarray:
    """Return images (n, channels, height, width) with the displayed channels: 1, or the first 3.

    With 2 channels the first is grey, with 4 the first three are colours; the last is alpha, or another band.

    >>> visible_channels(np.zeros((5, 2, 8, 8))).shape, visible_channels(np.zeros((5, 4, 8, 8))).shape
    ((5, 1, 8, 8), (5, 3, 8, 8))
    """
    return images[:, : 3 if images.shape[1] > 2 else 1]


@dataclass(frozen=True)
class LabelledImages:
    """Images (n, channels, height, width) uint8 on disk, and their labels (n,)."""

    images: ShardedArray
    labels: Tensor

    @staticmethod
    def write(folder: Path, batches: Iterable[Tensor], labels: Tensor) -> None:
        """Write images batch by batch, in shards, and their labels."""
        writer = ShardWriter(folder, "images")
        for batch in batches:
            writer.append(batch)
        writer.close()
        write_tensors({"labels": labels}, folder / _LABELS_FILE)

    def save(self, folder: Path) -> None:
        """Write the images into another folder."""
        self.write(folder, self.images.batches(_BATCH), self.labels)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return what `write` wrote; images stay on disk."""
        return cls(ShardedArray(folder, "images"), read_tensors(folder / _LABELS_FILE)["labels"])


@dataclass(frozen=True)
class FittedImages:
    """The images that maps are fitted to, if not all: their indices (m,) int64, increasing."""

    rows: Tensor

    def save(self, folder: Path) -> None:
        """Write the indices into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        write_tensors({"rows": self.rows}, folder / _FITTED_FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return what `save` wrote."""
        return cls(read_tensors(folder / _FITTED_FILE)["rows"])


class ImagesResult(Result):
    """The images of a study.

    Attributes:
        images: the samples (n, channels, height, width) uint8, a stratified choice of the held-out images.
        labels: their classes (n,) int64. masks: object masks (n, height, width), None if the source has none.
        identity: of each sample, independent of its index (n,) int64; `identity_labels`: its class.
        classes: names, by label.
        source: name of the image source. names: of the samples.
        counts: samples of each class. short: those of classes with fewer than requested.
        held_out_count, train_count: numbers of images.
        has_masks: whether the source has masks.
        labelled: False if the network's own decision is used instead of labels.
        skipped: files that could not be read.
        held_out, train: all held-out images, and those to train on; None if the study has none.
        fitted: the images that maps are fitted to, a stratified choice by identity; None for all.
    """

    STAGE = "images"

    images: Tensor = arrays("samples")
    labels: Tensor = arrays("samples")
    masks: Tensor | None = arrays("samples")
    identity: Tensor = arrays("identity")
    identity_labels: Tensor = arrays("identity", key="labels")
    classes: tuple[str, ...] = record("classes")
    source: str = record("images")
    names: tuple[str, ...] = record("images", key="samples")
    counts: dict[str, int] = record("images")
    short: dict[str, int] = record("images")
    held_out_count: int = record("images", key="held_out")
    train_count: int = record("images", key="train")
    has_masks: bool = record("images")
    labelled: bool | None = record("images", omit_none=True)
    skipped: tuple[str, ...] = record("images")
    held_out: LabelledImages | None = folder("held_out", LabelledImages)
    train: LabelledImages | None = folder("train", LabelledImages)
    # A separate folder, absent if maps are fitted to all images: the keys of such studies do not change.
    fitted: FittedImages | None = folder("fitted", FittedImages)

    @property
    def fitted_rows(self) -> Tensor | None:
        """Indices of the images that maps are fitted to (m,), None for all."""
        return None if self.fitted is None else self.fitted.rows

    @property
    def class_kind(self) -> str:
        """The meaning of `labels` in words: the true class, or the predicted one if the true one is unknown."""
        return "predicted class" if self.labelled is False else "true class"
