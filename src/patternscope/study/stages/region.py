"""Stage region: the regional embedding of each layer and checkpoint, in the frame of the sample embedding."""

from torch import Tensor

from patternscope.embeddings.settings import RegionSettings
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import ImportanceResult, RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.result import reads
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import CALL, HELD, NUMBER, WEIGHTY, Cost, Facts, match_operations
from patternscope.study.fitting import fit_region, fit_trace
from patternscope.study.inputs import device_of, inputs_of
from patternscope.study.stages.importance import grid_of
from patternscope.workflow.stages import Stage, Unit, UnitContext

# Bytes of traffic for one matched region and dimension in an evaluation of the objective and its gradient.
_LOOK_UP_BYTES = 50
# Evaluations beyond one an iteration: the line search, the halvings of the start, the closing one.
_MORE_EVALUATIONS = 6


def run_region(ctx: UnitContext) -> None:
    """Write L, the regional embedding (n, r, e) and the layer's mean strength."""
    settings: StudySettings = ctx.settings
    inputs, checkpoint, layer = inputs_of(ctx), ctx.unit.checkpoint, ctx.unit.layer or ""
    features = inputs.load(FeaturesResult, checkpoint)
    embed_regions(
        settings.region,
        features.regional.read(layer).to(device_of(ctx)),
        features.target_probs,
        inputs.sample(checkpoint).embedding,
        inputs.importance(layer, checkpoint),
        inputs.images,
        settings.seed,
    ).save(ctx.folder)


def embed_regions(
    settings: RegionSettings,
    regional: Tensor,
    target_probs: Tensor,
    sample_embedding: Tensor,
    weights: ImportanceResult,
    images: ImagesResult,
    seed: int,
) -> RegionResult:
    """Return the regional embedding of features (n, k, h, w), on whose device it is fitted."""
    fitted = fit_region(settings, regional, target_probs, sample_embedding, weights, images, seed)
    embedding = fitted(regional)
    return RegionResult(
        map=fitted.map.cpu(),
        embedding=embedding.cpu(),
        mean_strength=float(embedding.norm(dim=-1).double().mean()),
        scale=float(fitted.scale),
        grid=grid_of(regional),
        trace=fit_trace(fitted.trace),
    )


def region_cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Return the cost of one fit: the match, then passes over features and look-ups of matches."""
    k, r = facts.layers[unit.layer or ""]
    n, asked, e = facts.samples, settings.region, facts.dimensions
    m = min(asked.kl_sample_num, n - 1)
    published = asked.solver == "sgd"
    compared = r if published else WEIGHTY * r
    evaluations = asked.n_step + (1 if published else _MORE_EVALUATIONS)
    features = facts.regional_bytes(unit.layer)
    # Two passes over the features, and a look-up for each match, forward and backward.
    traffic = 2 * features + _LOOK_UP_BYTES * n * m * compared * e
    calls = n if published else max(1, n * m * compared / 2**18)
    match = match_operations(n, m, compared, r, k) / facts.products
    embedding = NUMBER * n * r * e
    memory = 1.25 * features + NUMBER * (m + 1) * k * r + 2 * n * m * compared + 6 * embedding + HELD
    seconds = match + evaluations * (traffic / facts.copies + 10 * CALL * calls)
    return Cost(seconds, embedding + NUMBER * e * k, memory)


STAGES = (
    Stage(
        "region",
        version=3,
        run=run_region,
        settings=("seed", "region"),
        needs=(
            reads(ImagesResult, "identity"),
            reads(FeaturesResult, "target_probs", "regional"),
            reads(SampleResult, "embedding"),
            reads(ImportanceResult, "region_weights"),
        ),
        per=("checkpoint", "layer"),
        weight=8.0,
        cost=region_cost,
    ),
)
