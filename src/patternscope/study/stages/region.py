"""Stage region: the regional embedding of each layer and checkpoint, in the frame of the sample embedding."""

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from patternscope.embeddings.settings import RegionSettings
from patternscope.knowledge.points import mean_strength
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import ImportanceResult, RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import Rule
from patternscope.results.result import reads
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import CALL, HELD, NUMBER, WEIGHTY, Cost, Facts, match_operations
from patternscope.study.fitting import SampleFrame, divide_images, embed_as_judged, fit_region, fit_trace
from patternscope.study.inputs import device_of, inputs_of
from patternscope.study.stages.importance import grid_of
from patternscope.workflow.stages import Stage, Unit, UnitContext

# Bytes of traffic for one matched region and dimension in an evaluation of the objective and its gradient.
_LOOK_UP_BYTES = 100
# Evaluations beyond one an iteration: the line search, the halvings of the start, the closing one.
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
        features.regional.read(layer).to(device_of(ctx)),
        features.target_probs,
        inputs.sample(checkpoint),
        inputs.importance(layer, checkpoint) if settings.region.objective == "paper" else None,
        inputs.images,
        settings.seed,
    ).save(ctx.folder)


def embed_regions(
    settings: RegionSettings,
    rule: Rule,
    regional: Tensor,
    target_probs: Tensor,
    sample: SampleFrame,
    weights: ImportanceResult | None,
    images: ImagesResult,
    seed: int,
) -> RegionResult:
    """Return the regional embedding of features (n, k, h, w), on whose device it is fitted.

    One map is fitted to all images and one to the images without each fold of each division. Cost: the first division
    into two halves as much as a fit to all images once more, and so does each further one.
    """
    fit = partial(fit_region, settings, regional, target_probs, sample, weights, images, seed)
    of_all = fit()
    scale = float(of_all.scale)
    division = divide_images(settings, images, seed)
    numbers = range(settings.folds)
    maps = [fit((fold != number).nonzero().flatten(), scale).map.cpu() for fold in division for number in numbers]
    by_all = of_all(regional)
    result = RegionResult(
        map=of_all.map.cpu(),
        embedding=by_all.cpu(),
        mean_strength=mean_strength(by_all),
        mean_strength_of_all=mean_strength(by_all),
        scale=scale,
        grid=grid_of(regional),
        trace=fit_trace(of_all.trace),
        seen_by="all",
        fold_maps=torch.stack(maps),
        unseen=division + settings.folds * torch.arange(settings.splits)[:, None],
    )
    if rule == "paper":
        return result
    judged = replace(result, seen_by="others")
    embedding = embed_as_judged(judged, regional)
    return replace(judged, embedding=embedding.cpu(), mean_strength=mean_strength(embedding))


def region_cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Return the cost of all fits: passes over the features; for the paper's objective the match and look-ups too."""
    k, r = facts.layers[unit.layer or ""]
    n, asked, e = facts.samples, settings.region, facts.dimensions
    fits = 1 + asked.splits * (asked.folds - 1)
    features, embedding = facts.regional_bytes(unit.layer), NUMBER * n * r * e
    kept = embedding + NUMBER * e * k * (1 + asked.splits * asked.folds) + 8 * n * asked.splits
    if asked.objective == "likelihood":
        passes = 2 * features + _PASSES * NUMBER * n * r * (e + facts.classes)
        once = (asked.steps + _MORE_EVALUATIONS) * (passes / facts.copies + 4 * n * r * k * e / facts.products + CALL)
        return Cost(fits * once, kept, 2.25 * features + 6 * embedding + HELD)
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
    return Cost(fits * seconds, kept, memory)


STAGES = (
    Stage(
        "region",
        version=4,
        run=run_region,
        settings=("seed", "region", "knowledge.rule"),
        needs=(
            reads(ImagesResult, "identity"),
            reads(FeaturesResult, "target_probs", "regional"),
            reads(SampleResult, "embedding", "mean_directions"),
            reads(ImportanceResult, "region_weights"),
        ),
        per=("checkpoint", "layer"),
        weight=8.0,
        cost=region_cost,
    ),
)
