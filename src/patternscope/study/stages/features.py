"""Stage features: one forward pass of the samples for all chosen layers of a checkpoint."""

from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

from patternscope.networks import record_batches
from patternscope.results.features import BULK, FeaturesResult, LayerShape, RegionalFeatures
from patternscope.results.images import ImagesResult
from patternscope.results.result import reads
from patternscope.results.training import NETWORK_FILES
from patternscope.settings.core import NetworkSettings
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import NUMBER, Cost, Facts
from patternscope.study.inputs import inputs_of, trained_network
from patternscope.study.network_factory import MODEL_SETTINGS, RECORDING_SETTINGS, factory_digest, recording_options
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext

Report = Callable[[float, str], None]


def run_features(ctx: UnitContext) -> None:
    """Write regional features of each layer in shards, sample features, logits and target probabilities."""
    settings: StudySettings = ctx.settings
    images = inputs_of(ctx).images.images
    recorded = record_into(ctx.folder, trained_network(ctx), images, settings.network, ctx.report)
    # Regional features are already on disk.
    recorded.save(ctx.folder)


def record_into(
    folder: Path, model: nn.Module, images: Tensor, network: NetworkSettings, report: Report
) -> FeaturesResult:
    """Record the layers and grid of `network` batch by batch; regional features go to shards in `folder`.

    Memory: a batch, and one shard per layer.
    """
    regional = RegionalFeatures(folder)
    writers = {name: regional.writer(name) for name in network.layers}
    shapes: dict[str, LayerShape] = {}
    sample_features, logits, done = [], [], 0
    for part in record_batches(model, images, network.layers, network.grid, **recording_options(network)):
        for name, features in part.regional_features.items():
            writers[name].append(features)
            shapes[name] = LayerShape(name, features.shape[1], (features.shape[2], features.shape[3]))
        sample_features.append(part.sample_features)
        logits.append(part.logits)
        done += len(part.logits)
        report(done / len(images), "recording features")
    for writer in writers.values():
        writer.close()
    all_logits = torch.cat(logits)
    return FeaturesResult(
        sample_features=torch.cat(sample_features),
        logits=all_logits,
        target_probs=soft_probabilities(all_logits, network.temperature),
        layers=tuple(shapes.values()),
        samples=len(images),
        regional=regional,
    )


def soft_probabilities(logits: Tensor, temperature: float) -> Tensor:
    """Return the target probabilities softmax(logits / T) (n, c).

    >>> soft_probabilities(torch.zeros(1, 2), 4.0)
    tensor([[0.5000, 0.5000]])
    """
    return torch.softmax(logits.double() / temperature, dim=1).float()


def features_cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Return the cost of one recording: a forward pass, and the written files."""
    written = facts.regional_bytes() + NUMBER * facts.samples * (facts.features + 2 * facts.classes)
    # Shards of up to 64 MB of each layer are joined before they are written.
    shards = sum(min(facts.regional_bytes(layer), 2**26) for layer in facts.layers)
    batch = NUMBER * min(facts.at_once, facts.samples) * facts.largest
    seconds = facts.samples * facts.forward + 2 * written / facts.copies
    return Cost(seconds, written, 2 * shards + batch)


STAGES = (
    Stage(
        "features",
        version=1,
        run=run_features,
        settings=(*MODEL_SETTINGS, *RECORDING_SETTINGS, "network.temperature"),
        needs=(reads(ImagesResult, "images", "classes"), Need("training", NETWORK_FILES)),
        per=("checkpoint",),
        external=factory_digest,
        weight=2.0,
        bulk=BULK,
        cost=features_cost,
    ),
)
