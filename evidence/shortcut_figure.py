"""Figure: reliable points on a planted patch by the strength of its correlation, and where they lie."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from patternscope.figures.style import NORMAL, RELIABLE, SMALL, SOFT, class_marks, figure_style, layer_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Row = Mapping[str, Any]


def draw(rows: Sequence[Row], shown: Mapping[str, Tensor], wanted: float) -> "Figure":
    """Shares and counts by strength on the left; on the right images with their reliable regions."""
    from matplotlib.figure import Figure

    strengths = sorted({row["strength"] for row in rows})
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    name = next(iter(shown))
    with figure_style():
        figure = Figure(figsize=(10.5, 4.4), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1, 1.15])
        panels = left.subplots(2, 1, sharex=True)
        _draw_measure(panels[0], rows, layers, "share")
        panels[0].axhline(
            fmean(row["area"] for row in rows), color=SOFT, linewidth=0.8, linestyle=(0, (4, 3))
        )
        panels[0].axhline(wanted, color=SOFT, linewidth=0.8, linestyle=(0, (1, 2)))
        panels[0].set_ylim(0, 1.02)
        panels[0].set_ylabel("share of reliable\npoints on the patch")
        _draw_measure(panels[1], rows, layers, "reliable_on_patch")
        panels[1].set_ylim(0, None)
        panels[1].legend(loc="upper left")
        panels[1].set_ylabel("reliable points on the\npatch, an image")
        panels[1].set_xlabel("strength of the correlation of patch and class")
        _draw_examples(right, rows, shown[name], layers[-1], strengths, name)
    return figure


def _draw_measure(axes: Any, rows: Sequence[Row], layers: Sequence[str], name: str) -> None:
    """A line a layer, the mean over seeds; a mark a seed."""
    classes = list(dict.fromkeys(row["class"] for row in rows))
    marks = class_marks(10 * len(classes))
    for layer, colour in zip(layers, layer_colours(len(layers)), strict=True):
        mine = [row for row in rows if row["layer"] == layer and row[name] is not None]
        strengths = sorted({row["strength"] for row in mine})
        values = [fmean(row[name] for row in mine if row["strength"] == each) for each in strengths]
        axes.plot(strengths, values, color=colour, label=layer)
        for each, label in enumerate(classes):
            own = [row for row in mine if row["class"] == label]
            axes.plot(
                [row["strength"] for row in own],
                [row[name] for row in own],
                color=colour,
                marker=marks[10 * each].marker,
                markersize=3,
                alpha=0.5,
                linestyle="",
            )


def _draw_examples(
    figure: Any, rows: Sequence[Row], images: Tensor, layer: str, strengths: Sequence[float], name: str
) -> None:
    """A row an image, a column a strength: reliable regions stay bright and are outlined."""
    grid = figure.subplots(len(images), len(strengths), squeeze=False)
    for place, strength in enumerate(strengths):
        row = next(r for r in rows if (r["layer"], r["strength"], r["class"]) == (layer, strength, name))
        for axes, image, points in zip(grid[:, place], images.numpy(), row["examples"], strict=True):
            _draw_example(axes, image, np.array(points, dtype=bool))
        grid[0][place].set_title(f"{strength:g}", fontsize=SMALL + 1)
    figure.suptitle(f"Reliable points of {name} in {layer}, by strength", fontsize=NORMAL + 0.5)


def _draw_example(axes: Any, image: np.ndarray, points: np.ndarray) -> None:
    step = image.shape[0] // points.shape[0]
    wide = np.kron(points, np.ones((step, step), dtype=bool))
    axes.imshow(np.where(wide[..., None], image, 1 - 0.4 * (1 - image)), interpolation="nearest")
    for top, left in zip(*np.nonzero(points), strict=True):
        corner = (left * step - 0.5, top * step - 0.5)
        axes.add_patch(_square(corner, step))
    axes.set_xticks([])
    axes.set_yticks([])


def _square(corner: tuple[float, float], side: int) -> Any:
    from matplotlib.patches import Rectangle

    return Rectangle(corner, side, side, fill=False, edgecolor=RELIABLE, linewidth=1.2)
