"""Stage adversarial: what the attack did to the regional embeddings of a layer."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from patternscope.knowledge import (
    Interval,
    KnowledgePoints,
    Trajectory,
    bootstrap_counts,
    bootstrap_mean,
    class_probability,
    find_knowledge_points,
    orientation_change,
    strength_change,
    threshold,
    trajectory_types,
    weight_on,
)
from patternscope.results.arrays import load_arrays, save_arrays
from patternscope.results.json_csv import flat_interval, read_json, write_json
from patternscope.settings.study import StudySettings
from patternscope.workflow.stages import Need, Stage, UnitContext, layer_folder

BINS = 20


@dataclass(frozen=True)
class _Attacked:
    """The attacked samples of a layer: their way (t, m, r, e), labels, targets and what the clean fit knows."""

    path: Tensor
    labels: Tensor
    targets: Tensor
    region_weights: Tensor
    directions: Tensor
    unit: float
    tau: float
    kappa_max: float

    def points(self, place: int, classes: Tensor) -> KnowledgePoints:
        """Knowledge points at a step; the reliable ones are those of `classes` (m,)."""
        return find_knowledge_points(
            self.path[place],
            self.directions,
            classes,
            tau=self.tau,
            kappa_max=self.kappa_max,
            unit_strength=self.unit or None,
        )

    def target_probability(self, place: int) -> Tensor:
        """p(target) of each region at a step (m, r)."""
        return class_probability(
            self.path[place] / (self.unit or 1.0), self.directions, self.targets, self.kappa_max
        )

    def trajectories(self) -> Tensor:
        """The kind of way of each region (m, r)."""
        return trajectory_types(
            self.path,
            self.labels,
            self.targets,
            self.directions,
            unit_strength=self.unit or 1.0,
            kappa_max=self.kappa_max,
        )


def run_adversarial(ctx: UnitContext) -> None:
    """Write knowledge points before and after, kinds of ways, and their numbers with intervals."""
    attack = load_arrays(ctx.path("attack", "attack.safetensors"))
    rows = torch.nonzero(attack["attacked"]).flatten()
    regions = _attacked(ctx, rows, attack["targets"])
    before, after = regions.points(0, regions.labels), regions.points(-1, regions.targets)
    p_before, p_after = regions.target_probability(0), regions.target_probability(-1)
    found = {
        "before_mask": before.mask,
        "before_category": before.category,
        "original_points": before.reliable,
        "after_mask": after.mask,
        "after_category": after.category,
        "target_points": after.reliable,
        "p_target_before": p_before,
        "p_target_after": p_after,
        "trajectory": regions.trajectories(),
    }
    save_arrays(
        ctx.folder / "adversarial.safetensors",
        {name: _among_all(array, rows, len(attack["attacked"])) for name, array in found.items()},
    )
    write_json(
        ctx.folder / "adversarial.json",
        {
            "attacked": len(rows),
            "tau": regions.tau,
            "unit_strength": regions.unit,
            **_changes(ctx, regions),
            **_points(ctx, regions, found),
            "histogram": _histogram(p_before[after.reliable]),
            "trajectories": _kinds(found["trajectory"]),
        },
    )


def _attacked(ctx: UnitContext, rows: Tensor, targets: Tensor) -> _Attacked:
    """Read what the unit's layer has of the attacked samples."""
    settings: StudySettings = ctx.settings
    layer = layer_folder(ctx.unit.layer or "")
    samples = load_arrays(ctx.path("images", "samples.safetensors"))
    directions = load_arrays(ctx.path("sample", "sample.safetensors"))["mean_directions"]
    return _Attacked(
        load_arrays(ctx.path("attack", f"{layer}.safetensors"))["embedding"][:, rows],
        samples["labels"][rows],
        targets[rows],
        load_arrays(ctx.path("importance", "importance.safetensors"))["region_weights"][rows],
        directions,
        read_json(ctx.path("region", "strength.json"))["mean_strength"],
        threshold(settings.knowledge.tau, len(directions)),
        settings.region.kappa_max,
    )


