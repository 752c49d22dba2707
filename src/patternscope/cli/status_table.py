"""The state of a study in a terminal: a row per stage with a mark for each checkpoint and layer."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any

from rich.table import Table
from rich.text import Text

from patternscope.cli.printing import console, file_size, new_table, say, show, tell, time_span
from patternscope.results.study import is_network
from patternscope.workflow.status import State, UnitStatus

# The most important first: a cell for several units shows it.
_MARKS: dict[State, tuple[str, str]] = {
    "damaged": ("!", "bold red"),
    "running": ("▶", "bold cyan"),
    "stale": ("~", "yellow"),
    "missing": ("·", "dim"),
    "dropped": ("□", "green"),
    "done": ("■", "green"),
}
_GAP = 2  # between columns


@dataclass(frozen=True)
class StageRow:
    """A stage in the table: its units, and the states of those at each checkpoint."""

    stage: str
    units: tuple[UnitStatus, ...]
    cells: tuple[tuple[State, ...], ...]

    @property
    def finished(self) -> int:
        """Units that are up to date."""
        return sum(status.up_to_date for status in self.units)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum(status.size or 0 for status in self.units)

    @property
    def seconds(self) -> float:
        """Time that the units took."""
        return sum(status.seconds or 0.0 for status in self.units)

    @property
    def texts(self) -> tuple[str, str, str]:
        """Units, size and time, as shown in the table."""
        time = time_span(self.seconds) if self.seconds else ""
        return f"{self.finished}/{len(self.units)}", file_size(self.size), time


def status_rows(units: Sequence[UnitStatus]) -> list[dict[str, Any]]:
    """Return the state of each unit as plain values."""
    return [
        {"unit": status.unit.path, **vars(status.unit), "state": status.state}
        | {"bytes": status.size, "seconds": status.seconds}
        for status in units
    ]


def stage_rows(units: Sequence[UnitStatus]) -> list[StageRow]:
    """Return a row per stage; those that share a folder, such as the figures, share a row, but not several networks."""
    stages: dict[str, list[UnitStatus]] = {}
    for status in units:
        folder, _, variant = status.unit.stage.partition("/")
        row = f"{folder} {variant.replace('_', ' ')}" if is_network(variant) else folder
        stages.setdefault(row, []).append(status)
    return [StageRow(stage, tuple(own), _checkpoint_states(own)) for stage, own in stages.items()]


def _checkpoint_states(units: Sequence[UnitStatus]) -> tuple[tuple[State, ...], ...]:
    """States by checkpoint, in order."""
    states: dict[int, list[State]] = {}
    for status in units:
        if status.unit.checkpoint is not None:
            states.setdefault(status.unit.checkpoint, []).append(status.state)
    return tuple(tuple(states[checkpoint]) for checkpoint in sorted(states))


def print_status(units: Sequence[UnitStatus]) -> None:
    """Print a row per stage with a mark for each checkpoint and layer, what is running, and what the marks mean."""
    rows = stage_rows(units)
    beside = [max(map(len, texts)) for texts in zip(*[(row.stage, *row.texts) for row in rows], strict=True)]
    cells = _cells(rows, console().width - sum(beside) - _GAP * len(beside))
    table = Table(box=None, padding=(0, _GAP, 0, 0), pad_edge=False)
    table.add_column("stage")
    table.add_column(cells.heading(), overflow="fold")
    for name in ("units", "size", "time"):
        table.add_column(name, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(row.stage, cells.marks(row) if row.cells else _unfinished(row.units), *row.texts)
    show(table)
    _print_legend(units, cells)


@dataclass(frozen=True)
class _Cells:
    """How checkpoints are drawn: the width of each, what is between, and whether all its layers have one mark."""

    widths: list[int]
    gap: str
    one_mark: bool

    def heading(self) -> Text:
        """Numbers of the checkpoints above their marks."""
        if not self.gap:
            return Text(f"00 to {len(self.widths) - 1:02d}")
        return Text(" ".join(f"{number:02d}".ljust(width) for number, width in enumerate(self.widths)))

    def marks(self, row: StageRow) -> Text:
        """The marks of a stage."""
        text = Text()
        for states, width in zip(row.cells, self.widths, strict=False):
            shown: Sequence[State] = states
            if self.one_mark:
                shown = [next(state for state in _MARKS if state in states)]
            for state in shown:
                text.append(*_MARKS[state])
            text.append(" " * (width - len(shown)) + self.gap)
        return text


def _cells(rows: Sequence[StageRow], room: int) -> _Cells:
    """A mark per layer where there is room; else one per checkpoint; else those without spaces."""
    counts = [max(map(len, cells)) for cells in zip_longest(*(row.cells for row in rows), fillvalue=())]
    if sum(max(2, count) + 1 for count in counts) <= room + 1:
        return _Cells([max(2, count) for count in counts], " ", False)
    if 3 * len(counts) <= room + 1:
        return _Cells([2] * len(counts), " ", True)
    return _Cells([1] * len(counts), "", True)


def _unfinished(units: Sequence[UnitStatus]) -> Text:
    """The number of units in each state other than up to date."""
    states = [status.state for status in units if not status.up_to_date]
    return Text(", ".join(f"{states.count(state)} {state}" for state in _MARKS if state in states), style="dim")


def _print_legend(units: Sequence[UnitStatus], cells: _Cells) -> None:
    """Print the meaning of the marks, the layers they stand for, the running units, and the totals."""
    states = [status.state for status in units]
    counts = [
        f"{mark} {state} {states.count(state)}" for state, (mark, _) in reversed(_MARKS.items()) if state in states
    ]
    layers = list(dict.fromkeys(status.unit.layer for status in units if status.unit.layer))
    say("")
    _say_beside([*counts, f"{file_size(sum(status.size or 0 for status in units))} on disk"])
    if layers and not cells.one_mark:
        tell(f"columns are checkpoints; the marks of one are its layers: {' '.join(layers)}")
    elif layers:
        say(f"columns are checkpoints; a mark is the least finished of {len(layers)} layers")
    for status in units:
        if status.state == "running":
            say(f"running: {status.unit.path}, for {time_span(status.seconds or 0.0)}")
        if status.damage is not None:
            say(f"damaged: {status.damage}; run the study again")


def _say_beside(parts: Sequence[str]) -> None:
    """Print parts side by side, in as many lines as they need."""
    lines = [parts[0]]
    for part in parts[1:]:
        if len(longer := f"{lines[-1]}   {part}") <= console().width:
            lines[-1] = longer
        else:
            lines.append(part)
    for line in lines:
        say(line)


def print_units(units: Sequence[UnitStatus]) -> None:
    """Print a row per unit."""
    table = new_table("unit", "state", "size", "time", texts=2)
    for status in units:
        size = "" if status.size is None else file_size(status.size)
        time = "" if status.seconds is None else time_span(status.seconds)
        table.add_row(status.unit.path, status.state, size, time)
    show(table)
