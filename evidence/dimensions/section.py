"""Dimensions as tables, as a figure and in sentences."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from statistics import fmean

from evidence.dimensions.figure import draw
from evidence.objectives.section import with_share
from evidence.page import write_section
from evidence.tables import (
    JUDGED,
    Row,
    interval_text,
    judged_cells,
    markdown_table,
    mean_of,
    measured_on,
    number,
    optional_interval,
    over_seeds,
)
from patternscope.embeddings.settings import dimensions

INTRODUCTION = """`python -m evidence dimensions`. The default objective in e dimensions, judged as above; e of the
sample embedding and of the regional one are the same. *Agreement*: share of images of which the sample embedding and
the network assign the same class. With e = c - 1 (9 for ten classes) each pair of classes can have the same angle; 16
asks whether more would help.
"""
OF_CLASSES = """Classes are composed of Fashion-MNIST: its garments (the first c of them up to ten), turned, mirrored
and inverted to 50 and 100 classes. vgg16_slim is trained for four epochs on at most 6,000 images of 32 pixels, and
500 held-out images are judged, 800 for 100 classes. Deletion and the object were not measured here, nor other
networks. The most that a region can tell is log2 c bits. *Auto* marks what `[sample] out_dim = "auto"` takes: c - 1,
at least 3 and at most 16.
"""


def write(folder: Path, rows: Sequence[Row], by_classes: Sequence[Row], tried: Sequence[int]) -> None:
    """Write the tables, the figure and section.md."""
    known = with_share(rows)
    text = ["## Dimensions\n", INTRODUCTION, measured_on(rows), *_verdicts(known)]
    text += ["\n![Share of what is readable, by dimensions](dimensions_figure.png)\n"]
    text += ["### Means over networks and image sets\n", _means_table(known)]
    means = over_seeds(known, ("images", "network", "layer", "dimensions", "from_end"))
    for images, network in dict.fromkeys((row["images"], row["network"]) for row in means):
        own = [row for row in means if (row["images"], row["network"]) == (images, network)]
        text += [f"### {network} on {images}\n", _table(own)]
    if by_classes:
        done = sorted({row["classes"] for row in by_classes})
        missing = [str(count) for count in tried if count not in done]
        lacking = f"\nNot run here: {', '.join(missing)} classes.\n" if missing else ""
        text += [
            "### Other numbers of classes\n",
            OF_CLASSES + lacking,
            *_class_verdicts(by_classes),
            "",
            _class_table(by_classes),
        ]
    else:
        text += ["### Other numbers of classes\n", "Not measured here.\n"]
    tables = {"classes": by_classes} if by_classes else {}
    write_section(folder, text, draw(means, by_classes), known, dimensions=known, **tables)


def _verdicts(rows: Sequence[Row]) -> Iterable[str]:
    """What the last layer and the one before keep in each number of dimensions."""
    for place, text in ((1, "the last layer"), (2, "the layer before")):
        own = [row for row in rows if row["from_end"] == place]
        by_e = {e: [row for row in own if row["dimensions"] == e] for e in sorted({row["dimensions"] for row in own})}
        parts = [f"{number(mean_of(found, 'share'))} at e = {e}" for e, found in by_e.items()]
        yield f"- In {text} the map keeps of what is readable: {', '.join(parts)} (means)."


def _means_table(rows: Sequence[Row]) -> str:
    heads = ["e", "share, last", "share, before", "error before", "error after", "shared, last", "shared, before"]
    heads += ["on object, last", "deletion, last", "agreement", "seconds"]
    cells = []
    for e in sorted({row["dimensions"] for row in rows}):
        own = [row for row in rows if row["dimensions"] == e]
        last, before = ([row for row in own if row["from_end"] == place] for place in (1, 2))
        cells.append(
            [
                str(e),
                number(mean_of(last, "share")),
                number(mean_of(before, "share")),
                *[number(mean_of(own, name), 3) for name in ("error_before", "error")],
                number(mean_of(last, "shared")),
                number(mean_of(before, "shared")),
                number(mean_of(last, "on_object")),
                number(mean_of(last, "deletion"), 3),
                number(mean_of(own, "agreement"), 3),
                number(mean_of(own, "seconds"), 2),
            ]
        )
    return markdown_table(heads, cells)


def _table(rows: Sequence[Row]) -> str:
    heads = ["layer, e", *JUDGED, "agreement", "seconds"]
    cells = [
        [
            f"{row['layer']}, {row['dimensions']}",
            *judged_cells(row),
            number(row["agreement"], 3),
            number(row["seconds"], 2),
        ]
        for row in rows
    ]
    return markdown_table(heads, cells)


def _class_verdicts(rows: Sequence[Row]) -> Iterable[str]:
    """What "auto" keeps of the evidence at c - 1 dimensions, where it takes fewer."""
    for classes in sorted({row["classes"] for row in rows}):
        auto, full = dimensions("auto", classes), classes - 1
        if auto >= full:
            continue
        own = [row for row in rows if row["classes"] == classes]
        kept = [
            next(r["evidence"] for r in own if (r["layer"], r["dimensions"]) == (layer, auto))
            / next(r["evidence"] for r in own if (r["layer"], r["dimensions"]) == (layer, full))
            for layer in dict.fromkeys(row["layer"] for row in own)
        ]
        yield (
            f"- {classes} classes: {auto} dimensions keep {number(fmean(kept))} of the evidence of {full} (mean of the "
            "layers)."
        )


def _class_table(rows: Sequence[Row]) -> str:
    heads = [
        "classes, layer, e",
        "evidence",
        "readable",
        "error after",
        "points",
        "ratio",
        "shared",
        "agreement",
        "accuracy",
    ]
    heads += ["seconds"]
    cells = []
    for row in rows:
        auto = " (auto)" if dimensions("auto", row["classes"]) == row["dimensions"] else ""
        cells.append(
            [
                f"{row['classes']}, {row['layer']}, {row['dimensions']}{auto}",
                interval_text(row, "evidence", 3),
                number(row["readable"], 3),
                number(row["error"], 3),
                number(row["points"], 1),
                optional_interval(row, "ratio"),
                number(row["shared"]),
                number(row["agreement"], 3),
                number(row["accuracy"]),
                number(row["seconds"], 2),
            ]
        )
    return markdown_table(heads, cells)
