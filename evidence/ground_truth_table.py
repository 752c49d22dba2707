"""What the masks of pictograms found, as csv, as a figure and in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from faithfulness_table import LABELS
from ground_truth_figure import draw
from tables import interval_text, markdown_table, number, seeds_text

from patternscope.figures.saving import save_figure
from patternscope.knowledge import seed_spread
from patternscope.results.json_csv import write_rows

Row = Mapping[str, Any]
INTRODUCTION = """`python evidence/ground_truth.py`. *Precision*: how much of the points lies on the object, each point
counting by the share of its region that the mask covers. Points that lie anywhere would have the object's share of the
picture. *Pointing game*: the chance that a pixel of the most important region is the object's. Means ± standard
deviations over seeds of the network; intervals are the 95 % bootstrap over images.
"""


def write_findings(
    folder: Path, *, precision: Sequence[Row], pointing: Sequence[Row], training: Sequence[Row]
) -> None:
    """Write precision.csv, pointing.csv, the figure and section.md."""
    folder.mkdir(parents=True, exist_ok=True)
    write_rows(folder / "precision.csv", [*precision, *training])
    write_rows(folder / "pointing.csv", pointing)
    save_figure(draw(precision, training), folder, "ground_truth_figure", rows=training, settings={}, dpi=200)
    parts = [
        "## Do the points lie on the object?\n",
        INTRODUCTION,
        seeds_text(precision),
        *_verdicts(precision),
        "\n![Precision of points by layer and over training](ground_truth_figure.png)\n",
        "### Precision at the end of training\n",
        *_precision_table(precision),
        "### Precision of reliable points over training, vgg16_slim\n",
        "With the number of reliable points an image; the figure leaves out those of fewer than 0.5.\n",
        *_training_table(training),
        "### The pointing game\n",
        *_pointing_table(pointing),
    ]
    (folder / "section.md").write_text("\n".join(parts), encoding="utf-8")


def means(rows: Sequence[Row], keys: Sequence[str], name: str) -> dict[tuple[Any, ...], list[float]]:
    """Values of a measure over seeds, by the keys."""
    found: dict[tuple[Any, ...], list[float]] = {}
    for row in rows:
        values = found.setdefault(tuple(row[key] for key in keys), [])
        if row[name] is not None:
            values.append(row[name])
    return found


def mean_text(values: Sequence[float], digits: int = 2) -> str:
    """Mean ± spread over seeds."""
    spread = seed_spread(list(values))
    return number(fmean(values) if values else None, digits) + (
        f" ± {spread:.{digits}f}" if spread is not None else ""
    )


def _verdicts(precision: Sequence[Row]) -> Iterable[str]:
    for network in dict.fromkeys(row["network"] for row in precision):
        mine = [row for row in precision if row["network"] == network]
        layers = list(dict.fromkeys(row["layer"] for row in mine))
        texts = [
            f"{number(fmean(means(mine, ('layer',), 'reliable')[(layer,)]))} in {layer}" for layer in layers
        ]
        yield (
            f"- {network}: of the reliable points {', '.join(texts)} lie on the object, whose share of the picture "
            f"is {number(fmean(row['area'] for row in mine))}."
        )


def _precision_table(precision: Sequence[Row]) -> Iterable[str]:
    heads = [
        "layer",
        "points an image",
        "reliable",
        "precision, all",
        "precision, reliable",
        "share of the picture",
    ]
    keys = ("network", "layer")
    columns = [
        means(precision, keys, name) for name in ("points", "reliable_points", "all", "reliable", "area")
    ]
    digits = (1, 1, 2, 2, 2)
    yield markdown_table(
        heads,
        [
            [
                f"{key[0]}, {key[1]}",
                *[mean_text(each[key], d) for each, d in zip(columns, digits, strict=True)],
            ]
            for key in columns[0]
        ],
    )


def _training_table(training: Sequence[Row]) -> Iterable[str]:
    layers = list(dict.fromkeys(row["layer"] for row in training))
    cells: dict[int, list[str]] = {}
    for row in training:
        about = [f"step {row['step']}", number(row["accuracy"])]
        cells.setdefault(row["checkpoint"], about).append(
            f"{interval_text(row, 'reliable')}; {number(row['reliable_points'])}"
        )
    yield markdown_table(["checkpoint", "held-out accuracy", *layers], list(cells.values()))


def _pointing_table(pointing: Sequence[Row]) -> Iterable[str]:
    found = means(pointing, ("network", "layer", "order"), "hit")
    layers = list(dict.fromkeys(key[:2] for key in found))
    cells = [
        [f"{network}, {layer}", *[mean_text(found[network, layer, order]) for order in LABELS]]
        for network, layer in layers
    ]
    yield markdown_table(["layer", *LABELS.values()], cells)
