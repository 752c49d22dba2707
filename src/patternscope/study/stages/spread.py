"""Stage spread: the last layers fitted again by another draw, to measure what the draw changes."""

from torch import Tensor

from patternscope.knowledge.intervals import seed_spread
from patternscope.knowledge.point_rule import PointRule
from patternscope.knowledge.region_evidence import evidence
from patternscope.knowledge.temperatures import temperatures_of_points
from patternscope.results.evidence import EvidenceResult
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import KnowledgeResult, PlainCounts, SpreadResult
from patternscope.results.result import reads
from patternscope.results.study import StudyResults
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import Cost, Facts
from patternscope.study.fitted_part import FittedPart
from patternscope.study.inputs import device_of, inputs_of
from patternscope.study.refitting import refit_layer, refitting_cost
from patternscope.workflow.stages import Stage, Unit, UnitContext


def run_spread(ctx: UnitContext) -> None:
    """Write the counts of the study's own draw and of more, and the standard deviation of each over the draws."""
    settings: StudySettings = ctx.settings
    inputs, layer = inputs_of(ctx), ctx.unit.layer or ""
    own = inputs.knowledge(layer).counts
    told = inputs.evidence(layer).evidence.value
    part = FittedPart.among(inputs.images)
    regional = part.read(inputs.load(FeaturesResult).regional.open(layer), device_of(ctx))
    # Counts of all images would differ from those of the refitted part by more than the draw.
    draws = (
        [PlainCounts(own.total.value, own.reliable.value, own.ratio.value, told)]
        if part.rows is None
        else [_counts_of_draw(inputs, settings, regional, 0, ctx.resampling_seed)]
    )
    for draw in range(1, settings.spread.draws + 1):
        ctx.report((draw - 1) / settings.spread.draws, f"draw {draw} of {settings.spread.draws}")
        draws.append(_counts_of_draw(inputs, settings, regional, draw, ctx.resampling_seed))
    names = ("total", "reliable", "ratio", "evidence")
    spread = PlainCounts(*(seed_spread([getattr(counts, name) for counts in draws]) for name in names))
    SpreadResult(draws=tuple(draws), spread=spread).save(ctx.folder)


def _counts_of_draw(
    inputs: StudyResults, settings: StudySettings, regional: Tensor, draw: int, seed: int
) -> PlainCounts:
    """Counts and evidence of the layer by another division into folds and, for the paper's objective, neighbours."""
    part = FittedPart.among(inputs.images)
    knowledge, images, sample = settings.knowledge, part.images(inputs.images), part.frame(inputs.sample())
    labels, kappa_max = images.identity_labels, settings.region.kappa_max
    probs = part.of(inputs.load(FeaturesResult).target_probs)
    fitted, judged = refit_layer(settings, knowledge.rule, regional, probs, labels, sample, images, draw)
    told = evidence(judged.log_posterior, labels.to(regional.device), resamples=knowledge.bootstrap, seed=seed)
    calibrated = temperatures_of_points(judged.temperatures.cpu(), told.interval)
    temperatures = calibrated if knowledge.rule == "calibrated" else None
    rule = PointRule(float(knowledge.tau), kappa_max, fitted.mean_strength or None, temperatures)
    points = rule.points(fitted.embedding, sample.mean_directions, labels)
    return PlainCounts(points.total, points.total_reliable, points.ratio, told.bits)


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """A set of maps per draw, with weights if the objective reads them; only counts are kept."""
    once, draws = refitting_cost(unit, facts, settings), settings.spread.draws
    return Cost(draws * once.seconds, 300.0 * (1 + draws), once.memory)


STAGES = (
    Stage(
        "spread",
        version=4,
        run=run_spread,
        settings=("seed", "spread", "importance", "region", "knowledge"),
        needs=(
            reads(ImagesResult, "identity", "fitted"),
            reads(FeaturesResult, "target_probs", "regional", checkpoint="last"),
            reads(SampleResult, "embedding", "mean_directions", checkpoint="last"),
            reads(KnowledgeResult, "counts", checkpoint="last"),
            reads(EvidenceResult, "evidence", checkpoint="last"),
        ),
        per=("layer",),
        weight=16.0,
        part="spread",
        cost=_cost,
    ),
)
