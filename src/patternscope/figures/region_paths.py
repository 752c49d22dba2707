"""Figure: chosen regions on their ways through the layers and through training."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from patternscope.figures.examples import Examples, examples_of
from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import IMAGES, Findings
from patternscope.figures.labels import moment_labels, shortened
from patternscope.figures.space import choose_view, draw_arrows, draw_sphere, halo, prepare, project
from patternscope.figures.style import (
    INK,
    NORMAL,
    RELIABLE,
    SMALL,
    SOFT,
    TITLE,
    TOTAL,
    UNRELIABLE,
    ClassMark,
    class_marks,
    figure_style,
    layer_colours,
)
from patternscope.knowledge import class_probability, corresponding_regions
from patternscope.workflow.stages import Need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "region_paths"
_ROWS = 4
_IMAGE, _SPACE, _MATRIX, _GAP, _ROW = 1.15, 1.75, 2.5, 0.25, 1.78
_TOP, _HEAD, _FOOT = 0.55, 0.32, 0.5
_WRITTEN = 12  # checkpoints whose probabilities fit as numbers


@dataclass(frozen=True)
class RegionPath:
    """One region of one image: where it is, and what becomes of it, by checkpoint t and layer (shallow to deep).

    Attributes:
        image: row among the examples.
        box: left, top, width and height of the region in the last layer, as parts of the image.
        points: (t, layers, e) in units of each layer's mean strength at last.
        probability: (t, layers) of the image's true class.
        mask, reliable: (t, layers) bool, whether the region is a knowledge point, and a reliable one.
    """

    image: int
    box: tuple[float, float, float, float]
    points: np.ndarray
    probability: np.ndarray
    mask: np.ndarray
    reliable: np.ndarray


@dataclass(frozen=True)
class RegionPathsData:
    """Paths of regions of some example images, and the mean directions (c, e) of the last checkpoint.

    `names` are those of the checkpoints, as short as can be, and `when` says what they are.
    """

    examples: Examples
    paths: list[RegionPath]
    mean_directions: np.ndarray
    layers: list[str]
    names: list[str]
    when: str


def data(findings: Findings, examples: int = _ROWS) -> RegionPathsData:
    """Return the paths of one region of each example image: the one that at last is surest of the true class.

    "At last" is the last layer at the last checkpoint; in other layers it is the region that holds its
    centre.
    """
    shown = examples_of(findings, min(examples, _ROWS))
    layers, checkpoints = findings.layers("region"), findings.checkpoints("region")
    seen = [[_at(findings, shown, checkpoint, layer) for layer in layers] for checkpoint in checkpoints]
    grids = [tuple(findings.record("region", layer=layer)["grid"]) for layer in layers]
    ways = [corresponding_regions(grids[-1], grid).numpy() for grid in grids]
    paths = []
    for image, region in enumerate(seen[-1][-1]["probability"].argmax(axis=1)):
        found = {
            name: np.array(
                [
                    [each[name][image, way[region]] for each, way in zip(row, ways, strict=True)]
                    for row in seen
                ]
            )
            for name in ("points", "probability", "mask", "reliable")
        }
        height, width = grids[-1]
        box = (region % width / width, region // width / height, 1 / width, 1 / height)
        paths.append(RegionPath(image, box, **found))
    trained = [findings.record("training", checkpoint) for checkpoint in checkpoints]
    names, when = moment_labels([each["name"] for each in trained], [each["step"] for each in trained])
    directions = findings.arrays("sample")["mean_directions"]
    return RegionPathsData(shown, paths, directions, layers, names, when)


def _at(findings: Findings, shown: Examples, checkpoint: int, layer: str) -> dict[str, np.ndarray]:
    """All regions of the example images at one checkpoint and layer."""
    about = findings.record("knowledge", checkpoint, layer)
    found = findings.arrays("knowledge", checkpoint, layer)
    embedding = findings.arrays("region", checkpoint, layer)["embedding"][shown.samples]
    # A layer without any strength is shown as it is.
    points = embedding / (about["unit_strength"] or 1.0)
    directions = findings.arrays("sample", checkpoint)["mean_directions"]
    h, mu, labels = (torch.from_numpy(each) for each in (points, directions, shown.labels))
    return {
        "points": points,
        "probability": class_probability(h, mu, labels, about["kappa_max"]).numpy(),
        "mask": found["mask"][shown.samples],
        "reliable": found["reliable"][shown.samples],
    }


def draw(shown: RegionPathsData) -> "Figure":
    """Return the figure: a row a region. Source: Sec. 4, Fig. 3 in content; the drawing is this project's."""
    from matplotlib.figure import Figure

    count = len(shown.paths)
    width = _IMAGE + 2 * _SPACE + _MATRIX + 4.6 * _GAP + 0.75
    height = _TOP + _HEAD + count * _ROW + _FOOT
    view = choose_view(shown.mean_directions)
    with figure_style():
        figure = Figure(figsize=(width, height))

        def panel(row: int, left: float, size: tuple[float, float]) -> Any:
            middle = _TOP + _HEAD + (row + 0.5) * _ROW
            bottom = 1 - (middle + size[1] / 2) / height
            return figure.add_axes((left / width, bottom, size[0] / width, size[1] / height))

        for row, path in enumerate(shown.paths):
            left = _GAP
            _draw_image(panel(row, left, (_IMAGE, _IMAGE)), shown, path)
            left += _IMAGE + _GAP
            _draw_way(panel(row, left, (_SPACE, _SPACE)), shown, path, view, through_layers=True)
            left += _SPACE + _GAP
            _draw_way(panel(row, left, (_SPACE, _SPACE)), shown, path, view, through_layers=False)
            left += _SPACE + 0.75 + _GAP
            _draw_matrix(panel(row, left, (_MATRIX, 0.72 * _ROW)), shown, path, last=row == count - 1)
        _write(figure, shown)
    return figure


