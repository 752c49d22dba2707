"""Figure: the knowledge points of a few images, a row per layer, reliable and unreliable ones outlined."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.choices import Classes, Layers, choose_layers
from patternscope.figures.drawing.examples import Examples, Samples, choose_images, image_sheet, write_below
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.needs import IMAGES, KNOWLEDGE, REGION, TRAINING
from patternscope.figures.drawing.outlines import draw_outlined, outline_legend
from patternscope.figures.drawing.style import figure_style
from patternscope.results.formatting import at_checkpoint, threshold_text
from patternscope.results.knowledge import KnowledgeResult


@dataclass(frozen=True)
class LayerPoints:
    """Knowledge points of the example images in a layer: (m, h, w) arrays; stability None where it is not known."""

    layer: str
    mask: np.ndarray
    reliable: np.ndarray
    category: np.ndarray
    confidence: np.ndarray
    stability: np.ndarray | None = None


@dataclass(frozen=True)
class KnowledgePointsData:
    """Example images and their knowledge points in each layer."""

    examples: Examples
    layers: list[LayerPoints]
    tau: float
    checkpoint: str | None


def data(
    results: StudyResults, samples: Samples = 8, classes: Classes = None, layers: Layers = None
) -> KnowledgePointsData:
    """Return what the figure shows: `layers` of images at the last checkpoint.

    `samples` are their numbers, or how many of the `classes` to choose; all classes and layers by default.
    """
    examples = choose_images(results, samples, classes)
    names = choose_layers(results, KnowledgeResult, layers)
    points = [_layer_points(results, layer, examples) for layer in names]
    return KnowledgePointsData(examples, points, results.knowledge(names[-1]).tau, results.training().title_of_last)


def _layer_points(results: StudyResults, layer: str, examples: Examples) -> LayerPoints:
    """The knowledge points of the examples in one layer."""
    known, grid = results.knowledge(layer), results.region(layer).grid
    mask, reliable, category, confidence, stability = (
        None if field is None else field.numpy()[examples.samples].reshape(-1, *grid)
        for field in (known.mask, known.reliable, known.category, known.confidence, known.stability)
    )
    return LayerPoints(layer, mask, reliable, category, confidence, stability)  # pyright: ignore


@figure_style()
def draw(shown: KnowledgePointsData) -> Figure:
    """Return the figure. Source: Sec. 3.4 in content."""
    when = at_checkpoint(shown.checkpoint)
    meaning = f"Regions with p(class) > {threshold_text(shown.tau)}{when}; below: reliable points of all points."
    names = [points.layer for points in shown.layers]
    weights = any(points.stability is not None for points in shown.layers)
    foot = 0.62 if weights else 0.42
    sheet = image_sheet(shown.examples, names, "Knowledge points", meaning, caption=0.13, foot=foot)
    for row, points in zip(sheet.axes[1:], shown.layers, strict=True):
        for place, (axes, mask, reliable) in enumerate(zip(row, points.mask, points.reliable, strict=True)):
            draw_outlined(
                axes, reliable, mask & ~reliable, None if points.stability is None else points.stability[place]
            )
            write_below(axes, f"{int(reliable.sum())} of {int(mask.sum())}")
    outline_legend(
        sheet.figure,
        sheet.foot,
        f"reliable: assigned to the image's {shown.examples.kind}",
        "unreliable: assigned to another class",
        weights=weights,
    )
    return sheet.figure


def table(shown: KnowledgePointsData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each region of each image in each layer."""
    classes = shown.examples.classes
    return [
        {
            **shown.examples.region(points.layer, *index),
            "knowledge_point": int(points.mask[index]),
            "reliable": int(points.reliable[index]),
            "category": classes[points.category[index]],
            "confidence": float(points.confidence[index]),
            "stability": None if points.stability is None else float(points.stability[index]),
        }
        for points in shown.layers
        for index in np.ndindex(points.mask.shape)
    ]


def about(shown: KnowledgePointsData) -> dict[str, Any]:
    """Return what the figure's settings say of it."""
    return {
        "checkpoint": shown.checkpoint,
        "tau": shown.tau,
        "layers": [points.layer for points in shown.layers],
        "samples": shown.examples.samples.tolist(),
    }


_READS = (IMAGES, TRAINING, KNOWLEDGE, REGION)
FIGURE = StudyFigure("knowledge_points", data, draw, table, about, _READS, version=3, weight=1.0, examples=True)
