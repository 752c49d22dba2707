"""The planted shortcut as tables, as a figure and in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from torch import Tensor

from evidence.page import write_section
from evidence.shortcut.figure import draw
from evidence.tables import Row, interval_text, markdown_table, mean_of, mean_text, number, values_by

INTRODUCTION = """`python -m evidence shortcut`. A checkerboard of 16 x 16 pixels is planted into the background of
pictograms before vgg16_slim is trained on them. *Strength* is by how much more often the images of one class carry it
than those of the others: at 0 a tenth of all images do, at 1 all of that class and no other. Three seeds, three
classes.

Then 60 new images of the class are shown, each with the patch, through the maps of the study. *On the patch*: how much
of the reliable points lies on it, each point counting by the share of its region that the patch covers. *Near*: on it
or within a region's width. *Without*: the same images without the patch. *Caused*: how much of the reliable points does
not exist without it. In a deep layer the receptive field of a region is far larger than the region, so that those
beside the patch see it too; "caused" counts them by what they respond to, "on the patch" by where they lie.
"""
GOAL = 0.7  # share of the reliable points on the patch at strength 1
_COLUMNS = {
    "reliable per image": "reliable",
    "of these on the patch": "reliable_on_patch",
    "share on the patch": "share",
    "share near": "share_near",
    "share caused": "share_caused",
    "share on the object": "share_object",
    "reliable without": "reliable_without",
    "accuracy": "accuracy",
    "without": "accuracy_without",
}


def write(folder: Path, rows: Sequence[Row], examples: Mapping[str, Tensor]) -> None:
    """Write shortcut.csv, the figure and section.md; `examples` are images of each class."""
    table = [{name: value for name, value in row.items() if name != "examples"} for row in rows]
    text = [
        "## Does a shortcut show?\n",
        INTRODUCTION,
        *_verdicts(rows),
        "\n![Reliable points on the patch by strength](shortcut_figure.png)\n",
        *_tables(rows),
    ]
    write_section(folder, text, draw(rows, examples, GOAL), table, shortcut=table)


def _verdicts(rows: Sequence[Row]) -> Iterable[str]:
    """The last layer at strength 1 and at 0, and which layers reach the goal."""
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    last = layers[-1]
    yield _by_strength([row for row in rows if row["layer"] == last], last)
    for strength in (1.0, 0.0):
        own = [r for r in rows if (r["layer"], r["strength"]) == (last, strength) and r["share"] is not None]
        if own:
            yield _shares_at(strength, last, own)
    strongest = [row for row in rows if row["strength"] == 1.0 and (row["share"] or 0) >= GOAL]
    seeds = len({row["seed"] for row in rows})
    texts = [
        f"{len([row for row in strongest if row['layer'] == layer])} of {seeds} seeds in {layer}" for layer in layers
    ]
    yield f"- At least {GOAL:.0%} of the reliable points on the patch itself at strength 1: {', '.join(texts)}."


def _shares_at(strength: float, layer: str, rows: Sequence[Row]) -> str:
    """Shares of each class on the patch and near it."""
    on, near = (
        ", ".join(f"{row['class']} {interval_text(row, name)}" for row in rows) for name in ("share", "share_near")
    )
    return (
        f"- Strength {strength:g}, {layer}: on the patch {on}; it covers {number(mean_of(rows, 'area'), 3)} of the "
        f"image. Near it {near}; share of the image {number(mean_of(rows, 'area_near'), 3)}."
    )


def _by_strength(rows: Sequence[Row], layer: str) -> str:
    """How the points of one layer follow the strength."""
    strengths = sorted({row["strength"] for row in rows})
    by_strength = [[row for row in rows if row["strength"] == strength] for strength in strengths]
    on_patch, correct, caused = (
        ", ".join(number(mean) for own in by_strength if (mean := mean_of(own, name)) is not None)
        for name in ("reliable_on_patch", "accuracy_without", "share_caused")
    )
    return (
        f"- Strength {', '.join(f'{strength:g}' for strength in strengths)}: {on_patch} reliable points per image lie "
        f"on the patch, which is four regions, in {layer}. Of the same images without the patch {correct} are "
        f"classified correctly, and {caused} of the reliable points are caused by it."
    )


def _tables(rows: Sequence[Row]) -> Iterable[str]:
    for layer in dict.fromkeys(row["layer"] for row in rows):
        own = sorted((row for row in rows if row["layer"] == layer), key=lambda row: row["strength"])
        columns = [values_by(own, ("strength",), name) for name in _COLUMNS.values()]
        cells = [[f"{key[0]:g}", *[mean_text(values[key]) for values in columns]] for key in columns[0]]
        table = markdown_table(["strength", *_COLUMNS], cells)
        yield f"**{layer}** (means ± standard deviations over seeds)\n\n{table}"
