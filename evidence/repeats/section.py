"""Repetitions of a fit as tables and in sentences."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

from evidence.objectives.section import with_places
from evidence.page import write_section
from evidence.tables import FEWEST, Row, markdown_table, measured_on, number, over_seeds
from patternscope.knowledge import seed_spread

INTRODUCTION = """`python -m evidence repeats`. 500 images are divided into halves five times. *Shared*: calibrated
points that the two maps of a division have in common (the same region and class), as a share of those of either; mean
and least of the divisions. *Ratio* and *evidence* of the cross-fitted layer: mean, and in brackets the largest
difference between two divisions. *Half interval*: half the 95 % interval of the ratio over images, for comparison.
*Threads*: the same fits on two threads instead of one. *Seed*: how much the map of all images changes with the seed
of the fit, which draws nothing. Of networks from several seeds the table has the means. What another number of
threads does to the training of the network is not measured here.
"""
WANTED = {1: ("the last layer", 0.8), 2: ("the layer before", 0.65)}
LIMIT = 0.01


def summarised(rows: Sequence[Row]) -> list[Row]:
    """Return a row per layer: means and largest differences over divisions, and what threads and seeds change."""
    return [_of_layer(rows, key) for key in dict.fromkeys(map(_network_and_layer, rows))]


def _network_and_layer(row: Row) -> tuple[str, str, int, str]:
    return row["images"], row["network"], row.get("seed", 0), row["layer"]


def _of_layer(rows: Sequence[Row], key: tuple[str, str, int, str]) -> Row:
    own = [row for row in rows if _network_and_layer(row) == key]
    single = [row for row in own if row["threads"] == 1]
    first, double = single[0], next(row for row in own if row["threads"] == 2)
    shared = [row["shared"] for row in single if row["shared"] is not None]
    ends = [(r["ratio_high"] - r["ratio_low"]) / 2 for r in single if r["ratio_low"] is not None]
    summary: Row = {
        "images": key[0],
        "network": key[1],
        "seed": key[2],
        "layer": key[3],
        "shared": fmean(shared) if shared else None,
        "shared_least": min(shared, default=None),
        "ratio_images": fmean(ends) if ends else None,
        "moved_by_seed": first["moved_by_seed"],
    }
    for name in ("ratio", "evidence", "points"):
        values = [row[name] for row in single if row[name] is not None]
        summary |= {
            name: fmean(values) if values else None,
            f"{name}_range": max(values) - min(values) if values else None,
            f"{name}_divisions": seed_spread(values),
            f"{name}_threads": None if None in (first[name], double[name]) else abs(first[name] - double[name]),
        }
    return summary


def write(folder: Path, rows: Sequence[Row]) -> None:
    """Write the tables and section.md."""
    summary = with_places(summarised(rows))
    text = [
        "## Is the evidence of a layer the same when it is fitted again?\n",
        INTRODUCTION,
        measured_on(rows),
        *_verdicts(summary),
        "",
        _table(over_seeds(summary, ("images", "network", "layer"))),
    ]
    write_section(folder, text, None, (), repeats=rows, repeats_layers=summary)


def _verdicts(summary: Sequence[Row]) -> Iterable[str]:
    """What halves share, and by how much divisions, threads and seeds move the ratio."""
    for place, (text, wanted) in WANTED.items():
        own = [row for row in summary if row["from_end"] == place and row["shared"] is not None]
        reached = [row for row in own if row["shared"] >= wanted]
        if own:
            values = [row["shared"] for row in own]
            yield (
                f"- In {text} two halves share {number(min(values))} to {number(max(values))} of the points; at least "
                f"{wanted} in {len(reached)} of {len(own)} networks."
            )
    moved = [row for row in summary if row["ratio_range"] is not None and row["points"] >= FEWEST]
    steady = [row for row in moved if (row["ratio_divisions"] or 0.0) <= LIMIT]
    if moved:
        widest = max(moved, key=lambda row: row["ratio_range"])
        yield (
            f"- Another division moves the ratio by a standard deviation of at most {LIMIT} in {len(steady)} of "
            f"{len(moved)} layers with at least {FEWEST} points per image; two divisions differ most in "
            f"{_name(widest)} ({number(widest['ratio_range'], 3)}, at {number(widest['points'], 1)} points per image)."
        )
    threads = [row["ratio_threads"] for row in moved if row["ratio_threads"] is not None]
    if threads:
        yield f"- Two threads instead of one move the ratio by at most {number(max(threads), 4)}."
    yield (
        "- Another seed of the fit moves no entry of a map by more than "
        f"{max(row['moved_by_seed'] for row in summary):g}: nothing is drawn."
    )


def _name(row: Row) -> str:
    return f"{row['network']} on {row['images']}, {row['layer']}"


def _table(summary: Sequence[Row]) -> str:
    heads = ["layer", "points", "shared (least)", "ratio (range)", "half interval", "evidence (range)", "threads"]
    cells = [
        [
            _name(row),
            number(row["points"], 1),
            f"{number(row['shared'])} ({number(row['shared_least'])})",
            f"{number(row['ratio'], 3)} ({number(row['ratio_range'], 3)})",
            number(row["ratio_images"], 3),
            f"{number(row['evidence'], 3)} ({number(row['evidence_range'], 3)})",
            number(row["ratio_threads"], 4),
        ]
        for row in summary
    ]
    return markdown_table(heads, cells)
