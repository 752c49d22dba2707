"""Capped deletion as tables and in sentences."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import torch

from evidence.page import write_section
from evidence.region_importances import ORDERS
from evidence.tables import Row, better_text, interval_text, markdown_table, measured_on, number, over_seeds
from patternscope.knowledge import bootstrap_mean
from patternscope.results.record_codec import flat_interval

INTRODUCTION = """`python -m evidence capped`. With most of an image removed, a network sees what no training showed it,
and a deletion test measures how it
reacts to unfamiliar images. Here a copy is fine-tuned for two epochs under random masks of at most a
quarter of the regions (mean colour), and never more than a quarter is removed: at each of eight steps that share is
drawn from the regions that an order ranks first, from one eighth of them to all. The area under the probability of
the true class is smaller the better the order; at the last step all orders remove the same regions, so that
differences are smaller than in the uncapped test. The idea is that of F-Fidelity (arXiv 2410.02970), simplified: one
draw of the masks per image.

Orders: evidence of the region for the true class by the map that has not seen the image (the order of p), w,
strength, Grad-CAM of the network as trained, and random. 100 images per network; intervals are the 95 % bootstrap over
images, and differences are paired. Of networks from several seeds the tables have means, of the ends of intervals too.
"""
NAMES = {**ORDERS, "evidence": "evidence"}
RIVALS = ("grad_cam", "w", "strength", "random")
_KEYS = ("images", "network", "seed", "layer", "asked")
_SHOWN = ("images", "network", "layer", "asked")


def area_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the mean area of each order with its interval over images."""
    return [
        {
            **{key: row[key] for key in (*_KEYS, "order")},
            **flat_interval("area", bootstrap_mean(torch.tensor(row["areas"], dtype=torch.float64))),
        }
        for row in rows
    ]


def difference_rows(rows: Sequence[Row]) -> list[Row]:
    """Return the area of evidence less that of each rival, paired over images; negative is better."""
    known = {tuple(row[key] for key in (*_KEYS, "order")): torch.tensor(row["areas"]).double() for row in rows}
    return [
        {
            **dict(zip(_KEYS, key[:-1], strict=True)),
            "less": rival,
            **flat_interval("difference", bootstrap_mean(own - known[(*key[:-1], rival)])),
        }
        for key, own in known.items()
        if key[-1] == "evidence"
        for rival in RIVALS
    ]


def write(folder: Path, rows: Sequence[Row]) -> None:
    """Write the tables and section.md."""
    measured, differences = area_rows(rows), difference_rows(rows)
    text = [
        "## Deletion with images close to those of the training\n",
        INTRODUCTION,
        measured_on(rows),
        *_verdicts(differences),
        "\n### Areas\n",
        _area_table(over_seeds(measured, (*_SHOWN, "order"))),
        "### Differences\n",
        "Area of evidence less that of another order; an interval below zero means that evidence is better.\n",
        _difference_table(over_seeds(differences, (*_SHOWN, "less"))),
    ]
    write_section(folder, text, None, (), capped=measured, capped_differences=differences)


def _verdicts(differences: Sequence[Row]) -> Iterable[str]:
    """How often evidence is better and worse than each rival on the fine-tuned copies, and by how much on average."""
    copies = [row for row in differences if row["asked"] == "fine-tuned"]
    for images in dict.fromkeys(row["images"] for row in copies):
        parts = []
        for rival in RIVALS:
            own = [row for row in copies if (row["images"], row["less"]) == (images, rival)]
            told = [better_text(row) for row in own]
            mean = number(sum(row["difference"] for row in own) / len(own), 3)
            better, worse = told.count("better than"), told.count("worse than")
            parts.append(f"{NAMES[rival]} {better} times better and {worse} times worse, mean difference {mean}")
        count = len(copies) // len(RIVALS)
        cases = len([row for row in copies if row["images"] == images]) // len(RIVALS)
        yield f"- {images}, fine-tuned copies, {cases} of {count} layers: evidence against {'; '.join(parts)}."


def _area_table(measured: Sequence[Row]) -> str:
    orders = list(dict.fromkeys(row["order"] for row in measured))
    cells: dict[str, list[str]] = {}
    for row in measured:
        cells.setdefault(_name(row), []).append(interval_text(row, "area", 3))
    return markdown_table(
        ["network, layer, copy", *[NAMES[order] for order in orders]], [[name, *texts] for name, texts in cells.items()]
    )


def _difference_table(differences: Sequence[Row]) -> str:
    cells: dict[str, list[str]] = {}
    for row in differences:
        cells.setdefault(_name(row), []).append(interval_text(row, "difference", 3))
    heads = ["network, layer, copy", *[NAMES[rival] for rival in RIVALS]]
    return markdown_table(heads, [[name, *texts] for name, texts in cells.items()])


def _name(row: Row) -> str:
    return f"{row['network']} on {row['images']}, {row['layer']}, {row['asked']}"
