"""Figure: chosen regions on their paths through the layers and over training."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from patternscope.figures.drawing import layout, space, style
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.bits import READABLE
from patternscope.figures.drawing.choices import Classes, Layers, choose_layers
from patternscope.figures.drawing.examples import Examples, Samples, choose_images, name_image, show_image
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import checkpoint_labels, halo, shortened
from patternscope.figures.drawing.needs import ALL_KNOWLEDGE, ALL_REGIONS, ALL_SAMPLES, ALL_TRAINING, IMAGES
from patternscope.figures.drawing.views import View, choose_view, dimension_note, project, shown_lengths, view_cells
from patternscope.knowledge.emergence import corresponding_regions
from patternscope.knowledge.point_rule import PointRule
from patternscope.results.evidence import TEMPERATURES, EvidenceResult
from patternscope.results.fits import RegionResult
from patternscope.results.result import reads

_ROWS = 4
_IMAGE, _SPACE, _MATRIX, _GAP, _ROW, _LABELS = 1.15, 1.75, 2.5, 0.25, 1.78, 0.75
_TOP, _HEAD, _FOOT = 0.65, 0.32, 0.5
_WRITTEN = 12  # checkpoints whose probabilities fit as numbers


@dataclass(frozen=True)
class RegionPath:
    """One region of one image: its position, and its path by checkpoint t and layer (shallow to deep).

    Attributes:
        image: row among the examples.
        box: left, top, width and height of the region in the last layer, as fractions of the image.
        points: (t, layers, e) in units of each layer's mean strength at the last checkpoint.
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

    `names` are the shortest names of the checkpoints, and `axis` is their meaning. `calibrated` tells whether
    probabilities and knowledge points are.
    """

    examples: Examples
    paths: list[RegionPath]
    mean_directions: np.ndarray
    layers: list[str]
    names: list[str]
    axis: str
    calibrated: bool = False

    @property
    def over_training(self) -> bool:
        """Whether there is more than one checkpoint."""
        return len(self.names) > 1

    @property
    def spaces(self) -> list[str]:
        """The titles of the panels of the radial space."""
        return ["through the layers", *[f"over training, in {self.layers[-1]}"] * self.over_training]

    @property
    def lefts(self) -> list[float]:
        """The left edges of the image, the spaces and the matrix."""
        spaces = [2 * _GAP + _IMAGE + place * (_GAP + _SPACE) for place in range(len(self.spaces) + 1)]
        return [_GAP, *spaces[:-1], spaces[-1] + _LABELS]

    @property
    def view(self) -> View:
        """The view of all panels: the one that shows the mean directions best."""
        return choose_view(self.mean_directions)


def data(
    results: StudyResults, samples: Samples = _ROWS, classes: Classes = None, layers: Layers = None
) -> RegionPathsData:
    """Return the paths of one region per image: that with the highest probability of the true class.

    Highest in the last of `layers` at the last checkpoint; in other layers, it is the region that contains its centre.
    `samples` are numbers of images, or how many of the `classes` to choose, at most 4.
    """
    examples = choose_images(results, min(samples, _ROWS) if isinstance(samples, int) else samples, classes)
    names, checkpoints = choose_layers(results, RegionResult, layers), results.checkpoints(RegionResult)
    height, width = results.region(names[-1]).grid
    regions = [[_regions(results, examples, at, layer, (height, width)) for layer in names] for at in checkpoints]
    fields = {name: np.array([[layer[name] for layer in row] for row in regions]) for name in regions[0][0]}
    paths = []
    for image, region in enumerate(fields["probability"][-1, -1].argmax(axis=1)):
        box = (region % width / width, region // width / height, 1 / width, 1 / height)
        own = {name: field[:, :, image, region] for name, field in fields.items()}
        paths.append(RegionPath(image, box, **own))
    trained = [results.training(checkpoint) for checkpoint in checkpoints]
    labels, axis = checkpoint_labels([at.name for at in trained], [at.step for at in trained])
    directions = results.sample().mean_directions.numpy()
    calibrated = results.knowledge(names[-1]).rule == "calibrated"
    return RegionPathsData(examples, paths, directions, names, labels, axis, calibrated)


def _regions(
    results: StudyResults, examples: Examples, checkpoint: int, layer: str, grid: tuple[int, int]
) -> dict[str, np.ndarray]:
    """The fields of paths at one checkpoint and layer: the regions (m, r) that contain the centres of a grid's."""
    known, fit = results.knowledge(layer, checkpoint), results.region(layer, checkpoint)
    places = np.ix_(examples.samples, corresponding_regions(grid, fit.grid).numpy())
    # A layer without any strength is shown unscaled.
    points = fit.embedding[places] / (known.unit_strength or 1.0)
    labels, directions = results.images.labels[examples.samples], results.sample(checkpoint).mean_directions
    temperatures = results.evidence(layer, checkpoint).point_temperatures if known.rule == "calibrated" else None
    rule = PointRule(known.tau, known.kappa_max, known.unit_strength, temperatures).rows(
        torch.from_numpy(places[0][:, 0])
    )
    probability = rule.probability(fit.embedding[places], directions, labels)
    return {
        "points": points.numpy(),
        "probability": probability.numpy(),
        "mask": known.mask[places].numpy(),
        "reliable": known.reliable[places].numpy(),
    }


