"""Accuracy, agreement and knowledge points, over training and layer by layer."""

from collections.abc import Sequence

from patternscope.cli.printing import GAP, HALF_WIDTH, HEADING, console, new_table, say, show
from patternscope.results.formatting import number, plus_minus
from patternscope.results.study import StudyResults
from patternscope.results.summary import CheckpointSummary, SummaryResult


def print_results(results: StudyResults) -> None:
    """Print how a study with several checkpoints developed, and what it found at the last one."""
    summary = results.load(SummaryResult)
    if len(summary.checkpoints) > 1:
        _print_checkpoints(summary.checkpoints)
        say("")
        _print_points(summary)
        say("")
    _print_last(summary)


def _print_checkpoints(checkpoints: Sequence[CheckpointSummary]) -> None:
    """A row per checkpoint: the network, and how its sample embedding lies to the one before."""
    table = new_table("checkpoint", "held-out accuracy", "agreement", "residual", "remaining turn")
    for at in checkpoints:
        turn = "–" if at.alignment_angle is None else f"{number(at.alignment_angle, 1)}°"
        ratios = (at.held_out_accuracy, at.agreement, at.alignment_residual)
        table.add_row(at.name, *map(number, ratios), turn)
    show(table)
    say("agreement: of the sample embedding with the network; residual and turn: of the")
    say("sample embedding relative to the checkpoint before, after alignment")


def _print_points(summary: SummaryResult) -> None:
    """A row per checkpoint, a column per layer; of many layers the deepest, as many as fit."""
    layers = list(dict.fromkeys(row.layer for row in summary.layers))
    cells = {
        (row.checkpoint, row.layer): "/".join(
            number(points.value, 1) for points in (row.counts.reliable, row.counts.total)
        )
        for row in summary.layers
    }
    first = max(len(name) for name in ("checkpoint", *(at.name for at in summary.checkpoints)))
    other = max(*map(len, cells.values()), min(HEADING, max(map(len, layers))))
    shown = layers[-max(1, (console().width - first) // (other + GAP)) :]
    table = new_table("checkpoint", *shown)
    for at in summary.checkpoints:
        table.add_row(at.name, *[cells[at.checkpoint, layer] for layer in shown])
    show(table)
    say("reliable/all knowledge points per image")
    if len(shown) < len(layers):
        say(f"the {len(shown)} deepest of {len(layers)} layers")


def _print_last(summary: SummaryResult) -> None:
    """The numbers of the last checkpoint, and a row per layer."""
    last = summary.checkpoints[-1]
    say(f"held-out accuracy          {number(last.held_out_accuracy)} on {last.held_out_images} images")
    say(f"agreement with the network {number(last.agreement)}")
    say(f"strength and uncertainty   {number(last.correlation)} (correlation)")
    layers = [row for row in summary.layers if row.checkpoint == last.checkpoint]
    masked = any(row.object_area is not None for row in layers)
    objects = ("share on object", "object area") if masked else ()
    table = new_table("layer", "total per image", "reliable per image", "reliable / total", *objects)
    for row in layers:
        counts = (row.counts.total, row.counts.reliable, row.counts.ratio)
        shares = (row.on_object, row.object_area) if masked else ()
        table.add_row(row.layer, *map(plus_minus, counts), *map(number, shares))
    show(table)
    say(f"knowledge points per image; {HALF_WIDTH}")
    if masked:
        say("on object: share of the reliable points; area: share of the image")
