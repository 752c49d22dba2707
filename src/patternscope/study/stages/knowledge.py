"""Stage knowledge: the knowledge points of each layer and checkpoint, counted, with intervals."""

from dataclasses import replace
from itertools import combinations

import torch
from torch import Tensor

from patternscope.knowledge.bootstrap import bootstrap_counts
from patternscope.knowledge.knowledge_points import KnowledgePoints
from patternscope.knowledge.point_rule import PointRule
from patternscope.knowledge.quality import object_cover
from patternscope.knowledge.region_evidence import shared_points, stability
from patternscope.results.evidence import TEMPERATURES, EvidenceResult
from patternscope.results.fits import RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import ClassCounts, Counts, KnowledgeResult, Rule, ThresholdCounts
from patternscope.results.result import reads
from patternscope.settings.core import KnowledgeSettings
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import NUMBER, RESAMPLING, Cost, Facts
from patternscope.study.inputs import inputs_of
from patternscope.workflow.stages import Stage, Unit, UnitContext


def run_knowledge(ctx: UnitContext) -> None:
    """Write mask, reliability, category, confidence, strength and stability of each region, and their counts."""
    settings: StudySettings = ctx.settings
    inputs, layer, checkpoint = inputs_of(ctx), ctx.unit.layer or "", ctx.unit.checkpoint
    count_points(
        settings.knowledge,
        inputs.images,
        inputs.sample(checkpoint).mean_directions,
        inputs.region(layer, checkpoint),
        inputs.evidence(layer, checkpoint),
        inputs.region(layer).mean_strength,  # of the last checkpoint
        settings.region.kappa_max,
        ctx.resampling_seed,
    ).save(ctx.folder)


def point_rule(
    rule: Rule, tau: float, kappa_max: float, mean_strength: float, told: EvidenceResult | None
) -> PointRule:
    """Return the rule for the knowledge points of a layer, calibrated by its evidence if requested."""
    temperatures = told.point_temperatures if rule == "calibrated" and told is not None else None
    return PointRule(tau, kappa_max, mean_strength or None, temperatures)


def count_points(
    settings: KnowledgeSettings,
    images: ImagesResult,
    mean_directions: Tensor,
    region: RegionResult,
    told: EvidenceResult,
    mean_strength: float,
    kappa_max: float,
    seed: int,
) -> KnowledgeResult:
    """Return the knowledge points of a layer and their counts, strengths in units of `mean_strength`."""
    tau = float(settings.tau)
    own_rule = point_rule(settings.rule, tau, kappa_max, mean_strength, told)
    points = own_rule.points(region.embedding, mean_directions, images.labels)

    def counted(mask: Tensor, reliable: Tensor) -> Counts:
        return Counts.of(bootstrap_counts(mask, reliable, resamples=settings.bootstrap, seed=seed))

    members = [(name, images.labels == label) for label, name in enumerate(images.classes)]
    swept = [
        (each, at_threshold(points, each, images.labels)) for each in settings.taus if each > 1 / len(images.classes)
    ]
    on_object, object_area = _on_object(points.reliable, images.masks, region.grid)
    refits = told.refit_confidence > tau
    return KnowledgeResult(
        **vars(points),
        stability=stability(refits, told.refit_category.long(), points.category),
        rule=settings.rule,
        shared=_shared(refits, told.refit_category, len(region.unseen)),
        images=len(region.embedding),
        tau=tau,
        unit_strength=own_rule.mean_strength,
        kappa_max=kappa_max,
        counts=counted(points.mask, points.reliable),
        classes=tuple(
            ClassCounts(name, counted(points.mask[own], points.reliable[own])) for name, own in members if own.any()
        ),
        sweep=tuple(ThresholdCounts(each, counted(found.mask, found.reliable)) for each, found in swept),
        on_object=on_object,
        object_area=object_area,
    )


def at_threshold(points: KnowledgePoints, tau: float, labels: Tensor) -> KnowledgePoints:
    """Return the points of another threshold, from the probabilities that are known: labels (n,)."""
    mask = points.confidence > tau
    return replace(points, mask=mask, reliable=mask & (points.category == labels[:, None]))


def _shared(masks: Tensor, categories: Tensor, splits: int) -> float | None:
    """Mean share of points that two maps of one division have in common; those of two halves share no image."""
    per_split = len(masks) // splits
    pairs = [
        torch.tensor(pair)
        for first in range(0, len(masks), per_split)
        for pair in combinations(range(first, first + per_split), 2)
    ]
    known = [share for pair in pairs if (share := shared_points(masks[pair], categories[pair])) is not None]
    return sum(known) / len(known) if known else None


def _on_object(reliable: Tensor, masks: Tensor | None, grid: tuple[int, int]) -> tuple[float | None, float | None]:
    """Share of the reliable points on the object, and of the picture that the object covers."""
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
    seconds += RESAMPLING * asked.bootstrap * n
    return Cost(seconds, 22 * n * r, 5 * posterior)


STAGES = (
    Stage(
        "knowledge",
        version=6,
        run=run_knowledge,
        settings=("seed", "knowledge", "region.kappa_max"),
        needs=(
            reads(ImagesResult, "labels", "classes"),
            reads(SampleResult, "mean_directions"),
            reads(RegionResult, "embedding", "grid", "unseen"),
            reads(EvidenceResult, *TEMPERATURES, "evidence", "refit_category"),
            reads(RegionResult, "mean_strength", checkpoint="last"),
        ),
        per=("checkpoint", "layer"),
        weight=1.0,
        cost=knowledge_cost,
    ),
)
