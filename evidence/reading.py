"""What a study of the evidence holds: its network, its samples, and images that no map was fitted to."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from studies import EvidenceStudy
from torch import Tensor

from patternscope.images import choose_samples
from patternscope.images.pictograms import draw
from patternscope.networks import Normalised, load_weights, record
from patternscope.results.arrays import ShardedArray, load_arrays
from patternscope.results.json_csv import read_json
from patternscope.study.network_factory import study_network
from patternscope.workflow.stages import layer_folder


@dataclass(frozen=True)
class EmbeddedLayer:
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


def fitted_samples(study: EvidenceStudy) -> EmbeddedLayer:
    """The samples that the maps were fitted to."""
    found = load_arrays(study.folder / _last(study, "features") / "sample.safetensors")
    labels = load_arrays(study.folder / "images" / "samples.safetensors")["labels"]
    return EmbeddedLayer(found["sample_features"], found["logits"], found["target_probs"], labels)


def unseen_images(study: EvidenceStudy) -> tuple[Tensor, Tensor]:
    """Held-out images (n, channels, height, width), uint8, and labels, without the samples."""
    asked, folder = study.settings().images, study.folder / "images" / "held_out"
    labels = load_arrays(folder / "labels.safetensors")["labels"]
    left = torch.ones(len(labels), dtype=torch.bool)
    left[choose_samples(labels, asked.samples_per_class, seed=asked.seed or 0)] = False
    return ShardedArray(folder, "images")[left], labels[left]


def unseen_samples(study: EvidenceStudy) -> EmbeddedLayer:
    """What the network says of the held-out images that are no samples."""
    images, labels = unseen_images(study)
    found = record(load_network(study), images, [study.layers[-1]], 1)
    probs = torch.softmax(found.logits.double() / study.settings().network.temperature, dim=1).float()
    return EmbeddedLayer(found.sample_features, found.logits, probs, labels)


def _last(study: EvidenceStudy, stage: str) -> Path:
    """The folder of the last checkpoint."""
    return Path(stage) / max(each.name for each in (study.folder / stage).iterdir() if each.name.isdigit())


def sample_images(study: EvidenceStudy) -> tuple[Tensor, Tensor, Tensor | None]:
    """The samples as pixels in [0, 1] (n, channels, h, w), their labels, and masks where there are any."""
    found = load_arrays(study.folder / "images" / "samples.safetensors")
    return found["images"].float() / 255, found["labels"], found.get("masks")


def sample_identities(study: EvidenceStudy) -> dict[str, Tensor]:
    """Who the samples are, by which neighbours are drawn."""
    return load_arrays(study.folder / "images" / "identity.safetensors")


def backgrounds(study: EvidenceStudy) -> Tensor:
    """The scenes of the samples without their object, as pixels in [0, 1]; pictograms alone have them."""
    asked = study.settings().images
    names = read_json(study.folder / "images" / "images.json")["samples"]
    scenes = [
        draw(int(name.split()[1]), size=asked.image_size, seed=asked.seed or 0, with_object=False).image
        for name in names
    ]
    return torch.from_numpy(np.stack(scenes)).permute(0, 3, 1, 2).float() / 255


def layer_files(study: EvidenceStudy, stage: str, layer: str) -> Path:
    """The folder of a stage's unit of a layer at the last checkpoint."""
    return study.folder / _last(study, stage) / layer_folder(layer)


def layer_features(study: EvidenceStudy, layer: str) -> Tensor:
    """Regional features of the samples (n, k, h, w)."""
    return ShardedArray(layer_files(study, "features", layer), "regional").load()


def region_weights(study: EvidenceStudy, layer: str) -> Tensor:
    """w of the samples (n, r)."""
    return load_arrays(layer_files(study, "importance", layer) / "importance.safetensors")["region_weights"]


def layer_grid(study: EvidenceStudy, layer: str) -> tuple[int, int]:
    """Rows and columns of a layer's regions."""
    height, width = read_json(layer_files(study, "region", layer) / "region.json")["grid"]
    return height, width


def layer_embedding(study: EvidenceStudy, layer: str) -> tuple[Tensor, Tensor]:
    """h of the samples (n, r, e) in units of the layer's mean strength, and the mean directions (c, e)."""
    folder = layer_files(study, "region", layer)
    unit = read_json(folder / "strength.json")["mean_strength"]
    directions = load_arrays(study.folder / _last(study, "sample") / "sample.safetensors")["mean_directions"]
    return load_arrays(folder / "region.safetensors")["embedding"] / unit, directions


def class_share(labels: Tensor, per_class: int) -> Tensor:
    """Positions of the first `per_class` images of each class, in order."""
    chosen = [torch.nonzero(labels == label).flatten()[:per_class] for label in labels.unique()]
    return torch.cat(chosen).sort().values
