"""Stage spread: the last layers fitted again with other neighbours, to measure what a draw of them changes."""

from torch import Tensor

from patternscope.knowledge.intervals import seed_spread
from patternscope.knowledge.points import KnowledgePoints, find_knowledge_points
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import KnowledgeResult, PlainCounts, SpreadResult
from patternscope.results.result import reads
from patternscope.results.study import StudyResults
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import Cost, Facts
from patternscope.study.inputs import device_of, inputs_of
from patternscope.study.stages.importance import importance_cost, weigh_regions
from patternscope.study.stages.region import embed_regions, region_cost
from patternscope.workflow.stages import Stage, Unit, UnitContext


def run_spread(ctx: UnitContext) -> None:
    """Write the counts of the study's own draw and of more, and the standard deviation of each over the draws."""
    settings: StudySettings = ctx.settings
    inputs, layer = inputs_of(ctx), ctx.unit.layer or ""
    own = inputs.knowledge(layer).counts
    draws = [PlainCounts(own.total.value, own.reliable.value, own.ratio.value)]
    regional = inputs.load(FeaturesResult).regional.read(layer).to(device_of(ctx))
    for draw in range(1, settings.spread.draws + 1):
        ctx.report((draw - 1) / settings.spread.draws, f"draw {draw} of {settings.spread.draws}")
        points = _points_of_draw(inputs, settings, regional, draw)
        draws.append(PlainCounts(points.total, points.total_reliable, points.ratio))
    spread = PlainCounts(
        *(seed_spread([getattr(counts, name) for counts in draws]) for name in ("total", "reliable", "ratio"))
    )
    SpreadResult(draws=tuple(draws), spread=spread).save(ctx.folder)


def _points_of_draw(inputs: StudyResults, settings: StudySettings, regional: Tensor, draw: int) -> KnowledgePoints:
    """The knowledge points of the layer by maps of another draw of neighbours, in their own unit of strength."""
    importance = settings.importance.model_copy(update={"seed": settings.importance.seed + draw})
    region = settings.region.model_copy(update={"seed": settings.region.seed + draw})
    images, sample = inputs.images, inputs.sample()
    probs = inputs.load(FeaturesResult).target_probs
    weights = weigh_regions(importance, regional, probs, images, settings.seed)
    fitted = embed_regions(region, regional, probs, sample.embedding, weights, images, settings.seed)
    return find_knowledge_points(
        fitted.embedding,
        sample.mean_directions,
        images.identity_labels,
        settings.knowledge.tau,
        kappa_max=settings.region.kappa_max,
    )


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Weights and maps as often as neighbours are drawn; nothing of them is kept but counts."""
    once = importance_cost(unit, facts, settings) + region_cost(unit, facts, settings)
    draws = settings.spread.draws
    return Cost(draws * once.seconds, 300.0 * (1 + draws), once.memory)


STAGES = (
    Stage(
        "spread",
        version=1,
        run=run_spread,
        settings=("seed", "spread", "importance", "region", "knowledge.tau"),
        needs=(
            reads(ImagesResult, "identity"),
            reads(FeaturesResult, "target_probs", "regional", checkpoint="last"),
            reads(SampleResult, "embedding", checkpoint="last"),
            reads(KnowledgeResult, "counts", checkpoint="last"),
        ),
        per=("layer",),
        weight=16.0,
        part="spread",
        cost=_cost,
    ),
)