@style.figure_style()
def draw(shown: RegionPathsData) -> Figure:
    """Return the figure: a row per region. Source: Sec. 4, Fig. 3 in content."""
    count, view = len(shown.paths), shown.view
    sizes = [(_IMAGE, _IMAGE), *[(_SPACE, _SPACE)] * len(shown.spaces), (_MATRIX, 0.72 * _ROW)]
    figure = layout.new_figure(shown.lefts[-1] + _MATRIX + 0.6 * _GAP, _TOP + _HEAD + count * _ROW + _FOOT)
    for row, path in enumerate(shown.paths):
        middle = _TOP + _HEAD + (row + 0.5) * _ROW
        image, *spaces, matrix = (
            layout.add_panel(figure, left, middle - size[1] / 2, *size)
            for left, size in zip(shown.lefts, sizes, strict=True)
        )
        _draw_image(image, shown, path)
        for place, axes in enumerate(spaces):
            _draw_path(axes, shown, path, view, through_layers=place == 0)
        _draw_matrix(matrix, shown, path, last=row == count - 1)
    _explain(figure, shown)
    return figure


def _draw_image(axes: Any, shown: RegionPathsData, path: RegionPath) -> None:
    """The image and the region's frame."""
    from matplotlib.patches import Rectangle

    pixels = shown.examples.pixels[path.image]
    show_image(axes, pixels)
    height, width = pixels.shape[:2]
    x, y, across, down = path.box
    for colour, line in (("white", 3.0), (style.RELIABLE, 1.5)):
        frame = Rectangle((x * width, y * height), across * width, down * height)
        frame.set(facecolor="none", edgecolor=colour, linewidth=line)
        axes.add_patch(frame)
    name_image(axes, shown.examples.names[path.image], 80)


def _draw_path(axes: Any, shown: RegionPathsData, path: RegionPath, view: View, *, through_layers: bool) -> None:
    """The path of the region through the layers at the last checkpoint, or over training in the last layer."""
    points = path.points[-1] if through_layers else path.points[:, -1]
    # One scale for both paths of a region.
    both = np.concatenate([path.points[-1], path.points[:, -1]])
    reach = 1.25 * max(1.0, float(shown_lengths(both, view).max()))
    space.prepare(axes, (reach, reach))
    space.draw_sphere(axes, view, 1.0)
    own = shown.examples.labels[path.image]
    marks = [style.ClassMark("#dcdcdc", "o")] * len(shown.mean_directions)
    marks[own] = style.named_marks(shown.examples.classes)[own]
    order = [label for label in range(len(marks)) if label != own] + [own]
    space.draw_arrows(axes, shown.mean_directions[order], view, 0.85 * reach, [marks[label] for label in order])
    seen = project(points, view)
    axes.plot(seen[:, 0], seen[:, 1], color=style.INK, linewidth=0.9, zorder=5)
    colours = style.layer_colours(len(seen))
    axes.scatter(seen[:, 0], seen[:, 1], s=26, c=colours, edgecolors="white", linewidths=0.6, zorder=5.5)
    names = shown.layers if through_layers else shown.names
    for place in dict.fromkeys([0, len(seen) - 1]):
        upper = seen[place, 1] >= seen[len(seen) - 1 - place, 1] if len(seen) > 1 else True
        name, offset = shortened(names[place], layout.NOTE, 60), (4, 4 if upper else -9)
        look: dict[str, Any] = {"textcoords": "offset points", "fontsize": layout.NOTE, "zorder": 7}
        axes.annotate(name, seen[place, :2], offset, **look, **halo())


