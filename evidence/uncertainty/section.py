"""Seeds, thresholds and unseen images as tables, as a figure and in sentences."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

from evidence.page import write_section
from evidence.tables import Row, markdown_table, mean_of, number, seeds_text, values_by
from evidence.uncertainty.figure import draw
from patternscope.knowledge import seed_spread

INTRODUCTION = """`python -m evidence uncertainty`. Each layer is fitted five times with other seeds, which choose the
neighbours, on each of the networks, which differ in the seed of their training. *Images*: half the 95 % bootstrap
interval over images. *Fits* and *networks*: standard deviations over seeds of the fit, and over networks of their
means. *Unseen*: the same maps on held-out images that no map was fitted to.

*Stability* is of the verdict whether a region is a knowledge point: Fleiss' kappa (1 for identical verdicts, 0 at
chance level), and in brackets the share of points that two seeds have in common. Networks of other seeds share nothing
but the images.
"""
LIMIT = 0.1  # by how much the ratio on unseen images may differ
_KEYS = ("images", "network", "layer")


def summarised(counts: Sequence[Row], stability: Sequence[Row], networks: Sequence[Row]) -> list[Row]:
    """Return a row per layer: counts and ratio, by how much they may be off, and how stable verdicts are."""
    return [
        {
            **dict(zip(_KEYS, key, strict=True)),
            **_spreads_of_layer(_of(counts, key)),
            **{f"{name}_fits": mean_of(_of(stability, key), name) for name in ("kappa", "overlap")},
            **{f"{name}_networks": mean_of(_of(networks, key), name) for name in ("kappa", "overlap")},
        }
        for key in dict.fromkeys(tuple(row[name] for name in _KEYS) for row in counts)
    ]


def _of(rows: Sequence[Row], key: tuple[str, ...]) -> list[Row]:
    return [row for row in rows if tuple(row[name] for name in _KEYS) == key]


def _spreads_of_layer(rows: Sequence[Row]) -> dict[str, float | None]:
    """Means and spreads of a layer's counts, on fitted images and on unseen ones."""
    fitted, unseen = ([row for row in rows if row["on"] == on] for on in ("fitted", "unseen"))
    spreads: dict[str, float | None] = {}
    for name in ("total", "reliable", "ratio"):
        by_network = values_by(fitted, ("seed",), name).values()
        means = [fmean(fits) for fits in by_network if fits]
        over_fits = [spread for fits in by_network if (spread := seed_spread(fits)) is not None]
        reach = [(r[f"{name}_high"] - r[f"{name}_low"]) / 2 for r in fitted if r[f"{name}_low"] is not None]
        spreads |= {
            name: fmean(means) if means else None,
            f"{name}_images": fmean(reach) if reach else None,
            f"{name}_fits": fmean(over_fits) if over_fits else None,
            f"{name}_networks": seed_spread(means),
            f"{name}_unseen": mean_of(unseen, name),
        }
    return spreads


def write(
    folder: Path, *, counts: Sequence[Row], stability: Sequence[Row], sweep: Sequence[Row], networks: Sequence[Row]
) -> None:
    """Write the tables, the figure and section.md."""
    summary = summarised(counts, stability, networks)
    text = [
        "## How far may a number be off?\n",
        INTRODUCTION,
        seeds_text(counts),
        *_verdicts(summary),
        "\n![Ratio on fitted and unseen images, and over thresholds](uncertainty_figure.png)\n",
        "### The ratio of reliable points\n",
        _ratio_table(summary),
        "### Counts per image, and the stability of a region's verdict\n",
        _stability_table(summary),
    ]
    figure = draw(summary, sweep)
    write_section(folder, text, figure, summary, uncertainty_counts=counts, uncertainty=summary, tau_sweep=sweep)


def _verdicts(summary: Sequence[Row]) -> Iterable[str]:
    """How the ratio differs on unseen images, and which seed matters most."""
    gaps = {_name(row): gap for row in summary if (gap := _gap(row)) is not None}
    if gaps:
        within = [gap for gap in gaps.values() if abs(gap) <= LIMIT]
        largest = max(gaps, key=lambda name: abs(gaps[name]))
        yield (
            f"- On unseen images the ratio differs by at most {LIMIT} in {len(within)} of {len(gaps)} layers; most in "
            f"{largest} ({number(gaps[largest])}), by {number(fmean(gaps.values()))} on average."
        )
    for name, text in (("fits", "The seed of the fit"), ("networks", "The seed of the network")):
        if (spread := mean_of(summary, f"ratio_{name}")) is not None:
            yield f"- {text} moves the ratio by {number(spread, 3)} (mean of the standard deviations)."
    yield (
        f"- The interval over images reaches {number(mean_of(summary, 'ratio_images'), 3)} to either side on average."
    )


def _gap(row: Row) -> float | None:
    """By how much the ratio is larger on unseen images."""
    if row["ratio"] is None or row["ratio_unseen"] is None:
        return None
    return row["ratio_unseen"] - row["ratio"]


def _name(row: Row) -> str:
    return f"{row['network']} on {row['images']}, {row['layer']}"


def _ratio_table(summary: Sequence[Row]) -> str:
    heads = ["layer", "ratio", "± images", "± fits", "± networks", "unseen", "difference"]
    cells = [
        [
            _name(row),
            number(row["ratio"]),
            *[number(row[f"ratio_{name}"], 3) for name in ("images", "fits", "networks")],
            number(row["ratio_unseen"]),
            number(_gap(row)),
        ]
        for row in summary
    ]
    return markdown_table(heads, cells)


def _stability_table(summary: Sequence[Row]) -> str:
    heads = ["layer", "points", "reliable", "± images", "± fits", "± networks"]
    heads += ["stability, fits", "stability, networks"]
    cells = [
        [
            _name(row),
            number(row["total"], 1),
            number(row["reliable"], 1),
            *[number(row[f"reliable_{name}"], 2) for name in ("images", "fits", "networks")],
            *[f"{number(row[f'kappa_{seeds}'])} ({number(row[f'overlap_{seeds}'])})" for seeds in ("fits", "networks")],
        ]
        for row in summary
    ]
    return markdown_table(heads, cells)
