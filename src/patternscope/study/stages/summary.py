"""Stage summary: the numbers of a study in two tables, a row a checkpoint and a row a layer of each."""

from pathlib import Path
from typing import Any

from patternscope.results.json_csv import read_json, write_json, write_rows
from patternscope.workflow.stages import Need, Stage, UnitContext

CHECKPOINT_COLUMNS = (
    "checkpoint",
    "name",
    "step",
    "held_out_accuracy",
    "held_out_images",
    "agreement",
    "correlation",
    "alignment_residual",
    "alignment_angle",
    "alignment_orientation_angle",
)


def run_summary(ctx: UnitContext) -> None:
    """Write summary.json, summary.csv (layers) and checkpoints.csv."""
    trained = [read_json(path) for path in ctx.paths("training", "training.json")]
    samples = [read_json(path) for path in ctx.paths("sample", "sample.json")]
    checkpoints = [_checkpoint_row(*pair) for pair in zip(trained, samples, strict=True)]
    layers = [
        {"checkpoint": source.unit.checkpoint, "layer": source.unit.layer, **_layer_row(source.folder)}
        for source in ctx.sources("knowledge")
    ]
    write_json(ctx.folder / "summary.json", {"checkpoints": checkpoints, "layers": layers})
    write_rows(ctx.folder / "checkpoints.csv", checkpoints)
    write_rows(ctx.folder / "summary.csv", layers)


def _checkpoint_row(trained: dict[str, Any], sample: dict[str, Any]) -> dict[str, Any]:
    """What is known of a checkpoint as a whole."""
    alignment = sample["alignment"] or {}
    known = {
        **trained,
        **sample,
        "alignment_residual": alignment.get("residual"),
        "alignment_angle": alignment.get("angle_degrees"),
        "alignment_orientation_angle": alignment.get("orientation_angle_degrees"),
    }
    return {name: known.get(name) for name in CHECKPOINT_COLUMNS}


def _layer_row(folder: Path) -> dict[str, Any]:
    """What is known of a layer at a checkpoint: single numbers, not tables."""
    found = read_json(folder / "knowledge.json")
    return {name: value for name, value in found.items() if not isinstance(value, list | dict)}


SUMMARY = Stage(
    "summary",
    version=2,
    run=run_summary,
    needs=(
        Need("training", ("training.json",), checkpoint="all"),
        Need("sample", ("sample.json",), checkpoint="all"),
        Need("knowledge", ("knowledge.json",), checkpoint="all", layer="all"),
    ),
    weight=0.1,
)
