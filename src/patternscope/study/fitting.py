"""The fits of a study: estimators from settings, neighbours from the content of samples, and maps from results."""

import math
from typing import Any

import torch
from torch import Tensor

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding
from patternscope.embeddings.linear import mean_strength, ridge
from patternscope.embeddings.regional_objective import embed_in_unit
from patternscope.embeddings.settings import ImportanceSettings, RegionSettings, SampleSettings, dimensions
from patternscope.errors import InputError
from patternscope.knowledge.folds import assign_folds
from patternscope.radial.units import in_usual_unit, usual_exponent
from patternscope.results.features import Features, read_blocks
from patternscope.results.fits import FitTrace, ImportanceResult, RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.similarity.neighbours import Neighbours, choose_neighbours
from patternscope.solvers import Trace
from patternscope.study.fitted_part import FittedPart, SampleFrame
from patternscope.workflow.cache_keys import unit_seed


def fit_arguments(
    settings: SampleSettings | ImportanceSettings | RegionSettings, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an estimator's constructor arguments and the `params` of its fit, from its section of settings.

    The fit's seed comes from the unit's `seed` and the section's, so that changing only a section's seed varies the
    fit.
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
    constructor["out_dim"] = dimensions(settings.out_dim, target_probs.shape[1])
    data = {"target_probs": target_probs, "sample_features": features}
    return SampleEmbedding(features.shape[1], **constructor).fit(data, params, align=align, start=start)


def sample_start(settings: SampleSettings, features: Tensor, embedding: Tensor) -> Tensor:
    """Return the map (e, d) of sample features (n, d) that is nearest to an embedding (n, e) of the same images.

    Least squares. A fit that starts there ends in the same arrangement of directions.
    """
    usual, exponent = in_usual_unit(features)
    scale = mean_strength(usual) if settings.scale == "auto" else math.ldexp(settings.scale, -exponent)
    return ridge(usual / scale, embedding)


def draw_neighbours(
    settings: ImportanceSettings | RegionSettings, images: ImagesResult, seed: int, rows: Tensor | None = None
) -> Neighbours:
    """Choose each sample's neighbours by the content of the samples, among all of them or those of `rows` (m,).

    With the study's own `seed` they are the same for all layers, checkpoints and students, so that none of these
    differs from another by chance.
    """
    seed = unit_seed(seed, "neighbours", settings.seed)
    chosen = slice(None) if rows is None else rows
    identity, labels = images.identity[chosen], images.identity_labels[chosen]
    return choose_neighbours(identity, labels, settings.kl_sample_num, seed)


def divide_images(settings: RegionSettings, images: ImagesResult, seed: int) -> Tensor:
    """Return the fold of each image in each division (splits, n), the same for all layers, checkpoints and students.

    Images that maps are fitted to and the others are divided separately, so that folds have equal sizes in both.
    InputError for so few images that a map would be fitted to fewer than two.
    """
    folds, rows = settings.folds, FittedPart.among(images).rows
    n = len(images.identity) if rows is None else len(rows)
    least = max(folds, 4 if folds == 2 else 3)  # each map is fitted to two images or more
    if n < least:
        raise InputError(f"images: expected at least {least} for {folds} folds, got {n}")
    seeds = [unit_seed(seed, "folds", settings.seed, split) for split in range(settings.splits)]
    groups = [] if rows is None else [rows, _others(rows, len(images.identity))]
    return torch.stack([_folds(images, groups, folds, each) for each in seeds])


def _folds(images: ImagesResult, groups: list[Tensor], folds: int, seed: int) -> Tensor:
    """The fold of each image; a group is divided separately if it is large enough."""
    labels, identity = images.identity_labels, images.identity
    fold = assign_folds(labels, folds, identity=identity, seed=seed)
    for rows in groups:
        if len(rows) >= folds:
            fold[rows] = assign_folds(labels[rows], folds, identity=identity[rows], seed=seed)
    return fold


def _others(rows: Tensor, n: int) -> Tensor:
    """The indices of n images that are not among these."""
    others = torch.ones(n, dtype=torch.bool)
    others[rows] = False
    return others.nonzero().flatten()


def fit_importance(
    settings: ImportanceSettings, regional: Tensor, target_probs: Tensor, neighbours: Neighbours, seed: int
) -> ImportanceWeight:
    """Estimate the weights of regions and channels of regional features (n, k, h, w) by these neighbours."""
    constructor, params = fit_arguments(settings, seed)
    data = {"regional_features": regional, "target_probs": target_probs, "neighbours": neighbours}
    return ImportanceWeight(*regional.shape, **constructor).estimate(data, params)


def fit_region(
    settings: RegionSettings,
    regional: Tensor,
    target_probs: Tensor,
    sample: SampleFrame,
    weights: ImportanceResult | None,
    images: ImagesResult,
    seed: int,
    rows: Tensor | None = None,
    scale: float | None = None,
) -> RegionEmbedding:
    """Fit the regional embedding of features (n, k, h, w) in the frame of a sample embedding.

    With `rows` (m,), only to these images, in units of `scale`; the paper's objective needs importance weights.
    """
    constructor, params = fit_arguments(settings, seed)
    arguments = {**constructor, "out_dim": sample.embedding.shape[1], **({} if scale is None else {"scale": scale})}
    of_images = {"target_probs": target_probs}
    data: dict[str, Any] = {"mean_directions": sample.mean_directions.to(regional.device)}
    if settings.objective == "paper":
        if weights is None:
            raise InputError('objective: expected importance weights for "paper", got none')
        of_images |= {"sample_embs": sample.embedding, "w_k": weights.channel_weights, "w_r": weights.region_weights}
        data["neighbours"] = draw_neighbours(settings, images, seed, rows)
    data["regional_features"] = regional if rows is None else regional[rows.to(regional.device)]
    for name, tensor in of_images.items():
        data[name] = (tensor if rows is None else tensor[rows]).to(regional.device)
    return RegionEmbedding(regional.shape[1], **arguments).fit(data, params)


def fit_trace(trace: Trace) -> FitTrace:
    """Return the stored record of a solve: everything that is the same in a repeated run."""
    return FitTrace(
        trace.losses[0], trace.losses[-1], list(trace.losses), trace.steps, trace.converged, dict(trace.parts)
    )


def fitted_sample(result: SampleResult, kappa_max: float, device: torch.device | str = "cpu") -> SampleEmbedding:
    """Return the fitted sample embedding of a result, ready for other features."""
    out_dim, in_dim = result.map.shape
    fitted = SampleEmbedding(in_dim, out_dim, kappa_max=kappa_max).to(device)
    state = {name: getattr(result, name) for name in ("map", "mean_directions", "class_prior")}
    # float32 may not represent the scale of such features.
    dtype = torch.float64 if usual_exponent(result.scale) else result.map.dtype
    fitted.load_state_dict({**state, "scale": torch.tensor(result.scale, dtype=dtype)})
    return fitted


def embed_by_all(result: RegionResult, regional: Features, device: torch.device | str = "cpu") -> Tensor:
    """Return the embedding of features (n, k, h, w) by the map that was fitted to all images: (n, r, e) on the CPU.

    Features on disk are read in blocks, which a device embeds.
    """
    blocks = (block for _, block in read_blocks(regional, device))
    return joined([embed_in_unit(result.map.to(block), block, result.scale).cpu() for block in blocks])


def embed_all_as_judged(result: RegionResult, regional: Features, device: torch.device | str) -> Tensor:
    """Return the embedding (n, r, e) on the CPU of features of all images, each by the map that judges the image.

    As `embed_by_all`.
    """
    blocks = read_blocks(regional, device)
    return joined([embed_as_judged(result, block, rows).cpu() for rows, block in blocks])


def joined(blocks: list[Tensor]) -> Tensor:
    """Return blocks as one tensor; a single one unchanged, so that sums over it are bitwise equal."""
    return blocks[0] if len(blocks) == 1 else torch.cat(blocks)


def embed_as_judged(result: RegionResult, regional: Tensor, rows: Tensor | slice = slice(None)) -> Tensor:
    """Return the regional embedding of other features of the same images, each by the map that judges the image.

    Features (m, k, h, w) of the images `rows` (m,), by default all -> (m, r, e) on the device of the features; by the
    map of all images if that one judges. So attacked images and students are embedded like the clean images.
    """
    if result.seen_by != "others":
        return embed_in_unit(result.map.to(regional), regional, result.scale)
    return embed_by(result, regional, result.unseen[0, rows])


def embed_by(result: RegionResult, regional: Tensor, judge: Tensor) -> Tensor:
    """Return the embedding of features (m, k, h, w), each image by the map of that number (m,): (m, r, e)."""
    embedding = regional.new_zeros(len(regional), regional[0, 0].numel(), len(result.map))
    for number in judge.unique().tolist():
        own = (judge == number).to(regional.device)
        embedding[own] = embed_in_unit(result.fold_maps[number].to(regional), regional[own], result.scale)
    return embedding
