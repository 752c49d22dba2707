"""The tables of a report: the numbers behind its sentences."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from patternscope.knowledge.intervals import Interval
from patternscope.report.contents import Attack, Depth, Students, Training, differing_regions
from patternscope.report.formatting import difference_text, verdict
from patternscope.results.faithfulness import ORDERS, FaithfulnessResult
from patternscope.results.formatting import (
    at_checkpoint,
    number,
    percent,
    share_of_regions,
    threshold_text,
    with_interval,
)
from patternscope.results.knowledge import Counts

_COUNTS = ("total", "reliable", "ratio")


@dataclass(frozen=True)
class Table:
    """Cells of text; the first column names the row."""

    caption: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


def _count_cells(counts: Counts) -> list[str]:
    return [with_interval(interval) for interval in (counts.total, counts.reliable, counts.ratio)]


def _difference_cells(difference: Interval) -> list[str]:
    return [difference_text(difference), verdict(difference)]


def layer_table(depth: Depth) -> Table:
    """Return a row per layer: counts, their share of regions where grids differ, and that of points on the object."""
    masked = depth.best[1].object_area is not None
    regions = differing_regions(depth.layers)
    rows = [
        [
            layer,
            str(known.mask.shape[1]),
            *_count_cells(known.counts),
            *([percent(share_of_regions(known.counts.reliable, regions[layer]))] if regions else []),
            *([number(known.on_object), number(known.object_area)] if masked else []),
        ]
        for layer, known in depth.layers.items()
    ]
    columns = [
        "layer",
        "regions",
        *_COUNTS,
        *(["reliable regions"] if regions else []),
        *(["on object", "object area"] if masked else []),
    ]
    return Table(f"Knowledge points per image{at_checkpoint(depth.when)}.", columns, rows)


def step_table(depth: Depth) -> Table | None:
    """Return a row per step of depth: how counts change, and whether that may be noise; None for one layer."""
    rows = [
        [
            f"{step.start} to {step.end}",
            *_difference_cells(step.difference.reliable),
            *_difference_cells(step.difference.ratio),
        ]
        for step in depth.steps
    ]
    columns = ["layers", "reliable points", "", "ratio", ""]
    return Table("Differences between successive layers, on the same images.", columns, rows) if rows else None


def checkpoint_table(training: Training) -> Table:
    """Return a row per checkpoint: accuracy, agreement, and reliable points out of all points in each layer."""
    rows = [
        [
            checkpoint.name,
            number(checkpoint.held_out_accuracy),
            number(checkpoint.agreement),
            *[
                f"{number(counts.reliable.value, 1)} of {number(counts.total.value, 1)}"
                for counts in (layer.counts[place].counts for layer in training.layers)
            ],
        ]
        for place, checkpoint in enumerate(training.checkpoints)
    ]
    return Table(
        "Reliable knowledge points out of all knowledge points per image, at each checkpoint.",
        ["checkpoint", "accuracy", "agreement", *[layer.layer for layer in training.layers]],
        rows,
    )


def faithfulness_table(layers: Mapping[str, FaithfulnessResult]) -> Table:
    """Return a row per layer and order: the area, and how much smaller that of p is."""
    rows = [
        [
            layer,
            ORDERS[order.order],
            with_interval(order.area),
            *(["", ""] if order.order == "p" else _difference_cells(order.difference)),
        ]
        for layer, tested in layers.items()
        for order in tested.orders
    ]
    columns = ["layer", "order", "area", "p minus this", ""]
    return Table("Areas below the deletion curves, and differences on the same images.", columns, rows)


def attack_table(attack: Attack) -> Table:
    """Return a row per layer: what the attack changed."""
    rows = []
    for layer, analysis in attack.layers.items():
        changes = (analysis.orientation_change, analysis.strength_change)
        points = (analysis.original_points, analysis.target_points, analysis.below_tau)
        rows.append([layer, *(with_interval(interval) for interval in (*changes, *points))])
    columns = ["layer", "turned (1 − cos)", "strength change", "original points", "target points", "new"]
    return Table(
        "Changes under the attack. Original points: of the original class, before it; target points: of the target "
        "class, after it, both per image; new: share of the target points that were none before.",
        columns,
        rows,
    )


def student_table(students: Students) -> Table:
    """Return a row per layer and network: counts, and the difference from the teacher."""
    columns = ["layer", "network", *_COUNTS, "reliable, difference", "", "maps"]
    caption = "Knowledge points of each network per image, and the difference from the teacher."
    return Table(caption, columns, list(_student_rows(students)))


def _student_rows(students: Students) -> Iterator[list[str]]:
    for layers in zip(*students.layers.values(), strict=True):
        first = layers[0]
        yield [first.layer, "teacher", *_count_cells(first.first.counts), "", "", "own"]
        for name, layer in zip(students.layers, layers, strict=True):
            difference = layer.difference
            cells = ["", ""] if difference is None else _difference_cells(difference.reliable)
            maps = "own" if layer.maps == "own" else "teacher's"
            yield [layer.layer, name, *_count_cells(layer.second.counts), *cells, maps]


def sweep_table(depth: Depth) -> Table | None:
    """Return a row per threshold: reliable points and ratio of each layer; None without a sweep."""
    rows = [
        [
            threshold_text(row[0].tau),
            *[f"{number(at.counts.reliable.value, 1)} ({percent(at.counts.ratio.value)})" for at in row],
        ]
        for row in zip(*(known.sweep for known in depth.layers.values()), strict=True)
    ]
    caption = "Reliable knowledge points per image, and their share of all points, at other thresholds."
    return Table(caption, ["threshold", *depth.layers], rows) if rows else None
