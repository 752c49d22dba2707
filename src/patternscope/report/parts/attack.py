"""Sentences on an attack: how often it succeeded, how regions changed, and how probable the target was before."""

from collections.abc import Mapping

from patternscope.knowledge.attack_analysis import Trajectory
from patternscope.report.contents import Attack, Contents
from patternscope.report.formatting import counted, difference_text, listed, verdict
from patternscope.report.part import ReportPart, Said
from patternscope.report.tables import attack_table
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.formatting import number, percent, threshold_text, with_interval

_TRAJECTORIES = {
    Trajectory.PAST_ORIGIN: "from a feature of the original class to one of the target, around the origin",
    Trajectory.THROUGH_ORIGIN: "from a feature of the original class to one of the target, through the origin",
    Trajectory.FROM_NOTHING: "from no feature to one of the target",
    Trajectory.TO_NOTHING: "from a feature of the original class to none",
}
Layers = Mapping[str, AttackAnalysisResult]


def attack_sentences(attack: Attack) -> list[str]:
    """Return the report's findings on the attack."""
    sentences = [
        success(attack.result),
        orientation_change(attack),
        strength_change(attack.layers),
        points_before_and_after(attack.layers),
        new_points(attack.layers),
        trajectories(attack.layers),
    ]
    return [sentence for sentence in sentences if sentence is not None]


def success(attack: AttackResult) -> str:
    """Return what the attack was, and how often it succeeded."""
    aims = {"second": "towards the most likely wrong class", "random": "towards a random wrong class"}
    aim = aims.get(attack.target, f"towards {attack.target}") if attack.targeted else "untargeted"
    return (
        f"The {attack.title} ({attack.n_step} steps, {aim}), succeeded on {attack.succeeded_count:,} of "
        f"{counted(attack.attacked_count, 'correctly classified image')} ({percent(attack.success_share)})."
    )


def orientation_change(attack: Attack) -> str:
    """Return how much regions turned in the first and in the last layer."""
    (first, before), (last, after) = (list(attack.layers.items())[place] for place in (0, -1))
    change, least = after.orientation_change, before.orientation_change
    if attack.difference is None:
        return f"Regions of {last} turned by 1 − cos = {with_interval(change)}."
    times = (
        f"{number(change.value / least.value, 1)} times as much as in"
        if least.value and change.value is not None
        else "compared with"
    )
    return (
        f"Regions of {last} turned by 1 − cos = {with_interval(change)}, {times} {first}, {with_interval(least)}; "
        f"the difference, {difference_text(attack.difference)}, is {verdict(attack.difference)}."
    )


def strength_change(layers: Layers) -> str:
    """Return by how much strengths changed in each layer."""
    changes = [f"{percent(analysis.strength_change.value)} in {layer}" for layer, analysis in layers.items()]
    last, analysis = list(layers.items())[-1]
    return (
        f"Strengths changed by {listed(changes)} of their clean values; the mean strength of {last} went from "
        f"{number(analysis.strength_before)} to {number(analysis.strength_after)}, in units of its clean mean."
    )


def points_before_and_after(layers: Layers) -> str:
    """Return how many points of the original class the last layer had, and of the target afterwards."""
    last, analysis = list(layers.items())[-1]
    return (
        f"{last} had {with_interval(analysis.original_points)} knowledge points of the original class per image before "
        f"the attack, and {with_interval(analysis.target_points)} of the target class after it."
    )


def new_points(layers: Layers) -> str | None:
    """Return the share of the target points that are new; None where there are none."""
    known = {layer: analysis for layer, analysis in layers.items() if analysis.below_tau.value is not None}
    if not known:
        return None
    shares = listed([f"{with_interval(analysis.below_tau)} in {layer}" for layer, analysis in known.items()])
    last, analysis = list(known.items())[-1]
    area = (
        ""
        if analysis.importance.value is None
        else f" In {last}, the target points have {percent(analysis.importance.value)} of the importance on "
        f"{percent(analysis.area.value)} of the regions."
    )
    tau = threshold_text(analysis.tau)
    return f"Share of the target points that had p(target) ≤ {tau} before the attack: {shares}.{area}"


def trajectories(layers: Layers) -> str | None:
    """Return how many regions of the last layer have each type of trajectory; None if no region has one."""
    last, analysis = list(layers.items())[-1]
    counts = [f"{row.regions:,} {_TRAJECTORIES[Trajectory(row.type)]}" for row in analysis.trajectories if row.regions]
    return f"Trajectories of the regions of {last}: {'; '.join(counts)}." if counts else None


def _read(contents: Contents) -> Said | None:
    """Return the sentences and tables of a study."""
    attack = contents.attack
    return None if attack is None else (attack_sentences(attack), [attack_table(attack)])


PART = ReportPart(
    "attack",
    "Adversarial attack",
    40,
    _read,
    captions={
        "attack_regions": "Knowledge points of some images before and after the attack.",
        "attack_change": "Change of orientation and strength under the attack, layer by layer.",
        "attack_histogram": "Probability of the target before the attack, at regions that are knowledge points of it "
        "afterwards.",
        "attack_trajectories": "Trajectories of regions under the attack, by type.",
    },
    finding=2,
)
