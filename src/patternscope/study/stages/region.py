"""Stage region: the regional embedding of each layer and checkpoint, in the frame of the sample embedding."""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from patternscope.embeddings.settings import RegionSettings
from patternscope.knowledge.points import mean_strength
from patternscope.results.features import Features, FeaturesResult
from patternscope.results.fits import ImportanceResult, RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import Rule
from patternscope.results.result import reads
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import CALL, HELD, NUMBER, WEIGHTY, Cost, Facts, match_operations
from patternscope.study.fitted_part import FittedPart, SampleFrame
from patternscope.study.fitting import divide_images, embed_all_as_judged, embed_by_all, fit_region, fit_trace
from patternscope.study.inputs import device_of, inputs_of
from patternscope.study.stages.importance import grid_of
from patternscope.workflow.stages import Stage, Unit, UnitContext

# Bytes of traffic for one matched region and dimension in an evaluation of the objective and its gradient.
_LOOK_UP_BYTES = 100
# Evaluations beyond one per iteration: the line search, the halvings of the start, the final one.
_MORE_EVALUATIONS = 6
# Passes over embedding and class posterior in an evaluation of the likelihood and its gradient.
_PASSES = 30


def run_region(ctx: UnitContext) -> None:
    """Write the maps, the regional embedding (n, r, e) and the layer's mean strength."""
    settings: StudySettings = ctx.settings
    inputs, checkpoint, layer = inputs_of(ctx), ctx.unit.checkpoint, ctx.unit.layer or ""
    features = inputs.load(FeaturesResult, checkpoint)
    embed_regions(
        settings.region,
        settings.knowledge.rule,
        features.regional.open(layer),
        features.target_probs,
        inputs.sample(checkpoint),
        inputs.importance(layer, checkpoint) if settings.region.objective == "paper" else None,
        inputs.images,
        settings.seed,
        device_of(ctx),
    ).save(ctx.folder)


def embed_regions(
    settings: RegionSettings,
    rule: Rule,
    regional: Features,
    target_probs: Tensor,
    sample: SampleFrame,
    weights: ImportanceResult | None,
    images: ImagesResult,
    seed: int,
    device: torch.device | str = "cpu",
) -> RegionResult:
    """Return the regional embedding of features (n, k, h, w), by maps that are fitted on a device.

    One map is fitted to all images and one to the images without each fold of each division; if there are many, to a
    part of them, and the others are embedded block by block. Cost: a fit to all images, and as much again for each
    division into two halves.
    """
    part = FittedPart.among(images)
    own = part.read(regional, device)
    given = (part.of(target_probs), part.frame(sample), part.weights(weights), part.images(images))
    fit = partial(fit_region, settings, own, *given, seed)
    of_all = fit()
    scale = float(of_all.scale)
    division = divide_images(settings, images, seed)
    folds, numbers = [part.of(fold) for fold in division], range(settings.folds)
    maps = [fit((fold != number).nonzero().flatten(), scale).map.cpu() for fold in folds for number in numbers]
    result = RegionResult(
        map=of_all.map.cpu(),
        embedding=torch.empty(0),
        mean_strength=0.0,
        mean_strength_of_all=None,
        scale=scale,
        grid=grid_of(own),
        trace=fit_trace(of_all.trace),
        seen_by="all",
        fold_maps=torch.stack(maps),
        unseen=division + settings.folds * torch.arange(settings.splits)[:, None],
    )
    # Features in memory are not read again.
    everyone = own if part.rows is None else regional
    embedding = embed_by_all(result, everyone, device)
    of_all_images = mean_strength(embedding)
    if rule != "paper":
        result = replace(result, seen_by="others")
        embedding = embed_all_as_judged(result, everyone, device)
    return replace(
        result, embedding=embedding, mean_strength=mean_strength(embedding), mean_strength_of_all=of_all_images
    )


def region_cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Return the cost of all fits: passes over the features; for the paper's objective the match and look-ups too."""
    k, r = facts.layers[unit.layer or ""]
    n, asked, e = facts.fitted, settings.region, facts.dimensions
    fits = 1 + asked.splits * (asked.folds - 1)
    features, embedding = facts.fitted_bytes(unit.layer), NUMBER * facts.samples * r * e
    others = (1 + asked.splits) * (facts.regional_bytes(unit.layer) - features) / facts.copies
    kept = embedding + NUMBER * e * k * (1 + asked.splits * asked.folds) + 8 * facts.samples * asked.splits
    if asked.objective == "likelihood":
        passes = 2 * features + _PASSES * NUMBER * n * r * (e + facts.classes)
        once = (asked.steps + _MORE_EVALUATIONS) * (passes / facts.copies + 4 * n * r * k * e / facts.products + CALL)
        return Cost(fits * once + others, kept, 2.25 * features + 6 * embedding + HELD)
    m = min(asked.kl_sample_num, n - 1)
    published = asked.solver == "sgd"
    compared = r if published else WEIGHTY * r
    evaluations = asked.steps + (1 if published else _MORE_EVALUATIONS)
    # Two passes over the features, and a look-up for each match, forward and backward.
    traffic = 2 * features + _LOOK_UP_BYTES * n * m * compared * e
    calls = n if published else max(1, n * m * compared / 2**18)
    match = match_operations(n, m, compared, r, k) / facts.products
    memory = 1.25 * features + NUMBER * (m + 1) * k * r + 2 * n * m * compared + 6 * embedding + HELD
    seconds = match + evaluations * (traffic / facts.copies + 10 * CALL * calls)
    return Cost(fits * seconds + others, kept, memory)


STAGES = (
    Stage(
        "region",
        version=4,
        run=run_region,
        settings=("seed", "region", "knowledge.rule"),
        needs=(
            reads(ImagesResult, "identity", "fitted"),
            reads(FeaturesResult, "target_probs", "regional"),
            reads(SampleResult, "embedding", "mean_directions"),
            reads(ImportanceResult, "region_weights"),
        ),
        per=("checkpoint", "layer"),
        weight=8.0,
        cost=region_cost,
    ),
)
