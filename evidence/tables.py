"""Numbers and tables in markdown."""

from collections.abc import Mapping, Sequence
from typing import Any


def seeds_text(rows: Sequence[Mapping[str, Any]]) -> str:
    """From how many seeds the networks of these rows were trained: one sentence."""
    found: dict[str, set[int]] = {}
    for row in rows:
        found.setdefault(f"{row['network']} on {row.get('images', 'pictograms')}", set()).add(row["seed"])
    counts = {name: len(seeds) for name, seeds in found.items()}
    if len(set(counts.values())) == 1:
        return f"Networks trained from {next(iter(counts.values()))} seed(s) each: {', '.join(counts)}.\n"
    return f"Seeds of the networks: {', '.join(f'{name} {count}' for name, count in counts.items())}.\n"


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the first column is text, the others are numbers."""
    rules = ["---", *["---:"] * (len(heads) - 1)]
    lines = [heads, rules, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def number(value: float | None, digits: int = 2) -> str:
    """A number with its minus sign, a dash where there is none."""
    if value is None:
        return "–"
    rounded = round(value, digits) + 0.0  # not minus nothing
    return f"{rounded:.{digits}f}".replace("-", "−")


def value_text(value: float) -> str:
    """A setting's value; infinity stands for what is there already."""
    return "own" if value == float("inf") else f"{value:g}"


def spread_text(row: Mapping[str, Any], name: str, digits: int = 2) -> str:
    """Mean ± spread over networks (spread over fits), as far as they are there."""
    text = number(row[name], digits)
    if row[name] is not None and row.get(f"{name}_networks") is not None:
        text += f" ± {row[f'{name}_networks']:.{digits}f}"
    if row[name] is not None and row.get(f"{name}_fits") is not None:
        text += f" ({row[f'{name}_fits']:.{digits}f})"
    return text


def interval_text(row: Mapping[str, Any], name: str, digits: int = 2) -> str:
    """Value and interval: 0.12 (0.10, 0.15)."""
    if row[name] is None or row[f"{name}_low"] is None:
        return number(row[name], digits)
    return f"{number(row[name], digits)} ({number(row[f'{name}_low'], digits)}, {number(row[f'{name}_high'], digits)})"
