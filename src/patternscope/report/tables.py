"""The tables of a report: the numbers behind its sentences."""

from collections.abc import Sequence
from dataclasses import dataclass

from patternscope.figures import distilled_counts
from patternscope.figures.compared import Compared
from patternscope.report.contents import Attack, Depth, Record, Training
from patternscope.report.formatting import number, percent, spanned, verdict
from patternscope.results.json_csv import interval_of
from patternscope.study.stages.faithfulness import ORDERS

_COUNTED = ("total", "reliable", "ratio")


@dataclass(frozen=True)
class Table:
    """Cells of text; the first column names the row."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def layer_table(depth: Depth) -> Table:
    """Return a row a layer: counts, and where reliable points lie."""
    masked = depth.layers[0]["object_area"] is not None
    rows = [
        [
            layer["layer"],
            str(layer["regions"]),
            *[spanned(interval_of(layer, name)) for name in _COUNTED],
            *([number(layer["on_object"]), number(layer["object_area"])] if masked else []),
        ]
        for layer in depth.layers
    ]
    where = ["on object", "object’s area"] if masked else []
    return Table(
        "Knowledge points an image at the last checkpoint.", ["layer", "regions", *_COUNTED, *where], rows
    )


def step_table(depth: Depth) -> Table | None:
    """Return a row a step of depth: how counts change, and whether that may be noise; None for one layer."""
    rows = [
        [
            f"{step.start} to {step.end}",
            *[
                text
                for name in ("reliable", "ratio")
                for text in (spanned(step.numbers[name]), verdict(step.numbers[name]))
            ],
        ]
        for step in depth.steps
    ]
    columns = ["from layer to layer", "reliable points", "", "ratio", ""]
    return Table("How the counts change with depth, on the same images.", columns, rows) if rows else None


def checkpoint_table(training: Training) -> Table:
    """Return a row a checkpoint: accuracy, agreement, and reliable points of all points in each layer."""
    rows = [
        [
            row["name"],
            number(row["held_out_accuracy"]),
            number(row["agreement"]),
            *[
                f"{number(layer['counts'][place]['reliable'], 1)} of {number(layer['counts'][place]['total'], 1)}"
                for layer in training.layers
            ],
        ]
        for place, row in enumerate(training.checkpoints)
    ]
    layers = [layer["layer"] for layer in training.layers]
    return Table(
        "Reliable knowledge points of all points an image, at each checkpoint.",
        ["checkpoint", "accuracy", "agreement", *layers],
        rows,
    )


def faithfulness_table(layers: Sequence[Record]) -> Table:
    """Return a row a layer and order: the area, and how much smaller that of p is."""
    rows = []
    for layer in layers:
        for each in layer["orders"]:
            other = each["order"] != "p"
            less = interval_of(each, "difference")
            said = (spanned(less), verdict(less)) if other else ("", "")
            rows.append(
                [
                    layer["layer"],
                    ORDERS[each["order"]],
                    spanned(interval_of(each, "area")),
                    *said,
                ]
            )
    columns = ["layer", "order", "area", "p less this", ""]
    return Table("Areas below the deletion curves, and differences on the same images.", columns, rows)


def attack_table(attack: Attack) -> Table:
    """Return a row a layer: what the attack changed."""
    names = ("orientation_change", "strength_change", "original_points", "target_points", "below_tau")
    rows = [
        [layer["layer"], *[spanned(interval_of(layer, name)) for name in names]] for layer in attack.layers
    ]
    columns = [
        "layer",
        "turned (1 − cos)",
        "strength changed",
        "own points before",
        "target points after",
        "new ones",
    ]
    return Table(
        "What the attack changed; new ones: share of target points that were not before.", columns, rows
    )


def student_table(shown: Compared) -> Table:
    """Return a row a layer and network: counts, and the difference from the teacher."""
    rows = []
    for row in distilled_counts.table(shown):
        known = row["difference_reliable"] is not None
        change = interval_of(row, "difference_reliable")
        rows.append(
            [
                row["layer"],
                row["network"],
                *[spanned(interval_of(row, name)) for name in _COUNTED],
                *((spanned(change), verdict(change)) if known else ("", "")),
                row["maps"].removesuffix(" maps"),
            ]
        )
    columns = ["layer", "network", *_COUNTED, "reliable more", "", "maps"]
    return Table(
        "Knowledge points an image of each network, and how many more than the teacher’s.", columns, rows
    )


def sweep_table(depth: Depth) -> Table | None:
    """Return a row a threshold: reliable points and ratio of each layer; None where none were swept."""
    sweeps = [layer["sweep"] for layer in depth.layers]
    rows = [
        [
            f"{found[0]['tau']:g}",
            *[f"{number(each['reliable'], 1)} ({percent(each['ratio'])})" for each in found],
        ]
        for found in zip(*sweeps, strict=True)
    ]
    columns = ["threshold", *[layer["layer"] for layer in depth.layers]]
    caption = "Reliable knowledge points an image, and their share of all points, at other thresholds."
    return Table(caption, columns, rows) if rows else None
