"""What the commands print: short tables on stdout."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from patternscope.cli.printing import file_size, new_table, number, say, show, with_interval
from patternscope.networks import Layer
from patternscope.report.sentences import left_out
from patternscope.results.json_csv import read_json
from patternscope.study.stages.faithfulness import ORDERS
from patternscope.workflow.stages import Unit
from patternscope.workflow.status import study_record_of

IMAGES_FILE = Path("images", "images.json")
SUMMARY_FILE = Path("summary", "summary.json")
ATLAS_FILE, ATLAS_RECORD = Path("atlas", "atlas.html"), Path("atlas", "atlas.json")
_LAYERS = 6
ATTACK_FILE = Path("attack", "attack.json")


def layer_rows(layers: Sequence[Layer], suggested: Sequence[str]) -> list[dict[str, Any]]:
    """Return the layers of a network as plain values."""
    return [
        {
            "name": each.name,
            "alias": each.alias,
            "kind": each.kind,
            "shape": list(each.shape),
            "grid": None if each.grid is None else list(each.grid),
            "stride": None if each.stride is None else list(each.stride),
            "bytes_per_1000_images": each.bytes_per_1000,
            "suggested": each.name in suggested or each.alias in suggested,
        }
        for each in layers
    ]


def print_layers(layers: Sequence[Layer], suggested: Sequence[str]) -> None:
    """Print a row a layer, and the line for a study's settings."""
    table = new_table("layer", "kind", "output", "regions", "1000 images", "")
    for row in layer_rows(layers, suggested):
        name = f"{row['name']} ({row['alias']})" if row["alias"] else row["name"]
        regions = "" if row["grid"] is None else " x ".join(map(str, row["grid"]))
        output = " x ".join(map(str, row["shape"]))
        mark = "suggested" if row["suggested"] else ""
        table.add_row(name, row["kind"], output, regions, file_size(row["bytes_per_1000_images"]), mark)
    show(table)
    say(f"[network]\nlayers = {json.dumps(list(suggested))}")


def print_left_out(folder: Path, wanted: int) -> None:
    """Print a line on pictures that could not be read, and one on classes with fewer than `wanted` samples."""
    if (folder / IMAGES_FILE).exists():
        for sentence in left_out(read_json(folder / IMAGES_FILE), wanted):
            say(sentence)


def print_summary(folder: Path) -> None:
    """Print accuracy, agreement, correlation and a row a layer, where the study has come that far.

    The numbers are those of the last checkpoint.
    """
    path = folder / SUMMARY_FILE
    if not path.exists():
        return
    summary = read_json(path)
    last = summary["checkpoints"][-1]
    say(f"held-out accuracy        {number(last['held_out_accuracy'])} on {last['held_out_images']} images")
    say(f"agreement with network   {number(last['agreement'])}")
    say(f"strength and uncertainty {number(last['correlation'])} (correlation)")
    table = new_table("layer", "total", "reliable", "ratio", "on object", "object's area")
    for row in summary["layers"]:
        if row["checkpoint"] == last["checkpoint"]:
            table.add_row(
                row["layer"],
                with_interval(row, "total"),
                with_interval(row, "reliable"),
                with_interval(row, "ratio"),
                number(row["on_object"]),
                number(row["object_area"]),
            )
    show(table)
    say("knowledge points an image, with 95 % intervals over images; on object: share of the reliable ones")


def print_training(folder: Path) -> None:
    """Print a row a checkpoint of a study that has several: how it lies to the one before, what its layers know.

    Of many layers the deepest are shown.
    """
    path = folder / SUMMARY_FILE
    summary = read_json(path) if path.exists() else {"checkpoints": []}
    if len(summary["checkpoints"]) < 2:
        return
    layers = list(dict.fromkeys(row["layer"] for row in summary["layers"]))[-_LAYERS:]
    points = {(row["checkpoint"], row["layer"]): row for row in summary["layers"]}
    table = new_table("checkpoint", "accuracy", "residual", "remaining turn", *layers)
    for row in summary["checkpoints"]:
        found = [points[row["checkpoint"], layer] for layer in layers]
        turn = row["alignment_angle"]
        table.add_row(
            row["name"],
            number(row["held_out_accuracy"]),
            number(row["alignment_residual"]),
            "-" if turn is None else f"{turn:.1f}°",
            *[f"{each['reliable']:.1f} of {each['total']:.1f}" for each in found],
        )
    show(table)
    say(
        "reliable points of all points an image; residual and turn: to the sample embedding before, after alignment"
    )


def print_faithfulness(folder: Path) -> None:
    """Print the areas below the deletion curves, a row a layer, where the study has come that far."""
    layers = study_record_of(folder)["layers"]
    paths = {layer: folder / Unit("faithfulness", layer=layer).path / "faithfulness.json" for layer in layers}
    areas = {
        layer: {each["order"]: each["area"] for each in read_json(path)["orders"]}
        for layer, path in paths.items()
        if path.exists()
    }
    if not areas:
        return
    known = [name for name in ORDERS if any(name in own for own in areas.values())]
    table = new_table("layer", *[ORDERS[name] for name in known])
    for layer, own in areas.items():
        table.add_row(layer, *[number(own.get(name)) for name in known])
    show(table)
    say(
        "area below the probability of the true class as regions go in this order: the smaller, the more it tells"
    )


def print_attack(folder: Path) -> None:
    """Print how often the attack succeeded and a row a layer of what it did, where the study has come that far."""
    if not (folder / ATTACK_FILE).exists():
        return
    attack = read_json(folder / ATTACK_FILE)
    say(
        f"attack: {attack['succeeded']} of {attack['attacked']} correctly classified images "
        f"({attack['success']:.0%}), {attack['norm']}, epsilon {attack['epsilon']:.4f}, {attack['n_step']} steps"
    )
    names = ("orientation_change", "strength_change", "target_points", "below_tau")
    table = new_table("layer", "turned (1 - cos)", "strength changed", "target points", "new ones")
    for layer in study_record_of(folder)["layers"]:
        path = folder / Unit("adversarial", layer=layer).path / "adversarial.json"
        if path.exists():
            found = read_json(path)
            table.add_row(layer, *(with_interval(found, name) for name in names))
    show(table)
    say("target points: regions an image that say the target class; new ones: share that did not before")


def print_outputs(folder: Path) -> None:
    """Print where to look: the summary, the figures and the atlas, where they are there."""
    for name in (SUMMARY_FILE, Path("summary", "summary.csv"), Path("figures"), ATLAS_FILE):
        if (folder / name).exists():
            say(str(folder / name))
    if (folder / ATLAS_RECORD).exists():
        record = read_json(folder / ATLAS_RECORD)
        for line in record["left_out"] if record["refused"] is None else [record["refused"]]:
            say(f"{ATLAS_FILE}: {line}")
