"""Figure: the knowledge points of a few images, a row a layer, reliable and unreliable ones outlined."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from patternscope.figures.examples import Examples, examples_of, image_sheet
from patternscope.figures.findings import IMAGES, KNOWLEDGE, TRAINING, Findings, findings_of, moment
from patternscope.figures.outlines import outlines
from patternscope.figures.saving import save_figure
from patternscope.figures.style import RELIABLE, SOFT, figure_style
from patternscope.study.stage import Need, Stage, UnitContext

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "knowledge_points"
_UNRELIABLE = "#e76300"
_LINES = {True: (RELIABLE, "-"), False: (_UNRELIABLE, (0, (2.2, 1.1)))}
_VEIL = 0.45


@dataclass(frozen=True)
class LayerPoints:
    """Knowledge points of the example images in a layer: (m, h, w) arrays. Source: this project."""

    layer: str
    mask: np.ndarray
    reliable: np.ndarray
    category: np.ndarray
    confidence: np.ndarray


@dataclass(frozen=True)
class KnowledgePointsData:
    """Example images and their knowledge points in each layer. Source: this project."""

    examples: Examples
    layers: list[LayerPoints]
    tau: float
    moment: str


def data(findings: Findings, count: int) -> KnowledgePointsData:
    """Return what the figure shows: `count` images at the last checkpoint.

    Source: this project.
    """
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
        _legend(sheet.figure, sheet.foot)
    return sheet.figure


def _draw_points(axes: "Axes", mask: np.ndarray, reliable: np.ndarray) -> None:
    """A veil over what is no knowledge point, outlines around what is, and the counts."""
    width, height = axes.get_xlim()[1], axes.get_ylim()[0]
    veil = np.ones((*mask.shape, 4))
    veil[..., 3] = _VEIL * ~mask
    axes.imshow(veil, extent=(0, width, height, 0), interpolation="nearest", aspect="auto")
    cell = np.array([width / mask.shape[1], height / mask.shape[0]])
    for kind in (False, True):
        colour, line = _LINES[kind]
        for outline in outlines(mask & (reliable == kind)):
            # A white line below keeps the coloured one visible on any image.
            for paint, width_of, style in (("white", 2.6, "-"), (colour, 1.3, line)):
                axes.plot(*(outline * cell).T, color=paint, linewidth=width_of, linestyle=style)
    text = f"{int(reliable.sum())} of {int(mask.sum())}"
    axes.text(0.5, -0.03, text, transform=axes.transAxes, ha="center", va="top", fontsize=6.5, color=SOFT)


def _legend(figure: "Figure", foot: float) -> None:
    """What the two kinds of line mean."""
    from matplotlib.lines import Line2D

    said = {
        True: "reliable: speaks for the image's true class",
        False: "unreliable: speaks for another class",
    }
    lines = [
        Line2D([], [], color=_LINES[kind][0], linestyle=_LINES[kind][1], linewidth=1.5, label=text)
        for kind, text in said.items()
    ]
    figure.legend(handles=lines, loc="center", bbox_to_anchor=(0.5, 0.4 * foot), ncols=2, handlelength=3)


def table(shown: KnowledgePointsData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each region of each image in each layer.

    Source: this project.
    """
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


def run(ctx: UnitContext) -> None:
    """Write the figure into the unit's folder."""
    asked = ctx.settings.figures
    shown = data(findings_of(ctx), asked.examples)
    about = {
        "checkpoint": shown.moment,
        "tau": shown.tau,
        "layers": [each.layer for each in shown.layers],
        "samples": shown.examples.samples.tolist(),
        "examples": asked.examples,
    }
    save_figure(draw(shown), ctx.folder, NAME, rows=table(shown), settings=about, dpi=asked.dpi)


STAGE = Stage(
    f"figures/{NAME}",
    version=1,
    run=run,
    settings=("seed", "figures"),
    needs=(IMAGES, TRAINING, KNOWLEDGE, Need("region", ("region.json",), layer="all")),
    weight=1.0,
)
