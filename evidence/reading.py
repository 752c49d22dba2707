"""What a study of the evidence holds: its network, its samples, and images that no map was fitted to."""

from dataclasses import dataclass
from pathlib import Path

import torch
from studies import EvidenceStudy
from torch import Tensor

from patternscope.images import choose_samples
from patternscope.networks import Normalised, load_weights, record
from patternscope.study.arrays import ShardedArray, load_arrays
from patternscope.study.models import study_network
from patternscope.study.records import read_json


@dataclass(frozen=True)
class Seen:
    """What the network says of n images: sample features (n, d), logits (n, c), P(y | x) (n, c), labels (n,)."""

    features: Tensor
    logits: Tensor
    target_probs: Tensor
    labels: Tensor


def load_network(study: EvidenceStudy) -> Normalised:
    """The trained network; it takes pixels in [0, 1]."""
    settings = study.settings()
    classes = read_json(study.folder / "images" / "classes.json")["classes"]
    network = study_network(settings.network, settings.images, len(classes), seed=0)
    load_weights(network, study.folder / _last(study, "training") / "network.safetensors")
    return network.eval()


def fitted_samples(study: EvidenceStudy) -> Seen:
    """The samples that the maps were fitted to."""
    found = load_arrays(study.folder / _last(study, "features") / "sample.safetensors")
    labels = load_arrays(study.folder / "images" / "samples.safetensors")["labels"]
    return Seen(found["sample_features"], found["logits"], found["target_probs"], labels)


def unseen_images(study: EvidenceStudy) -> tuple[Tensor, Tensor]:
    """Held-out images (n, channels, height, width), uint8, and labels, without the samples."""
    asked, folder = study.settings().images, study.folder / "images" / "held_out"
    labels = load_arrays(folder / "labels.safetensors")["labels"]
    left = torch.ones(len(labels), dtype=torch.bool)
    left[choose_samples(labels, asked.samples_per_class, seed=asked.seed or 0)] = False
    return ShardedArray(folder, "images")[left], labels[left]


def unseen_samples(study: EvidenceStudy) -> Seen:
    """What the network says of the held-out images that are no samples."""
    images, labels = unseen_images(study)
    found = record(load_network(study), images, [study.layers[-1]], 1)
    probs = torch.softmax(found.logits.double() / study.settings().network.temperature, dim=1).float()
    return Seen(found.sample_features, found.logits, probs, labels)


def _last(study: EvidenceStudy, stage: str) -> Path:
    """The folder of the last checkpoint."""
    return Path(stage) / max(each.name for each in (study.folder / stage).iterdir() if each.name.isdigit())
