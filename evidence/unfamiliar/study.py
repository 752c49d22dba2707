"""A network and images that no default was tuned on: ShuffleNetV2 on scanned digits, and on other pictograms."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from evidence.studies import HERE, RUNS, EvidenceStudy, with_words
from patternscope.atomic import replaced_file
from patternscope.settings.study import StudySettings, make_settings

FOLDER = RUNS / "unfamiliar"
SIZE, SAMPLES = 64, 50
TRAINING = {"epochs": 20, "batch_size": 32, "lr": 0.004, "checkpoints": 1, "augmentation": False}
OTHER = {"source": "pictograms", "image_size": 48, "train_per_class": 200, "test_per_class": SAMPLES, "seed": 7}


@dataclass(frozen=True)
class UnfamiliarStudy(EvidenceStudy):
    """torchvision's shufflenet_v2_x0_5 on the digits of scikit-learn, or on pictograms of another seed and size."""

    @property
    def folder(self) -> Path:
        return FOLDER / "studies" / self.name

    @property
    def layers(self) -> list[str]:
        return ["stage2", "stage3", "stage4"]

    @property
    def images_file(self) -> Path:
        return FOLDER / "images" / f"{self.name}.npz"

    def settings(self, **changes: Any) -> StudySettings:
        digits = {"source": "arrays", "folder": str(self.images_file), "image_size": SIZE, "channels": 1, "seed": 0}
        content = {
            "seed": self.seed,
            "images": {**(digits if self.images == "digits" else OTHER), "samples_per_class": SAMPLES},
            "network": {"architecture": self.network, "layers": self.layers, "grid": None},
            "training": TRAINING,
        }
        return make_settings(content, self.name, HERE)

    def write_images(self) -> None:
        """Write the digits, unless they exist: of each class the first 50 are held out."""
        if self.images != "digits" or self.images_file.exists():
            return
        from sklearn.datasets import load_digits

        known = load_digits()
        images, labels = enlarged(torch.from_numpy(known.images)), torch.from_numpy(known.target).long()
        held_out = torch.cat([(labels == label).nonzero().flatten()[:SAMPLES] for label in labels.unique()])
        train = torch.ones(len(labels), dtype=torch.bool)
        train[held_out] = False
        arrays: dict[str, Any] = {"class_names": np.array([str(label) for label in range(10)])}
        for name, chosen in (("train", train), ("test", held_out)):
            arrays |= {f"x_{name}": images[chosen].numpy(), f"y_{name}": labels[chosen].numpy()}
        self.images_file.parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(self.images_file) as partial, partial.open("wb") as file:
            np.savez(file, **arrays)


def enlarged(digits: Tensor) -> Tensor:
    """Return digits of 8 x 8 pixels in 0 to 16 as grey images of 64 x 64: (n, 8, 8) -> (n, 1, 64, 64) uint8.

    >>> enlarged(torch.full((1, 8, 8), 16.0)).unique()
    tensor([255], dtype=torch.uint8)
    """
    large = F.interpolate(digits[:, None].float(), size=SIZE, mode="bilinear", align_corners=False)
    return (large / 16 * 255).round().clamp(0, 255).to(torch.uint8)


def unfamiliar_studies(words: Sequence[str] = ()) -> list[UnfamiliarStudy]:
    """Return the studies, all or those whose names contain one of the words."""
    return with_words([UnfamiliarStudy(images, "shufflenet_v2_x0_5", 0) for images in ("digits", "other")], words)
