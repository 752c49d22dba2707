"""Sentences on training: how the counts changed between checkpoints, and when classes emerged."""

from collections.abc import Sequence
from itertools import groupby

from patternscope.report.contents import Contents, Step, Training
from patternscope.report.formatting import BEYOND, compared, difference_text, listed, verdict
from patternscope.report.part import ReportPart, Said
from patternscope.report.tables import checkpoint_table
from patternscope.results.formatting import number
from patternscope.results.summary import CheckpointSummary


def training_sentences(training: Training) -> list[str]:
    """Return the report's findings on the checkpoints."""
    last = training.layers[-1].layer
    steps = training.steps[last]
    by_evidence = training.emerges == "evidence"
    sentences = [
        when_classes_emerged(training),
        evidence_growth(training) if by_evidence else growth(training),
        None if by_evidence else largest_step(last, steps),
        None if by_evidence else steps_within_noise(last, steps),
        accuracy(training.checkpoints),
    ]
    return [sentence for sentence in sentences if sentence is not None]


def when_classes_emerged(training: Training) -> str:
    """Return from which checkpoint on half of each class's images stay emerged, in the last layer.

    By evidence, which is comparable between checkpoints, or by reliable points where it was not measured.
    """
    layer, names = training.layers[-1], [checkpoint.name for checkpoint in training.checkpoints]
    never = [row.name for row in layer.lasting if row.median_checkpoint is None]
    places = {row.name: row.median_checkpoint for row in layer.lasting if row.median_checkpoint is not None}
    if not places:
        what = "lasting evidence" if training.emerges == "evidence" else "a lasting reliable point"
        return f"In {layer.layer}, no class has {what} on half of its images."
    classes = groupby(sorted(places, key=lambda name: places[name]), key=lambda name: places[name])
    starts = [f"from {names[place]} on ({listed(list(own))})" for place, own in classes]
    after = f"; never for {listed(never)}" if never else ""
    keep = "have evidence of it" if training.emerges == "evidence" else "keep a reliable point"
    return f"In {layer.layer}, half of a class's images {keep} {listed(starts)}{after}."


def evidence_growth(training: Training) -> str:
    """Return by how much evidence changed from the first to the last checkpoint, layer by layer."""
    first, last = training.checkpoints[0].name, training.checkpoints[-1].name
    grown = [(each.layer, each.evidence_growth) for each in training.layers if each.evidence_growth is not None]
    changes = listed([f"{compared(change, 'more', 'less')} in {layer}, {verdict(change)}" for layer, change in grown])
    return f"Bits of evidence per region at {last}, compared with {first}: {changes}."


def growth(training: Training) -> str:
    """Return by how much reliable points increased from the first to the last checkpoint, layer by layer."""
    first, last = training.checkpoints[0].name, training.checkpoints[-1].name
    grown = [(layer.layer, layer.growth.reliable) for layer in training.layers]
    verdicts = {verdict(difference) for _, difference in grown}
    if len(grown) > 1 and len(verdicts) == 1:
        changes = listed([f"{compared(difference)} in {layer}" for layer, difference in grown])
        changes = f"{changes}, all {verdicts.pop()}"
    else:
        changes = listed([f"{compared(change)} in {layer}, {verdict(change)}" for layer, change in grown])
    return f"Reliable points per image at {last}, compared with {first}: {changes}."


def largest_step(layer: str, steps: Sequence[Step]) -> str | None:
    """Return between which checkpoints a layer gains the most reliable points; None if it gains none."""
    if len(steps) < 2:
        return None
    largest = max(steps, key=lambda step: step.difference.reliable.value or 0.0)
    change = largest.difference.reliable
    if not change.value or change.value <= 0:
        return None
    return (
        f"{layer} gains most between {largest.start} and {largest.end}: {difference_text(change)} reliable points "
        f"per image, {verdict(change)}."
    )


def steps_within_noise(layer: str, steps: Sequence[Step]) -> str | None:
    """Return between which checkpoints a layer's reliable points may not have changed; None for one step."""
    if len(steps) < 2:
        return None
    quiet = [step for step in steps if verdict(step.difference.reliable) != BEYOND]
    between = f"change of {layer}'s reliable points between successive checkpoints is {BEYOND}."
    if not quiet:
        sentence = f"Every {between}"
    elif len(quiet) == len(steps):
        sentence = f"No {between}"
    else:
        spans = listed([f"{step.start} to {step.end}" for step in quiet])
        sentence = f"The changes of {layer}'s reliable points from {spans} are within the noise."
    lost = [
        f"{compared(step.difference.reliable)} at {step.end} than at {step.start}"
        for step in steps
        if step not in quiet and (step.difference.reliable.value or 0.0) < 0
    ]
    return f"{sentence} Points were also lost: {listed(lost)}." if lost else sentence


def accuracy(checkpoints: Sequence[CheckpointSummary]) -> str | None:
    """Return how the accuracy changed, and how close the last two sample embeddings are; None if it is unknown."""
    first, last = checkpoints[0], checkpoints[-1]
    if first.held_out_accuracy is None or last.held_out_accuracy is None:
        return None
    aligned = (
        ""
        if last.alignment_residual is None
        else f"; the last two sample embeddings, once aligned, have a residual of {number(last.alignment_residual)}"
    )
    return (
        f"The held-out accuracy went from {number(first.held_out_accuracy)} at {first.name} to "
        f"{number(last.held_out_accuracy)} at {last.name}, on {last.held_out_images:,} images{aligned}."
    )


def _read(contents: Contents) -> Said | None:
    """Return the sentences and tables of a study."""
    training = contents.training
    return None if training is None else (training_sentences(training), [checkpoint_table(training)])


PART = ReportPart(
    "training",
    "Training",
    20,
    _read,
    captions={
        "emergence": "Evidence over training: a line of all images in each layer, and a row of cells for each class.",
        "training_strip": "The sample embedding at each checkpoint, aligned and on one scale.",
        "training_animation": "The same as an animation.",
    },
    finding=1,
)
