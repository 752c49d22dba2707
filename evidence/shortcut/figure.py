"""Figure: reliable points on a planted patch by the strength of its correlation, and where they lie."""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
from torch import Tensor

from evidence.tables import Row
from patternscope.figures.drawing.style import NORMAL, RELIABLE, SMALL, SOFT, class_marks, figure_style, layer_colours

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(rows: Sequence[Row], examples: Mapping[str, Tensor], goal: float) -> "Figure":
    """Draw shares and counts by strength on the left, and on the right images with their reliable regions."""
    from matplotlib.figure import Figure

    strengths = sorted({row["strength"] for row in rows})
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    label = next(iter(examples))
    with figure_style():
        figure = Figure(figsize=(10.5, 4.4), layout="constrained")
        left, right = figure.subfigures(1, 2, width_ratios=[1, 1.15])
        panels = left.subplots(2, 1, sharex=True)
        _draw_measure(panels[0], rows, layers, "share")
        panels[0].axhline(fmean(row["area"] for row in rows), color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
        panels[0].axhline(goal, color=SOFT, linewidth=0.8, linestyle=(0, (1, 2)))
        panels[0].set_ylim(0, 1.02)
        panels[0].set_ylabel("share of reliable\npoints on the patch")
        _draw_measure(panels[1], rows, layers, "reliable_on_patch")
        panels[1].set_ylim(0, None)
        panels[1].legend(loc="upper left")
        panels[1].set_ylabel("reliable points on the\npatch, per image")
        panels[1].set_xlabel("strength of the correlation of patch and class")
        _draw_examples(right, rows, examples[label], layers[-1], strengths, label)
    return figure


def _draw_measure(axes: Any, rows: Sequence[Row], layers: Sequence[str], name: str) -> None:
    """Draw one line per layer, the mean over seeds, and one mark per seed."""
    classes = list(dict.fromkeys(row["class"] for row in rows))
    marks = class_marks(10 * len(classes))
    for layer, colour in zip(layers, layer_colours(len(layers)), strict=True):
        own = [row for row in rows if row["layer"] == layer and row[name] is not None]
        strengths = sorted({row["strength"] for row in own})
        values = [fmean(row[name] for row in own if row["strength"] == strength) for strength in strengths]
        axes.plot(strengths, values, color=colour, label=layer)
        for index, label in enumerate(classes):
            of_class = [row for row in own if row["class"] == label]
            axes.plot(
                [row["strength"] for row in of_class],
                [row[name] for row in of_class],
                color=colour,
                marker=marks[10 * index].marker,
                markersize=3,
                alpha=0.5,
                linestyle="",
            )


def _draw_examples(
    figure: Any, rows: Sequence[Row], images: Tensor, layer: str, strengths: Sequence[float], label: str
) -> None:
    """Draw one row per image, one column per strength: reliable regions stay bright and are outlined."""
    grid = figure.subplots(len(images), len(strengths), squeeze=False)
    for place, strength in enumerate(strengths):
        row = next(r for r in rows if (r["layer"], r["strength"], r["class"]) == (layer, strength, label))
        for axes, image, points in zip(grid[:, place], images.numpy(), row["examples"], strict=True):
            _draw_example(axes, image, np.array(points, dtype=bool))
        grid[0][place].set_title(f"{strength:g}", fontsize=SMALL + 1)
    figure.suptitle(f"Reliable points of {label} in {layer}, by strength", fontsize=NORMAL + 0.5)


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
