"""Images, divisions, networks, thresholds and unseen images as tables, as a figure and in sentences."""

from collections.abc import Iterable, Iterator, Sequence
from math import hypot
from pathlib import Path
from statistics import fmean

from evidence.page import write_section
from evidence.tables import Row, markdown_table, mean_of, number, seeds_text, values_by
from evidence.uncertainty.figure import draw
from patternscope.knowledge import seed_spread
from patternscope.results.formatting import percent

INTRODUCTION = """`python -m evidence uncertainty`. Each sample is judged by a map that was fitted to the other half
of the samples. The fit draws nothing; what else a number depends on is listed separately:

- *Images*: half the 95 % bootstrap interval over images, which every number of a study has.
- *Divisions*: standard deviation over three divisions of the samples into halves.
- *Networks*: standard deviation over networks that differ in the seed of their training, of their means over divisions.
- *Unseen*: as many held-out images that neither the sample embedding nor any map or temperature was fitted to, each
  judged by one of the same maps. They are the same for all networks of an image set, so that cases are not
  independent: each image set is one draw of images.

*Stability* is how far verdicts agree on which regions are knowledge points: Fleiss' kappa (1 for identical verdicts, 0
for agreement by chance), and in brackets the points that two have in common as a share of those of either. Divisions
share the network, two networks only the images.
"""
MEASURES = {"evidence": "evidence", "ratio": "ratio of reliable points", "reliable": "reliable points per image"}
CALIBRATED = 0.05  # a calibration error below this is small
_NUMBERS = (*MEASURES, "points", "error")
_KEYS = ("images", "network", "layer")
_NORMAL = 1.96


def summarised(numbers: Sequence[Row], stability: Sequence[Row], networks: Sequence[Row]) -> list[Row]:
    """Return a row per layer: its numbers, how far each may be off, and the stability of its verdicts."""
    return [
        {
            **dict(zip(_KEYS, key, strict=True)),
            **_spreads_of_layer(_of(numbers, key)),
            **{f"{name}_divisions": mean_of(_of(stability, key), name) for name in ("kappa", "overlap")},
            **{f"{name}_networks": mean_of(_of(networks, key), name) for name in ("kappa", "overlap")},
        }
        for key in dict.fromkeys(tuple(row[name] for name in _KEYS) for row in numbers)
    ]


def _of(rows: Sequence[Row], key: tuple[str, ...]) -> list[Row]:
    return [row for row in rows if tuple(row[name] for name in _KEYS) == key]


def _spreads_of_layer(rows: Sequence[Row]) -> dict[str, float | None]:
    """Means and spreads of a layer's numbers, on samples and on unseen images."""
    samples, unseen = ([row for row in rows if row["on"] == on] for on in ("samples", "unseen"))
    spreads: dict[str, float | None] = {}
    for name in _NUMBERS:
        by_network = [divisions for divisions in values_by(samples, ("seed",), name).values() if divisions]
        means = [fmean(divisions) for divisions in by_network]
        over_divisions = [spread for divisions in by_network if (spread := seed_spread(divisions)) is not None]
        reach = [half for row in samples if (half := _half(row, name)) is not None]
        spreads |= {
            name: fmean(means) if means else None,
            f"{name}_images": fmean(reach) if reach else None,
            f"{name}_divisions": fmean(over_divisions) if over_divisions else None,
            f"{name}_networks": seed_spread(means),
            f"{name}_unseen": mean_of(unseen, name),
        }
    return spreads


def _half(row: Row, name: str) -> float | None:
    """Half an interval; None where a number has none."""
    low, high = row.get(f"{name}_low"), row.get(f"{name}_high")
    return None if low is None or high is None else (high - low) / 2


def write(
    folder: Path,
    *,
    numbers: Sequence[Row],
    refits: Sequence[Row],
    stability: Sequence[Row],
    sweep: Sequence[Row],
    networks: Sequence[Row],
) -> None:
    """Write the tables, the figure and section.md."""
    summary = summarised(numbers, stability, networks)
    text = [
        "## How far may a number be off?\n",
        INTRODUCTION,
        seeds_text(numbers),
        *_verdicts(numbers, refits, summary),
        "\n![Evidence and ratio on samples and on unseen images, and the ratio over thresholds]"
        "(uncertainty_figure.png)\n",
        "### Evidence, bits per region\n",
        _table(summary, "evidence", 3),
        "### The ratio of reliable points\n",
        _table(summary, "ratio", 3),
        "### Reliable points per image, and the stability of verdicts\n",
        _stability_table(summary),
    ]
    figure = draw(summary, sweep)
    tables = {"uncertainty_numbers": numbers, "uncertainty_refits": refits, "tau_sweep": sweep}
    write_section(folder, text, figure, summary, uncertainty=summary, **tables)


def _verdicts(numbers: Sequence[Row], refits: Sequence[Row], summary: Sequence[Row]) -> Iterator[str]:
    """Whether unseen images are where the intervals say, and which choice matters most."""
    yield from _held(numbers)
    yield _refitted(numbers, refits)
    for on, text in (("samples", "samples"), ("unseen", "unseen images")):
        errors = [row["error"] for row in numbers if row["on"] == on]
        small = sum(error < CALIBRATED for error in errors)
        yield (
            f"- Calibration error on {text} is below {CALIBRATED} in {small} of {len(errors)} cases; the largest is "
            f"{number(max(errors), 3)}."
        )
    for name, text in MEASURES.items():
        known = [row for row in summary if row[f"{name}_images"] is not None]
        if known:
            yield f"- {text.capitalize()}: {_by_choice(known, name)}."


