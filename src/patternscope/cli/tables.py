"""What the commands print: short tables on stdout."""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from patternscope.networks import Layer
from patternscope.study.records import read_json
from patternscope.study.stage import Unit
from patternscope.study.status import UnitStatus, study_record_of

SUMMARY_FILE = Path("summary", "summary.json")
ATTACK_FILE = Path("attack", "attack.json")


def status_rows(units: Sequence[UnitStatus]) -> list[dict[str, Any]]:
    """Return the state of each unit as plain values.

    Source: this project.
    """
    return [
        {
            "unit": each.unit.path,
            "stage": each.unit.stage,
            "checkpoint": each.unit.checkpoint,
            "layer": each.unit.layer,
            "state": each.state,
            "bytes": each.size,
            "seconds": each.seconds,
        }
        for each in units
    ]


def print_status(units: Sequence[UnitStatus]) -> None:
    """Print a row a unit, and how many are in each state.

    Source: this project.
    """
    table = _table("unit", "state", "size", "seconds")
    for each in units:
        size = "" if each.size is None else file_size(each.size)
        table.add_row(each.unit.path, each.state, size, "" if each.seconds is None else f"{each.seconds:.1f}")
    _show(table)
    states = [each.state for each in units]
    counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
    total = sum(each.size or 0 for each in units)
    _say(f"{len(units)} units: {counts}; {file_size(total)} on disk")


def layer_rows(layers: Sequence[Layer], suggested: Sequence[str]) -> list[dict[str, Any]]:
    """Return the layers of a network as plain values.

    Source: this project.
    """
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
    """Print a row a layer, and the line for a study's settings.

    Source: this project.
    """
    table = _table("layer", "kind", "output", "regions", "1000 images", "")
    for row in layer_rows(layers, suggested):
        name = f"{row['name']} ({row['alias']})" if row["alias"] else row["name"]
        regions = "" if row["grid"] is None else " x ".join(map(str, row["grid"]))
        output = " x ".join(map(str, row["shape"]))
        mark = "suggested" if row["suggested"] else ""
        table.add_row(name, row["kind"], output, regions, file_size(row["bytes_per_1000_images"]), mark)
    _show(table)
    _say(f"[network]\nlayers = {json.dumps(list(suggested))}")


def print_summary(folder: Path) -> None:
    """Print accuracy, agreement, correlation and a row a layer, where the study has come that far.

    Source: this project. The numbers are those of the last checkpoint.
    """
    path = folder / SUMMARY_FILE
    if not path.exists():
        return
    summary = read_json(path)
    last = summary["checkpoints"][-1]
    _say(f"held-out accuracy        {_number(last['held_out_accuracy'])} on {last['held_out_images']} images")
    _say(f"agreement with network   {_number(last['agreement'])}")
    _say(f"strength and uncertainty {_number(last['correlation'])} (correlation)")
    table = _table("layer", "total", "reliable", "ratio", "on object", "object's area")
    for row in summary["layers"]:
        if row["checkpoint"] == last["checkpoint"]:
            table.add_row(
                row["layer"],
                _with_interval(row, "total"),
                _with_interval(row, "reliable"),
                _with_interval(row, "ratio"),
                _number(row["on_object"]),
                _number(row["object_area"]),
            )
    _show(table)
    _say("knowledge points an image, with 95 % intervals over images; on object: share of the reliable ones")


def print_attack(folder: Path) -> None:
    """Print how often the attack succeeded and a row a layer of what it did, where the study has come that far.

    Source: this project.
    """
    if not (folder / ATTACK_FILE).exists():
        return
    attack = read_json(folder / ATTACK_FILE)
    _say(
        f"attack: {attack['succeeded']} of {attack['attacked']} correctly classified images "
        f"({attack['success']:.0%}), {attack['norm']}, epsilon {attack['epsilon']:.4f}, {attack['n_step']} steps"
    )
    names = ("orientation_change", "strength_change", "target_points", "below_tau")
    table = _table("layer", "turned (1 - cos)", "strength changed", "target points", "new ones")
    for layer in study_record_of(folder)["layers"]:
        path = folder / Unit("adversarial", layer=layer).path / "adversarial.json"
        if path.exists():
            found = read_json(path)
            table.add_row(layer, *(_with_interval(found, name) for name in names))
    _show(table)
    _say("target points: regions an image that say the target class; new ones: share that did not before")


def print_outputs(folder: Path) -> None:
    """Print where to look: the summary and the figures, where they are there.

    Source: this project.
    """
    for name in (SUMMARY_FILE, Path("summary", "summary.csv"), Path("figures")):
        if (folder / name).exists():
            _say(str(folder / name))


def file_size(size: int) -> str:
    """Return a number of bytes for people.

    Source: this project.

    >>> file_size(999), file_size(12_345_678)
    ('999 B', '12.3 MB')
    """
    if size < 1000:
        return f"{size} B"
    power = min(4, int(math.log10(size) // 3))
    return f"{size / 1000**power:.1f} {['B', 'kB', 'MB', 'GB', 'TB'][power]}"


def _number(value: float | None) -> str:
    """Two digits, or a dash for what there is not."""
    return "-" if value is None else f"{value:.2f}"


def _with_interval(row: dict[str, Any], name: str) -> str:
    """A number with its interval."""
    low, high = row[f"{name}_low"], row[f"{name}_high"]
    interval = "" if low is None or high is None else f" ({low:.2f}-{high:.2f})"
    return f"{_number(row[name])}{interval}"


def _table(*columns: str) -> Table:
    """An empty table; numbers are easier to compare at the right."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right", overflow="fold")
    return table


def _show(table: Table) -> None:
    """Print a table as wide as it is where there is no terminal."""
    console = Console()
    Console(width=console.width if console.is_terminal else 120).print(table)


def _say(line: str) -> None:
    """Print a line as it is."""
    Console(highlight=False, markup=False, soft_wrap=True).print(line)
