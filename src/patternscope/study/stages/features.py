"""Stage features: one forward pass of the samples for all chosen layers of a checkpoint."""

import torch

from patternscope.networks import load_weights, record_batches, resolve_device
from patternscope.study.arrays import ShardWriter, load_arrays, save_arrays
from patternscope.study.config import StudySettings
from patternscope.study.models import study_network
from patternscope.study.records import read_json, write_json
from patternscope.study.stage import Need, Stage, UnitContext, layer_folder


def run_features(ctx: UnitContext) -> None:
    """Write regional features of each layer in shards, sample features, logits and target probabilities."""
    settings: StudySettings = ctx.settings
    classes = read_json(ctx.path("images", "classes.json"))["classes"]
    model = study_network(settings.network, settings.images, len(classes), seed=0)
    load_weights(model, ctx.path("training", "network.safetensors"))
    images = load_arrays(ctx.path("images", "samples.safetensors"))["images"]
    layers = settings.network.layers
    writers = {name: ShardWriter(ctx.folder / layer_folder(name), "regional") for name in layers}
    shapes: dict[str, list[int]] = {}
    sample_features, logits, done = [], [], 0
    model.to(resolve_device(ctx.device))
    for part in record_batches(model, images, layers, settings.network.grid):
        for name, features in part.regional_features.items():
            writers[name].append(features)
            shapes[name] = list(features.shape[1:])
        sample_features.append(part.sample_features)
        logits.append(part.logits)
        done += len(part.logits)
        ctx.report(done / len(images), "recording features")
    for writer in writers.values():
        writer.close()
    _write_samples(ctx, torch.cat(sample_features), torch.cat(logits))
    layer_shapes = [{"layer": name, "channels": k, "grid": [h, w]} for name, (k, h, w) in shapes.items()]
    write_json(ctx.folder / "features.json", {"layers": layer_shapes, "samples": len(images)})


def _write_samples(ctx: UnitContext, sample_features: torch.Tensor, logits: torch.Tensor) -> None:
    """Write sample features (n, d), logits (n, c) and target probabilities softmax(logits / T)."""
    probs = torch.softmax(logits.double() / ctx.settings.network.temperature, dim=1).float()
    arrays = {"sample_features": sample_features, "logits": logits, "target_probs": probs}
    save_arrays(ctx.folder / "sample.safetensors", arrays)


FEATURES = Stage(
    "features",
    version=1,
    run=run_features,
    settings=(
        "images.image_size",
        "images.channels",
        "network.architecture",
        "network.arguments",
        "network.layers",
        "network.grid",
        "network.mean",
        "network.std",
        "network.temperature",
    ),
    needs=(
        Need("images", ("samples.safetensors", "classes.json")),
        Need("training", ("network.safetensors",)),
    ),
    per=("checkpoint",),
    weight=2.0,
    bulk=("*/regional-*",),
)
