"""Numbers and tables in markdown."""

from collections.abc import Mapping, Sequence
from typing import Any


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first column is text, the others are numbers."""
    rules = ["---", *["---:"] * (len(heads) - 1)]
    lines = [heads, rules, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: float | None, digits: int = 2) -> str:
    """A number with its minus sign, a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")


def spread_text(row: Mapping[str, Any], name: str, digits: int = 2) -> str:
    """Mean ± spread over networks (spread over fits), as far as they are there."""
    text = number(row[name], digits)
    if row[name] is not None and row.get(f"{name}_networks") is not None:
        text += f" ± {row[f'{name}_networks']:.{digits}f}"
    if row[name] is not None and row.get(f"{name}_fits") is not None:
        text += f" ({row[f'{name}_fits']:.{digits}f})"
    return text
