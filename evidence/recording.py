"""The network of a study, and what it computes of images that no map was fitted to."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from evidence.studies import EvidenceStudy
from patternscope.errors import InputError
from patternscope.images import choose_samples
from patternscope.networks import Normalised, load_weights, record
from patternscope.results.features import FeaturesInMemory, FeaturesResult, LayerShape
from patternscope.results.study import StoredResults
from patternscope.results.training import TrainingResult, network_file
from patternscope.study.network_factory import study_network
from patternscope.study.stages.features import soft_probabilities
from patternscope.workflow.stages import Unit


def trained_network(study: EvidenceStudy, results: StoredResults) -> Normalised:
    """Return the network at the last checkpoint; it takes pixels in [0, 1]."""
    settings = study.settings()
    network = study_network(settings.network, settings.images, len(results.classes), seed=0)
    last = Unit(TrainingResult.STAGE, results.checkpoints(TrainingResult)[-1])
    load_weights(network, network_file(results.folders[last]))
    return network.eval()


def sample_pixels(results: StoredResults) -> Tensor:
    """Return the samples (n, channels, h, w) as pixels in [0, 1]."""
    return results.images.images.float() / 255


def unseen_images(study: EvidenceStudy, results: StoredResults) -> tuple[Tensor, Tensor]:
    """Return the held-out images (n, channels, h, w), uint8, that are no samples, and their labels."""
    settings, held_out = study.settings(), results.images.held_out
    if held_out is None:
        raise InputError(f"{study.name}: expected held-out images, got none")
    asked = settings.images
    seed = settings.seed if asked.seed is None else asked.seed
    unseen = torch.ones(len(held_out.labels), dtype=torch.bool)
    unseen[choose_samples(held_out.labels, asked.samples_per_class, seed=seed)] = False
    return held_out.images[unseen], held_out.labels[unseen]


def record_images(
    study: EvidenceStudy,
    results: StoredResults,
    images: Tensor,
    *,
    layers: Sequence[str] | None = None,
    grid: int | None = None,
) -> FeaturesResult:
    """Return what the network computes of images, by default in the layers and on the grid of the study."""
    asked = study.settings().network
    return record_network(
        trained_network(study, results),
        images,
        study.layers if layers is None else layers,
        asked.grid if grid is None else grid,
        asked.temperature,
    )


def record_network(
    network: nn.Module, images: Tensor, layers: Sequence[str], grid: int | tuple[int, int] | None, temperature: float
) -> FeaturesResult:
    """Return what any network computes of images."""
    recording = record(network, images, layers, grid)
    regional = recording.regional_features
    return FeaturesResult(
        sample_features=recording.sample_features,
        logits=recording.logits,
        target_probs=soft_probabilities(recording.logits, temperature),
        layers=tuple(LayerShape(name, f.shape[1], (f.shape[2], f.shape[3])) for name, f in regional.items()),
        samples=len(images),
        regional=FeaturesInMemory(regional),
    )
