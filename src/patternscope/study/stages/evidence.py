"""Stage evidence: what the regions of a layer tell of the class, each image judged by a map fitted without it."""

from dataclasses import dataclass
from math import log

import torch
from torch import Tensor

from patternscope.embeddings.regional_objective import embed_regions
from patternscope.knowledge.bootstrap import bootstrap_counts, bootstrap_mean
from patternscope.knowledge.calibration import at_temperature, class_shares, fold_temperatures, reliability
from patternscope.knowledge.points import find_knowledge_points
from patternscope.knowledge.probe import probe_evidence
from patternscope.knowledge.region_evidence import Evidence, evidence
from patternscope.knowledge.temperatures import Temperatures
from patternscope.radial import log_posterior
from patternscope.results.evidence import ClassEvidence, EvidenceResult, temperature_fields
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import Counts
from patternscope.results.result import reads
from patternscope.settings.core import KnowledgeSettings
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import NUMBER, RESAMPLING, Cost, Facts
from patternscope.study.fitting import embed_by_all
from patternscope.study.inputs import device_of, inputs_of
from patternscope.workflow.stages import Stage, Unit, UnitContext

_PROBE_PASSES = 25


def run_evidence(ctx: UnitContext) -> None:
    """Write bits and temperature of each region, what each refit says, and what the layer tells, with intervals."""
    settings: StudySettings = ctx.settings
    inputs, layer, checkpoint = inputs_of(ctx), ctx.unit.layer or "", ctx.unit.checkpoint
    measure_evidence(
        settings.knowledge,
        inputs.images,
        inputs.sample(checkpoint).mean_directions,
        inputs.region(layer, checkpoint),
        inputs.load(FeaturesResult, checkpoint).regional.read(layer).to(device_of(ctx)),
        inputs.region(layer).mean_strength_of_all,  # of the last checkpoint
        settings.region.kappa_max,
        ctx.resampling_seed,
    ).save(ctx.folder)


@dataclass(frozen=True)
class Judged:
    """What maps that have not seen an image say of its regions.

    Attributes:
        temperatures: a row per image. log_posterior: log p_T (n, r, c), classes' shares included.
        confidence, category: probability and index of the most probable class in each refit (f, n, r).
    """

    temperatures: Temperatures
    log_posterior: Tensor
    confidence: Tensor
    category: Tensor


def judge_images(
    region: RegionResult, regional: Tensor, labels: Tensor, mean_directions: Tensor, kappa_max: float
) -> Judged:
    """Return what a layer's maps say of regional features (n, k, h, w) of images with these labels (n,).

    The first division of the images judges; every map of every division is a refit that says something of all images.
    """
    directions, labels = mean_directions.to(regional), labels.to(regional.device)
    per_split = len(region.fold_maps) // len(region.unseen)
    judged: list[tuple[Temperatures, Tensor, Tensor]] = []
    confidences, categories = [], []
    for maps, unseen in zip(region.fold_maps.split(per_split), region.unseen.to(regional.device), strict=True):
        embedded = [embed_regions(each.to(regional), regional, region.scale) for each in maps]
        by_map = torch.stack([log_posterior(h, directions, kappa_max) for h in embedded])
        strength = torch.stack([torch.linalg.vector_norm(h, dim=-1) for h in embedded])
        fold = unseen % per_split
        of_image = torch.arange(len(fold), device=fold.device)
        by_others, strength_by_others = by_map[fold, of_image], strength[fold, of_image]
        temperatures = fold_temperatures(by_others, strength_by_others, labels, fold)
        judged.append((temperatures.rows(fold), by_others, strength_by_others))
        for own, (scores, strengths) in enumerate(zip(by_map, strength, strict=True)):
            temperature = temperatures.rows(torch.tensor([own])).of(strengths)
            confidence, category = at_temperature(scores, temperature).exp().max(dim=-1)
            confidences.append(confidence.half())
            categories.append(category.short())
    temperatures, by_others, strength = judged[0]
    calibrated = at_temperature(by_others, temperatures.of(strength), class_shares(labels, len(directions)))
    return Judged(temperatures, calibrated, torch.stack(confidences), torch.stack(categories))


