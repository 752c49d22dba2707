"""Few or many classes from real images: garments of Fashion-MNIST, turned, mirrored and inverted.

A class is a garment and a way to show it. Some classes can hardly be told apart, as a bag from the same upside down:
so it is with many classes.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evidence.studies import FASHION_MNIST, HERE, NETWORKS, RUNS, EvidenceStudy, with_words
from patternscope.atomic import replaced_file
from patternscope.images import open_images
from patternscope.settings.study import StudySettings, make_settings

FOLDER = RUNS / "dimensions"
CLASSES = (2, 4, 10, 50, 100)
GARMENTS = 10
# Ways to show an image: quarter turns, mirrored, inverted; the first is the image itself.
WAYS = (
    *((turns, False, inverted) for inverted, turns in product((False, True), range(4))),
    (0, True, False),
    (1, True, False),
)
TRAIN, SAMPLES, SIZE = 6_000, 500, 32  # images in all, and of a side


@dataclass(frozen=True)
class ComposedStudy(EvidenceStudy):
    """vgg16_slim trained briefly on a number of composed classes."""

    classes: int = 10

    @property
    def name(self) -> str:
        return f"{self.images}-{self.classes}-{self.seed}"

    @property
    def folder(self) -> Path:
        return FOLDER / "studies" / self.name

    @property
    def layers(self) -> list[str]:
        return ["conv_43", "conv_53"]

    @property
    def images_file(self) -> Path:
        return FOLDER / "images" / f"{self.name}.npz"

    @property
    def samples(self) -> int:
        """Samples of each class."""
        return max(8, SAMPLES // self.classes)

    def settings(self, **changes: Any) -> StudySettings:
        content: dict[str, Any] = {
            "seed": self.seed,
            "images": {"source": "arrays", "folder": str(self.images_file), "image_size": SIZE, "channels": 1},
            "network": {**NETWORKS[self.network], "layers": self.layers},
            # Mirrored classes must not be mirrored while training.
            "training": {"epochs": 4, "checkpoints": 1, "augmentation": False},
        }
        content["images"]["samples_per_class"] = self.samples
        # Nothing here needs importance weights or further divisions.
        content |= {"importance": {"kl_sample_num": 5, "n_step": 1}, "region": {"splits": 1}}
        content["controls"] = {"enabled": False}
        return make_settings(content, self.name, HERE)

    def write_images(self) -> None:
        """Compose and write the images, unless they exist."""
        if self.images_file.exists():
            return
        arrays: dict[str, Any] = {"class_names": np.array([f"class {number}" for number in range(self.classes)])}
        garments, ways = min(self.classes, GARMENTS), max(1, self.classes // GARMENTS)
        splits = open_images("idx", folder=FASHION_MNIST, image_size=SIZE, channels=1, seed=0)
        for name, part, count in (
            ("train", splits.train, min(1000, TRAIN // self.classes)),
            ("test", splits.test, self.samples),
        ):
            rows = [part.labels.eq(garment).nonzero().flatten()[: ways * count] for garment in range(garments)]
            chosen = torch.cat(rows)
            images, labels = composed(part.batch(chosen.tolist()), part.labels[chosen], ways)
            arrays |= {f"x_{name}": images.numpy(), f"y_{name}": labels.numpy()}
        self.images_file.parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(self.images_file) as partial, partial.open("wb") as file:
            np.savez(file, **arrays)


def composed(images: Tensor, labels: Tensor, ways: int) -> tuple[Tensor, Tensor]:
    """Show the images of each garment in turn in each of some ways: class = way * garments + garment.

    Images (n, channels, side, side) uint8, labels (n,) 0 to garments - 1.

    >>> images = torch.tensor([[[[1, 2], [3, 4]]], [[[1, 2], [3, 4]]]], dtype=torch.uint8)
    >>> shown, classes = composed(images, torch.tensor([0, 0]), 2)
    >>> shown[1].tolist(), classes.tolist()
    ([[[2, 4], [1, 3]]], [0, 1])
    """
    garments, shown, classes = int(labels.max()) + 1, images.clone(), labels.clone()
    for garment in range(garments):
        for place, row in enumerate((labels == garment).nonzero().flatten().tolist()):
            way = place % ways
            shown[row] = _shown(images[row], *WAYS[way])
            classes[row] = way * garments + garment
    return shown, classes


def _shown(image: Tensor, turns: int, mirrored: bool, inverted: bool) -> Tensor:
    """An image (channels, side, side) turned, mirrored and inverted."""
    turned = torch.rot90(image, turns, dims=(1, 2))
    turned = turned.flip(2) if mirrored else turned
    return 255 - turned if inverted else turned


def composed_studies(words: Sequence[str] = ()) -> list[ComposedStudy]:
    """Return a study for each number of classes, those with one of the words in their names; none without images."""
    if not FASHION_MNIST.is_dir():
        return []
    return with_words([ComposedStudy("composed", "vgg16_slim", 0, classes) for classes in CLASSES], words)
