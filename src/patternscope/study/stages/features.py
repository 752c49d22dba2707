"""Stage features: one forward pass of the samples for all chosen layers of a checkpoint."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from patternscope.networks import record_batches
from patternscope.results.arrays import ShardWriter, load_arrays, save_arrays
from patternscope.results.json_csv import write_json
from patternscope.settings.core import NetworkSettings
from patternscope.settings.study import StudySettings
from patternscope.study.network_factory import (
    MODEL_SETTINGS,
    RECORDING_SETTINGS,
    factory_digest,
    recording_options,
)
from patternscope.study.stages.trained import trained_network
from patternscope.workflow.stages import Need, Stage, UnitContext, layer_folder

Report = Callable[[float, str], None]


@dataclass(frozen=True)
class Recorded:
    """What was recorded of n samples besides the regional features: sample features (n, d), logits (n, c).

    `shapes` are (k, h, w) of each layer.
    """

    sample_features: Tensor
    logits: Tensor
    shapes: dict[str, list[int]]

    def target_probs(self, temperature: float) -> Tensor:
        """Return softmax(logits / T) (n, c)."""
        return torch.softmax(self.logits.double() / temperature, dim=1).float()


def run_features(ctx: UnitContext) -> None:
    """Write regional features of each layer in shards, sample features, logits and target probabilities."""
    settings: StudySettings = ctx.settings
    images = load_arrays(ctx.path("images", "samples.safetensors"))["images"]
    found = record_into(ctx.folder, trained_network(ctx), images, settings.network, ctx.report)
    arrays = {"sample_features": found.sample_features, "logits": found.logits}
    probs = found.target_probs(settings.network.temperature)
    save_arrays(ctx.folder / "sample.safetensors", {**arrays, "target_probs": probs})
    layers = [{"layer": name, "channels": k, "grid": [h, w]} for name, (k, h, w) in found.shapes.items()]
    write_json(ctx.folder / "features.json", {"layers": layers, "samples": len(images)})


def record_into(
    folder: Path, model: nn.Module, images: Tensor, network: NetworkSettings, report: Report
) -> Recorded:
    """Record the layers and grid of `network` batch by batch; regional features go to shards in `folder`/layer.

    Memory: a batch, and one shard a layer.
    """
    writers = {name: ShardWriter(folder / layer_folder(name), "regional") for name in network.layers}
    shapes: dict[str, list[int]] = {}
    sample_features, logits, done = [], [], 0
    for part in record_batches(model, images, network.layers, network.grid, **recording_options(network)):
        for name, features in part.regional_features.items():
            writers[name].append(features)
            shapes[name] = list(features.shape[1:])
        sample_features.append(part.sample_features)
        logits.append(part.logits)
        done += len(part.logits)
        report(done / len(images), "recording features")
    for writer in writers.values():
        writer.close()
    return Recorded(torch.cat(sample_features), torch.cat(logits), shapes)


FEATURES = Stage(
    "features",
    version=1,
    run=run_features,
    settings=(*MODEL_SETTINGS, *RECORDING_SETTINGS, "network.temperature"),
    needs=(
        Need("images", ("samples.safetensors", "classes.json")),
        Need("training", ("network.safetensors",)),
    ),
    per=("checkpoint",),
    external=factory_digest,
    weight=2.0,
    bulk=("*/regional-*",),
)
