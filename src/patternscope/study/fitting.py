"""The fits of a study: estimators from their settings, neighbours from what samples are, and maps from results."""

from typing import Any

import torch
from torch import Tensor

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding
from patternscope.embeddings.linear import mean_strength, ridge
from patternscope.embeddings.settings import ImportanceSettings, RegionSettings, SampleSettings
from patternscope.embeddings.solver import Trace
from patternscope.results.fits import FitTrace, ImportanceResult, RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.similarity.neighbours import Neighbours, choose_neighbours
from patternscope.workflow.cache_keys import unit_seed


def fit_arguments(
    settings: SampleSettings | ImportanceSettings | RegionSettings, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an estimator's constructor arguments and the `params` of its fit, from its section of settings.

    The fit's seed comes from the unit's `seed` and from the section's, so that a section's seed alone varies the fit.
    """
    params = settings.params().model_dump()
    return settings.constructor(), {**params, "seed": unit_seed(seed, settings.seed)}


def fit_sample(
    settings: SampleSettings,
    features: Tensor,
    target_probs: Tensor,
    seed: int,
    *,
    align: Tensor | None = None,
    start: Tensor | None = None,
) -> SampleEmbedding:
    """Fit the sample embedding of features (n, d) to target probabilities (n, c); `align`, `start` as its `fit`."""
    constructor, params = fit_arguments(settings, seed)
    data = {"target_probs": target_probs, "sample_features": features}
    return SampleEmbedding(features.shape[1], **constructor).fit(data, params, align=align, start=start)


def sample_start(settings: SampleSettings, features: Tensor, embedding: Tensor) -> Tensor:
    """Return the map (e, d) of sample features (n, d) that comes nearest to an embedding (n, e) of the same images.

    Least squares. A fit that starts there ends in the same arrangement of directions.
    """
    scale = mean_strength(features) if settings.scale == "auto" else settings.scale
    return ridge(features / scale, embedding)


def draw_neighbours(settings: ImportanceSettings | RegionSettings, images: ImagesResult, seed: int) -> Neighbours:
    """Choose each sample's neighbours by what the samples are.

    With the study's own `seed` they are the same for all layers, checkpoints and students, so that none of these
    differs from another by the luck of the draw.
    """
    seed = unit_seed(seed, "neighbours", settings.seed)
    return choose_neighbours(images.identity, images.identity_labels, settings.kl_sample_num, seed)


def fit_importance(
    settings: ImportanceSettings, regional: Tensor, target_probs: Tensor, images: ImagesResult, seed: int
) -> ImportanceWeight:
    """Estimate the weights of regions and channels of regional features (n, k, h, w); `seed` as draw_neighbours."""
    constructor, params = fit_arguments(settings, seed)
    data = {
        "regional_features": regional,
        "target_probs": target_probs,
        "neighbours": draw_neighbours(settings, images, seed),
    }
    return ImportanceWeight(*regional.shape, **constructor).estimate(data, params)


def fit_region(
    settings: RegionSettings,
    regional: Tensor,
    target_probs: Tensor,
    sample_embedding: Tensor,
    weights: ImportanceResult,
    images: ImagesResult,
    seed: int,
) -> RegionEmbedding:
    """Fit the regional embedding of features (n, k, h, w) in the frame of a sample embedding (n, e)."""
    constructor, params = fit_arguments(settings, seed)
    arguments = {**constructor, "out_dim": sample_embedding.shape[1]}
    on_device = {
        "target_probs": target_probs,
        "sample_embs": sample_embedding,
        "w_k": weights.channel_weights,
        "w_r": weights.region_weights,
    }
    data = {
        "regional_features": regional,
        **{name: tensor.to(regional.device) for name, tensor in on_device.items()},
        "neighbours": draw_neighbours(settings, images, seed),
    }
    return RegionEmbedding(regional.shape[1], **arguments).fit(data, params)


def fit_trace(trace: Trace) -> FitTrace:
    """Return what is kept of a solve: all that is the same in a repeated run."""
    return FitTrace(
        trace.losses[0], trace.losses[-1], list(trace.losses), trace.steps, trace.converged, dict(trace.parts)
    )


def fitted_sample(result: SampleResult, kappa_max: float, device: torch.device | str = "cpu") -> SampleEmbedding:
    """Return the fitted sample embedding of a result, ready for other features."""
    out_dim, in_dim = result.map.shape
    fitted = SampleEmbedding(in_dim, out_dim, kappa_max=kappa_max).to(device)
    state = {name: getattr(result, name) for name in ("map", "mean_directions", "class_prior")}
    fitted.load_state_dict({**state, "scale": result.map.new_tensor(result.scale)})
    return fitted


def fitted_region(result: RegionResult, kappa_max: float, device: torch.device | str = "cpu") -> RegionEmbedding:
    """Return the fitted regional embedding of a result, ready for other features."""
    out_dim, in_dim = result.map.shape
    fitted = RegionEmbedding(in_dim, out_dim, kappa_max=kappa_max)
    fitted.load_state_dict({"map": result.map, "scale": result.map.new_tensor(result.scale)})
    return fitted.to(device)
