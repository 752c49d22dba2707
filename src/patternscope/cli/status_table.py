"""The state of a study in a terminal: a row a stage with a mark for each checkpoint and layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from patternscope.cli.printing import file_size, new_table, say, show, time_span
from patternscope.study.status import State, UnitStatus

# The most important first: a cell for several units shows it.
_MARKS: dict[State, tuple[str, str, str]] = {
    "damaged": ("!", "!", "bold red"),
    "running": ("▶", ">", "bold cyan"),
    "stale": ("~", "~", "yellow"),
    "missing": ("·", ".", "dim"),
    "dropped": ("□", "o", "green"),
    "done": ("■", "#", "green"),
}
# Beside the marks: the longest name of a stage, three columns of numbers, and the spaces between.
_REST = 45


@dataclass(frozen=True)
class StageRow:
    """A stage in the table: states by checkpoint and layer (none without checkpoints), units, bytes, seconds.

    Source: this project.
    """

    stage: str
    cells: tuple[tuple[State, ...], ...]
    finished: int
    units: int
    size: int
    seconds: float


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


def stage_rows(units: Sequence[UnitStatus]) -> list[StageRow]:
    """Return a row a stage; those that share a folder, such as the figures, share a row.

    Source: this project.
    """
    groups: dict[str, list[UnitStatus]] = {}
    for each in units:
        groups.setdefault(each.unit.stage.split("/")[0], []).append(each)
    return [_stage_row(stage, found) for stage, found in groups.items()]


def _stage_row(stage: str, units: list[UnitStatus]) -> StageRow:
    """The row of some units."""
    checkpoints: dict[int, list[State]] = {}
    for each in units:
        if each.unit.checkpoint is not None:
            checkpoints.setdefault(each.unit.checkpoint, []).append(each.state)
    return StageRow(
        stage,
        tuple(tuple(checkpoints[number]) for number in sorted(checkpoints)),
        sum(each.state in {"done", "dropped"} for each in units),
        len(units),
        sum(each.size or 0 for each in units),
        sum(each.seconds or 0.0 for each in units),
    )


def print_status(units: Sequence[UnitStatus]) -> None:
    """Print a row a stage with a mark for each checkpoint and layer, what runs, and what the marks mean.

    Source: this project.
    """
    console = Console()
    width = (console.width if console.is_terminal else 120) - _REST
    rows = stage_rows(units)
    plain = not console.encoding.lower().startswith("utf")
    sizes = [max((len(row.cells[number]) for row in rows if number < len(row.cells)), default=1)
             for number in range(max(len(row.cells) for row in rows))]  # fmt: skip
    one_mark = sum(sizes) + len(sizes) - 1 > width
    widths = [max(2, 1 if one_mark else size) for size in sizes]
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("stage")
    heading = " ".join(f"{number:02d}".ljust(size) for number, size in enumerate(widths))
    table.add_column(Text(heading), overflow="fold")
    for name in ("units", "size", "time"):
        table.add_column(name, justify="right")
    for row in rows:
        marks = Text(" ").join(
            _marks(states, size, one_mark, plain) for states, size in zip(row.cells, widths, strict=False)
        )
        time = time_span(row.seconds) if row.seconds else ""
        table.add_row(row.stage, marks, f"{row.finished}/{row.units}", file_size(row.size), time)
    show(table)
    _print_rest(units, one_mark, plain)


def _marks(states: tuple[State, ...], width: int, one_mark: bool, plain: bool) -> Text:
    """The marks of one checkpoint: one a layer, or one for all."""
    shown = [next(state for state in _MARKS if state in states)] if one_mark else states
    text = Text()
    for state in shown:
        text.append(_MARKS[state][int(plain)], _MARKS[state][2])
    text.append(" " * (width - len(shown)))
    return text


def _print_rest(units: Sequence[UnitStatus], one_mark: bool, plain: bool) -> None:
    """What the marks mean, the layers they stand for, what runs, and the sum."""
    states = [each.state for each in units]
    counts = [f"{_MARKS[s][int(plain)]} {s} {states.count(s)}" for s in reversed(_MARKS) if s in states]
    layers = list(dict.fromkeys(each.unit.layer for each in units if each.unit.layer))
    say("")
    say(f"{'   '.join(counts)}   {file_size(sum(each.size or 0 for each in units))} on disk")
    if layers and not one_mark:
        say(f"columns are checkpoints; the marks of one are its layers: {' '.join(layers)}")
    elif layers:
        say(f"columns are checkpoints; a mark is the least finished of {len(layers)} layers")
    for each in units:
        if each.state == "running":
            say(f"running: {each.unit.path}, for {time_span(each.seconds or 0.0)}")


def print_units(units: Sequence[UnitStatus]) -> None:
    """Print a row a unit.

    Source: this project.
    """
    table = new_table("unit", "state", "size", "time")
    for each in units:
        size = "" if each.size is None else file_size(each.size)
        table.add_row(
            each.unit.path, each.state, size, "" if each.seconds is None else time_span(each.seconds)
        )
    show(table)
