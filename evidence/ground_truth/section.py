"""Points and importance on the object as tables, as a figure and in sentences."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from evidence.ground_truth.figure import draw
from evidence.page import write_section
from evidence.region_importances import ORDERS
from evidence.tables import Row, interval_text, markdown_table, mean_of, mean_text, number, seeds_text, values_by

INTRODUCTION = """`python -m evidence ground_truth`. *Precision*: how much of the points lies on the object, each point
counting by the share of its region that the mask covers. Points that lie anywhere would have the object's share of the
image. *Pointing game*: the probability that a pixel of the most important region is the object's. Means ± standard
deviations over seeds of the network; intervals are the 95 % bootstrap over images.
"""


def write(folder: Path, *, precision: Sequence[Row], pointing: Sequence[Row], training: Sequence[Row]) -> None:
    """Write precision.csv, pointing.csv, the figure and section.md."""
    text = [
        "## Do the points lie on the object?\n",
        INTRODUCTION,
        seeds_text(precision),
        *_verdicts(precision),
        "\n![Precision of points by layer and over training](ground_truth_figure.png)\n",
        "### Precision at the end of training\n",
        _precision_table(precision),
        "### Precision of reliable points over training, vgg16_slim\n",
        "With the number of reliable points per image; the figure omits those of fewer than 0.5.\n",
        _training_table(training),
        "### The pointing game\n",
        _pointing_table(pointing),
    ]
    figure = draw(precision, training)
    write_section(folder, text, figure, training, precision=[*precision, *training], pointing=pointing)


def _verdicts(precision: Sequence[Row]) -> Iterable[str]:
    for network in dict.fromkeys(row["network"] for row in precision):
        own = [row for row in precision if row["network"] == network]
        layers = dict.fromkeys(row["layer"] for row in own)
        shares = {layer: mean_of([row for row in own if row["layer"] == layer], "reliable") for layer in layers}
        texts = [f"{number(share)} in {layer}" for layer, share in shares.items()]
        yield (
            f"- {network}: of the reliable points {', '.join(texts)} lie on the object, which covers "
            f"{number(mean_of(own, 'area'))} of the image."
        )


def _precision_table(precision: Sequence[Row]) -> str:
    columns = {
        "points per image": ("points", 1),
        "reliable": ("reliable_points", 1),
        "precision, all": ("all", 2),
        "precision, reliable": ("reliable", 2),
        "share of the image": ("area", 2),
    }
    values = [(values_by(precision, ("network", "layer"), name), digits) for name, digits in columns.values()]
    cells = [
        [f"{network}, {layer}", *[mean_text(column[network, layer], digits) for column, digits in values]]
        for network, layer in values[0][0]
    ]
    return markdown_table(["layer", *columns], cells)


def _training_table(training: Sequence[Row]) -> str:
    layers = list(dict.fromkeys(row["layer"] for row in training))
    cells: dict[int, list[str]] = {}
    for row in training:
        about = [f"step {row['step']}", number(row["accuracy"])]
        cells.setdefault(row["checkpoint"], about).append(
            f"{interval_text(row, 'reliable')}; {number(row['reliable_points'])}"
        )
    return markdown_table(["checkpoint", "held-out accuracy", *layers], list(cells.values()))


def _pointing_table(pointing: Sequence[Row]) -> str:
    values = values_by(pointing, ("network", "layer", "order"), "hit")
    layers = list(dict.fromkeys(key[:2] for key in values))
    cells = [
        [f"{network}, {layer}", *[mean_text(values[network, layer, order]) for order in ORDERS]]
        for network, layer in layers
    ]
    return markdown_table(["layer", *ORDERS.values()], cells)
