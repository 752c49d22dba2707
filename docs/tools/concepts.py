"""Draw the two pictures of the concepts page: the plane of a radial space of four classes, and one image by regions.

    patternscope demo
    python docs/tools/concepts.py runs/demo [IMAGE [LAYER]]

All probabilities of the first come from `radial.log_posterior`, all numbers of the second from the study.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

import patternscope as ps
from patternscope.api.study import Layer, Study
from patternscope.figures.drawing.bits import ink_on, signed_colours
from patternscope.figures.drawing.examples import rgb, show_image
from patternscope.figures.drawing.outlines import DASHES, draw_outlines, name_groups
from patternscope.figures.drawing.style import CLASS_COLOURS, INK, NORMAL, SMALL, SOFT, figure_style
from patternscope.knowledge.points import threshold
from patternscope.radial import log_posterior

OUT = Path(__file__).parents[1] / "images"
DPI = 180
SAVED = {"quality": 92, "method": 6}
CLASSES = ("cat", "dog", "car", "bus")
ANGLES = np.radians([150, 95, -30, 250])
KAPPA_MAX = 1000.0  # of regions
REACH = 6.0
# Where each point lies, what it says, and where that is written.
POINTS = (
    ((-3.4, 1.96), "far out along an arrow:\na knowledge point", (-5.8, -0.2)),
    ((-0.1, 0.06), "at the origin:\nno class is predicted", (2.2, 3.0)),
    ((-2.31, 3.627), "between two arrows:\ncat or dog, uncertain which", (-5.8, 5.2)),
    ((0.75, -0.43), "nearer to the origin:\nless certain", (2.2, 0.6)),
    ((3.46, -2.0), "in the same direction,\nfar out", (2.4, -4.4)),
)


def posterior(places: np.ndarray) -> np.ndarray:
    """Return the class probabilities (..., 4) at places (..., 2) of the plane."""
    directions = torch.tensor(np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1))
    return log_posterior(torch.tensor(places), directions, KAPPA_MAX).exp().numpy()


@figure_style()
def draw_space() -> Figure:
    """Return the plane: colours of the most probable class, the threshold, arrows, and five points."""
    figure = Figure(figsize=(6.2, 5.6), layout="constrained")
    axes = figure.add_subplot()
    across = np.linspace(-REACH, REACH, 500)
    places = np.stack(np.meshgrid(across, across), axis=-1)
    probability = posterior(places)
    most, best = probability.max(axis=-1), probability.argmax(axis=-1)
    for label, colour in enumerate(CLASS_COLOURS[: len(CLASSES)]):
        shades = LinearSegmentedColormap.from_list("", [(1, 1, 1, 1), colour])
        shown = np.ma.masked_where(best != label, most)
        axes.imshow(shown, origin="lower", extent=(-REACH, REACH) * 2, cmap=shades, vmin=1 / 4, vmax=1.9)
    tau = threshold("auto", len(CLASSES))
    axes.contour(across, across, most, levels=[tau], colors=INK, linewidths=1, linestyles=[(0, (4, 2))])
    for name, angle, colour in zip(CLASSES, ANGLES, CLASS_COLOURS, strict=False):
        end = 5.0 * np.array([np.cos(angle), np.sin(angle)])
        axes.annotate("", end, (0, 0), arrowprops={"arrowstyle": "-|>", "color": colour, "linewidth": 1.6})
        axes.text(*(1.09 * end), name, color=colour, weight="bold", ha="center", va="center", fontsize=NORMAL + 2)
    for place, text, where in POINTS:
        draw_point(axes, place, text, where)
    axes.plot(0, 0, "+", color=INK, markersize=9)
    axes.set(xticks=[], yticks=[], xlim=(-REACH, REACH), ylim=(-REACH, REACH), aspect="equal")
    axes.spines[:].set_visible(False)
    figure.supxlabel(
        f"A radial space of four classes. Dashed: where one class has a probability above {tau:.2f},\n"
        "the threshold for four classes. Paler: less certain.", fontsize=NORMAL, color=SOFT,
    )  # fmt: skip
    return figure


def draw_point(axes: Axes, place: tuple[float, float], text: str, where: tuple[float, float]) -> None:
    """Draw a point with its most probable class, the probability, and what it means."""
    probability = posterior(np.array(place))
    best = int(probability.argmax())
    axes.plot(*place, "o", color=INK, markersize=6, zorder=5)
    look = {"boxstyle": "round,pad=0.25", "facecolor": "white", "edgecolor": "none", "alpha": 0.85}
    axes.annotate(
        f"{text}\np({CLASSES[best]}) = {probability[best]:.2f}", place, where, fontsize=SMALL + 1, va="center",
        bbox=look, arrowprops={"arrowstyle": "-", "color": INK, "linewidth": 0.7}, zorder=6,
    )  # fmt: skip


@figure_style()
def draw_image(study: Study, image: int, layer: Layer) -> Figure:
    """Return one image in four panels: its regions, their evidence, its knowledge points, their stability."""
    figure = Figure(figsize=(9.6, 2.8), layout="constrained")
    panels = figure.subplots(1, 4)
    pixels = rgb(study.results.images.images.numpy()[image : image + 1])[0]
    name = study.classes[int(study.results.images.labels[image])]
    fields = {
        key: getattr(layer.knowledge, key).numpy()[image].reshape(layer.grid)
        for key in ("mask", "reliable", "category", "stability")
    }
    mask, reliable = fields["mask"], fields["reliable"]
    for axes in panels:
        show_image(axes, pixels)
        axes.set_box_aspect(pixels.shape[0] / pixels.shape[1])
    draw_grid(panels[0], layer.grid)
    draw_evidence(panels[1], layer.measured.bits.numpy()[image].reshape(layer.grid), layer.measured.most)
    for chosen, line in ((mask & ~reliable, DASHES), (reliable, "-")):
        draw_outlines(panels[2], chosen, None, INK, line)
    name_groups(panels[2], mask & ~reliable, fields["category"], study.classes, most=4)
    write_cells(panels[3], np.where(mask, 100 * fields["stability"], np.nan), "{:.0f}", "Greys", 0, 200)
    titles = (
        (f"1  an image of a {name}", f"{mask.size} regions in {layer.name}"),
        ("2  evidence", f"bits about {name} in each region"),
        ("3  knowledge points", f"{reliable.sum()} reliable (solid), {(mask & ~reliable).sum()} unreliable (dashed)"),
        ("4  stability", "% of six refits with the same point"),
    )
    for axes, (title, below) in zip(panels, titles, strict=True):
        axes.set_title(title, weight="bold", fontsize=NORMAL + 1)
        axes.set_xlabel(below, fontsize=NORMAL)
    return figure


def draw_grid(axes: Axes, grid: tuple[int, int]) -> None:
    """Draw the borders of the regions."""
    width, height = axes.get_xlim()[1], axes.get_ylim()[0]
    for row in range(1, grid[0]):
        axes.axhline(row * height / grid[0], color="white", linewidth=0.8)
    for column in range(1, grid[1]):
        axes.axvline(column * width / grid[1], color="white", linewidth=0.8)


def draw_evidence(axes: Axes, bits: np.ndarray, most: float) -> None:
    """Draw the bits of each region: blue for the class, orange against it."""
    write_cells(axes, bits, "{:.1f}", signed_colours(), -most, most)


def write_cells(axes: Axes, values: np.ndarray, pattern: str, colours: str, low: float, high: float) -> None:
    """Colour each region (h, w) by its value and write it; NaN is left as it is."""
    width, height = axes.get_xlim()[1], axes.get_ylim()[0]
    extent = (0, width, height, 0)
    axes.imshow(np.ones((1, 1, 3)), extent=extent, aspect="auto", alpha=0.55)
    drawn = axes.imshow(np.ma.masked_invalid(values), cmap=colours, vmin=low, vmax=high, extent=extent, aspect="auto")
    for (row, column), value in np.ndenumerate(values):
        if np.isfinite(value):
            ink = ink_on(drawn.cmap(drawn.norm(value)), INK)
            x, y = (column + 0.5) * width / values.shape[1], (row + 0.5) * height / values.shape[0]
            axes.text(x, y, pattern.format(round(float(value), 1) + 0.0).replace("-", "−"), ha="center", va="center",
                      fontsize=5.5, color=ink)  # fmt: skip


if __name__ == "__main__":
    study = ps.open_study(sys.argv[1])
    image, name = int((sys.argv[2:] or ["33"])[0]), (sys.argv[3:] or ["conv_43"])[0]
    draw_space().savefig(OUT / "concept_space.webp", dpi=DPI, pil_kwargs=SAVED)
    draw_image(study, image, study.layers[name]).savefig(OUT / "concept_image.webp", dpi=DPI, pil_kwargs=SAVED)
