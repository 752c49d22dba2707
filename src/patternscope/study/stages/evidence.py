"""Stage evidence: what the regions of a layer tell about the class, each image judged by a map fitted without it."""

from collections.abc import Sequence
from math import log
from typing import NamedTuple, Self

import torch
from torch import Tensor

from patternscope.knowledge.bootstrap import bootstrap_counts, bootstrap_mean
from patternscope.knowledge.calibration import calibration_error, class_shares, reliability_of_regions
from patternscope.knowledge.points import find_knowledge_points
from patternscope.knowledge.probe import FoldProbes, fit_probes
from patternscope.knowledge.region_evidence import Evidence, evidence_of_regions, region_bits
from patternscope.radial.checks import check_finite
from patternscope.results.evidence import ClassEvidence, EvidenceResult, temperature_fields
from patternscope.results.features import Features, FeaturesResult, read_blocks
from patternscope.results.fits import RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import Counts
from patternscope.results.result import reads
from patternscope.settings.core import KnowledgeSettings
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import NUMBER, RESAMPLING, Cost, Facts
from patternscope.study.fitted_part import FittedPart
from patternscope.study.fitting import embed_by_all
from patternscope.study.inputs import device_of, inputs_of
from patternscope.study.judges import Judges
from patternscope.workflow.stages import Stage, Unit, UnitContext

_PROBE_PASSES = 25
# Arrays (b, r, c) in memory per block in addition to its features, most of them in float64.
_POSTERIORS = 8


def run_evidence(ctx: UnitContext) -> None:
    """Write bits and temperature of each region, the predictions of refits, and the layer's evidence with intervals."""
    settings: StudySettings = ctx.settings
    inputs, layer, checkpoint = inputs_of(ctx), ctx.unit.layer or "", ctx.unit.checkpoint
    measure_evidence(
        settings.knowledge,
        inputs.images,
        inputs.sample(checkpoint).mean_directions,
        inputs.region(layer, checkpoint),
        inputs.load(FeaturesResult, checkpoint).regional.open(layer),
        inputs.region(layer).mean_strength_of_all,  # of the last checkpoint
        settings.region.kappa_max,
        ctx.resampling_seed,
        device_of(ctx),
    ).save(ctx.folder)


