"""Sanity checks as a table, as a figure and in sentences."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from evidence.page import write_section
from evidence.sanity.figure import draw
from evidence.tables import Row, markdown_table, mean_of, measured_on, number, over_seeds, spread_text

INTRODUCTION = """`python -m evidence sanity`. The layers of a network are fitted and judged as in a study, and then
again where nothing, or less, can be known. *Permuted targets*: features are exchanged between the images. *Above* a
layer: the weights of all later layers are replaced by random ones, as in the model randomisation of Adebayo et al.
(2018), with batch
statistics of the samples; *all*: the whole network. *Shuffled labels*: the network is trained as it was, on labels
permuted over the training images. Targets: those of the trained network, or the network's *own* decision.

Evidence is in bits per region about the true class; points are knowledge points of an image. Where nothing can be
known both must be 0: at most 0.01 bits and 0.1 points. *Readable* is the evidence of a linear probe, which is fitted
to the true classes: what it finds in a network that knows nothing is what images alone give away. *Accuracy* is of
the network's decision: where it is right more often than chance (0.10), something is known. Cells of the tables are
bits, in brackets points; of networks from several seeds the means, ± their spread. Intervals over images are in
[sanity.csv](evidence/sanity.csv).
"""
BITS, POINTS = 0.01, 0.1
NOTHING = "permuted targets"
NO_LABELS = "trained on shuffled labels"


def nothing_known(row: Row) -> bool:
    """Tell whether a row is of a check in which nothing of the true class can be known."""
    blind = row["check"] == NO_LABELS or row["check"].startswith("above") or row["check"] == "all"
    return row["check"] == NOTHING or (blind and row["targets"] == "own")


def write(folder: Path, rows: Sequence[Row]) -> None:
    """Write the table, the figure and section.md."""
    text = [
        "## Does it find knowledge where there can be none?\n",
        INTRODUCTION,
        measured_on(rows),
        *_verdicts(rows),
        "\n![Evidence of each layer in each check](sanity_figure.png)\n",
    ]
    for images, network in dict.fromkeys((row["images"], row["network"]) for row in rows):
        own = [row for row in rows if (row["images"], row["network"]) == (images, network)]
        text += [f"### {network} on {images}\n", f"{_of_training(own)}\n", _table(own)]
    write_section(folder, text, draw(_means(rows)), rows, sanity=rows)


def _means(rows: Sequence[Row]) -> list[Row]:
    return over_seeds(rows, ("images", "network", "check", "targets", "layer"))


def _verdicts(rows: Sequence[Row]) -> Iterable[str]:
    """Whether nothing is found where nothing is known, and what is left of a network with random weights."""
    kinds = {
        "With permuted targets": [row for row in rows if row["check"] == NOTHING],
        "After training on shuffled labels, by the network's own decision": [
            row for row in rows if row["check"] == NO_LABELS and row["targets"] == "own"
        ],
        "With random weights from the top, by the network's own decision": [
            row for row in rows if nothing_known(row) and row["check"] not in (NOTHING, NO_LABELS)
        ],
    }
    for text, own in kinds.items():
        if not own:
            continue
        kept = [row for row in own if row["evidence"] <= BITS and row["points"] <= POINTS]
        bits, points = max(own, key=lambda row: row["evidence"]), max(own, key=lambda row: row["points"])
        yield (
            f"- {text}: at most {BITS} bits and {POINTS} points per image in {len(kept)} of {len(own)} cases; the most "
            f"is {number(bits['evidence'], 3)} bits and {number(points['points'], 2)} points."
        )
    everything = [row for row in rows if row["check"] == "all" and row["targets"] == "trained"]
    if everything:
        most = max(everything, key=lambda row: row["evidence"])
        yield (
            f"- Features of a network of random weights, with the targets of the trained one: at most "
            f"{number(most['evidence'], 3)} bits ({most['layer']} on {most['images']}, where a probe reads "
            f"{number(most['readable'], 3)}) and {number(max(row['points'] for row in everything), 2)} points."
        )


def _of_training(rows: Sequence[Row]) -> str:
    """How well the shuffled labels were learnt."""
    learnt = [row for row in rows if row["check"] == NO_LABELS]
    if not learnt:
        return "Training on shuffled labels was not run here."
    return f"The network fits {number(mean_of(learnt, 'training_accuracy'))} of the shuffled labels (chance: 0.10)."


def _table(rows: Sequence[Row]) -> str:
    """Bits and points of each layer, a line per check."""
    means, layers = _means(rows), list(dict.fromkeys(row["layer"] for row in rows))
    lines = []
    for check, targets in dict.fromkeys((row["check"], row["targets"]) for row in means):
        own = {row["layer"]: row for row in means if (row["check"], row["targets"]) == (check, targets)}
        accuracy = number(next(iter(own.values()))["accuracy"])
        lines.append([f"{check}, {targets}", accuracy, *[_cell(own[layer], "evidence") for layer in layers]])
        if targets == "own":
            lines.append([f"{check}, readable", accuracy, *[_cell(own[layer], "readable") for layer in layers]])
    return markdown_table(["check, targets", "accuracy", *layers], lines)


def _cell(row: Row, name: str) -> str:
    bits = spread_text(row, name, 3)
    return bits if name == "readable" else f"{bits} ({number(row['points'], 2)})"
