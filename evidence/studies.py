"""The studies behind the evidence: three networks on two image sets, each trained from three seeds.

python -m evidence studies [--studies WORD ...]     all, or those whose names contain one of the words: resnet18-0

A study lies in runs/evidence/studies/NAME, and a run that was stopped continues there. Fashion-MNIST is read from where
Debian's package dataset-fashion-mnist installs it, or from the folder in the variable FASHION_MNIST.
"""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from evidence.progress import in_parallel
from patternscope.results.study import StoredResults, open_results
from patternscope.settings.study import StudySettings, make_settings
from patternscope.study.run import run_analysis
from patternscope.workflow.executors import InProcessExecutor
from patternscope.workflow.stages import Stage

HERE = Path(__file__).resolve().parent
RUNS = HERE.parent / "runs" / "evidence"
FASHION_MNIST = Path(os.environ.get("FASHION_MNIST", "/usr/share/datasets/fashion-mnist"))
SEEDS = (0, 1, 2)
NETWORKS: dict[str, dict[str, Any]] = {
    "vgg16_slim": {"architecture": "vgg16_slim", "layers": ["conv_33", "conv_43", "conv_53"], "grid": 8},
    "resnet18": {"architecture": "small_images:resnet18", "layers": ["layer2", "layer3", "layer4"], "grid": None},
    "mobilenet_v2": {
        "architecture": "small_images:mobilenet_v2",
        "arguments": {"width": 0.5},
        "layers": ["features.6", "features.13", "features.18"],
        "grid": None,  # each layer's own
    },
}
IMAGE_SETS: dict[str, dict[str, Any]] = {
    "pictograms": {"source": "pictograms"},
    "fashion": {"source": "idx", "folder": str(FASHION_MNIST), "channels": 1},
}
# Images are the same for every seed: what differs between seeds is the network.
IMAGES = {"image_size": 64, "train_per_class": 300, "test_per_class": 50, "samples_per_class": 25, "seed": 0}
# Until most images are classified correctly: half a minute to four minutes per network and core.
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

    @property
    def results(self) -> StoredResults:
        """The results of the study on the disk."""
        return open_results(self.folder)

    def settings(self, **changes: Mapping[str, Any]) -> StudySettings:
        """Return the settings of the study; `changes` are keys of sections: settings(training={"checkpoints": 4})."""
        content: dict[str, Any] = {
            "images": {**IMAGES, **IMAGE_SETS[self.images]},
            "network": {**NETWORKS[self.network], "folder": str(HERE)},
            "training": {**TRAINING[self.network], "checkpoints": 1},
            "controls": {"enabled": False},  # the claim `sanity` has its own
        }
        for section, keys in changes.items():
            content[section] = {**content.get(section, {}), **keys}
        return make_settings({"seed": self.seed, **content}, self.name, HERE)

    def write_images(self) -> None:
        """Write the images that the study reads; those of most studies exist already."""


@dataclass(frozen=True)
class CountedStudy(EvidenceStudy):
    """The same network, with twice the samples and one layer more of vgg16_slim, as the demo has them.

    All held-out images are samples: each is judged by a map that was fitted to the other half.
    """

    @property
    def name(self) -> str:
        return f"{super().name}-counted"

    @property
    def layers(self) -> list[str]:
        return ["conv_22", *super().layers] if self.network == "vgg16_slim" else super().layers

    def settings(self, **changes: Mapping[str, Any]) -> StudySettings:
        images = {"samples_per_class": IMAGES["test_per_class"], **changes.get("images", {})}
        network = {"layers": self.layers, **changes.get("network", {})}
        return super().settings(**{**changes, "images": images, "network": network})


AnyStudy = TypeVar("AnyStudy", bound=EvidenceStudy)


def evidence_studies(words: Sequence[str] = (), *, seeds: Sequence[int] = SEEDS) -> list[EvidenceStudy]:
    """Return the studies whose images exist, all or those whose names contain one of the words."""
    # All studies of a seed before the next seed: a run that was cut short has something of everything.
    studies = [
        EvidenceStudy(images, network, seed)
        for seed, images, network in product(seeds, list(readable_image_sets()), NETWORKS)
    ]
    return with_words(studies, words)


def counted_studies(words: Sequence[str] = (), *, seeds: Sequence[int] = (0,)) -> list[CountedStudy]:
    """Return the studies of more samples, one seed of each network."""
    return [CountedStudy(each.images, each.network, each.seed) for each in evidence_studies(words, seeds=seeds)]


def with_words(studies: Sequence[AnyStudy], words: Sequence[str]) -> list[AnyStudy]:
    """Return the studies whose names contain one of the words, all where there are no words."""
    return [study for study in studies if not words or any(word in study.name for word in words)]


def readable_image_sets() -> Iterator[str]:
    """Yield the image sets that can be read; print once which cannot, and what to do."""
    for name, settings in IMAGE_SETS.items():
        folder = settings.get("folder")
        if folder is None or Path(folder).is_dir():
            yield name
        else:
            print(f"{name}: omitted, {folder} does not exist; apt install dataset-fashion-mnist, or set FASHION_MNIST")


def run_study(study: EvidenceStudy, *measurements: Stage) -> None:
    """Bring a study up to date, from its images to its knowledge points, and measurements of it."""
    study.write_images()
    run_analysis(
        study.folder, study.settings(), lambda settings: measurements, executor=InProcessExecutor(), device="cpu"
    )


def main(words: Sequence[str] = ()) -> None:
    studies = [*evidence_studies(words), *counted_studies(words)]
    for _ in in_parallel(run_study, studies, lambda study: study.name):
        pass