def _draw_matrix(axes: Any, shown: RegionPathsData, path: RegionPath, *, last: bool) -> None:
    """Probability of the true class by layer and checkpoint; a frame where the region is a knowledge point."""
    from matplotlib.colors import LinearSegmentedColormap
    from matplotlib.patches import Rectangle

    values = path.probability.T
    colours = LinearSegmentedColormap.from_list("probability", ["#ffffff", READABLE])
    axes.imshow(values, cmap=colours, vmin=0, vmax=1, aspect="auto", interpolation="nearest")
    for (layer, checkpoint), value in np.ndenumerate(values):
        if len(shown.names) <= _WRITTEN:
            digits = f"{value:.2f}"[1:] if value < 0.995 else "1.0"
            axes.text(checkpoint, layer, digits, ha="center", va="center", fontsize=6)
        if path.mask[checkpoint, layer]:
            reliable = path.reliable[checkpoint, layer]
            frame = Rectangle((checkpoint - 0.44, layer - 0.44), 0.88, 0.88)
            frame.set(facecolor="none", edgecolor=style.RELIABLE if reliable else style.UNRELIABLE)
            frame.set(linewidth=1.4, linestyle="-" if reliable else "--")
            axes.add_patch(frame)
    axes.set_yticks(range(len(shown.layers)), [shortened(layer, layout.NOTE, 50) for layer in shown.layers])
    marks = layout.thinned(len(shown.names), 8)
    named = [shortened(shown.names[place], layout.NOTE, 26) for place in marks] if last and shown.over_training else []
    axes.set_xticks(marks if named else [], named)
    axes.tick_params(length=0, labelsize=layout.NOTE)
    axes.spines[:].set_visible(False)


def _explain(figure: Figure, shown: RegionPathsData) -> None:
    """Title, headings of the columns, and the meaning of the marks."""
    height, kind = figure.get_size_inches()[1], shown.examples.kind
    last, late = (" at the last checkpoint", ", early to late") if shown.over_training else ("", "")
    meaning = (
        f"Per image, the region with the highest p({kind}) in {shown.layers[-1]}{last}. "
        f"Coloured arrow: {kind}. Circle: the layer's mean strength there."
    )
    over = " and over training" if shown.over_training else ""
    layout.write_heading(figure, f"Regions through the layers{over}", meaning, *_notes(shown))
    heads = (*shown.spaces, f"p({kind})")
    widths = (*[_SPACE] * len(shown.spaces), _MATRIX)
    middles = [left + width / 2 for left, width in zip(shown.lefts[1:], widths, strict=True)]
    for middle, head in zip(middles, heads, strict=True):
        layout.write_text(figure, middle, _TOP + 0.2, shortened(head, style.NORMAL, 130), ha="center")
    if shown.over_training:
        layout.write_text(figure, middles[-1], height - 0.42, shown.axis, ha="center", fontsize=style.SMALL)
    layout.write_foot(
        figure, f"Light to dark: shallow to deep{late}. Frames: knowledge points, reliable (solid) or not (dashed)."
    )


def _notes(shown: RegionPathsData) -> list[str]:
    """Further notes: which dimensions are shown, and that probabilities are calibrated."""
    known = "Probabilities are calibrated on images that the map was not fitted to."
    line = " ".join([known] * shown.calibrated + dimension_note(shown.view))
    return [line] if line else []


def table(shown: RegionPathsData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: region, checkpoint and layer, with place, probability and kind of point."""
    return [
        {
            "sample": int(shown.examples.samples[path.image]),
            "class": shown.examples.names[path.image],
            "checkpoint": shown.names[checkpoint],
            "layer": shown.layers[layer],
            "probability": float(path.probability[checkpoint, layer]),
            "knowledge_point": int(path.mask[checkpoint, layer]),
            "reliable": int(path.reliable[checkpoint, layer]),
            **space.coordinates(path.points[checkpoint, layer]),
        }
        for path in shown.paths
        for checkpoint, layer in np.ndindex(path.probability.shape)
    ]


def about(shown: RegionPathsData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    return {
        "samples": shown.examples.samples.tolist(),
        "layers": shown.layers,
        "checkpoints": shown.names,
        **view_cells(shown.view),
    }


_TEMPERATURES = reads(EvidenceResult, *TEMPERATURES, "evidence", checkpoint="all", layer="all")
_READS = (IMAGES, ALL_TRAINING, ALL_SAMPLES, ALL_REGIONS, ALL_KNOWLEDGE)
FIGURE = StudyFigure(
    "region_paths", data, draw, table, about, _READS, (_TEMPERATURES,), version=5, weight=1.0, examples=True
)
