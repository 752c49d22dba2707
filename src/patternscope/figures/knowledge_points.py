"""Figure: the knowledge points of a few images, a row a layer, reliable and unreliable ones outlined."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from patternscope.figures.examples import Examples, examples_of, image_sheet, write_below
from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import IMAGES, KNOWLEDGE, TRAINING, Findings, moment
from patternscope.figures.outlines import draw_outlined, outline_legend
from patternscope.figures.style import figure_style
from patternscope.workflow.stages import Need

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "knowledge_points"


@dataclass(frozen=True)
class LayerPoints:
    """Knowledge points of the example images in a layer: (m, h, w) arrays."""

    layer: str
    mask: np.ndarray
    reliable: np.ndarray
    category: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class KnowledgePointsData:
    """Example images and their knowledge points in each layer."""

    examples: Examples
    layers: list[LayerPoints]
    tau: float
    moment: str


def data(findings: Findings, count: int) -> KnowledgePointsData:
    """Return what the figure shows: `count` images at the last checkpoint."""
    examples = examples_of(findings, count)
    layers = []
    for layer in findings.layers("knowledge"):
        found = findings.arrays("knowledge", layer=layer)
        grid = findings.record("region", layer=layer)["grid"]
        fields = ("mask", "reliable", "category", "confidence")
        layers.append(
            LayerPoints(layer, *(found[each][examples.samples].reshape(-1, *grid) for each in fields))
        )
    tau = findings.record("knowledge", layer=layers[-1].layer)["tau"]
    return KnowledgePointsData(examples, layers, tau, moment(findings.record("training")))


def draw(shown: KnowledgePointsData) -> "Figure":
    """Return the figure. Source: Sec. 3.4 in content; the drawing is this project's."""
    meaning = (
        f"Regions with p(class) > {shown.tau:g} at {shown.moment}; below: how many are reliable, of all."
    )
    names = [each.layer for each in shown.layers]
    sheet = image_sheet(shown.examples, names, "Knowledge points", meaning, caption=0.13)
    with figure_style():
        for row, layer in zip(sheet.axes[1:], shown.layers, strict=True):
            for image, axes in enumerate(row):
                _draw_points(axes, layer.mask[image], layer.reliable[image])
        outline_legend(
            sheet.figure,
            sheet.foot,
            "reliable: speaks for the image's true class",
            "unreliable: speaks for another class",
        )
    return sheet.figure


def _draw_points(axes: "Axes", mask: np.ndarray, reliable: np.ndarray) -> None:
    """Both kinds of knowledge point, and their counts."""
    draw_outlined(axes, reliable, mask & ~reliable)
    write_below(axes, f"{int(reliable.sum())} of {int(mask.sum())}")


def table(shown: KnowledgePointsData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each region of each image in each layer."""
    examples = shown.examples
    return [
        {
            "layer": layer.layer,
            "sample": int(examples.samples[image]),
            "class": examples.names[image],
            "row": row,
            "column": column,
            "knowledge_point": int(layer.mask[image, row, column]),
            "reliable": int(layer.reliable[image, row, column]),
            "category": examples.classes[layer.category[image, row, column]],
            "confidence": float(layer.confidence[image, row, column]),
        }
        for layer in shown.layers
        for image, row, column in np.ndindex(layer.mask.shape)
    ]


def about(shown: KnowledgePointsData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    return {
        "checkpoint": shown.moment,
        "tau": shown.tau,
        "layers": [each.layer for each in shown.layers],
        "samples": shown.examples.samples.tolist(),
    }


FIGURE = StudyFigure(NAME, data, draw, table, about, examples=True)
STAGE = FIGURE.stage(IMAGES, TRAINING, KNOWLEDGE, Need("region", ("region.json",), layer="all"), weight=1.0)
