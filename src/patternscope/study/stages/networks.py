"""Stage networks: a layer of several networks, trained alike, at a checkpoint: intervals over them, what they share."""

from collections.abc import Sequence
from dataclasses import fields, replace
from functools import partial
from math import inf
from statistics import fmean

import torch

from patternscope.knowledge.intervals import Interval, seed_spread
from patternscope.knowledge.region_evidence import stability
from patternscope.knowledge.replicates import over_networks, shared_by_all, shared_by_chance
from patternscope.results.emergence import EmergenceResult
from patternscope.results.evidence import ClassEvidence, EvidenceResult
from patternscope.results.knowledge import ClassCounts, Counts, KnowledgeResult, PlainCounts, ThresholdCounts
from patternscope.results.patterns import PatternsResult
from patternscope.results.replicates import NetworkNumbers, NetworksResult
from patternscope.results.result import Result, reads
from patternscope.results.study import StudyResults, network_variant
from patternscope.results.summary import SummaryResult
from patternscope.results.training import TrainingResult
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import NUMBER, Cost, Facts
from patternscope.study.inputs import inputs_of
from patternscope.study.replicates import network_stages
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext

# Stages that show counts: their intervals are over networks too.
_READERS: tuple[type[Result], ...] = (SummaryResult, EmergenceResult)


def with_networks(stages: Sequence[Stage], settings: StudySettings) -> list[Stage]:
    """Return the stages of a study with those of its further networks, and of what all networks have in common."""
    shown = {kind.STAGE for kind in _READERS}
    need = reads(NetworksResult, "counts", checkpoint="all", layer="all")
    more = {**dict.fromkeys(shown, need), PatternsResult.STAGE: reads(NetworksResult, "stability", checkpoint="last")}
    own = [replace(s, needs=(*s.needs, more[s.name])) if s.name in more else s for s in stages]
    return [*own, *network_stages(stages, settings), _networks_stage(settings.replicates.count)]


def run_networks(ctx: UnitContext, networks: int) -> None:
    """Write counts and evidence over networks, each network's own, consensus, and stability over networks."""
    compare_networks(inputs_of(ctx), ctx.unit.layer or "", ctx.unit.checkpoint, networks, ctx.seed).save(ctx.folder)


def compare_networks(
    results: StudyResults, layer: str, checkpoint: int | None, networks: int, seed: int
) -> NetworksResult:
    """Return what several networks of a study have in common in a layer at a checkpoint."""
    variants = [None, *map(network_variant, range(2, networks + 1))]
    known = [results.load(KnowledgeResult, checkpoint, layer, variant) for variant in variants]
    told = [results.load(EvidenceResult, checkpoint, layer, variant) for variant in variants]
    accuracies = [results.load(TrainingResult, checkpoint, None, variant).held_out_accuracy for variant in variants]
    masks, categories = torch.stack([each.mask for each in known]), torch.stack([each.category for each in known])
    numbers = tuple(
        NetworkNumbers(place + 1, accuracy, bits.evidence, each.counts)
        for place, (accuracy, bits, each) in enumerate(zip(accuracies, told, known, strict=True))
    )
    plain = [each.plain for each in numbers]
    most, regions = told[0].most, known[0].mask.shape[1]
    return NetworksResult(
        stability=stability(masks, categories, known[0].category),
        images=len(known[0].mask),
        counts=_counts_over_networks([each.counts for each in known], regions),
        paper=_counts_over_networks([each.paper for each in told], regions),
        classes=tuple(
            ClassCounts(rows[0].name, _counts_over_networks([row.counts for row in rows], regions))
            for rows in zip(*(each.classes for each in known), strict=True)
        ),
        sweep=tuple(
            ThresholdCounts(rows[0].tau, _counts_over_networks([row.counts for row in rows], regions))
            for rows in zip(*(each.sweep for each in known), strict=True)
        ),
        evidence=_bits_over_networks([each.evidence for each in told], most),
        readable=_bits_over_networks([each.readable for each in told], most),
        class_evidence=tuple(
            # The maximum of a class depends on its share, and differs from that of all classes.
            ClassEvidence(rows[0].name, _bits_over_networks([row.evidence for row in rows], inf))
            for rows in zip(*(each.classes for each in told), strict=True)
        ),
        calibration_error=fmean(each.calibration_error for each in told),
        shared=_mean([each.shared for each in known]),
        on_object=_mean([each.on_object for each in known]),
        spread=PlainCounts(
            *(seed_spread([getattr(each, entry.name) for each in plain]) for entry in fields(PlainCounts))
        ),
        consensus=shared_by_all(masks, categories),
        chance=shared_by_chance(masks, categories, seed=seed),
        networks=numbers,
    )


def _counts_over_networks(counts: Sequence[Counts], regions: int) -> Counts:
    """Means over networks, with intervals over networks and images."""
    ranges = {"ratio": (0.0, 1.0)}

    def over(name: str) -> Interval:
        return over_networks([getattr(each, name) for each in counts], within=ranges.get(name, (0.0, float(regions))))

    return Counts(*(over(entry.name) for entry in fields(Counts)))


def _bits_over_networks(bits: Sequence[Interval], most: float) -> Interval:
    """Mean over networks, with an interval over networks and images."""
    return over_networks(bits, within=(-inf, most))


def _mean(values: Sequence[float | None]) -> float | None:
    """Mean of the existing ones."""
    known = [value for value in values if value is not None]
    return fmean(known) if known else None


def _cost(networks: int, unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """A few passes over the masks of all networks, more for the permutations of chance."""
    _, r = facts.layers[unit.layer or ""]
    masks = 9 * networks * facts.samples * r
    return Cost(0.02 + 60 * masks / facts.copies, NUMBER * facts.samples * r + 1000.0 * networks, 4 * masks)


def _networks_stage(networks: int) -> Stage:
    """The stage for a number of networks."""
    needs: list[Need] = []
    for variant in (None, *map(network_variant, range(2, networks + 1))):
        needs += [
            reads(TrainingResult, "held_out_accuracy", variant=variant),
            reads(KnowledgeResult, "mask", "counts", variant=variant),
            reads(EvidenceResult, "evidence", variant=variant),
        ]
    return Stage(
        NetworksResult.STAGE,
        version=2,
        run=partial(run_networks, networks=networks),
        settings=("seed",),
        needs=tuple(needs),
        per=("checkpoint", "layer"),
        weight=0.3,
        part=NetworksResult.PART,
        cost=partial(_cost, networks),
    )
