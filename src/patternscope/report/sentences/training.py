"""Sentences on training: what grew between checkpoints, and when classes emerged."""

from collections.abc import Sequence
from itertools import groupby

from patternscope.report.contents import Change, Record, Training
from patternscope.report.formatting import BEYOND, compared, listed, number, percent, spanned, verdict
from patternscope.results.json_csv import interval_of


def training_sentences(training: Training) -> list[str]:
    """Return what is said of the checkpoints."""
    last = training.layers[-1]
    steps = training.steps[last["layer"]]
    found = [
        when_classes_emerged(training),
        growth(training),
        largest_step(last["layer"], steps),
        steps_within_noise(last["layer"], steps),
        accuracy(training.checkpoints),
    ]
    return [each for each in found if each is not None]


def when_classes_emerged(training: Training) -> str:
    """Return from which checkpoint half of each class's images always have a reliable point, in the last layer."""
    layer, names = training.layers[-1], [row["name"] for row in training.checkpoints]
    known = sorted(
        (row for row in layer["lasting"] if row["median_checkpoint"] is not None),
        key=lambda row: row["median_checkpoint"],
    )
    never = [row["class"] for row in layer["lasting"] if row["median_checkpoint"] is None]
    start = f"In {layer['layer']}, half of a class's images have a reliable point for good"
    if not known:
        return f"{start} at no checkpoint, for any class."
    said = [
        f"from {names[place]} for {listed([row['class'] for row in rows])}"
        for place, rows in (
            (place, list(own)) for place, own in groupby(known, lambda r: r["median_checkpoint"])
        )
    ]
    after = f"; never for {listed(never)}" if never else ""
    return f"{start} {', '.join(said)}{after}."


def growth(training: Training) -> str:
    """Return by how much reliable points grew from the first to the last checkpoint, layer by layer."""
    names = [row["name"] for row in training.checkpoints]
    grown = [(row["layer"], interval_of(row["growth"], "reliable")) for row in training.layers]
    verdicts = {verdict(each) for _, each in grown}
    if len(grown) > 1 and len(verdicts) == 1:
        said = f"{listed([f'{compared(each)} in {layer}' for layer, each in grown])}, all {verdicts.pop()}"
    else:
        said = listed([f"{compared(each)} in {layer}, {verdict(each)}" for layer, each in grown])
    return f"Reliable points an image at {names[-1]}, compared with {names[0]}: {said}."


def largest_step(layer: str, steps: Sequence[Change]) -> str | None:
    """Return between which checkpoints most reliable points of a layer appeared; None where none did."""
    if len(steps) < 2:
        return None
    largest = max(steps, key=lambda step: step.numbers["reliable"].value or 0.0)
    change = largest.numbers["reliable"]
    if not change.value or change.value <= 0:
        return None
    return (
        f"{layer} gains most between {largest.start} and {largest.end}: {spanned(change)} reliable points an image, "
        f"{verdict(change)}."
    )


def steps_within_noise(layer: str, steps: Sequence[Change]) -> str | None:
    """Return between which successive checkpoints a layer's reliable points may not have changed.

    None for one step.
    """
    if len(steps) < 2:
        return None
    quiet = [step for step in steps if verdict(step.numbers["reliable"]) != BEYOND]
    lost = [s for s in steps if s not in quiet and (s.numbers["reliable"].value or 0) < 0]
    said = (
        f"Between successive checkpoints every change of {layer}'s reliable points is {BEYOND}."
        if not quiet
        else f"Within the noise are the changes of {layer}'s reliable points from "
        f"{listed([f'{step.start} to {step.end}' for step in quiet])}."
        if len(quiet) < len(steps)
        else f"Between successive checkpoints no change of {layer}'s reliable points is {BEYOND}."
    )
    fell = [f"{compared(step.numbers['reliable'])} at {step.end} than at {step.start}" for step in lost]
    return f"{said} Points were lost as well: {listed(fell)}." if fell else said


def accuracy(checkpoints: Sequence[Record]) -> str | None:
    """Return how the accuracy changed; None where it is not known."""
    first, last = checkpoints[0], checkpoints[-1]
    if first["held_out_accuracy"] is None or last["held_out_accuracy"] is None:
        return None
    return (
        f"Held-out accuracy went from {number(first['held_out_accuracy'])} at {first['name']} to "
        f"{number(last['held_out_accuracy'])} at {last['name']}, on {last['held_out_images']:,} images"
        f"{_last_turn(last)}."
    )


def _last_turn(last: Record) -> str:
    """How near the last two sample embeddings are."""
    residual = last["alignment_residual"]
    return (
        ""
        if residual is None
        else f"; the last two sample embeddings differ by {percent(residual)} once aligned"
    )