def _among_all(array: Tensor, rows: Tensor, count: int) -> Tensor:
    """Rows of attacked samples at their places among all; the others hold False or 0."""
    whole = array.new_zeros(count, *array.shape[1:])
    whole[rows] = array
    return whole


def _changes(ctx: UnitContext, regions: _Attacked) -> dict[str, Any]:
    """How much regions turned and how much stronger or weaker they got, at the end and step by step."""
    clean, end = regions.path[0], regions.path[-1]
    turned = orientation_change(clean, end).nanmean(dim=1)
    strengths = torch.linalg.vector_norm(regions.path[[0, -1]].double(), dim=-1).mean(dim=(1, 2))
    old, new = (strengths / (regions.unit or 1.0)).tolist()
    return {
        **flat_interval("orientation_change", _mean(ctx, turned)),
        **flat_interval("strength_change", _mean(ctx, strength_change(clean, end))),
        "orientation_change_by_step": [
            float(orientation_change(clean, h).nanmean(dim=1).nanmean()) for h in regions.path
        ],
        "strength_change_by_step": [float(strength_change(clean, h).nanmean()) for h in regions.path],
        "strength_before": old,
        "strength_after": new,
    }


def _points(ctx: UnitContext, regions: _Attacked, found: dict[str, Tensor]) -> dict[str, Any]:
    """How many points of the original class there were and of the target there are, and what these were."""
    original, target = found["original_points"], found["target_points"]
    weight, area = weight_on(regions.region_weights, target)
    was = {
        "below_tau": found["p_target_before"] <= regions.tau,
        "were_points": found["before_mask"],
        "were_original": original,
    }
    flat: dict[str, Any] = {}
    flat |= flat_interval("original_points", _mean(ctx, original.double().sum(dim=1)))
    flat |= flat_interval("target_points", _mean(ctx, target.double().sum(dim=1)))
    for name, chosen in was.items():
        flat |= flat_interval(name, _share(ctx, target, target & chosen))
    return flat | flat_interval("importance", _mean(ctx, weight)) | flat_interval("area", _mean(ctx, area))


def _mean(ctx: UnitContext, values: Tensor) -> Interval:
    """A mean over images with its interval."""
    return bootstrap_mean(values, resamples=ctx.settings.knowledge.bootstrap, seed=ctx.seed)


def _share(ctx: UnitContext, mask: Tensor, part: Tensor) -> Interval:
    """The share of the regions in a mask that are in a part of it, with its interval over images."""
    return bootstrap_counts(mask, part, resamples=ctx.settings.knowledge.bootstrap, seed=ctx.seed)["ratio"]


def _histogram(values: Tensor) -> dict[str, list[float] | list[int]]:
    """How many values are in each of 20 bins of [0, 1]."""
    counts, edges = torch.histogram(values.double().cpu(), bins=BINS, range=(0.0, 1.0))
    return {"edges": edges.tolist(), "counts": counts.long().tolist()}


def _kinds(trajectory: Tensor) -> list[dict[str, Any]]:
    """How many regions go each of the four ways."""
    return [
        {"type": int(kind), "name": kind.name.lower(), "regions": int((trajectory == kind).sum())}
        for kind in Trajectory
        if kind != Trajectory.NONE
    ]


ADVERSARIAL = Stage(
    "adversarial",
    version=1,
    run=run_adversarial,
    settings=("seed", "knowledge.tau", "knowledge.bootstrap", "region.kappa_max"),
    needs=(
        Need("images", ("samples.safetensors",)),
        Need("sample", ("sample.safetensors",), checkpoint="last"),
        Need("region", ("strength.json",), checkpoint="last"),
        Need("importance", ("importance.safetensors",), checkpoint="last"),
        Need("attack", ("attack.safetensors", "{layer}.safetensors")),
    ),
    per=("layer",),
    weight=1.0,
)