def _draw_image(axes: Any, shown: RegionPathsData, path: RegionPath) -> None:
    """The image and the region's frame."""
    from matplotlib.patches import Rectangle

    pixels = shown.examples.pixels[path.image]
    height, width = pixels.shape[:2]
    axes.imshow(pixels, extent=(0, width, height, 0), interpolation="bilinear", aspect="auto")
    x, y, across, down = path.box
    for colour, line in (("white", 3.0), (RELIABLE, 1.5)):
        frame = Rectangle((x * width, y * height), across * width, down * height)
        frame.set(facecolor="none", edgecolor=colour, linewidth=line)
        axes.add_patch(frame)
    axes.set(xticks=[], yticks=[], xlim=(0, width), ylim=(height, 0))
    axes.spines[:].set_visible(False)
    axes.set_title(shortened(shown.examples.names[path.image], NORMAL, 80), loc="center", pad=3)


def _draw_way(
    axes: Any, shown: RegionPathsData, path: RegionPath, view: np.ndarray, *, through_layers: bool
) -> None:
    """The way of the region through the layers at last, or through training in the last layer."""
    points = path.points[-1] if through_layers else path.points[:, -1]
    # One scale for both ways of a region.
    reach = 1.25 * max(1.0, *(float(np.linalg.norm(p)) for p in (*path.points[-1], *path.points[:, -1])))
    prepare(axes, (reach, reach))
    draw_sphere(axes, view, 1.0)
    own = shown.examples.labels[path.image]
    marks = [ClassMark("#dcdcdc", "o")] * len(shown.mean_directions)
    marks[own] = class_marks(len(shown.mean_directions))[own]
    order = [label for label in range(len(marks)) if label != own] + [own]
    length = 0.85 * reach
    draw_arrows(axes, shown.mean_directions[order], view, length, [marks[label] for label in order])
    seen = project(points, view)
    axes.plot(seen[:, 0], seen[:, 1], color=INK, linewidth=0.9, zorder=5)
    colours = layer_colours(len(seen))
    axes.scatter(seen[:, 0], seen[:, 1], s=26, c=colours, edgecolors="white", linewidths=0.6, zorder=5.5)
    names = shown.layers if through_layers else shown.names
    for place in dict.fromkeys([0, len(seen) - 1]):
        axes.annotate(
            shortened(names[place], 6.5, 60),
            seen[place, :2],
            (4, 4 if place else -9),
            textcoords="offset points",
            fontsize=6.5,
            zorder=7,
            **halo(),
        )


