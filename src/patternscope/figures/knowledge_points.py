"""Figure: the knowledge points of a few images, a row per layer, reliable and unreliable ones outlined."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Axes, Figure, StudyResults
from patternscope.figures.drawing.choices import Classes, Layers, ShownClasses, choose_layers
from patternscope.figures.drawing.examples import (
    Examples,
    Samples,
    choose_images,
    image_sheet,
    one_per_class,
    write_below,
)
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.needs import IMAGES, KNOWLEDGE, REGION, TRAINING
from patternscope.figures.drawing.outlines import DASHES, draw_outlines, draw_veil, name_groups, outline_legend
from patternscope.figures.drawing.style import RELIABLE, figure_style, named_marks
from patternscope.results.formatting import at_checkpoint, threshold_text
from patternscope.results.knowledge import KnowledgeResult

_EXAMPLES, _NAMED = 8, 3


@dataclass(frozen=True)
class LayerPoints:
    """Knowledge points of the example images in a layer: (m, h, w) arrays; stability None if unknown."""

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

    @property
    def wrong(self) -> list[int]:
        """Labels of the classes that unreliable points are assigned to."""
        labels = [points.category[points.mask & ~points.reliable] for points in self.layers]
        return np.unique(np.concatenate(labels)).tolist()


def data(
    results: StudyResults, samples: Samples | None = None, classes: Classes = None, layers: Layers = None
) -> KnowledgePointsData:
    """Return what the figure shows: `layers` of images at the last checkpoint.

    `samples` are their numbers, or how many of the `classes` to choose; by default eight, or one of each class. All
    classes and layers by default.
    """
    chosen = one_per_class(results, _EXAMPLES) if samples is None else samples
    examples = choose_images(results, chosen, classes)
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
    meaning = (
        f"Regions with p(class) > {threshold_text(shown.tau)}{when}. Below: reliable points of all points. Unreliable "
        "ones have the colour of the class that they are assigned to."
    )
    names = [points.layer for points in shown.layers]
    weights = any(points.stability is not None for points in shown.layers)
    foot, classes = 0.62 if weights else 0.42, ShownClasses.of(shown.examples.classes, shown.wrong)
    legend = 0.12 + layout.legend_height(6.4, len(classes)) if shown.wrong else 0.0
    sheet = image_sheet(shown.examples, names, "Knowledge points", meaning, caption=0.13, foot=foot + legend)
    for row, points in zip(sheet.axes[1:], shown.layers, strict=True):
        for place, axes in enumerate(row):
            _draw_points(axes, points, place, shown.examples.classes)
    if shown.wrong:
        layout.draw_class_legend(sheet.figure, classes, 0.08)
    height = sheet.figure.get_size_inches()[1]
    outline_legend(
        sheet.figure,
        foot / height,
        f"reliable: assigned to the image's {shown.examples.kind}",
        "unreliable: assigned to another class, in its colour",
        weights=weights,
        bottom=legend / height,
    )
    return sheet.figure


def _draw_points(axes: Axes, points: LayerPoints, image: int, classes: list[str]) -> None:
    """The outlines of an image in a layer, unreliable ones by class, and how many of each kind."""
    mask, reliable, category = points.mask[image], points.reliable[image], points.category[image]
    stability, wrong = None if points.stability is None else points.stability[image], mask & ~reliable
    draw_veil(axes, mask)
    for label in np.unique(category[wrong]):
        draw_outlines(axes, wrong & (category == label), stability, named_marks(classes)[label].colour, DASHES)
    draw_outlines(axes, reliable, stability, RELIABLE, "-")
    name_groups(axes, wrong, category, classes, most=_NAMED)
    write_below(axes, f"{int(reliable.sum())} of {int(mask.sum())}")


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
    """Return the settings that are saved with the figure."""
    return {
        "checkpoint": shown.checkpoint,
        "tau": shown.tau,
        "layers": [points.layer for points in shown.layers],
        "samples": shown.examples.samples.tolist(),
    }


_READS = (IMAGES, TRAINING, KNOWLEDGE, REGION)
FIGURE = StudyFigure(
    "knowledge_points", data, draw, table, about, _READS, version=4, weight=1.0, examples=True, each_class=True
)
