"""One new image in all layers of a study, and the known regions most similar to its own."""

from typing import Any

import numpy as np

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Axes, Figure
from patternscope.figures.drawing.examples import show_image
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.style import INK, NORMAL, SMALL, SOFT, figure_style
from patternscope.results.formatting import number
from patternscope.results.look import Look, LookedLayer

_CELL, _GAP, _NAME, _ROW, _TOP, _FOOT = 1.15, 0.12, 1.25, 1.5, 0.55, 0.0


@figure_style()
def draw(shown: Look) -> Figure:
    """Return the figure: a line per layer with the probability of the predicted class, and its nearest regions."""
    count = max(len(layer.near) for layer in shown.layers)
    width = max(_NAME + (count + 2) * (_CELL + _GAP) + 0.1, 6.4)
    predicted, sure = shown.classes[shown.predicted], number(float(shown.probability[shown.predicted]))
    explained = layout.heading_lines(
        width,
        [
            f"Colours: calibrated probability of {predicted} at each region, from 0 (dark) to 1 (bright). The square "
            "is the region where it is highest; next to it are the most similar regions of the study's images, with "
            "their class and their distance, in units of the layer's mean strength."
        ],
    )
    top = _TOP + 0.15 * (len(explained) - 1)
    figure = layout.new_figure(width, top + len(shown.layers) * _ROW + _FOOT)
    layout.write_heading(figure, f"The network predicts {predicted} (probability {sure})", *explained)
    image = _shown(shown.pixels)
    for line, layer in enumerate(shown.layers):
        _draw_layer(figure, shown, layer, image, top + line * _ROW)
    return figure


def _draw_layer(figure: Figure, shown: Look, layer: LookedLayer, image: np.ndarray, down: float) -> None:
    """Draw a line: the layer's numbers, the image, its map, and the nearest regions."""
    most = layer.most_likely
    layout.write_text(figure, 0.1, down + 0.3, shortened(layer.layer, NORMAL, 80), weight="bold")
    told = [most] if most == shown.predicted else [most, shown.predicted]
    lines = ["bits per region:", *[f"{shown.classes[each]} {number(float(layer.evidence[each]))}" for each in told]]
    lines.append(f"{int(layer.points.sum())} of {len(layer.points)} are points")
    for place, text in enumerate(lines):
        layout.write_text(figure, 0.1, down + 0.48 + 0.15 * place, text, fontsize=SMALL, color=SOFT)
    panels = [
        layout.add_panel(figure, _NAME + place * (_CELL + _GAP), down + 0.2, _CELL, _CELL)
        for place in range(2 + len(layer.near))
    ]
    show_image(panels[0], image)
    _outline(panels[0], layer.grid, layer.region, image.shape)
    show_image(panels[1], image)
    heat = layer.probability[:, shown.predicted].view(*layer.grid).numpy()
    height, width = image.shape[:2]
    panels[1].imshow(heat, extent=(0, width, height, 0), vmin=0, vmax=1, cmap="viridis", alpha=0.75, aspect="auto")
    _outline(panels[1], layer.grid, layer.region, image.shape, colour="white")
    for axes, near in zip(panels[2:], layer.near, strict=True):
        show_image(axes, _shown(near.pixels))
        _outline(axes, layer.grid, near.region, image.shape)
        axes.set_title(f"{near.label}, {number(near.distance)}", fontsize=SMALL, pad=2)


def _outline(axes: Axes, grid: tuple[int, int], region: int, size: tuple[int, ...], colour: str = INK) -> None:
    """Draw the square of a region, dark on light so that it is visible on any image."""
    from matplotlib.patches import Rectangle

    high, wide = size[0] / grid[0], size[1] / grid[1]
    corner = (region % grid[1] * wide, region // grid[1] * high)
    under = "white" if colour == INK else INK
    for edge, line in ((under, 3.0), (colour, 1.4)):
        axes.add_patch(Rectangle(corner, wide, high, fill=False, edgecolor=edge, linewidth=line))


def _shown(pixels: Any) -> np.ndarray:
    """Return an image (channels, h, w) in matplotlib's format: grey or RGB (h, w, 3)."""
    colours = pixels[:3] if len(pixels) >= 3 else pixels[:1].expand(3, -1, -1)
    return colours.permute(1, 2, 0).numpy()
