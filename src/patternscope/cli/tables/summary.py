"""Accuracy, agreement and knowledge points, over training and layer by layer."""

from collections.abc import Sequence

from patternscope.cli.printing import GAP, HEADING, console, half_width, new_table, say, show
from patternscope.results.controls import ControlsResult
from patternscope.results.fits import RegionResult
from patternscope.results.formatting import common_grid, number, percent, plus_minus, share_of_regions
from patternscope.results.knowledge import Rule
from patternscope.results.noise import ONE_NETWORK, over_what
from patternscope.results.study import StudyResults
from patternscope.results.summary import CheckpointSummary, LayerSummary, SummaryResult

_RATIO = "ratio: reliable / all knowledge points per image"
_SHARE = "share: reliable points of all regions"


def print_results(results: StudyResults) -> None:
    """Print how a study with several checkpoints developed, and what it found at the last one."""
    summary = results.load(SummaryResult)
    if len(summary.checkpoints) > 1:
        _print_checkpoints(summary.checkpoints)
        say("")
        _print_layers_over_training(summary)
        say("")
    _print_last(results, summary)


def _print_checkpoints(checkpoints: Sequence[CheckpointSummary]) -> None:
    """A row per checkpoint: the network, and its sample embedding relative to the one before."""
    table = new_table("checkpoint", "held-out accuracy", "agreement", "residual", "remaining turn")
    for at in checkpoints:
        turn = "–" if at.alignment_angle is None else f"{number(at.alignment_angle, 1)}°"
        ratios = (at.held_out_accuracy, at.agreement, at.alignment_residual)
        table.add_row(at.name, *map(number, ratios), turn)
    show(table)
    say("agreement: of the sample embedding with the network; residual and turn: of the")
    say("sample embedding relative to the checkpoint before, after alignment")


def _print_layers_over_training(summary: SummaryResult) -> None:
    """A row per checkpoint, a column per layer: evidence, or points in a study without it; the deepest that fit."""
    layers = list(dict.fromkeys(row.layer for row in summary.layers))
    cells = {(row.checkpoint, row.layer): _cell(row) for row in summary.layers}
    first = max(len(name) for name in ("checkpoint", *(at.name for at in summary.checkpoints)))
    other = max(*map(len, cells.values()), min(HEADING, max(map(len, layers))))
    shown = layers[-max(1, (console().width - first) // (other + GAP)) :]
    table = new_table("checkpoint", *shown)
    for at in summary.checkpoints:
        table.add_row(at.name, *[cells[at.checkpoint, layer] for layer in shown])
    show(table)
    measured = any(row.evidence is not None for row in summary.layers)
    say("bits of evidence per region" if measured else "reliable/all knowledge points per image")
    if len(shown) < len(layers):
        say(f"the {len(shown)} deepest of {len(layers)} layers")


def _cell(row: LayerSummary) -> str:
    """Evidence of a layer at a checkpoint, or its reliable and all points."""
    if row.evidence is not None:
        return plus_minus(row.evidence)
    return "/".join(number(points.value, 1) for points in (row.counts.reliable, row.counts.total))


def _print_last(results: StudyResults, summary: SummaryResult) -> None:
    """The numbers of the last checkpoint, and a row per layer."""
    last = summary.checkpoints[-1]
    accuracy = f"{number(last.held_out_accuracy)} on {last.held_out_images} images"
    say(f"held-out accuracy          {'labels are unknown' if last.held_out_accuracy is None else accuracy}")
    say(f"agreement with the network {number(last.agreement)}")
    say(f"strength and uncertainty   {number(last.correlation)} (correlation)")
    layers = [row for row in summary.layers if row.checkpoint == last.checkpoint]
    columns = _columns(results, layers)
    table = new_table("layer", *columns)
    for place, row in enumerate(layers):
        table.add_row(row.layer, *(cells[place] for cells in columns.values()))
    show(table)
    for line in _feet(results, layers):
        say(line)


def _columns(results: StudyResults, layers: Sequence[LayerSummary]) -> dict[str, list[str]]:
    """Cells of the layers by heading, a column for each number that the study has."""
    columns: dict[str, list[str]] = {}
    if all(row.evidence is not None and row.readable is not None for row in layers):
        columns["bits"] = [plus_minus(row.evidence) for row in layers if row.evidence]
        columns["readable"] = [number(row.readable.value) for row in layers if row.readable]
    columns["points"] = [plus_minus(row.counts.total, 1) for row in layers]
    columns["reliable"] = [plus_minus(row.counts.reliable, 1) for row in layers]
    grids = _grids(results, layers)
    if common_grid(grids) is not None:
        # Both would not fit; the share of a layer's regions can be compared between different grids.
        pairs = zip(layers, grids, strict=True)
        columns["share"] = [percent(share_of_regions(row.counts.reliable, h * w)) for row, (h, w) in pairs]
    else:
        columns["ratio"] = [plus_minus(row.counts.ratio) for row in layers]
    if results.has(ControlsResult):
        controls = [results.load(ControlsResult, layer=row.layer) for row in layers]
        columns["chance"] = [
            number(_points_by_chance(control, row.rule), 1) for control, row in zip(controls, layers, strict=True)
        ]
    if any(row.object_area is not None for row in layers):
        columns["object"] = [number(row.on_object) for row in layers]
    return columns


def _grids(results: StudyResults, layers: Sequence[LayerSummary]) -> list[tuple[int, int]]:
    """The region grids of the layers, empty if the study has no regions."""
    return [results.region(row.layer).grid for row in layers] if results.has(RegionResult) else []


def _untrained(results: StudyResults, layers: Sequence[LayerSummary]) -> str:
    """The largest values of any layer in an untrained network."""
    found = [(results.load(ControlsResult, layer=row.layer).untrained, row.rule) for row in layers]
    bits = max(control.evidence.value or 0.0 for control, _ in found)
    by_rule = [control.counts if rule == "calibrated" else control.paper for control, rule in found]
    points = max(counts.total.value or 0.0 for counts in by_rule)
    return f"an untrained network: at most {number(bits)} bits, {number(points, 1)} knowledge points per image"


def _points_by_chance(control: ControlsResult, rule: Rule | None) -> float | None:
    """Points per image with permuted targets, by the rule of the study."""
    return (control.permuted.counts if rule == "calibrated" else control.permuted.paper).total.value


def _feet(results: StudyResults, layers: Sequence[LayerSummary]) -> list[str]:
    """The legend of the columns, line by line."""
    lines, setting = [], common_grid(_grids(results, layers))
    if layers[-1].evidence is not None:
        most = results.evidence(layers[-1].layer).most
        lines += [
            f"bits of evidence per region, at most {number(most)}, on images the map was not fitted to",
            f"readable: bits of a linear probe; {_RATIO if setting is None else _SHARE}",
        ]
    chance = ["chance levels were not measured: [controls] is off or has not run"]
    if results.has(ControlsResult):
        chance = ["chance: knowledge points per image with permuted targets", _untrained(results, layers)]
    if setting is not None:
        lines.append(f"grids differ: {setting} gives all layers the same")
    networks, fitted = layers[-1].networks, layers[-1].fitted
    if fitted is not None:
        lines.append(f"maps are fitted to {fitted:,} of the {layers[-1].images:,} images; all images are judged")
    lines += [*chance, half_width(over_what(networks))]
    areas = [row.object_area for row in layers if row.object_area is not None]
    if areas:
        lines.append(f"object: share of the reliable points on it; it covers {number(areas[-1])} of the image")
    return lines if networks else [*lines, ONE_NETWORK]
