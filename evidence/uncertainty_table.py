"""What the seeds, thresholds and unseen images found, as csv, as a figure and in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from tables import markdown_table, number, seeds_text
from uncertainty_figure import draw

from patternscope.figures.saving import save_figure
from patternscope.knowledge import seed_spread
from patternscope.results.json_csv import write_rows

Row = Mapping[str, Any]
INTRODUCTION = """`python evidence/uncertainty.py`. Each layer is fitted five times with other seeds, which choose the
neighbours, on each of the networks, which differ in the seed of their training. *Images*: half the 95 % bootstrap
interval over images. *Fits* and *networks*: standard deviations over seeds of the fit, and over networks of their
means. *Unseen*: the same maps on held-out images that no map was fitted to.

*Stability* is of the verdict whether a region is a knowledge point: Fleiss' kappa (1 always alike, 0 as by chance), and
in brackets the share of points that two seeds have in common. Networks of other seeds share nothing but the images.
"""
LIMIT = 0.1  # by how much the ratio on unseen images may differ
_KEYS = ("images", "network", "layer")


def summarised(
    counts: Sequence[Row], stability: Sequence[Row], networks: Sequence[Row]
) -> list[dict[str, Any]]:
    """A row a layer: counts and ratio, what they may be off by, and how stable verdicts are."""
    return [
        {
            **dict(zip(_KEYS, key, strict=True)),
            **_counted(_of(counts, key)),
            **{f"{name}_fits": _mean(_of(stability, key), name) for name in ("kappa", "overlap")},
            **{f"{name}_networks": _mean(_of(networks, key), name) for name in ("kappa", "overlap")},
        }
        for key in dict.fromkeys(tuple(row[name] for name in _KEYS) for row in counts)
    ]


def _of(rows: Sequence[Row], key: tuple[str, ...]) -> list[Row]:
    return [row for row in rows if tuple(row[name] for name in _KEYS) == key]


def _mean(rows: Sequence[Row], name: str) -> float | None:
    known = [row[name] for row in rows if row[name] is not None]
    return fmean(known) if known else None


def _counted(rows: Sequence[Row]) -> dict[str, float | None]:
    """Means and spreads of a layer's counts, on fitted images and on unseen ones."""
    fitted, unseen = ([row for row in rows if row["on"] == on] for on in ("fitted", "unseen"))
    seeds = dict.fromkeys(row["seed"] for row in rows)
    found: dict[str, float | None] = {}
    for name in ("total", "reliable", "ratio"):
        by_network = [[row[name] for row in fitted if row["seed"] == seed] for seed in seeds]
        means = [fmean(known) for each in by_network if (known := [x for x in each if x is not None])]
        spreads = [spread for each in by_network if (spread := seed_spread(each)) is not None]
        reach = [(r[f"{name}_high"] - r[f"{name}_low"]) / 2 for r in fitted if r[f"{name}_low"] is not None]
        found |= {
            name: fmean(means) if means else None,
            f"{name}_images": fmean(reach) if reach else None,
            f"{name}_fits": fmean(spreads) if spreads else None,
            f"{name}_networks": seed_spread(means),
            f"{name}_unseen": _mean(unseen, name),
        }
    return found


def write_findings(
    folder: Path,
    *,
    counts: Sequence[Row],
    stability: Sequence[Row],
    sweep: Sequence[Row],
    networks: Sequence[Row],
) -> None:
    """Write the csv files, the figure and section.md."""
    folder.mkdir(parents=True, exist_ok=True)
    summary = summarised(counts, stability, networks)
    write_rows(folder / "uncertainty_counts.csv", counts)
    write_rows(folder / "uncertainty.csv", summary)
    write_rows(folder / "tau_sweep.csv", sweep)
    save_figure(draw(summary, sweep), folder, "uncertainty_figure", rows=summary, settings={}, dpi=200)
    (folder / "section.md").write_text(_section(summary, seeds_text(counts)), encoding="utf-8")


def _section(summary: Sequence[Row], seeds: str) -> str:
    parts = [
        "## How far may a number be off?\n",
        INTRODUCTION,
        seeds,
        *_verdicts(summary),
        "\n![Ratio on fitted and unseen images, and over thresholds](uncertainty_figure.png)\n",
        "### The ratio of reliable points\n",
        *_ratio_table(summary),
        "### Counts an image, and the stability of a region's verdict\n",
        *_stability_table(summary),
    ]
    return "\n".join(parts)


def _verdicts(summary: Sequence[Row]) -> Iterable[str]:
    """What is said first: unseen images, and which seed matters most."""
    known = [row for row in summary if row["ratio"] is not None and row["ratio_unseen"] is not None]
    apart = {_name(row): row["ratio_unseen"] - row["ratio"] for row in known}
    beyond = [name for name, gap in apart.items() if abs(gap) > LIMIT]
    largest = max(apart, key=lambda name: abs(apart[name]))
    yield (
        f"- On unseen images the ratio differs by at most {LIMIT} in {len(apart) - len(beyond)} of {len(apart)} "
        f"layers; most in {largest} ({number(apart[largest])}), by {number(fmean(apart.values()))} in the mean."
    )
    for name, text in (("fits", "The seed of the fit"), ("networks", "The seed of the network")):
        spreads = [row[f"ratio_{name}"] for row in summary if row[f"ratio_{name}"] is not None]
        if spreads:
            yield f"- {text} moves the ratio by {number(fmean(spreads), 3)} (mean of the standard deviations)."
    images = [row["ratio_images"] for row in summary if row["ratio_images"] is not None]
    yield f"- The interval over images reaches {number(fmean(images), 3)} to either side in the mean."


def _name(row: Row) -> str:
    return f"{row['network']} on {row['images']}, {row['layer']}"


def _ratio_table(summary: Sequence[Row]) -> Iterable[str]:
    heads = ["layer", "ratio", "± images", "± fits", "± networks", "unseen", "difference"]
    cells = []
    for row in summary:
        both = row["ratio"] is not None and row["ratio_unseen"] is not None
        gap = row["ratio_unseen"] - row["ratio"] if both else None
        values = [row[f"ratio_{name}"] for name in ("images", "fits", "networks")]
        cells.append(
            [
                _name(row),
                number(row["ratio"]),
                *[number(value, 3) for value in values],
                number(row["ratio_unseen"]),
                number(gap),
            ]
        )
    yield markdown_table(heads, cells)


def _stability_table(summary: Sequence[Row]) -> Iterable[str]:
    heads = [
        "layer",
        "points",
        "reliable",
        "± images",
        "± fits",
        "± networks",
        "stability, fits",
        "stability, networks",
    ]
    cells = [
        [
            _name(row),
            number(row["total"], 1),
            number(row["reliable"], 1),
            *[number(row[f"reliable_{name}"], 2) for name in ("images", "fits", "networks")],
            *[
                f"{number(row[f'kappa_{of}'])} ({number(row[f'overlap_{of}'])})"
                for of in ("fits", "networks")
            ],
        ]
        for row in summary
    ]
    yield markdown_table(heads, cells)
