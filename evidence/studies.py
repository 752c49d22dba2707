"""The studies behind the evidence: three networks on two image sets, each trained from three seeds.

python evidence/studies.py [NAME ...]     all, or those whose names contain one of the words: fashion, resnet18-0

A study lies in runs/evidence/studies/NAME and goes on where it was. Fashion-MNIST is read from where Debian's package
dataset-fashion-mnist puts it, or from the folder in the variable FASHION_MNIST.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from progress import in_parallel

from patternscope.settings.study import StudySettings, make_settings
from patternscope.study.run import run_study
from patternscope.workflow.executors import InProcessExecutor

HERE = Path(__file__).resolve().parent
RUNS = HERE.parent / "runs" / "evidence"
FASHION_MNIST = Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))
SEEDS = (0, 1, 2)
NETWORKS: dict[str, dict[str, Any]] = {
    "vgg16_slim": {"architecture": "vgg16_slim", "layers": ["conv_33", "conv_43", "conv_53"], "grid": 8},
    "resnet18": {
        "architecture": "small_images:resnet18",
        "layers": ["layer2", "layer3", "layer4"],
        "grid": None,
    },
    "mobilenet_v2": {
        "architecture": "small_images:mobilenet_v2",
        "arguments": {"width": 0.5},
        "layers": ["features.6", "features.13", "features.18"],
        "grid": None,  # of each layer's own
    },
}
IMAGE_SETS: dict[str, dict[str, Any]] = {
    "pictograms": {"source": "pictograms"},
    "fashion": {"source": "idx", "folder": str(FASHION_MNIST), "channels": 1},
}
# Images are the same for every seed: what differs between seeds is the network.
IMAGES = {"image_size": 64, "train_per_class": 300, "test_per_class": 50, "samples_per_class": 25, "seed": 0}
# As long as it takes to know most images, at half a minute to four a network and core.
TRAINING: dict[str, dict[str, Any]] = {
    "vgg16_slim": {"epochs": 10},
    "resnet18": {"epochs": 5, "batch_size": 32, "lr": 0.002},
    "mobilenet_v2": {"epochs": 16, "batch_size": 32, "lr": 0.006},
}


@dataclass(frozen=True)
class EvidenceStudy:
    """A network on an image set, trained from a seed."""

    images: str
    network: str
    seed: int

    @property
    def name(self) -> str:
        return f"{self.images}-{self.network}-{self.seed}"

    @property
    def folder(self) -> Path:
        return RUNS / "studies" / self.name

    @property
    def layers(self) -> list[str]:
        """Layers analysed, shallow to deep."""
        return NETWORKS[self.network]["layers"]

    def settings(self, **changes: Mapping[str, Any]) -> StudySettings:
        """Settings of the study; `changes` are keys of sections: settings(training={"checkpoints": 4})."""
        content: dict[str, Any] = {
            "images": {**IMAGES, **IMAGE_SETS[self.images]},
            "network": {**NETWORKS[self.network], "folder": str(HERE)},
            "training": {**TRAINING[self.network], "checkpoints": 1},
        }
        for section, keys in changes.items():
            content[section] = {**content.get(section, {}), **keys}
        return make_settings({"seed": self.seed, **content}, self.name, HERE)


def evidence_studies(words: Sequence[str] = (), *, seeds: Sequence[int] = SEEDS) -> list[EvidenceStudy]:
    """The studies whose images are there, all or those whose name contains one of the words."""
    # A seed of all before the next: a run that was cut short has something of everything.
    known = [
        EvidenceStudy(images, network, seed)
        for seed, images, network in product(seeds, list(image_sets()), NETWORKS)
    ]
    return [each for each in known if not words or any(word in each.name for word in words)]


def image_sets() -> Iterator[str]:
    """Image sets that can be read; says once which cannot, and what would help."""
    for name, settings in IMAGE_SETS.items():
        folder = settings.get("folder")
        if folder is None or Path(folder).is_dir():
            yield name
        else:
            print(
                f"{name}: left out, no folder {folder}; apt install dataset-fashion-mnist, or set FASHION_MNIST"
            )


def ensure(study: EvidenceStudy) -> Path:
    """Bring a study up to date, from its images to its knowledge points, and return its folder."""
    run_study(study.folder, study.settings(), executor=InProcessExecutor(), device="cpu")
    return study.folder


def main(words: Sequence[str] = ()) -> None:
    for _ in in_parallel(ensure, evidence_studies(words), lambda study: study.name):
        pass


if __name__ == "__main__":
    main(sys.argv[1:])