def _held(numbers: Sequence[Row]) -> Iterable[str]:
    """In how many cases samples and unseen images differ by no more than both intervals allow: 95 % are expected.

    A layer without evidence has no points by rule, on any images: these agree without being measured.
    """
    cases: dict[tuple[object, ...], dict[str, Row]] = {}
    for row in numbers:
        place = tuple(row[key] for key in (*_KEYS, "seed", "division"))
        cases.setdefault(place, {})[row["on"]] = row
    for name, text in MEASURES.items():
        pairs = [
            (case["samples"], case["unseen"])
            for case in cases.values()
            if name == "evidence" or case["samples"]["evidence_low"] > 0
        ]
        judged = [
            (other[name] - own[name], hypot(half, other_half))
            for own, other in pairs
            if (half := _half(own, name)) is not None and (other_half := _half(other, name)) is not None
        ]
        if judged:
            held = sum(abs(gap) <= reach for gap, reach in judged)
            yield (
                f"- {text.capitalize()}: samples and unseen images differ by no more than the intervals of both allow "
                f"in {held} of {len(judged)} cases ({100 * held / len(judged):.0f} %; 95 % are expected), by "
                f"{number(fmean(gap for gap, _ in judged), 3)} on average."
            )


def _refitted(numbers: Sequence[Row], refits: Sequence[Row]) -> str:
    """Whether samples have more evidence than unseen images because of what the maps have seen of them.

    Unseen images by maps of their own are seen as samples are: what raises the evidence of samples raises theirs.
    """
    by_study = values_by([row for row in numbers if row["on"] == "unseen"], (*_KEYS, "seed"), "evidence")
    gaps = [row["evidence"] - fmean(by_study[tuple(row[key] for key in (*_KEYS, "seed"))]) for row in refits]
    own, raised = fmean(row["evidence"] for row in refits), fmean(gaps)
    right, right_unseen = (percent(mean_of(refits, name)) for name in ("accuracy", "accuracy_unseen"))
    verdict = f"raised by {number(raised, 3)} bits" if raised > 0 else "not raised"
    return (
        f"- Unseen images have {number(own - raised, 3)} bits on average by the study's maps, and {number(own, 3)} by "
        f"maps and a sample embedding of their own (largest difference of a layer: {number(max(gaps, key=abs), 3)}): "
        f"evidence is {verdict} by what a map has seen of an image. The networks classify {right} of the samples "
        f"correctly, and {right_unseen} of the unseen images."
    )


def _by_choice(rows: Sequence[Row], name: str) -> str:
    """The mean effect of each choice, and where networks differ more than images do."""
    text = f"half a 95 % interval is {number(mean_of(rows, f'{name}_images'), 3)} over images"
    spreads = [
        f"{number(_NORMAL * spread, 3)} over {choice}"
        for choice in ("divisions", "networks")
        if (spread := mean_of(rows, f"{name}_{choice}")) is not None
    ]
    if spreads:
        text += f", {_NORMAL} standard deviations are {' and '.join(spreads)}"
    compared = [row for row in rows if row[f"{name}_networks"] is not None]
    wider = sum(_NORMAL * row[f"{name}_networks"] > row[f"{name}_images"] for row in compared)
    return f"{text}; networks differ by more than images do in {wider} of {len(compared)} layers" if compared else text


def _name(row: Row) -> str:
    return f"{row['network']} on {row['images']}, {row['layer']}"


def _gap(row: Row, name: str) -> float | None:
    """How much larger a number is on unseen images."""
    return None if row[name] is None or row[f"{name}_unseen"] is None else row[f"{name}_unseen"] - row[name]


def _table(summary: Sequence[Row], name: str, digits: int) -> str:
    heads = ["layer", name, "± images", "± divisions", "± networks", "unseen", "difference"]
    cells = [
        [
            _name(row),
            number(row[name], digits),
            *[number(row[f"{name}_{choice}"], digits) for choice in ("images", "divisions", "networks", "unseen")],
            number(_gap(row, name), digits),
        ]
        for row in summary
    ]
    return markdown_table(heads, cells)


def _stability_table(summary: Sequence[Row]) -> str:
    heads = ["layer", "points", "reliable", "± images", "± divisions", "± networks", "unseen"]
    heads += ["stability, divisions", "stability, networks"]
    cells = [
        [
            _name(row),
            number(row["points"], 1),
            number(row["reliable"], 1),
            *[number(row[f"reliable_{choice}"], 2) for choice in ("images", "divisions", "networks")],
            number(row["reliable_unseen"], 1),
            *[
                f"{number(row[f'kappa_{choice}'])} ({number(row[f'overlap_{choice}'])})"
                for choice in ("divisions", "networks")
            ],
        ]
        for row in summary
    ]
    return markdown_table(heads, cells)
