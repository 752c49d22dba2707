"""Deletion and insertion as tables, as a figure and in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor

from evidence.faithfulness.figure import draw
from evidence.page import write_section
from evidence.region_importances import ORDERS
from evidence.tables import Row, better_text, interval_text, markdown_table, number, seeds_text
from patternscope.knowledge import bootstrap_mean, seed_spread
from patternscope.results.record_codec import flat_interval

PLACES = {"last": "Last layer", "before": "The layer before"}
RIVALS = ("grad_cam", "random", "w", "w_joint", "strength")
EVERY = "all"
INTRODUCTION = """`python -m evidence faithfulness`. Regions of an image are replaced one eighth after another, the most
important first (deletion), or come back in that order (insertion). The area under the network's probability of the true
class tells how much it depended on them: for deletion smaller is better, for insertion larger. *Mean colour*: the
image's own. *Blur*: a Gaussian of an eighth of the side. *Background*: the same drawing without its object, which is
what the object of a pictogram hides. 100 images per network.

Orders: p of the true class given h, the strength of h, w of the default fit (v uniform) and of the paper's joint fit,
Grad-CAM at the same layer, random, and for pictograms the object's own mask. An interval is the 95 % bootstrap over
images, each image's area being its mean over seeds; *all* is the mean over networks too.

The last layer of these networks is followed by a pool and one linear layer. Grad-CAM at this place is nearly the share
that each region has in the logit, and the strongest alternative there is; h has the same features in nine dimensions.
"""
_KEYS = ("place", "images", "network", "curve", "replacement", "order")
Areas = Mapping[tuple[str, ...], Tensor]


def areas(rows: Sequence[Row]) -> dict[tuple[str, ...], Tensor]:
    """Return the areas of each image (seeds, n) by place, images, network, curve, replacement and order.

    The network "all" has the means over networks and their seeds: the images are the same.
    """
    by_seed: dict[tuple[str, ...], list[list[float]]] = {}
    for row in rows:
        by_seed.setdefault(tuple(row[key] for key in _KEYS), []).append(row["areas"])
    stacked = {key: torch.tensor(seeds, dtype=torch.float64) for key, seeds in by_seed.items()}
    by_network: dict[tuple[str, ...], list[Tensor]] = {}
    for (place, images, _, *rest), seeds in stacked.items():
        # A network that was trained from fewer seeds counts with its mean, once.
        by_network.setdefault((place, images, EVERY, *rest), []).append(seeds.mean(dim=0))
    means = {key: torch.stack(networks).mean(dim=0, keepdim=True) for key, networks in by_network.items()}
    return {**stacked, **means}


def area_rows(known: Areas) -> list[Row]:
    """Return the mean area of each order, with its interval over images and its spread over seeds of the network."""
    return [
        {
            **dict(zip(_KEYS, key, strict=True)),
            **flat_interval("area", bootstrap_mean(seeds.mean(dim=0))),
            "seeds": seed_spread(seeds.mean(dim=1).tolist()),
        }
        for key, seeds in known.items()
    ]


def difference_rows(known: Areas) -> list[Row]:
    """Return the area of p less that of each rival, paired over images; negative is better for deletion."""
    rows = []
    for key, own in known.items():
        if key[-1] != "p":
            continue
        for rival in RIVALS:
            other = known[(*key[:-1], rival)]
            difference = bootstrap_mean(own.mean(dim=0) - other.mean(dim=0))
            about = dict(zip(_KEYS[:-1], key[:-1], strict=True))
            rows.append({**about, "less": rival, **flat_interval("difference", difference)})
    return rows


def write(folder: Path, rows: Sequence[Row]) -> None:
    """Write the two tables, the figure and section.md."""
    known = areas(rows)
    measured, differences = area_rows(known), difference_rows(known)
    shown = [row for row in measured if row["curve"] == "deletion" and row["place"] == "last"]
    write_section(
        folder,
        _section(measured, differences, seeds_text(rows)),
        draw(shown, ORDERS),
        shown,
        faithfulness=measured,
        faithfulness_differences=differences,
    )


def _section(measured: Sequence[Row], differences: Sequence[Row], seeds: str) -> list[str]:
    text = [
        "## Does the network depend on what is shown?\n",
        INTRODUCTION,
        seeds,
        *_verdicts(differences),
        "\n![Deletion areas in the last layer](faithfulness_figure.png)\n",
        "### Differences in the last layer\n",
        "Deletion area of p less that of another order, paired over images; an interval below zero means that p is "
        "better.\n",
        _difference_table(differences),
    ]
    for curve in ("deletion", "insertion"):
        for place, title in PLACES.items():
            text.append(f"### {title}: areas under {curve}\n")
            text.append(_area_table([r for r in measured if (r["curve"], r["place"]) == (curve, place)]))
    return text


def _verdicts(differences: Sequence[Row]) -> Iterable[str]:
    """For each image set and replacement: whether p is better than Grad-CAM and than random, over all networks."""
    chosen = [row for row in differences if (row["curve"], row["place"], row["network"]) == ("deletion", "last", EVERY)]
    for images, replacement in dict.fromkeys((row["images"], row["replacement"]) for row in chosen):
        by_rival = {r["less"]: r for r in chosen if (r["images"], r["replacement"]) == (images, replacement)}
        parts = [
            f"{better_text(by_rival[rival])} {ORDERS[rival]} ({interval_text(by_rival[rival], 'difference', 3)})"
            for rival in ("grad_cam", "random")
        ]
        yield f"- {images}, {replacement}, last layer, deletion: p is {' and '.join(parts)}."


def _difference_table(differences: Sequence[Row]) -> str:
    chosen = [row for row in differences if (row["curve"], row["place"]) == ("deletion", "last")]
    heads = ["images, replacement, network", *[ORDERS[rival] for rival in RIVALS]]
    cells: dict[str, list[str]] = {}
    for row in chosen:
        cells.setdefault(_name(row), []).append(interval_text(row, "difference", 3))
    return markdown_table(heads, [[name, *texts] for name, texts in cells.items()])


def _area_table(measured: Sequence[Row]) -> str:
    heads = ["images, replacement, network", *ORDERS.values()]
    cells: dict[str, dict[str, str]] = {}
    for row in measured:
        spread = "" if row["seeds"] is None else f" ± {row['seeds']:.3f}"
        cells.setdefault(_name(row), {})[row["order"]] = number(row["area"], 3) + spread
    return markdown_table(heads, [[name, *[texts.get(order, "") for order in ORDERS]] for name, texts in cells.items()])


def _name(row: Row) -> str:
    return f"{row['images']}, {row['replacement']}, {row['network']}"
