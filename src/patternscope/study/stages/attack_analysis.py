"""Stage attack_analysis: the effects of the attack on the regional embeddings of a layer."""

from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from patternscope.knowledge.attack_analysis import (
    Trajectory,
    orientation_change,
    strength_change,
    trajectory_types,
    weight_on,
)
from patternscope.knowledge.bootstrap import bootstrap_counts, bootstrap_mean
from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.knowledge_points import KnowledgePoints
from patternscope.knowledge.point_rule import PointRule
from patternscope.results.attack import AttackAnalysisResult, AttackResult, Histogram, TrajectoryCount
from patternscope.results.evidence import TEMPERATURES, EvidenceResult
from patternscope.results.fits import ImportanceResult, RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.result import reads
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import NUMBER, Cost, Facts
from patternscope.study.inputs import inputs_of
from patternscope.study.stages.attack import kept_steps
from patternscope.study.stages.knowledge import point_rule
from patternscope.workflow.stages import Stage, Unit, UnitContext

BINS = 20


@dataclass(frozen=True)
class _AttackedRegions:
    """The attacked samples of a layer: their trajectories (t, m, r, e), labels, targets, and the clean fit."""

    trajectories: Tensor
    labels: Tensor
    targets: Tensor
    region_weights: Tensor
    directions: Tensor
    strength: float
    rule: PointRule

    @property
    def unit(self) -> float:
        """The unit of strengths; 1 for a layer without any."""
        return self.strength or 1.0

    def points(self, place: int, classes: Tensor) -> KnowledgePoints:
        """Knowledge points at a step; the reliable ones are those of `classes` (m,)."""
        return self.rule.points(self.trajectories[place], self.directions, classes)

    def target_probability(self, place: int) -> Tensor:
        """p(target) of each region at a step (m, r)."""
        return self.rule.probability(self.trajectories[place], self.directions, self.targets)

    def types(self) -> Tensor:
        """The type of each region's trajectory (m, r)."""
        return trajectory_types(
            self.trajectories,
            self.labels,
            self.targets,
            self.directions,
            unit_strength=self.unit,
            kappa_max=self.rule.kappa_max,
            temperature=self.rule.temperatures,
        )


def run_attack_analysis(ctx: UnitContext) -> None:
    """Write knowledge points before and after, types of trajectories, and their numbers with intervals."""
    attack = inputs_of(ctx).load(AttackResult)
    rows = torch.nonzero(attack.attacked).flatten()
    regions = _attacked_regions(ctx, attack, rows)
    draws = {"resamples": ctx.settings.knowledge.bootstrap, "seed": ctx.resampling_seed}
    mean = partial(bootstrap_mean, **draws)
    before, after = regions.points(0, regions.labels), regions.points(-1, regions.targets)
    p_before, types = regions.target_probability(0), regions.types()
    weight, area = weight_on(regions.region_weights, after.reliable)
    clean, end = regions.trajectories[0], regions.trajectories[-1]
    strengths = torch.linalg.vector_norm(regions.trajectories[[0, -1]].double(), dim=-1).mean(dim=(1, 2))

    def whole(array: Tensor) -> Tensor:
        """Rows of attacked samples at their indices among all; the others are False or 0."""
        among_all = array.new_zeros(len(attack.attacked), *array.shape[1:])
        among_all[rows] = array
        return among_all

    def share(part: Tensor) -> Interval:
        """The share of the target points that are in a part."""
        return bootstrap_counts(after.reliable, after.reliable & part, **draws)["ratio"]

    AttackAnalysisResult(
        before_mask=whole(before.mask),
        before_category=whole(before.category),
        original_points_mask=whole(before.reliable),
        after_mask=whole(after.mask),
        after_category=whole(after.category),
        target_points_mask=whole(after.reliable),
        p_target_before=whole(p_before),
        p_target_after=whole(regions.target_probability(-1)),
        trajectory=whole(types),
        attacked=len(rows),
        tau=regions.rule.tau,
        unit_strength=regions.strength,
        orientation_change=mean(orientation_change(clean, end).nanmean(dim=1)),
        strength_change=mean(strength_change(clean, end)),
        orientation_change_by_step=[
            float(orientation_change(clean, step).nanmean(dim=1).nanmean()) for step in regions.trajectories
        ],
        strength_change_by_step=[float(strength_change(clean, step).nanmean()) for step in regions.trajectories],
        strength_before=float(strengths[0] / regions.unit),
        strength_after=float(strengths[1] / regions.unit),
        original_points=mean(before.reliable.double().sum(dim=1)),
        target_points=mean(after.reliable.double().sum(dim=1)),
        below_tau=share(p_before <= regions.rule.tau),
        were_points=share(before.mask),
        were_original=share(before.reliable),
        importance=mean(weight),
        area=mean(area),
        histogram=_histogram(p_before[after.reliable]),
        trajectories=_count_types(types),
    ).save(ctx.folder)


def _attacked_regions(ctx: UnitContext, attack: AttackResult, rows: Tensor) -> _AttackedRegions:
    """The attacked samples in the unit's layer."""
    settings: StudySettings = ctx.settings
    inputs, layer = inputs_of(ctx), ctx.unit.layer or ""
    strength, asked = inputs.region(layer).mean_strength, settings.knowledge
    rule = point_rule(asked.rule, float(asked.tau), settings.region.kappa_max, strength, inputs.evidence(layer))
    return _AttackedRegions(
        attack.layers[layer].embedding[:, rows],
        inputs.images.labels[rows],
        attack.targets[rows],
        inputs.importance(layer).region_weights[rows],
        inputs.sample().mean_directions,
        strength,
        rule.rows(rows),
    )


def _histogram(values: Tensor) -> Histogram:
    """The number of values in each of 20 bins of [0, 1]."""
    counts, edges = torch.histogram(values.double().cpu(), bins=BINS, range=(0.0, 1.0))
    return Histogram(edges.tolist(), counts.long().tolist())


def _count_types(types: Tensor) -> tuple[TrajectoryCount, ...]:
    """The number of regions with a trajectory of each of the four types."""
    return tuple(
        TrajectoryCount(int(kind), kind.name.lower(), int((types == kind).sum()))
        for kind in Trajectory
        if kind != Trajectory.NONE
    )


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Passes over the trajectories of one layer."""
    (_, r), n = facts.layers[unit.layer or ""], facts.samples
    held = NUMBER * len(kept_steps(settings.attack.n_step)) * n * r * facts.dimensions
    return Cost(0.05 + 16 * held / facts.copies, 29 * n * r, 4 * held + 10 * NUMBER * n * r * facts.classes)


STAGES = (
    Stage(
        "attack_analysis",
        version=3,
        run=run_attack_analysis,
        settings=("seed", "knowledge.rule", "knowledge.tau", "knowledge.bootstrap", "region.kappa_max"),
        needs=(
            reads(ImagesResult, "labels"),
            reads(SampleResult, "mean_directions", checkpoint="last"),
            reads(RegionResult, "mean_strength", checkpoint="last"),
            reads(EvidenceResult, *TEMPERATURES, "evidence", checkpoint="last"),
            reads(ImportanceResult, "region_weights", checkpoint="last"),
            reads(AttackResult, "targets", "layers"),
        ),
        per=("layer",),
        weight=1.0,
        part="attack",
        cost=_cost,
    ),
)
