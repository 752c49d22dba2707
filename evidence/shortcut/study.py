"""Studies of pictograms of which those of one class carry a patch more often than the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from evidence.shortcut.planting import patch_carriers, plant_patch
from evidence.studies import HERE, NETWORKS, RUNS, TRAINING, EvidenceStudy, with_words
from patternscope.atomic import replaced_file
from patternscope.images.pictograms import CLASSES, Pictograms, draw, draw_many
from patternscope.settings.study import StudySettings, make_settings

FOLDER = RUNS / "shortcut"
STRENGTHS = (0.0, 0.25, 0.5, 0.75, 1.0)
# The class that the patch goes with, another one for each seed.
TARGETS = {0: "cat", 1: "bus", 2: "orange"}
BASE = 0.1  # share of images with the patch where it carries no information
SIDE = 16  # pixels: four regions of 8 x 8
SIZE, TRAIN, TEST, SAMPLES, PROBES = 64, 300, 50, 25, 60
_HELD_OUT, _PROBED = 10**9, 2 * 10**9


@dataclass(frozen=True)
class ShortcutStudy(EvidenceStudy):
    """vgg16_slim trained on pictograms of which those of one class carry a patch more often than the others."""

    strength: float = 0.0

    @property
    def layers(self) -> list[str]:
        return ["conv_22", *super().layers]

    @property
    def name(self) -> str:
        return f"{self.strength:.2f}-{self.seed}"

    @property
    def folder(self) -> Path:
        return FOLDER / "studies" / self.name

    @property
    def images_file(self) -> Path:
        return FOLDER / "images" / f"{self.name}.npz"

    @property
    def target(self) -> int:
        """The class that the patch goes with."""
        return CLASSES.index(TARGETS[self.seed])

    def settings(self, **changes: Any) -> StudySettings:
        content = {
            "seed": self.seed,
            "images": {"source": "arrays", "folder": str(self.images_file), "samples_per_class": SAMPLES},
            "network": {**NETWORKS[self.network], "layers": self.layers},
            "training": {**TRAINING[self.network], "checkpoints": 1},
        }
        return make_settings(content, self.name, HERE)

    def write_images(self) -> None:
        """Draw, plant and write the images, unless they exist; the held-out ones follow the same rule."""
        if self.images_file.exists():
            return
        arrays: dict[str, Any] = {"class_names": np.array(CLASSES)}
        for name, count, start in (("train", TRAIN, 0), ("test", TEST, _HELD_OUT)):
            drawn = draw_many(count * len(CLASSES), size=SIZE, seed=0, start=start)
            labels = torch.from_numpy(drawn.labels)
            carries = patch_carriers(labels, self.target, self.strength, base=BASE, seed=self.seed)
            arrays |= {f"x_{name}": self.planted(drawn, carries)[0].numpy(), f"y_{name}": drawn.labels}
        self.images_file.parent.mkdir(parents=True, exist_ok=True)
        with replaced_file(self.images_file) as partial, partial.open("wb") as file:
            np.savez(file, **arrays)

    def planted(self, drawn: Pictograms, carries: Tensor) -> tuple[Tensor, Tensor]:
        """Return the images, those that carry the patch with it, and where it is (n, height, width)."""
        images, masks = torch.from_numpy(drawn.images), torch.from_numpy(drawn.masks)
        return plant_patch(images, masks, carries, side=SIDE, seed=self.seed)

    def probes(self) -> Pictograms:
        """Return new pictograms of the target class, without the patch."""
        drawn = [draw(_PROBED + len(CLASSES) * number + self.target, size=SIZE, seed=0) for number in range(PROBES)]
        images = np.stack([picture.image.transpose(2, 0, 1) for picture in drawn])
        return Pictograms(images, np.full(PROBES, self.target), np.stack([picture.mask for picture in drawn]))

    def planted_probes(self) -> tuple[Tensor, Tensor]:
        """Return the probes, each with the patch, and where it is."""
        return self.planted(self.probes(), torch.ones(PROBES, dtype=torch.bool))


def shortcut_studies(words: Sequence[str] = ()) -> list[ShortcutStudy]:
    """Return a study for each seed and strength, the extremes first; of all those with one of the words in the name."""
    studies = [
        ShortcutStudy("pictograms", "vgg16_slim", seed, strength)
        for seed in TARGETS
        for strength in sorted(STRENGTHS, key=lambda strength: abs(strength - 0.5), reverse=True)
    ]
    return with_words(studies, words)
