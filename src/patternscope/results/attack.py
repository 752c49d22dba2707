"""Results of the stages attack and attack_analysis: the attacked images, and what happened to their regions."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from patternscope.knowledge.intervals import Interval
from patternscope.results.result import Result, arrays, layer_arrays, record


@dataclass(frozen=True)
class AttackedLayer:
    """Regional embeddings (t, n, r, e) of a layer at the kept steps of an attack, through the maps of clean images."""

    embedding: Tensor


class AttackResult(Result):
    """An attack on n samples at t kept steps, the clean images first; samples that are not attacked stay clean.

    Attributes:
        targets: (n,) int64, the target class of each, -1 for samples that are not attacked. success, attacked: (n,)
            bool.
        images: (n, channels, height, width) in [0, 1] after the last step. logits: (t, n, c).
        pictures: (t, n, channels, h, w) uint8 at the kept steps, reduced if they would take too many bytes; None in
            studies of earlier versions.
        sample_embedding: (t, n, e). layers: the layers by name.
        epsilon, step_size, n_step, norm, target, targeted, random_start: its settings.
        steps: the kept ones. success_by_step: share of the attacked samples. longest_perturbation: in the norm.
        samples, attacked_count, succeeded_count: numbers of samples. success_share: after the last step.
    """

    STAGE = "attack"
    PART = "attack"

    targets: Tensor = arrays("attack")
    success: Tensor = arrays("attack")
    attacked: Tensor = arrays("attack")
    images: Tensor = arrays("attack")
    pictures: Tensor | None = arrays("attack")
    logits: Tensor = arrays("attack")
    sample_embedding: Tensor = arrays("attack")
    epsilon: float = record("attack")
    step_size: float = record("attack")
    n_step: int = record("attack")
    norm: str = record("attack")
    target: str = record("attack")
    targeted: bool = record("attack")
    random_start: bool = record("attack")
    steps: list[int] = record("attack")
    samples: int = record("attack")
    attacked_count: int = record("attack", key="attacked")
    succeeded_count: int = record("attack", key="succeeded")
    success_share: float = record("attack", key="success")
    success_by_step: list[float] = record("attack")
    longest_perturbation: float = record("attack")
    layers: Mapping[str, AttackedLayer] = layer_arrays(AttackedLayer)

    @property
    def title(self) -> str:
        """The name of the attack in figures."""
        return attack_title(self.norm, self.epsilon)


def attack_title(norm: str, epsilon: float) -> str:
    """Return the name of an attack.

    >>> attack_title("linf", 8 / 255), attack_title("l2", 0.5)
    ('l∞ attack, ε = 8/255', 'l2 attack, ε = 0.5')
    """
    steps = epsilon * 255
    size = f"{steps:.0f}/255" if norm == "linf" and abs(steps - round(steps)) < 1e-6 else f"{epsilon:.3g}"
    return f"{'l∞' if norm == 'linf' else norm} attack, ε = {size}"


@dataclass(frozen=True)
class Histogram:
    """The number of values in each bin: edges (b + 1,) and counts (b,)."""

    edges: list[float]
    counts: list[int]


@dataclass(frozen=True)
class TrajectoryCount:
    """The number of regions of a layer with a trajectory of one type (`knowledge.Trajectory`)."""

    type: int
    name: str
    regions: int


class AttackAnalysisResult(Result):
    """The effects of the attack on a layer.

    Arrays (n, r), of samples that were attacked; False or 0 elsewhere:
        before_mask, after_mask: knowledge points; before_category, after_category: their classes.
        original_points_mask: reliable before; target_points_mask: of the target after.
        p_target_before, p_target_after: probability of the target. trajectory: type, 0 for none.

    Numbers, means over the attacked images with intervals:
        orientation_change: 1 - cos. strength_change: relative. Both also by step.
        original_points, target_points: per image. below_tau, were_points, were_original: shares of the target points
            that had p(target) <= tau, were knowledge points, and were points of the original class before.
        importance: region weight on the target points; area: their share of the regions.
        strength_before, strength_after: mean strength in units of the clean one. histogram: p(target) before, of the
            regions that are target points after. trajectories: regions by type.
    """

    STAGE = "attack_analysis"
    AXES = ("layer",)
    PART = "attack"

    before_mask: Tensor = arrays("attack_analysis")
    before_category: Tensor = arrays("attack_analysis")
    original_points_mask: Tensor = arrays("attack_analysis")
    after_mask: Tensor = arrays("attack_analysis")
    after_category: Tensor = arrays("attack_analysis")
    target_points_mask: Tensor = arrays("attack_analysis")
    p_target_before: Tensor = arrays("attack_analysis")
    p_target_after: Tensor = arrays("attack_analysis")
    trajectory: Tensor = arrays("attack_analysis")
    attacked: int = record("attack_analysis")
    tau: float = record("attack_analysis")
    unit_strength: float = record("attack_analysis")
    orientation_change: Interval = record("attack_analysis")
    strength_change: Interval = record("attack_analysis")
    orientation_change_by_step: list[float] = record("attack_analysis")
    strength_change_by_step: list[float] = record("attack_analysis")
    strength_before: float = record("attack_analysis")
    strength_after: float = record("attack_analysis")
    original_points: Interval = record("attack_analysis")
    target_points: Interval = record("attack_analysis")
    below_tau: Interval = record("attack_analysis")
    were_points: Interval = record("attack_analysis")
    were_original: Interval = record("attack_analysis")
    importance: Interval = record("attack_analysis")
    area: Interval = record("attack_analysis")
    histogram: Histogram = record("attack_analysis")
    trajectories: tuple[TrajectoryCount, ...] = record("attack_analysis")