def measure_evidence(
    settings: KnowledgeSettings,
    images: ImagesResult,
    mean_directions: Tensor,
    region: RegionResult,
    regional: Features,
    unit_strength: float | None,
    kappa_max: float,
    seed: int,
    device: torch.device | str = "cpu",
) -> EvidenceResult:
    """Return the evidence of regional features (n, k, h, w) by the maps of a layer, measured on a device.

    Features are read in blocks if maps were fitted to a part of the images; that part is in memory.
    `unit_strength` is that of the paper's count, the mean strength by the map of all images at the last checkpoint.
    """
    draws = {"resamples": settings.bootstrap, "seed": seed}
    labels, part, c = images.labels.to(device), FittedPart.among(images), len(images.classes)
    prior = class_shares(labels, c)
    own = part.read(regional, device)
    everyone, k, r = own if part.rows is None else regional, own.shape[1], own[0, 0].numel()
    judges = Judges.of(region, own, part.of(labels), mean_directions, prior, kappa_max, part)
    probes = fit_probes(own, part.of(labels), part.of(region.unseen[0]), c)
    blocks = read_blocks(everyone, device, r * max(k, _POSTERIORS * c))
    told = _Told.joined([_block(judges, probes, block, labels[rows], rows) for rows, block in blocks])
    check_finite(told.bits, "evidence of the regional features")
    bins = reliability_of_regions(told.confidence, told.right)
    found = evidence_of_regions(told.bits, calibration_error(bins), **draws)
    readable = evidence_of_regions(told.readable, 0.0, **draws)
    paper = find_knowledge_points(
        embed_by_all(region, everyone, device),
        mean_directions,
        images.labels,
        tau=settings.tau,
        kappa_max=kappa_max,
        unit_strength=unit_strength or None,
    )
    fold = region.unseen[0] % (len(region.fold_maps) // len(region.unseen))
    return EvidenceResult(
        bits=told.bits.float().cpu(),
        **temperature_fields(judges.temperatures[0].rows(fold)),
        refit_category=told.refit_category.cpu(),
        refit_confidence=told.refit_confidence.cpu(),
        evidence=found.interval,
        readable=readable.interval,
        calibration_error=found.calibration_error,
        most=float(-torch.xlogy(prior, prior).sum() / log(2)),
        against="decision" if images.labelled is False else "labels",
        reliability=bins,
        classes=_by_class(found, images, draws),
        paper=Counts.of(bootstrap_counts(paper.mask, paper.reliable, **draws)),
    )


class _Told(NamedTuple):
    """The results of a block of images: (b, r) per region, and (f, b, r) per refit."""

    bits: Tensor
    readable: Tensor
    confidence: Tensor
    right: Tensor
    refit_confidence: Tensor
    refit_category: Tensor

    @classmethod
    def joined(cls, blocks: "Sequence[_Told]") -> Self:
        """Return the results of all images."""
        return cls(*(torch.cat(parts, dim=parts[0].ndim - 2) for parts in zip(*blocks, strict=True)))


def _block(judges: Judges, probes: FoldProbes, regional: Tensor, labels: Tensor, rows: slice) -> _Told:
    """The predictions of the maps and the probes for a block of images."""
    judged = judges.judge(regional, rows)
    confidence, category = judged.log_posterior.exp().max(dim=-1)
    bits = region_bits(judged.log_posterior, labels, judges.shares)
    readable = probes.log_posterior(regional, judges.region.unseen[0, rows], judges.shares)
    right = category == labels[:, None]
    told = region_bits(readable, labels, judges.shares)
    return _Told(bits, told, confidence, right, judged.confidence, judged.category)


def _by_class(told: Evidence, images: ImagesResult, draws: dict[str, int]) -> tuple[ClassEvidence, ...]:
    """Evidence over the images of each class that has any."""
    of_images = told.per_region.mean(dim=1).cpu()
    members = [(name, images.labels == label) for label, name in enumerate(images.classes)]
    return tuple(ClassEvidence(name, bootstrap_mean(of_images[own], **draws)) for name, own in members if own.any())


def judging_cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Return the cost of the posteriors of all refits of a layer, and of their temperatures."""
    k, r = facts.layers[unit.layer or ""]
    n, asked = facts.samples, settings.region
    refits, posterior = asked.splits * asked.folds, NUMBER * n * r * facts.classes
    passes = refits * (facts.regional_bytes(unit.layer) + 12 * posterior) + asked.splits * 40 * 2 * posterior
    seconds = passes / facts.copies + 2 * n * r * k * facts.dimensions * refits / facts.products
    memory = 3 * facts.fitted_bytes(unit.layer) + (asked.folds + 8) * 2 * NUMBER * facts.fitted * r * facts.classes
    return Cost(seconds, n * (4 * r + 8 + 4 * refits * r), memory)


def evidence_cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Return the cost of one measurement: that of all refits, the probe, and the intervals."""
    k, r = facts.layers[unit.layer or ""]
    m, c, passes = facts.fitted, facts.classes, settings.region.folds * _PROBE_PASSES
    bytes_read = 2 * facts.fitted_bytes(unit.layer) + 8 * NUMBER * m * r * c
    probe = passes * (bytes_read / facts.copies + 4 * m * r * k * c / facts.products)
    resampled = 2 * RESAMPLING * settings.knowledge.bootstrap * facts.samples
    return judging_cost(unit, facts, settings) + Cost(0.1 + probe + resampled)


STAGES = (
    Stage(
        "evidence",
        version=3,
        run=run_evidence,
        settings=("seed", "knowledge.tau", "knowledge.bootstrap", "region.kappa_max"),
        needs=(
            reads(ImagesResult, "labels", "classes", "labelled", "fitted"),
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