def _draw_matrix(axes: Any, shown: RegionPathsData, path: RegionPath, *, last: bool) -> None:
    """Probability of the true class by layer and checkpoint; a frame where the region is a knowledge point."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    values = path.probability.T
    colours = LinearSegmentedColormap.from_list("probability", ["#ffffff", TOTAL])
    axes.imshow(values, cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    for (layer, time), value in np.ndenumerate(values):
        if len(shown.names) <= _WRITTEN:
            said = f"{value:.2f}"[int(value < 0.995) :]
            axes.text(time, layer, said, ha="center", va="center", fontsize=6)
        if path.mask[time, layer]:
            frame = Rectangle((time - 0.44, layer - 0.44), 0.88, 0.88)
            reliable = path.reliable[time, layer]
            frame.set(facecolor="none", edgecolor=RELIABLE if reliable else UNRELIABLE)
            frame.set(linewidth=1.4, linestyle="-" if reliable else "--")
            axes.add_patch(frame)
    axes.set_yticks(range(len(shown.layers)), [shortened(layer, 6.5, 50) for layer in shown.layers])
    every = -(-len(shown.names) // 8)
    marks = [place for place in range(len(shown.names)) if (len(shown.names) - 1 - place) % every == 0]
    axes.set_xticks(marks, [shortened(shown.names[place], 6.5, 26) for place in marks] if last else [])
    axes.tick_params(length=0, labelsize=6.5)
    axes.spines[:].set_visible(False)


def _write(figure: "Figure", shown: RegionPathsData) -> None:
    """Title, headings of the columns, and what the marks mean."""
    width, height = figure.get_size_inches()
    left = 0.12 / width
    figure.text(
        left,
        1 - 0.2 / height,
        "Regions through depth and training",
        fontsize=TITLE,
        weight="bold",
        va="center",
    )
    meaning = (
        "Of each image the region that at last is surest of the true class (coloured arrow). "
        "Circle: the layer's mean strength at last."
    )
    figure.text(left, 1 - 0.42 / height, meaning, fontsize=SMALL, color=SOFT, va="center")
    places = [2 * _GAP + _IMAGE + _SPACE / 2, 3 * _GAP + _IMAGE + 1.5 * _SPACE]
    places.append(4 * _GAP + _IMAGE + 2 * _SPACE + 0.75 + _MATRIX / 2)
    heads = ("through the layers, at last", f"through training, in {shown.layers[-1]}", "p(true class)")
    for place, head in zip(places, heads, strict=True):
        figure.text(place / width, 1 - 0.72 / height, shortened(head, NORMAL, 130), ha="center", va="center")
    figure.text(places[-1] / width, 0.42 / height, shown.when, ha="center", va="center", fontsize=SMALL)
    about = "Light to dark: shallow to deep, early to late. Frames: knowledge points, reliable (solid) or not (dashed)."
    figure.text(left, 0.12 / height, about, fontsize=SMALL - 0.5, color=SOFT, va="center")


def table(shown: RegionPathsData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: region, checkpoint and layer, with place, probability and kind of point."""
    return [
        {
            "sample": int(shown.examples.samples[path.image]),
            "class": shown.examples.names[path.image],
            "checkpoint": shown.names[time],
            "layer": shown.layers[layer],
            "probability": float(path.probability[time, layer]),
            "knowledge_point": int(path.mask[time, layer]),
            "reliable": int(path.reliable[time, layer]),
            **{f"x{axis + 1}": float(x) for axis, x in enumerate(path.points[time, layer])},
        }
        for path in shown.paths
        for time, layer in np.ndindex(path.probability.shape)
    ]


def about(shown: RegionPathsData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    return {"samples": shown.examples.samples.tolist(), "layers": shown.layers, "checkpoints": shown.names}


FIGURE = StudyFigure(NAME, data, draw, table, about, examples=True)
STAGE = FIGURE.stage(
    IMAGES,
    Need("training", ("training.json",), checkpoint="all"),
    Need("sample", ("sample.safetensors",), checkpoint="all"),
    Need("region", ("region.safetensors", "region.json"), checkpoint="all", layer="all"),
    Need("knowledge", ("knowledge.safetensors", "knowledge.json"), checkpoint="all", layer="all"),
    version=2,
    weight=1.0,
)
