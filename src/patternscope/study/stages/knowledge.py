"""Stage knowledge: the knowledge points of each layer and checkpoint, counted, with intervals."""

import torch
from torch import Tensor

from patternscope.knowledge.bootstrap import bootstrap_counts
from patternscope.knowledge.points import KnowledgePoints, find_knowledge_points
from patternscope.knowledge.quality import object_cover
from patternscope.results.fits import RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import ClassCounts, Counts, KnowledgeResult, ThresholdCounts
from patternscope.results.result import reads
from patternscope.settings.core import KnowledgeSettings
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import NUMBER, Cost, Facts
from patternscope.study.inputs import inputs_of
from patternscope.workflow.stages import Stage, Unit, UnitContext


def run_knowledge(ctx: UnitContext) -> None:
    """Write mask, reliability, category, confidence and strength of each region, and their counts."""
    settings: StudySettings = ctx.settings
    inputs, layer, checkpoint = inputs_of(ctx), ctx.unit.layer or "", ctx.unit.checkpoint
    count_points(
        settings.knowledge,
        inputs.images,
        inputs.sample(checkpoint).mean_directions,
        inputs.region(layer, checkpoint),
        inputs.region(layer).mean_strength,  # of the last checkpoint
        settings.region.kappa_max,
        ctx.seed,
    ).save(ctx.folder)


def count_points(
    settings: KnowledgeSettings,
    images: ImagesResult,
    mean_directions: Tensor,
    region: RegionResult,
    unit_strength: float,
    kappa_max: float,
    seed: int,
) -> KnowledgeResult:
    """Return the knowledge points of a layer and their counts, strengths in units of `unit_strength`.

    A layer without any strength at the last checkpoint is measured by its own.
    """
    unit, tau = unit_strength or None, float(settings.tau)

    def points_at(threshold: float) -> KnowledgePoints:
        return find_knowledge_points(
            region.embedding, mean_directions, images.labels, tau=threshold, kappa_max=kappa_max, unit_strength=unit
        )

    def counted(mask: Tensor, reliable: Tensor) -> Counts:
        return Counts.of(bootstrap_counts(mask, reliable, resamples=settings.bootstrap, seed=seed))

    points = points_at(tau)
    members = [(name, images.labels == label) for label, name in enumerate(images.classes)]
    swept = [(each, points_at(each)) for each in settings.taus if each > 1 / len(images.classes)]
    on_object, object_area = _on_object(points.reliable, images.masks, region.grid)
    return KnowledgeResult(
        **vars(points),
        images=len(region.embedding),
        tau=tau,
        unit_strength=unit,
        kappa_max=kappa_max,
        counts=counted(points.mask, points.reliable),
        classes=tuple(
            ClassCounts(name, counted(points.mask[own], points.reliable[own])) for name, own in members if own.any()
        ),
        sweep=tuple(ThresholdCounts(each, counted(found.mask, found.reliable)) for each, found in swept),
        on_object=on_object,
        object_area=object_area,
    )


def _on_object(reliable: Tensor, masks: Tensor | None, grid: tuple[int, int]) -> tuple[float | None, float | None]:
    """Share of the reliable points that lies on the object, and of the picture that the object covers."""
    if masks is None:
        return None, None
    cover = object_cover(masks, grid)
    return float(cover[reliable].mean()) if reliable.any() else None, float(torch.mean(cover))


def knowledge_cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Return the cost of one count: posteriors at each threshold, and the bootstrap."""
    _, r = facts.layers[unit.layer or ""]
    asked, n = settings.knowledge, facts.samples
    posterior = NUMBER * n * r * facts.classes
    resampled = (2 + len(asked.taus)) * asked.bootstrap * n * 8
    seconds = 0.05 + (8 * (1 + len(asked.taus)) * posterior + 4 * resampled) / facts.copies
    return Cost(seconds, 18 * n * r, 5 * posterior)


STAGES = (
    Stage(
        "knowledge",
        version=4,
        run=run_knowledge,
        settings=("seed", "knowledge", "region.kappa_max"),
        needs=(
            reads(ImagesResult, "labels", "classes"),
            reads(SampleResult, "mean_directions"),
            reads(RegionResult, "embedding", "grid"),
            reads(RegionResult, "mean_strength", checkpoint="last"),
        ),
        per=("checkpoint", "layer"),
        weight=1.0,
        cost=knowledge_cost,
    ),
)
