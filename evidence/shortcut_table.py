"""What the planted shortcut found, as csv, as a figure and in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from ground_truth_table import mean_text, means
from shortcut_figure import draw
from tables import interval_text, markdown_table, number
from torch import Tensor

from patternscope.figures.saving import save_figure
from patternscope.results.json_csv import write_rows

Row = Mapping[str, Any]
INTRODUCTION = """`python evidence/shortcut.py`. A checkerboard of 16 x 16 pixels is planted into the background of
pictograms before vgg16_slim is trained on them. *Strength* is by how much more often the images of one class carry it
than those of the others: at 0 a tenth of all images do, at 1 all of that class and no other. Three seeds, three
classes.

Then 60 new images of the class are shown, each with the patch, through the maps of the study. *On the patch*: how much
of the reliable points lies on it, each point counting by the share of its region that the patch covers. *Near*: on it
or within a region's width. *Without*: the same images without the patch. *Caused*: how much of the reliable points is
not there without it. In a deep layer a region sees far beyond its own pixels, so that those beside the patch see it
too; "caused" counts them by what they say, "on the patch" by where they lie.
"""
WANTED = 0.7  # share of the reliable points on the patch at strength 1


def write_findings(folder: Path, rows: Sequence[Row], shown: Mapping[str, Tensor]) -> None:
    """Write shortcut.csv, the figure and section.md; `shown` are example images of each class."""
    folder.mkdir(parents=True, exist_ok=True)
    table = [{name: value for name, value in row.items() if name != "examples"} for row in rows]
    write_rows(folder / "shortcut.csv", table)
    save_figure(draw(rows, shown, WANTED), folder, "shortcut_figure", rows=table, settings={}, dpi=200)
    parts = [
        "## Does a shortcut show?\n",
        INTRODUCTION,
        *_verdicts(rows),
        "\n![Reliable points on the patch by strength](shortcut_figure.png)\n",
        *_tables(rows),
    ]
    (folder / "section.md").write_text("\n".join(parts), encoding="utf-8")


def _verdicts(rows: Sequence[Row]) -> Iterable[str]:
    """What is said first of the last layer: at strength 1, and at 0."""
    last = list(dict.fromkeys(row["layer"] for row in rows))[-1]
    yield from _by_strength([row for row in rows if row["layer"] == last], last)
    for strength in (1.0, 0.0):
        mine = [r for r in rows if (r["layer"], r["strength"]) == (last, strength) and r["share"] is not None]
        if not mine:
            continue
        shares = ", ".join(f"{row['class']} {interval_text(row, 'share')}" for row in mine)
        area = number(fmean(row["area"] for row in mine), 3)
        near = ", ".join(f"{row['class']} {interval_text(row, 'share_near')}" for row in mine)
        yield (
            f"- Strength {strength:g}, {last}: on the patch {shares}; its share of the picture is {area}. Near it "
            f"{near}; share of the picture {number(fmean(row['area_near'] for row in mine), 3)}."
        )
    reached = {
        layer: [
            r for r in rows if (r["layer"], r["strength"]) == (layer, 1.0) and (r["share"] or 0) >= WANTED
        ]
        for layer in dict.fromkeys(row["layer"] for row in rows)
    }
    seeds = len({row["seed"] for row in rows})
    texts = [f"{len(found)} of {seeds} seeds in {layer}" for layer, found in reached.items()]
    yield f"- At least {WANTED:.0%} of the reliable points on the patch itself at strength 1: {', '.join(texts)}."


def _by_strength(rows: Sequence[Row], layer: str) -> Iterable[str]:
    """How what is seen follows the strength, in one layer."""
    strengths = sorted({row["strength"] for row in rows})
    columns = [
        means(rows, ("strength",), name) for name in ("reliable_on_patch", "accuracy_without", "share_caused")
    ]
    texts = [", ".join(number(fmean(each[(s,)])) for s in strengths if each[(s,)]) for each in columns]
    yield (
        f"- Strength {', '.join(f'{each:g}' for each in strengths)}: {texts[0]} reliable points an image lie on the "
        f"patch, which is four regions, in {layer}. The network knows {texts[1]} of the same images without the "
        f"patch, and {texts[2]} of its reliable points are caused by it."
    )


def _tables(rows: Sequence[Row]) -> Iterable[str]:
    heads = [
        "strength",
        "reliable an image",
        "of these on the patch",
        "share on the patch",
        "share near",
        "share caused",
        "share on the object",
        "reliable without",
        "accuracy",
        "without",
    ]
    names = [
        "reliable",
        "reliable_on_patch",
        "share",
        "share_near",
        "share_caused",
        "share_object",
        "reliable_without",
    ]
    names += ["accuracy", "accuracy_without"]
    for layer in dict.fromkeys(row["layer"] for row in rows):
        mine = sorted((row for row in rows if row["layer"] == layer), key=lambda row: row["strength"])
        columns = [means(mine, ("strength",), name) for name in names]
        cells = [[f"{key[0]:g}", *[mean_text(each[key]) for each in columns]] for key in columns[0]]
        yield f"**{layer}** (means ± standard deviations over seeds)\n\n{markdown_table(heads, cells)}"
