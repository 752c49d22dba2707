"""Objectives as tables and in sentences."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

from evidence.page import write_section
from evidence.tables import JUDGED, Row, judged_cells, markdown_table, mean_of, measured_on, number, over_seeds

CHOSEN, PAPER = "likelihood", "paper"
LEAST_READABLE = 0.02  # bits: a share of less tells nothing
INTRODUCTION = """`python -m evidence objectives`. Each objective is fitted to each half of 500 images (50 of each
class), and each image is judged by the map of the other half. *Evidence*: bits per region about the true class, at
the temperature of the other half; *readable*: those of a linear probe, *share* their quotient. *Error before* and
*after*: expected calibration error without and with the temperature. *Shared*: points that the two maps have in
common, of those of either. *On object*: share of the reliable points (pictograms); its chance level is the object's
area, 0.18 or 0.19. *Deletion*: area under the deletion curve of p of the true class, mean colour, 100 images; smaller
is better. *Seconds*: of the processor for one fit to 250 images, all objectives in one run, a dash where it was not
timed; the weighted ones are written plainly and could be faster.

The paper's objective has 100 neighbours and its strengths are in units of their mean, as its rule has them. The
likelihood asks for the target probabilities P to a power: not at all sharpened is P itself (softmax(logits / 4)), the
default is P squared, and T = 1 is the network's own softmax. Its weighted form has w of each region in place of 1 /
r. Of other mixtures, as the paper's similarities beside a likelihood, none was run.
"""


def with_share(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with evidence as a share of what is readable, and the place of the layer from the end."""
    return [{**row, "share": _share(row)} for row in with_places(rows)]


def _share(row: Row) -> float | None:
    """Evidence / readable; None where next to nothing is readable."""
    return row["evidence"] / row["readable"] if row["readable"] and row["readable"] > LEAST_READABLE else None


def with_places(rows: Sequence[Row]) -> list[Row]:
    """Return the rows with the place of their layer from the end: 1 is the last."""
    layers: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        known = layers.setdefault((row["images"], row["network"]), [])
        if row["layer"] not in known:
            known.append(row["layer"])
    places = {
        (*network, layer): len(known) - place for network, known in layers.items() for place, layer in enumerate(known)
    }
    return [{**row, "from_end": places[row["images"], row["network"], row["layer"]]} for row in rows]


def write(folder: Path, rows: Sequence[Row]) -> None:
    """Write the table and section.md."""
    known = with_share(rows)
    text = [
        "## Objectives of the regional fit\n",
        INTRODUCTION,
        measured_on(rows),
        *_verdicts(known),
        "\n### Means over networks and image sets\n",
        "*Last* is the last layer, *before* the one before it.\n",
        _means_table(known),
    ]
    means = over_seeds(known, ("images", "network", "layer", "objective", "dimensions"))
    for images, network in dict.fromkeys((row["images"], row["network"]) for row in means):
        own = [row for row in means if (row["images"], row["network"]) == (images, network)]
        text += [f"### {network} on {images}\n", _table(own)]
    write_section(folder, text, None, (), objectives=known)


def _name(row: Row) -> str:
    return f"{row['objective']}, e = {row['dimensions']}"


def _verdicts(rows: Sequence[Row]) -> Iterable[str]:
    """What the default keeps of what is readable, how it compares with the paper's, and at what speed."""
    for place, text, least in ((1, "the last layer", 0.8), (2, "the layer before", 0.6)):
        own = [r for r in rows if r["from_end"] == place and r["objective"] == CHOSEN and r["share"] is not None]
        if own:
            reached = [r for r in own if r["share"] >= least]
            shares = [r["share"] for r in own]
            yield (
                f"- In {text} the default keeps {number(fmean(shares))} of what is readable ({number(min(shares))} to "
                f"{number(max(shares))}); at least {least} in {len(reached)} of {len(own)} networks."
            )
    by_name = {name: [r for r in rows if _name(r) == name] for name in dict.fromkeys(map(_name, rows))}
    seconds = {name: mean_of(own, "seconds") for name, own in by_name.items()}
    chosen = next((name for name in by_name if name.startswith(f"{CHOSEN}, e")), None)
    paper = [name for name in by_name if name.startswith(f"{PAPER}, e")]
    if chosen is not None:
        parts = [
            f"one by {name} {number((seconds[name] or 0) / (seconds[chosen] or 1), 1)} times as long" for name in paper
        ]
        yield f"- A fit by the default takes {number(seconds[chosen], 2)} s, {', '.join(parts)} (means over layers)."
        after = [row["error"] for row in by_name[chosen]]
        yield (
            f"- Calibration error of the default: {number(mean_of(by_name[chosen], 'error_before'), 3)} before any "
            f"temperature, {number(fmean(after), 3)} after it (at most {number(max(after), 3)})."
        )


def _means_table(rows: Sequence[Row]) -> str:
    heads = ["objective", "share, last", "share, before", "error before", "error after", "shared, last"]
    heads += ["shared, before", "on object, last", "deletion, last", "seconds"]
    cells = []
    for name in dict.fromkeys(map(_name, rows)):
        own = [row for row in rows if _name(row) == name]
        last, before = ([row for row in own if row["from_end"] == place] for place in (1, 2))
        cells.append(
            [
                name,
                number(mean_of(last, "share")),
                number(mean_of(before, "share")),
                *[number(mean_of(own, measure), 3) for measure in ("error_before", "error")],
                number(mean_of(last, "shared")),
                number(mean_of(before, "shared")),
                number(mean_of(last, "on_object")),
                number(mean_of(last, "deletion"), 3),
                number(mean_of(own, "seconds"), 2),
            ]
        )
    return markdown_table(heads, cells)


def _table(rows: Sequence[Row]) -> str:
    heads = ["layer, objective", *JUDGED, "seconds"]
    cells = [[f"{row['layer']}, {_name(row)}", *judged_cells(row), number(row["seconds"], 2)] for row in rows]
    return markdown_table(heads, cells)
