"""How the commands print: lines as they are, tables as wide as they need to be, sizes and times for people."""

import math
from collections.abc import Mapping
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table


def file_size(size: int) -> str:
    """Return a number of bytes for people.

    >>> file_size(999), file_size(12_345_678)
    ('999 B', '12.3 MB')
    """
    if size < 1000:
        return f"{size} B"
    power = min(4, int(math.log10(size) // 3))
    return f"{size / 1000**power:.1f} {['B', 'kB', 'MB', 'GB', 'TB'][power]}"


def time_span(seconds: float) -> str:
    """Return a time for people.

    >>> time_span(9.87), time_span(312), time_span(5400)
    ('9.9 s', '5 min', '1.5 h')
    """
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def number(value: float | None) -> str:
    """Return two digits, or a dash for what there is not.

    >>> number(0.123), number(None)
    ('0.12', '-')
    """
    return "-" if value is None else f"{value:.2f}"


def with_interval(row: Mapping[str, Any], name: str, *, signed: bool = False) -> str:
    """Return a number of a record with its interval; a signed one says + and may have negative ends.

    >>> row = {"total": 1.0, "total_low": -0.5, "total_high": 2.0}
    >>> with_interval(row, "total", signed=True)
    '+1.00 (-0.50 to 2.00)'
    >>> with_interval({"total": -0.001, "total_low": -0.2, "total_high": 0.2}, "total", signed=True)
    '+0.00 (-0.20 to 0.20)'
    """
    value, low, high = (row[f"{name}{end}"] for end in ("", "_low", "_high"))
    if value is None or low is None or high is None:
        return number(value)
    value, low, high = (round(each, 2) + 0.0 for each in (value, low, high))  # not minus nothing
    return f"{value:+.2f} ({low:.2f} to {high:.2f})" if signed else f"{value:.2f} ({low:.2f}-{high:.2f})"


def new_table(*columns: str) -> Table:
    """Return an empty table; numbers are easier to compare at the right."""
    table = Table(box=box.SIMPLE, pad_edge=False)
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place == 0 else "right", overflow="fold")
    return table


def show(content: RenderableType) -> None:
    """Print a table, as wide as it is where there is no terminal."""
    console = Console()
    Console(width=console.width if console.is_terminal else 120).print(content)


def say(line: str) -> None:
    """Print a line as it is."""
    Console(highlight=False, markup=False, soft_wrap=True).print(line)
