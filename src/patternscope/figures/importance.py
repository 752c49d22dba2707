"""Figure: the importance of regions as heat maps over a few images, a row per layer."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.choices import Classes, Layers, choose_layers
from patternscope.figures.drawing.examples import Examples, Samples, Sheet, choose_images, image_sheet, show_image
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.needs import IMAGES, IMPORTANCE, TRAINING
from patternscope.figures.drawing.style import SMALL, figure_style
from patternscope.results.fits import ImportanceResult
from patternscope.results.formatting import at_checkpoint

_HEAT = 0.62
_MAP = "magma"


@dataclass(frozen=True)
class ImportanceData:
    """Example images and, for each layer, their region weights (m, h, w), each image's adding up to 1."""

    examples: Examples
    weights: dict[str, np.ndarray]
    checkpoint: str | None


def data(results: StudyResults, samples: Samples = 8, classes: Classes = None, layers: Layers = None) -> ImportanceData:
    """Return what the figure shows: `layers` of images at the last checkpoint.

    `samples` are their numbers, or how many of the `classes` to choose; all classes and layers by default.
    """
    examples, weights = choose_images(results, samples, classes), {}
    for layer in choose_layers(results, ImportanceResult, layers):
        fit = results.importance(layer)
        weights[layer] = fit.region_weights.numpy()[examples.samples].reshape(-1, *fit.grid)
    return ImportanceData(examples, weights, results.training().title_of_last)


@figure_style()
def draw(shown: ImportanceData) -> Figure:
    """Return the figure. Source: Sec. 3.3 in content."""
    when = at_checkpoint(shown.checkpoint)
    meaning = f"Region weights w{when}, in units of the mean weight of an image; one scale for all layers."
    sheet = image_sheet(shown.examples, list(shown.weights), "Importance of regions", meaning, right=0.6)
    relative_weights = [weights * weights[0].size for weights in shown.weights.values()]
    top = max(1e-9, *(float(np.quantile(relative, 0.995)) for relative in relative_weights))
    for row, relative in zip(sheet.axes[1:], relative_weights, strict=True):
        for axes, pixels, heat in zip(row, shown.examples.pixels, relative, strict=True):
            # In grey, overlaid with the weights, smoothed between the centres of regions.
            show_image(axes, pixels.mean(axis=-1), cmap="gray", vmin=0, vmax=255)
            size = pixels.shape[:2]
            show_image(axes, heat, size, cmap=_MAP, vmin=0, vmax=top, alpha=_HEAT)
    _draw_scale(sheet, top)
    return sheet.figure


def _draw_scale(sheet: Sheet, top: float) -> None:
    """The colour scale of all rows, to the right of the first fold's last images."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    last = min(sheet.across, len(sheet.axes[0])) - 1
    upper, lower = (sheet.axes[row][last].get_position() for row in (1, -1))
    unit = upper.width
    axes = sheet.figure.add_axes((upper.x1 + 0.15 * unit, lower.y0, 0.08 * unit, upper.y1 - lower.y0))
    colours = ScalarMappable(Normalize(0, top), _MAP)
    # Paler than the map itself, which is transparent over the images.
    bar: Any = sheet.figure.colorbar(colours, cax=axes, alpha=0.85, extend="max", extendfrac=0.02)
    bar.set_label("times the mean weight", fontsize=SMALL)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=2, pad=2)


def table(shown: ImportanceData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each region of each image in each layer."""
    return [
        {**shown.examples.region(layer, *index), "weight": float(weights[index])}
        for layer, weights in shown.weights.items()
        for index in np.ndindex(weights.shape)
    ]


def about(shown: ImportanceData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    samples = shown.examples.samples.tolist()
    return {"checkpoint": shown.checkpoint, "layers": list(shown.weights), "samples": samples}


_READS = (IMAGES, TRAINING, IMPORTANCE)
FIGURE = StudyFigure("importance", data, draw, table, about, _READS, version=2, weight=1.0, examples=True)
