"""A network and images that no default was tuned on, as a table and in sentences."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from evidence.page import write_section
from evidence.tables import Row, interval_text, markdown_table, measured_on, number, optional_interval

INTRODUCTION = """`python -m evidence unfamiliar`. torchvision's ShuffleNetV2 (x0.5) is trained from its beginning on
images that no default of the method was chosen by: the 8 x 8 scans of handwritten digits that scikit-learn has,
enlarged to 64 pixels, and pictograms of another seed and size (48 pixels). 500 held-out images; all settings of the
analysis are the defaults, and the numbers are those of the study's own results. *Permuted* and *untrained*: the
study's controls, evidence and points per image with targets permuted over the images, and with the features of the
untrained network. *Shared* is as above.

Without training a network passes on where an image is dark and where light. Digits are scanned at one place, so that
this predicts the class: the untrained control shows what images give away, and is not zero.
"""
IMAGES = {"digits": "the digits", "other": "pictograms of another seed and size"}
BITS, POINTS, ERROR = 0.01, 0.1, 0.05


def write(folder: Path, rows: Sequence[Row]) -> None:
    """Write the table and section.md."""
    heading = "## A network and images that no default was tuned on\n"
    missing = [text for images, text in IMAGES.items() if images not in {row["images"] for row in rows}]
    lacking = f"Not run: {', '.join(missing)}.\n" if missing else ""
    text = [heading, INTRODUCTION, measured_on(rows), lacking, *_verdicts(rows), "", _table(rows)]
    write_section(folder, text, None, (), unfamiliar=rows)


def _verdicts(rows: Sequence[Row]) -> Iterable[str]:
    """Whether evidence is calibrated and grows with depth, and whether controls are 0."""
    steady = [row for row in rows if row["error"] <= ERROR]
    yield (
        f"- Calibration error is at most {ERROR} in {len(steady)} of {len(rows)} layers; the largest is "
        f"{number(max(row['error'] for row in rows), 3)}."
    )
    for images in dict.fromkeys(row["images"] for row in rows):
        own = [row for row in rows if row["images"] == images]
        bits = [row["evidence"] for row in own]
        grows = "grows with depth" if bits == sorted(bits) else "does not grow with every layer"
        parts = ", ".join(f"{number(row['evidence'], 2)} in {row['layer']}" for row in own)
        right = number(own[0]["accuracy"])
        yield f"- {images}: evidence {grows} ({parts} bits per region); the network is right on {right}."
    for name in ("permuted", "untrained"):
        kept = [row for row in rows if row[name] <= BITS and row[f"{name}_points"] <= POINTS]
        yield (
            f"- {name.capitalize()}: at most {BITS} bits and {POINTS} points per image in {len(kept)} of {len(rows)} "
            f"layers; the most is {number(max(row[name] for row in rows), 3)} bits and "
            f"{number(max(row[f'{name}_points'] for row in rows), 2)} points."
        )


def _table(rows: Sequence[Row]) -> str:
    heads = ["images, layer", "evidence", "readable", "error", "points", "ratio", "shared", "permuted: bits"]
    heads += ["points", "untrained: bits", "points"]
    cells = [
        [
            f"{row['images']}, {row['layer']}",
            interval_text(row, "evidence", 3),
            number(row["readable"], 3),
            number(row["error"], 3),
            interval_text(row, "points", 1),
            optional_interval(row, "ratio"),
            number(row["shared"]),
            interval_text(row, "permuted", 3),
            number(row["permuted_points"], 2),
            interval_text(row, "untrained", 3),
            number(row["untrained_points"], 2),
        ]
        for row in rows
    ]
    return markdown_table(heads, cells)
