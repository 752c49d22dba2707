"""Rows of measurements: means and spreads over seeds, and tables of them in markdown."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

from evidence.studies import IMAGE_SETS, NETWORKS
from patternscope.knowledge.intervals import Interval, seed_spread
from patternscope.results.formatting import number, with_interval

Row = Mapping[str, Any]
FEWEST = 0.1  # points per image: the ratio of fewer is a matter of a few regions


def values_by(rows: Sequence[Row], keys: Sequence[str], name: str) -> dict[tuple[Any, ...], list[float]]:
    """Return the values of a measure, those that exist, by the keys of their rows."""
    values: dict[tuple[Any, ...], list[float]] = {}
    for row in rows:
        known = values.setdefault(tuple(row[key] for key in keys), [])
        if row[name] is not None:
            known.append(row[name])
    return values


def mean_of(rows: Sequence[Row], name: str) -> float | None:
    """Return the mean of a measure over the rows that have it, None where none has."""
    values = [row[name] for row in rows if row[name] is not None]
    return fmean(values) if values else None


def mean_text(values: Sequence[float], digits: int = 2) -> str:
    """Return a mean ± the spread over seeds."""
    spread = seed_spread(list(values))
    mean = number(fmean(values) if values else None, digits)
    return mean if spread is None else f"{mean} ± {spread:.{digits}f}"


def seeds_text(rows: Sequence[Row]) -> str:
    """Return from how many seeds the networks of these rows were trained: one sentence."""
    counts = _seeds_of(rows)
    if len(set(counts.values())) == 1:
        return f"Networks trained from {next(iter(counts.values()))} seed(s) each: {', '.join(counts)}.\n"
    return f"Seeds of the networks: {', '.join(f'{name} {count}' for name, count in counts.items())}.\n"


def _seeds_of(rows: Sequence[Row]) -> dict[str, int]:
    """From how many seeds the networks of these rows were trained, by network and images; one where none is named."""
    seeds: dict[str, set[int]] = {}
    for row in rows:
        seeds.setdefault(f"{row['network']} on {row.get('images', 'pictograms')}", set()).add(row.get("seed", 0))
    return {name: len(known) for name, known in seeds.items()}


def over_seeds(rows: Sequence[Row], keys: Sequence[str]) -> list[Row]:
    """Return the mean row of the networks from several seeds, for each combination of keys.

    `seeds` is their number and NAME_networks the spread of a number over them; ends of intervals are averaged as well:
    those of one network.

    >>> over_seeds([{"layer": "a", "seed": 0, "points": 1.0}, {"layer": "a", "seed": 1, "points": 2.0}], ("layer",))
    [{'layer': 'a', 'seeds': 2, 'points': 1.5, 'points_networks': 0.7071067811865476}]
    """
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(row[key] for key in keys), []).append(row)
    return [_mean_row(own, keys) for own in groups.values()]


def _mean_row(rows: Sequence[Row], keys: Sequence[str]) -> Row:
    mean: dict[str, Any] = {key: rows[0][key] for key in keys} | {"seeds": len(rows)}
    for name, first in rows[0].items():
        if name in mean or name == "seed" or not isinstance(first, float | int | None):
            continue
        values = [row[name] for row in rows if row[name] is not None]
        mean |= {name: fmean(values) if values else None, f"{name}_networks": seed_spread(values)}
    return mean


def markdown_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table; the first column is text, the others are numbers."""
    rules = ["---", *["---:"] * (len(heads) - 1)]
    lines = [heads, rules, *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def value_text(value: float) -> str:
    """Return the value of a setting; infinity stands for a layer's own."""
    return "own" if value == float("inf") else f"{value:g}"


def spread_text(row: Row, name: str, digits: int = 2) -> str:
    """Return a mean ± its spread over networks (its spread over fits), as far as they exist."""
    text = number(row[name], digits)
    if row[name] is not None and row.get(f"{name}_networks") is not None:
        text += f" ± {row[f'{name}_networks']:.{digits}f}"
    if row[name] is not None and row.get(f"{name}_fits") is not None:
        text += f" ({row[f'{name}_fits']:.{digits}f})"
    return text


def interval_text(row: Row, name: str, digits: int = 2) -> str:
    """Return the value and interval that a row has under a name."""
    return with_interval(Interval(row[name], row[f"{name}_low"], row[f"{name}_high"]), digits)


def optional_interval(row: Row, name: str, digits: int = 2) -> str:
    """Return the value and interval that a row has under a name, a dash where it has none."""
    return number(None) if row[name] is None else interval_text(row, name, digits)


JUDGED = ("evidence", "readable", "share", "error before", "error after", "points", "ratio", "shared", "on object",
          "deletion")  # fmt: skip
"""Heads of `judged_cells`; ± is the spread over networks, where there are several."""


def judged_cells(row: Row) -> list[str]:
    """Return what a layer is judged by, as cells."""
    spread = row.get("evidence_networks")
    return [
        interval_text(row, "evidence", 3) + ("" if spread is None else f" ± {spread:.3f}"),
        number(row["readable"], 3),
        number(row["share"]),
        number(row["error_before"], 3),
        number(row["error"], 3),
        number(row["points"], 1),
        optional_interval(row, "ratio"),
        number(row["shared"]),
        optional_interval(row, "on_object"),
        number(row["deletion"], 3),
    ]


def better_text(row: Row) -> str:
    """Return how one order compares with another, by an interval of differences of areas: smaller is better."""
    if row["difference_high"] < 0:
        return "better than"
    return "worse than" if row["difference_low"] > 0 else "within the noise of"


def measured_on(rows: Sequence[Row]) -> str:
    """Return on which networks and images rows were measured, from how many seeds, and which were not run."""
    seeds = _seeds_of(rows)
    most = max(seeds.values(), default=0)
    names = [f"{name} ({count})" if most > 1 else name for name, count in seeds.items()]
    text = f"Measured on {', '.join(names)}; "
    text += "in brackets the number of networks, each trained from another seed." if most > 1 else _ONE_NETWORK
    if any(row["images"] not in IMAGE_SETS for row in rows):
        return f"{text}\n"
    missing = [name for images in IMAGE_SETS for network in NETWORKS if (name := f"{network} on {images}") not in seeds]
    return f"{text} Not run: {', '.join(missing)}.\n" if missing else f"{text}\n"


_ONE_NETWORK = "one network each, so that another training may differ by more."
