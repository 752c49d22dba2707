"""The state of a study in a terminal: a row a stage with a mark for each checkpoint and layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from patternscope.cli.printing import file_size, new_table, say, show, time_span
from patternscope.workflow.status import State, UnitStatus

# The most important first: a cell for several units shows it.
_MARKS: dict[State, tuple[str, str, str]] = {
    "damaged": ("!", "!", "bold red"),
    "running": ("▶", ">", "bold cyan"),
    "stale": ("~", "~", "yellow"),
    "missing": ("·", ".", "dim"),
    "dropped": ("□", "o", "green"),
    "done": ("■", "#", "green"),
}
_UP_TO_DATE = ("done", "dropped")
# Beside the marks: the longest name of a stage, three columns of numbers, and the spaces between.
_REST = 45


@dataclass(frozen=True)
class StageRow:
    """A stage in the table: all its states, and those by checkpoint and layer; bytes, seconds."""

    stage: str
    states: tuple[State, ...]
    cells: tuple[tuple[State, ...], ...]
    size: int
    seconds: float

    @property
    def finished(self) -> int:
        """Units that are up to date."""
        return sum(state in _UP_TO_DATE for state in self.states)


def status_rows(units: Sequence[UnitStatus]) -> list[dict[str, Any]]:
    """Return the state of each unit as plain values."""
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
    """Return a row a stage; those that share a folder, such as the figures, share a row."""
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
        tuple(each.state for each in units),
        tuple(tuple(checkpoints[number]) for number in sorted(checkpoints)),
        sum(each.size or 0 for each in units),
        sum(each.seconds or 0.0 for each in units),
    )


def print_status(units: Sequence[UnitStatus]) -> None:
    """Print a row a stage with a mark for each checkpoint and layer, what runs, and what the marks mean."""
    console = Console()
    rows = stage_rows(units)
    room = (console.width if console.is_terminal else 120) - _REST
    cells = _cells(rows, room, plain=not console.encoding.lower().startswith("utf"))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("stage")
    table.add_column(cells.heading(), overflow="fold")
    for name in ("units", "size", "time"):
        table.add_column(name, justify="right")
    for row in rows:
        marks = cells.marks(row) if row.cells else Text(_counted(row.states), style="dim")
        time = time_span(row.seconds) if row.seconds else ""
        table.add_row(row.stage, marks, f"{row.finished}/{len(row.states)}", file_size(row.size), time)
    show(table)
    _print_rest(units, cells)


@dataclass(frozen=True)
class _Cells:
    """How checkpoints are drawn: the width of each, what is between, one mark or one a layer, in ASCII or not."""

    widths: list[int]
    gap: str
    one_mark: bool
    plain: bool

    def heading(self) -> Text:
        """Numbers of the checkpoints above their marks."""
        if not self.gap:
            return Text(f"00 to {len(self.widths) - 1:02d}")
        return Text(" ".join(f"{number:02d}".ljust(width) for number, width in enumerate(self.widths)))

    def mark(self, state: State) -> str:
        """The mark of a state."""
        return _MARKS[state][int(self.plain)]

    def marks(self, row: StageRow) -> Text:
        """The marks of a stage."""
        text = Text()
        for states, width in zip(row.cells, self.widths, strict=False):
            shown: Sequence[State] = states
            if self.one_mark:
                shown = [next(state for state in _MARKS if state in states)]
            for state in shown:
                text.append(self.mark(state), _MARKS[state][2])
            text.append(" " * (width - len(shown)) + self.gap)
        return text


def _cells(rows: Sequence[StageRow], room: int, plain: bool) -> _Cells:
    """A mark a layer where there is room; else one a checkpoint; else those without spaces."""
    counts = [max(map(len, cells)) for cells in zip_longest(*(row.cells for row in rows), fillvalue=())]
    if sum(max(2, count) + 1 for count in counts) <= room + 1:
        return _Cells([max(2, count) for count in counts], " ", False, plain)
    if 3 * len(counts) <= room + 1:
        return _Cells([2] * len(counts), " ", True, plain)
    return _Cells([1] * len(counts), "", True, plain)


def _counted(states: Sequence[State]) -> str:
    """How many units are in each state that is not up to date."""
    return ", ".join(
        f"{states.count(state)} {state}" for state in _MARKS if state in states and state not in _UP_TO_DATE
    )


def _print_rest(units: Sequence[UnitStatus], cells: _Cells) -> None:
    """What the marks mean, the layers they stand for, what runs, and the sum."""
    states: list[State] = [each.state for each in units]
    counts = [f"{cells.mark(s)} {s} {states.count(s)}" for s in reversed(list(_MARKS)) if s in states]
    layers = list(dict.fromkeys(each.unit.layer for each in units if each.unit.layer))
    say("")
    say(f"{'   '.join(counts)}   {file_size(sum(each.size or 0 for each in units))} on disk")
    if layers and not cells.one_mark:
        say(f"columns are checkpoints; the marks of one are its layers: {' '.join(layers)}")
    elif layers:
        say(f"columns are checkpoints; a mark is the least finished of {len(layers)} layers")
    for each in units:
        if each.state == "running":
            say(f"running: {each.unit.path}, for {time_span(each.seconds or 0.0)}")


def print_units(units: Sequence[UnitStatus]) -> None:
    """Print a row a unit."""
    table = new_table("unit", "state", "size", "time")
    for each in units:
        size = "" if each.size is None else file_size(each.size)
        table.add_row(
            each.unit.path, each.state, size, "" if each.seconds is None else time_span(each.seconds)
        )
    show(table)
