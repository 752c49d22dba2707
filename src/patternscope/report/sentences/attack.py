"""Sentences on an attack: how often it succeeded, where regions turned, what the new points were before."""

from collections.abc import Sequence

from patternscope.figures.findings import attack_text
from patternscope.knowledge import Trajectory
from patternscope.report.contents import Attack, Record
from patternscope.report.formatting import counted, listed, number, percent, spanned, verdict
from patternscope.results.json_csv import interval_of

_WAYS = {
    Trajectory.PAST_ORIGIN: "from a feature of the own class to one of the target without passing the origin",
    Trajectory.THROUGH_ORIGIN: "the same way through the origin",
    Trajectory.FROM_NOTHING: "from no feature to one of the target",
    Trajectory.TO_NOTHING: "from a feature of the own class to none",
}


def attack_sentences(attack: Attack) -> list[str]:
    """Return what is said of the attack."""
    found = [
        success(attack.about),
        where_it_turned(attack),
        strength(attack.layers),
        points_before_and_after(attack.layers),
        what_new_points_were(attack.layers),
        ways(attack.layers),
    ]
    return [each for each in found if each is not None]


def success(about: Record) -> str:
    """Return what was attacked, how, and how often it did what it should."""
    aim = (
        "away from the true class, wherever that ended"
        if not about["targeted"]
        else {
            "second": "towards the most likely wrong class",
            "random": "towards a wrong class chosen at random",
        }.get(about["target"], f"towards {about['target']}")
    )
    return (
        f"The {attack_text(about['norm'], about['epsilon'])} ({about['n_step']} steps, {aim}), succeeded on "
        f"{about['succeeded']:,} of {counted(about['attacked'], 'correctly classified image')} "
        f"({percent(about['success'])})."
    )


def where_it_turned(attack: Attack) -> str:
    """Return how far regions turned in the first and in the last layer."""
    first, last = attack.layers[0], attack.layers[-1]
    turn = spanned(interval_of(last, "orientation_change"))
    if attack.apart is None:
        return f"Regions of {last['layer']} turned by {turn} (1 − cos)."
    apart = attack.apart.numbers["orientation_change"]
    times = (
        f"{number(last['orientation_change'] / first['orientation_change'], 1)} times as far as"
        if first["orientation_change"] and last["orientation_change"] is not None
        else "as against"
    )
    return (
        f"Regions turned by {turn} (1 − cos) in {last['layer']}, {times} in {first['layer']}, "
        f"{spanned(interval_of(first, 'orientation_change'))}; the difference, {spanned(apart)}, is {verdict(apart)}."
    )


def strength(layers: Sequence[Record]) -> str:
    """Return by how much strengths changed in each layer."""
    said = [f"{percent(layer['strength_change'])} in {layer['layer']}" for layer in layers]
    last = layers[-1]
    return (
        f"Strengths changed by {listed(said)} of what they were; the mean strength of {last['layer']} went from "
        f"{number(last['strength_before'])} to {number(last['strength_after'])}, in units of its clean mean."
    )


def points_before_and_after(layers: Sequence[Record]) -> str:
    """Return how many points of the own class there were in the last layer, and of the target afterwards."""
    last = layers[-1]
    return (
        f"{last['layer']} had {spanned(interval_of(last, 'original_points'))} points of the own class an image before "
        f"the attack, and {spanned(interval_of(last, 'target_points'))} of the target class after it."
    )


def what_new_points_were(layers: Sequence[Record]) -> str | None:
    """Return how many of the target's points did not say the target before; None where there are none."""
    known = [layer for layer in layers if layer["below_tau"] is not None]
    if not known:
        return None
    said = listed([f"{spanned(interval_of(each, 'below_tau'))} in {each['layer']}" for each in known])
    last = known[-1]
    area = (
        ""
        if last["importance"] is None
        else f" In {last['layer']} they hold {percent(last['importance'])} of the importance on "
        f"{percent(last['area'])} of the regions."
    )
    return f"Of the target's points this share had p(target) ≤ {last['tau']:g} before: {said}.{area}"


def ways(layers: Sequence[Record]) -> str | None:
    """Return how many regions of the last layer went each of the four ways; None where none did."""
    last = layers[-1]
    said = [
        f"{each['regions']:,} {_WAYS[Trajectory(each['type'])]}"
        for each in last["trajectories"]
        if each["regions"]
    ]
    return f"Ways of {last['layer']}'s regions: {listed(said)}." if said else None
