"""The part of a study's images that maps are fitted to: all of them, or a stratified choice of many."""

from dataclasses import dataclass
from typing import Protocol, Self

import torch
from torch import Tensor

from patternscope.results.features import Features, read_rows
from patternscope.results.fits import ImportanceResult
from patternscope.results.images import ImagesResult


class SampleFrame(Protocol):
    """The sample embedding (n, e) in whose frame regions are embedded, and its mean directions (c, e)."""

    @property
    def embedding(self) -> Tensor:
        """Return g."""
        ...

    @property
    def mean_directions(self) -> Tensor:
        """Return mu."""
        ...


@dataclass(frozen=True)
class _Frame:
    """The frame of some images."""

    embedding: Tensor
    mean_directions: Tensor


@dataclass(frozen=True)
class FittedPart:
    """The images that maps are fitted to, as indices among all (m,), None for all of them.

    >>> FittedPart(torch.tensor([0, 2])).of(torch.tensor([5, 6, 7]))
    tensor([5, 7])
    """

    rows: Tensor | None

    @classmethod
    def among(cls, images: ImagesResult) -> Self:
        """Return the part of a study's images."""
        return cls(images.fitted_rows)

    def of(self, values: Tensor) -> Tensor:
        """Return the rows of the part of values (n, ...)."""
        return values if self.rows is None else values[self.rows.to(values.device)]

    def places(self, rows: Tensor) -> Tensor:
        """Return the indices, among all images, of rows of the part."""
        return rows if self.rows is None else self.rows.to(rows.device)[rows]

    def read(self, features: Features, device: torch.device | str) -> Tensor:
        """Return the features (m, k, h, w) of the part on a device."""
        return read_rows(features, self.rows, device)

    def images(self, images: ImagesResult) -> ImagesResult:
        """Return the images of the part as a separate study, without their pixels."""
        if self.rows is None:
            return images
        identity, labels = self.of(images.identity), self.of(images.identity_labels)
        return images.with_values(identity=identity, identity_labels=labels, labels=labels, fitted=None)

    def frame(self, sample: SampleFrame) -> SampleFrame:
        """Return the frame of the part."""
        return sample if self.rows is None else _Frame(self.of(sample.embedding), sample.mean_directions)

    def weights(self, weights: ImportanceResult | None) -> ImportanceResult | None:
        """Return the importance weights of the part."""
        if weights is None or self.rows is None:
            return weights
        return weights.with_values(
            region_weights=self.of(weights.region_weights), channel_weights=self.of(weights.channel_weights)
        )


EVERYONE = FittedPart(None)
"""The part that contains all images."""
