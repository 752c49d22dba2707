"""What stages share that fit something or use what was fitted: arguments, data and maps from disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding
from patternscope.embeddings.linear import mean_strength, ridge
from patternscope.embeddings.settings import ImportanceSettings, RegionSettings, SampleSettings
from patternscope.networks import resolve_device
from patternscope.results.arrays import ShardedArray, load_arrays
from patternscope.results.json_csv import read_json
from patternscope.similarity import Neighbours, choose_neighbours
from patternscope.workflow.cache_keys import unit_seed
from patternscope.workflow.stages import UnitContext, layer_folder


def fit_arguments(
    settings: SampleSettings | ImportanceSettings | RegionSettings, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an estimator's constructor arguments and the `params` of its fit, from its section of settings.

    The fit's seed comes from the unit's `seed` and from the section's, so that a section's seed alone varies
    the fit.
    """
    params = settings.params().model_dump()
    return settings.constructor(), {**params, "seed": unit_seed(seed, settings.seed)}


def fit_sample(
    settings: SampleSettings,
    data: Mapping[str, Tensor],
    seed: int,
    *,
    align: Tensor | None = None,
    start: Tensor | None = None,
) -> SampleEmbedding:
    """Fit the sample embedding of "sample_features" to "target_probs"; `align` and `start` as its `fit`."""
    constructor, params = fit_arguments(settings, seed)
    fitted = SampleEmbedding(data["sample_features"].shape[1], **constructor)
    wanted = {name: data[name] for name in ("target_probs", "sample_features")}
    return fitted.fit(wanted, params, align=align, start=start)


def sample_start(settings: SampleSettings, features: Tensor, embedding: Tensor) -> Tensor:
    """Return the map (e, d) of sample features (n, d) that comes nearest to an embedding (n, e) of the same images.

    Least squares. A fit that starts there ends in the same arrangement of directions.
    """
    scale = mean_strength(features) if settings.scale == "auto" else settings.scale
    return ridge(features / scale, embedding)


def draw_neighbours(
    settings: ImportanceSettings | RegionSettings, who: Mapping[str, Tensor], seed: int
) -> Neighbours:
    """Choose each sample's neighbours by what the samples are, "identity" and "labels".

    With the study's own `seed` they are the same for all layers, checkpoints and students, so that none of
    these differs from another by the luck of the draw.
    """
    seed = unit_seed(seed, "neighbours", settings.seed)
    return choose_neighbours(who["identity"], who["labels"], settings.kl_sample_num, seed)


def fit_importance(
    settings: ImportanceSettings, data: Mapping[str, Tensor], who: Mapping[str, Tensor], seed: int
) -> ImportanceWeight:
    """Estimate the weights of regions and channels of "regional_features" (n, k, h, w) by "target_probs".

    `who` and `seed` as :func:`draw_neighbours` takes them.
    """
    constructor, params = fit_arguments(settings, seed)
    fitted = ImportanceWeight(*data["regional_features"].shape, **constructor)
    return fitted.estimate({**data, "neighbours": draw_neighbours(settings, who, seed)}, params)


def fit_region(
    settings: RegionSettings,
    data: Mapping[str, Tensor],
    weights: ImportanceWeight | Mapping[str, Tensor],
    who: Mapping[str, Tensor],
    seed: int,
) -> RegionEmbedding:
    """Fit the regional embedding of "regional_features", in the frame of "sample_embs", to "target_probs".

    `who` and `seed` as :func:`draw_neighbours` takes them.
    """
    constructor, params = fit_arguments(settings, seed)
    out_dim = data["sample_embs"].shape[1]
    fitted = RegionEmbedding(data["regional_features"].shape[1], **{**constructor, "out_dim": out_dim})
    drawn = {"neighbours": draw_neighbours(settings, who, seed)}
    found = weights if isinstance(weights, Mapping) else weights.state_dict()
    parts = {"w_k": found["channel_weights"], "w_r": found["region_weights"]}
    return fitted.fit({**data, **parts, **drawn}, params)


def regional_features(ctx: UnitContext) -> Tensor:
    """Return the regional features (n, k, h, w) of the unit's layer and checkpoint, on the unit's device."""
    folder = ctx.sources("features")[0].folder / layer_folder(ctx.unit.layer or "")
    return ShardedArray(folder, "regional").load().to(resolve_device(ctx.device))


def on_device(ctx: UnitContext, stage: str, file: str) -> dict[str, Tensor]:
    """Return the arrays of an input file on the unit's device."""
    device: torch.device = resolve_device(ctx.device)
    return {name: array.to(device) for name, array in load_arrays(ctx.path(stage, file)).items()}


def fitted_sample(ctx: UnitContext) -> SampleEmbedding:
    """Return the fitted sample embedding from sample.safetensors and sample.json, on the unit's device.

    `ctx` is of a unit that reads one sample unit.
    """
    arrays = on_device(ctx, "sample", "sample.safetensors")
    out_dim, in_dim = arrays["map"].shape
    fitted = SampleEmbedding(in_dim, out_dim, kappa_max=ctx.settings.sample.kappa_max)
    scale = arrays["map"].new_tensor(read_json(ctx.path("sample", "sample.json"))["scale"])
    state = {name: arrays[name] for name in ("map", "mean_directions", "class_prior")}
    fitted.to(scale.device).load_state_dict({**state, "scale": scale})
    return fitted


def fitted_regions(ctx: UnitContext) -> dict[str, RegionEmbedding]:
    """Return the fitted regional embedding of each layer that the unit reads, on the unit's device.

    From region.safetensors and region.json of one checkpoint.
    """
    device, kappa_max = resolve_device(ctx.device), ctx.settings.region.kappa_max
    return {
        source.unit.layer or "": fitted_region(source.folder, kappa_max).to(device)
        for source in ctx.sources("region")
    }


def fitted_region(folder: Path, kappa_max: float) -> RegionEmbedding:
    """Return the fitted regional embedding from region.safetensors and region.json of one unit's folder."""
    weight = load_arrays(folder / "region.safetensors")["map"]
    scale = weight.new_tensor(read_json(folder / "region.json")["scale"])
    fitted = RegionEmbedding(weight.shape[1], weight.shape[0], kappa_max=kappa_max)
    fitted.load_state_dict({"map": weight, "scale": scale})
    return fitted
