"""What deletion and insertion found, as csv, as a figure and in sentences."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from faithfulness_figure import draw
from tables import interval_text, markdown_table, number, seeds_text
from torch import Tensor

from patternscope.figures.saving import save_figure
from patternscope.knowledge import bootstrap_mean, seed_spread
from patternscope.results.json_csv import flat_interval, write_rows

Row = Mapping[str, Any]
LABELS = {
    "p": "p of the true class",
    "strength": "strength",
    "w": "w (v uniform)",
    "w_joint": "w (joint fit)",
    "grad_cam": "Grad-CAM",
    "random": "random",
    "mask": "object's mask",
}
PLACES = {"last": "Last layer", "before": "The layer before"}
RIVALS = ("grad_cam", "random", "w", "w_joint", "strength")
EVERY = "all"
INTRODUCTION = """`python evidence/faithfulness.py`. Regions of an image are replaced one eighth after another, the most
important first (deletion), or come back in that order (insertion). The area under the network's probability of the
true class says how much it depended on them: for deletion smaller is better, for insertion larger. *Mean colour*: the
image's own. *Blur*: a Gaussian of an eighth of the side. *Background*: the same drawing without its object, which is
what a pictogram really hides. 100 images a network.

Orders: p of the true class given h, the strength of h, w of the default fit (v uniform) and of the paper's joint fit,
Grad-CAM at the same layer, random, and for pictograms the object's own mask. An interval is the 95 % bootstrap over
images, each image's area being its mean over seeds; *all* is the mean over networks too.

The last layer of these networks is followed by a pool and one linear layer. Grad-CAM at this place is nearly the share
that each region has in the logit, and the hardest rival there is; h sees the same features through three dimensions.
"""
_KEYS = ("place", "images", "network", "curve", "replacement", "order")


def areas(rows: Sequence[Row]) -> dict[tuple[str, ...], Tensor]:
    """Areas of each image (seeds, n) by place, images, network, curve, replacement and order.

    The network "all" has the means over networks, seed by seed: the images are the same.
    """
    found: dict[tuple[str, ...], list[list[float]]] = {}
    for row in rows:
        found.setdefault(tuple(row[key] for key in _KEYS), []).append(row["areas"])
    # A network that was trained from fewer seeds counts with its mean, once.
    stacked = {key: torch.tensor(each, dtype=torch.float64) for key, each in found.items()}
    pooled: dict[tuple[str, ...], list[Tensor]] = {}
    for (place, images, _, *rest), each in stacked.items():
        pooled.setdefault((place, images, EVERY, *rest), []).append(each.mean(dim=0))
    means = {key: torch.stack(each).mean(dim=0, keepdim=True) for key, each in pooled.items()}
    return {**stacked, **means}


def area_rows(known: Mapping[tuple[str, ...], Tensor]) -> list[dict[str, Any]]:
    """Mean area of each order, with its interval over images and its spread over seeds of the network."""
    return [
        {
            **dict(zip(_KEYS, key, strict=True)),
            **flat_interval("area", bootstrap_mean(each.mean(dim=0))),
            "seeds": seed_spread(each.mean(dim=1).tolist()),
        }
        for key, each in known.items()
    ]


def difference_rows(known: Mapping[tuple[str, ...], Tensor]) -> list[dict[str, Any]]:
    """Area of p less that of each rival, paired over images; negative is better for deletion."""
    rows = []
    for key, each in known.items():
        if key[-1] != "p":
            continue
        for rival in RIVALS:
            other = known[(*key[:-1], rival)]
            found = bootstrap_mean(each.mean(dim=0) - other.mean(dim=0))
            about = dict(zip(_KEYS[:-1], key[:-1], strict=True))
            rows.append({**about, "less": rival, **flat_interval("difference", found)})
    return rows


def write_findings(folder: Path, rows: Sequence[Row]) -> None:
    """Write the two csv files, the figure and section.md."""
    folder.mkdir(parents=True, exist_ok=True)
    known = areas(rows)
    found, differences = area_rows(known), difference_rows(known)
    write_rows(folder / "faithfulness.csv", found)
    write_rows(folder / "faithfulness_differences.csv", differences)
    shown = [row for row in found if row["curve"] == "deletion" and row["place"] == "last"]
    save_figure(draw(shown, LABELS), folder, "faithfulness_figure", rows=shown, settings={}, dpi=200)
    (folder / "section.md").write_text(_section(found, differences, seeds_text(rows)), encoding="utf-8")


def _section(found: Sequence[Row], differences: Sequence[Row], seeds: str) -> str:
    parts = [
        "## Does the network depend on what is shown?\n",
        INTRODUCTION,
        seeds,
        *_verdicts(differences),
        "\n![Deletion areas in the last layer](faithfulness_figure.png)\n",
        "### Differences in the last layer\n",
        "Deletion area of p less that of another order, paired over images; an interval below zero says that p is "
        "better.\n",
        *_difference_tables(differences),
    ]
    for curve in ("deletion", "insertion"):
        for place, title in PLACES.items():
            parts.append(f"### {title}: areas under {curve}\n")
            parts += _area_tables([r for r in found if (r["curve"], r["place"]) == (curve, place)])
    return "\n".join(parts)


def _verdicts(differences: Sequence[Row]) -> Iterable[str]:
    """For each image set and replacement: is p better than Grad-CAM and than random, over all networks."""
    chosen = [
        row
        for row in differences
        if (row["curve"], row["place"], row["network"]) == ("deletion", "last", EVERY)
    ]
    for images, replacement in dict.fromkeys((row["images"], row["replacement"]) for row in chosen):
        mine = {r["less"]: r for r in chosen if (r["images"], r["replacement"]) == (images, replacement)}
        parts = [
            f"{_better(mine[rival])} {LABELS[rival]} ({interval_text(mine[rival], 'difference', 3)})"
            for rival in ("grad_cam", "random")
        ]
        yield f"- {images}, {replacement}, last layer, deletion: p is {' and '.join(parts)}."


def _better(row: Row) -> str:
    """How an interval of differences is read."""
    if row["difference_high"] < 0:
        return "better than"
    return "worse than" if row["difference_low"] > 0 else "within the noise of"


def _difference_tables(differences: Sequence[Row]) -> Iterable[str]:
    chosen = [row for row in differences if (row["curve"], row["place"]) == ("deletion", "last")]
    heads = ["images, replacement, network", *[LABELS[rival] for rival in RIVALS]]
    cells: dict[str, list[str]] = {}
    for row in chosen:
        name = f"{row['images']}, {row['replacement']}, {row['network']}"
        cells.setdefault(name, []).append(interval_text(row, "difference", 3))
    yield markdown_table(heads, [[name, *texts] for name, texts in cells.items()])


def _area_tables(found: Sequence[Row]) -> Iterable[str]:
    heads = ["images, replacement, network", *LABELS.values()]
    lines: dict[str, dict[str, str]] = {}
    for row in found:
        name = f"{row['images']}, {row['replacement']}, {row['network']}"
        spread = "" if row["seeds"] is None else f" ± {row['seeds']:.3f}"
        lines.setdefault(name, {})[row["order"]] = number(row["area"], 3) + spread
    cells = [[name, *[texts.get(order, "") for order in LABELS]] for name, texts in lines.items()]
    yield markdown_table(heads, cells)
