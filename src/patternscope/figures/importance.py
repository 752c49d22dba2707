"""Figure: the importance of regions as heat maps over a few images, a row a layer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from patternscope.figures.examples import Examples, Sheet, examples_of, image_sheet
from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import IMAGES, TRAINING, Findings, moment
from patternscope.figures.style import SMALL, figure_style
from patternscope.workflow.stages import Need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "importance"
_HEAT = 0.62
_MAP = "magma"


@dataclass(frozen=True)
class ImportanceData:
    """Example images and, for each layer, their region weights (m, h, w), each image's adding up to 1."""

    examples: Examples
    weights: dict[str, np.ndarray]
    moment: str


def data(findings: Findings, count: int) -> ImportanceData:
    """Return what the figure shows: `count` images at the last checkpoint."""
    examples = examples_of(findings, count)
    weights = {}
    for layer in findings.layers("importance"):
        found = findings.arrays("importance", layer=layer)["region_weights"][examples.samples]
        weights[layer] = found.reshape(-1, *findings.record("importance", layer=layer)["grid"])
    return ImportanceData(examples, weights, moment(findings.record("training")))


def draw(shown: ImportanceData) -> "Figure":
    """Return the figure. Source: Sec. 3.3 in content; the drawing is this project's."""
    meaning = (
        f"Region weights w at {shown.moment}, in units of the mean weight; each layer has its own scale."
    )
    sheet = image_sheet(shown.examples, list(shown.weights), "Importance of regions", meaning, right=0.6)
    with figure_style():
        for row, weights in zip(sheet.axes[1:], shown.weights.values(), strict=True):
            relative = weights * weights[0].size
            top = max(float(np.quantile(relative, 0.995)), 1e-9)
            for axes, pixels, heat in zip(row, shown.examples.pixels, relative, strict=True):
                _draw_heat(axes, pixels, heat, top)
            _scale(sheet, row, top)
    return sheet.figure


def _draw_heat(axes: Any, pixels: np.ndarray, heat: np.ndarray, top: float) -> None:
    """The image in grey with the weights over it, smoothed between the middles of regions."""
    height, width = pixels.shape[:2]
    extent = (0, width, height, 0)
    grey = pixels.mean(axis=-1)
    axes.imshow(grey, cmap="gray", vmin=0, vmax=255, extent=extent, interpolation="bilinear", aspect="auto")
    axes.imshow(
        heat, cmap=_MAP, vmin=0, vmax=top, alpha=_HEAT, extent=extent, interpolation="bilinear", aspect="auto"
    )


def _scale(sheet: Sheet, row: list[Any], top: float) -> None:
    """The colours of a row at the right of its last image."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    box = row[min(7, len(row) - 1)].get_position()
    unit = box.width
    axes = sheet.figure.add_axes((box.x1 + 0.1 * unit, box.y0, 0.07 * unit, box.height))
    colours = ScalarMappable(Normalize(0, top), _MAP)
    # Paler than the map itself, since over the images it is seen through.
    bar = sheet.figure.colorbar(colours, cax=axes, alpha=0.85, ticks=[0, top])
    bar.ax.set_yticklabels(["0", f"{top:.1f}×"], fontsize=SMALL)
    for text, side in zip(bar.ax.get_yticklabels(), ("bottom", "top"), strict=True):
        text.set_verticalalignment(side)
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0, pad=2)


def table(shown: ImportanceData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each region of each image in each layer."""
    return [
        {
            "layer": layer,
            "sample": int(shown.examples.samples[image]),
            "class": shown.examples.names[image],
            "row": row,
            "column": column,
            "weight": float(weights[image, row, column]),
        }
        for layer, weights in shown.weights.items()
        for image, row, column in np.ndindex(weights.shape)
    ]


def about(shown: ImportanceData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    return {
        "checkpoint": shown.moment,
        "layers": list(shown.weights),
        "samples": shown.examples.samples.tolist(),
    }


FIGURE = StudyFigure(NAME, data, draw, table, about, examples=True)
STAGE = FIGURE.stage(
    IMAGES,
    TRAINING,
    Need("importance", ("importance.safetensors", "importance.json"), layer="all"),
    weight=1.0,
)
