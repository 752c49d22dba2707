"""Results of the stage features: what the network computes for the samples at a checkpoint."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import unquote

import torch
from torch import Tensor

from patternscope.results.arrays import ShardedArray, ShardWriter
from patternscope.results.result import Check, Result, arrays, folder, record, unchecked
from patternscope.workflow.stages import layer_folder

REGIONAL = "regional"
BULK = (f"*/{REGIONAL}-*",)
"""Patterns of the large files of the stage, which may be dropped when nothing needs them any more."""
Features = Tensor | ShardedArray
"""Regional features (n, k, h, w) of a layer, in memory or in shards on disk."""
_BLOCK_NUMBERS = 2**25


def read_rows(features: Features, rows: Tensor | None, device: torch.device | str) -> Tensor:
    """Return the features of some images (m,), by default of all, on a device."""
    if rows is not None:
        return features[rows.to(features.device) if isinstance(features, Tensor) else rows].to(device)
    return (features if isinstance(features, Tensor) else features.load()).to(device)


def read_blocks(
    features: Features, device: torch.device | str, numbers: int | None = None
) -> Iterator[tuple[slice, Tensor]]:
    """Yield indices of images and their features (b, k, h, w) on a device, block by block in order.

    A block has 2^25 numbers, where each image takes `numbers` of them, by default those of its features.
    Memory: one block and, for shards, the part of one that is read.

    >>> [rows for rows, _ in read_blocks(torch.zeros(3, 1, 1, 1), "cpu", numbers=2**24)]
    [slice(0, 2, None), slice(2, 3, None)]
    """
    n = len(features)
    at_once = max(1, _BLOCK_NUMBERS // max(1, numbers or features[:1].numel()))
    for start in range(0, n, at_once):
        rows = slice(start, min(n, start + at_once))
        yield rows, features[rows].to(device)


@dataclass(frozen=True)
class LayerShape:
    """A recorded layer: its name, channels k and region grid (h, w)."""

    layer: str
    channels: int
    grid: tuple[int, int]


@dataclass(frozen=True)
class RegionalFeatures:
    """Regional features of layers, in shards below one folder; read a layer at a time, after a check of its folder."""

    folder: Path
    check: Check = unchecked

    @classmethod
    def load(cls, folder: Path, check: Check = unchecked) -> Self:
        """Return the layers below a folder, if any."""
        return cls(folder, check)

    @property
    def layers(self) -> list[str]:
        """Layers whose features are on disk."""
        return [unquote(path.name) for path in sorted(self.folder.iterdir()) if any(path.glob(f"{REGIONAL}-*"))]

    def read(self, layer: str) -> Tensor:
        """Read the features (n, k, h, w) of a layer into memory."""
        return self.open(layer).load()

    def open(self, layer: str) -> ShardedArray:
        """Return the features (n, k, h, w) of a layer, whose rows are read on access."""
        self.check(f"{layer_folder(layer)}/")
        return ShardedArray(self.folder / layer_folder(layer), REGIONAL)

    def writer(self, layer: str) -> ShardWriter:
        """Return a writer of the features of a layer, batch by batch."""
        return ShardWriter(self.folder / layer_folder(layer), REGIONAL)

    def save(self, folder: Path) -> None:
        """Write the features below a folder, unless they are already there."""
        if folder != self.folder:
            FeaturesInMemory({layer: self.read(layer) for layer in self.layers}).save(folder)


@dataclass(frozen=True)
class FeaturesInMemory:
    """Regional features (n, k, h, w) of layers that were never written."""

    features: Mapping[str, Tensor]

    @property
    def layers(self) -> list[str]:
        """Layers whose features are in memory."""
        return list(self.features)

    def read(self, layer: str) -> Tensor:
        """Return the features of a layer."""
        return self.features[layer]

    def open(self, layer: str) -> Tensor:
        """Return the features of a layer."""
        return self.features[layer]

    def save(self, folder: Path) -> None:
        """Write the features as the stage does."""
        for layer, features in self.features.items():
            writer = RegionalFeatures(folder).writer(layer)
            writer.append(features)
            writer.close()


class FeaturesResult(Result):
    """The values of a network for n samples.

    Attributes:
        sample_features: (n, d). logits: (n, c). target_probs: softmax(logits / T) (n, c).
        layers: the recorded layers, shallow to deep. samples: n.
        regional: regional features (n, k, h, w) by layer, read a layer at a time.
    """

    STAGE = "features"
    AXES = ("checkpoint",)

    sample_features: Tensor = arrays("sample")
    logits: Tensor = arrays("sample")
    target_probs: Tensor = arrays("sample")
    layers: tuple[LayerShape, ...] = record("features")
    samples: int = record("features")
    regional: RegionalFeatures | FeaturesInMemory = folder("{layer}", RegionalFeatures)