def measure_evidence(
    settings: KnowledgeSettings,
    images: ImagesResult,
    mean_directions: Tensor,
    region: RegionResult,
    regional: Tensor,
    unit_strength: float | None,
    kappa_max: float,
    seed: int,
) -> EvidenceResult:
    """Return the evidence of regional features (n, k, h, w) by the maps of a layer, on the device of the features.

    `unit_strength` is that of the paper's count, the mean strength by the map of all images at the last checkpoint.
    """
    draws = {"resamples": settings.bootstrap, "seed": seed}
    judged = judge_images(region, regional, images.labels, mean_directions, kappa_max)
    labels, prior = images.labels.to(regional.device), class_shares(images.labels, len(images.classes))
    told = evidence(judged.log_posterior, labels, prior, **draws)
    readable = probe_evidence(regional, labels, region.unseen[0], classes=len(prior), **draws)
    paper = find_knowledge_points(
        embed_by_all(region, regional),
        mean_directions,
        images.labels,
        tau=settings.tau,
        kappa_max=kappa_max,
        unit_strength=unit_strength or None,
    )
    return EvidenceResult(
        bits=told.per_region.float().cpu(),
        **temperature_fields(judged.temperatures),
        refit_category=judged.category.cpu(),
        refit_confidence=judged.confidence.cpu(),
        evidence=told.interval,
        readable=readable.interval,
        calibration_error=told.calibration_error,
        most=float(-torch.xlogy(prior, prior).sum() / log(2)),
        against="decision" if images.labelled is False else "labels",
        reliability=reliability(judged.log_posterior, labels),
        classes=_by_class(told, images, draws),
        paper=Counts.of(bootstrap_counts(paper.mask, paper.reliable, **draws)),
    )


def _by_class(told: Evidence, images: ImagesResult, draws: dict[str, int]) -> tuple[ClassEvidence, ...]:
    """Evidence over the images of each class that has any."""
    of_images = told.per_region.mean(dim=1).cpu()
    members = [(name, images.labels == label) for label, name in enumerate(images.classes)]
    return tuple(ClassEvidence(name, bootstrap_mean(of_images[own], **draws)) for name, own in members if own.any())


def judging_cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Return the cost of what all refits of a layer say, and of their temperatures."""
    k, r = facts.layers[unit.layer or ""]
    n, asked = facts.samples, settings.region
    refits, posterior = asked.splits * asked.folds, NUMBER * n * r * facts.classes
    passes = refits * (facts.regional_bytes(unit.layer) + 12 * posterior) + asked.splits * 40 * 2 * posterior
    seconds = passes / facts.copies + 2 * n * r * k * facts.dimensions * refits / facts.products
    memory = 3 * facts.regional_bytes(unit.layer) + (asked.folds + 8) * 2 * posterior
    return Cost(seconds, n * (4 * r + 8 + 4 * refits * r), memory)


def evidence_cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Return the cost of one measurement: that of all refits, the probe, and the intervals."""
    k, r = facts.layers[unit.layer or ""]
    n, c, passes = facts.samples, facts.classes, settings.region.folds * _PROBE_PASSES
    bytes_read = 2 * facts.regional_bytes(unit.layer) + 8 * NUMBER * n * r * c
    probe = passes * (bytes_read / facts.copies + 4 * n * r * k * c / facts.products)
    return judging_cost(unit, facts, settings) + Cost(0.1 + probe + 2 * RESAMPLING * settings.knowledge.bootstrap * n)


STAGES = (
    Stage(
        "evidence",
        version=3,
        run=run_evidence,
        settings=("seed", "knowledge.tau", "knowledge.bootstrap", "region.kappa_max"),
        needs=(
            reads(ImagesResult, "labels", "classes", "labelled"),
            reads(FeaturesResult, "regional"),
            reads(SampleResult, "mean_directions"),
            reads(RegionResult, "map", "scale", "fold_maps"),
            reads(RegionResult, "mean_strength_of_all", checkpoint="last"),
        ),
        per=("checkpoint", "layer"),
        weight=6.0,
        cost=evidence_cost,
    ),
)
