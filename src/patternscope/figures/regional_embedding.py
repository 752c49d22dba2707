"""Figure: the regional embeddings of each layer, knowledge points in the colours of their classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from patternscope.figures.drawing import layout, space
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.choices import Classes, Layers, ShownClasses, choose_classes, choose_layers
from patternscope.figures.drawing.density import Density, class_density
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.needs import IMAGES, KNOWLEDGE, REGION, SAMPLE, TRAINING
from patternscope.figures.drawing.style import NOTHING, figure_style
from patternscope.figures.drawing.views import View, choose_view, dimension_note, project, shown_lengths, view_cells
from patternscope.results.fits import RegionResult
from patternscope.results.formatting import threshold_text

CELLS = 100
"""Of a panel, across and up."""
_PANEL = 2.7
_TOP, _FOOT, _HEAD = 0.7, 0.3, 0.36
_NAMED = 12  # classes whose names fit at the tips of a small panel


@dataclass(frozen=True)
class LayerCloud:
    """All regions of a layer: points (m, e) in units of the layer's mean strength.

    `category` (m,) is the index of a knowledge point's class among those shown, and -1 elsewhere.
    """

    layer: str
    points: np.ndarray
    category: np.ndarray


@dataclass(frozen=True)
class RegionalEmbeddingData:
    """The clouds of all layers in one frame, with the mean directions (c, e)."""

    clouds: list[LayerCloud]
    mean_directions: np.ndarray
    classes: ShownClasses
    tau: float
    checkpoint: str | None

    @property
    def view(self) -> View:
        """The view of all panels: the one that shows the mean directions best."""
        return choose_view(self.mean_directions)

    @property
    def reach(self) -> float:
        """Half the side of a panel in data units, the same for all; each panel states how many points are outside."""
        far = [np.quantile(shown_lengths(cloud.points, self.view), 0.985) for cloud in self.clouds]
        return 1.02 * max(2.0, *map(float, far))

    def density(self, cloud: LayerCloud) -> Density:
        """Return the density of a layer's projected regions."""
        seen = project(cloud.points, self.view)[:, :2]
        return class_density(seen, cloud.category, len(self.classes), self.reach, CELLS)


def data(results: StudyResults, classes: Classes = None, layers: Layers = None) -> RegionalEmbeddingData:
    """Return what the figure shows: all regions of `layers`, grey if of none of `classes`."""
    shown, names = choose_classes(results, classes), choose_layers(results, RegionResult, layers)
    return RegionalEmbeddingData(
        [_cloud(results, layer, shown) for layer in names],
        results.sample().mean_directions.numpy()[shown.labels],
        shown,
        results.knowledge(names[-1]).tau,
        results.training().title_of_last,
    )


def _cloud(results: StudyResults, layer: str, classes: ShownClasses) -> LayerCloud:
    """The regions of one layer."""
    known = results.knowledge(layer)
    category = np.where(known.mask.numpy(), known.category.numpy(), -1).ravel()
    embedding = results.region(layer).embedding.numpy().reshape(len(category), -1)
    # A layer without any strength is drawn unscaled.
    return LayerCloud(layer, embedding / (known.unit_strength or 1.0), classes.places(category))


@figure_style()
def draw(shown: RegionalEmbeddingData) -> Figure:
    """Return the figure. Source: Sec. 3.3, Fig. 3 in content."""
    across, lines = layout.fold(len(shown.clouds))
    width = max(across * _PANEL, 6.4)
    legend = 0.1 + layout.legend_height(width, len(shown.classes)) if len(shown.classes) > _NAMED else 0.0
    pitch = _PANEL + _HEAD
    figure = layout.new_figure(width, _TOP + lines * pitch + _FOOT + legend)
    for place, cloud in enumerate(shown.clouds):
        left = (place % across + 0.5) * width / across - _PANEL / 2
        top = _TOP + place // across * pitch + _HEAD
        _draw_cloud(layout.add_panel(figure, left, top, _PANEL, _PANEL), cloud, shown)
    meaning = (
        f"All regions, the darker the more of them. In colour: where most are knowledge points of a class, p(class) > "
        f"{threshold_text(shown.tau)}; grey: of none."
    )
    layout.write_heading(figure, "Regional embeddings", meaning, *dimension_note(shown.view))
    when = "" if shown.checkpoint is None else f"At {shown.checkpoint}. "
    layout.write_foot(figure, f"{when}Circle: the layer's mean strength, the unit of its panel.")
    if legend:
        layout.draw_class_legend(figure, shown.classes, 0.26)
    return figure


def _draw_cloud(axes: Any, cloud: LayerCloud, shown: RegionalEmbeddingData) -> None:
    """One layer."""
    view, reach, density, marks = shown.view, shown.reach, shown.density(cloud), shown.classes.marks
    space.prepare(axes, (reach, reach))
    look = {"extent": (-reach, reach, -reach, reach), "origin": "lower", "interpolation": "nearest"}
    axes.imshow(density.colours([mark.colour for mark in marks], NOTHING), zorder=-1, **look)
    space.draw_sphere(axes, view, 1.0)
    tips = space.draw_arrows(axes, shown.mean_directions, view, 0.8 * reach, marks)
    if len(marks) <= _NAMED:
        space.draw_names(axes, tips, shown.classes.names, _PANEL * 72 / (2 * reach), size=6.5, width=60)
    outside = len(cloud.points) - int(density.total.sum())
    note = f"{len(cloud.points):,} regions"
    layout.write_above(axes, 0.16, cloud.layer, note + (f", {outside:,} outside the panel" if outside else ""))


def table(shown: RegionalEmbeddingData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each cell with regions; the class that most of its regions are points of."""
    names, middles = shown.classes.names, (np.arange(CELLS) + 0.5) * 2 * shown.reach / CELLS - shown.reach
    return [
        {
            "layer": cloud.layer,
            "right": float(middles[column]),
            "up": float(middles[row]),
            "regions": int(density.total[row, column]),
            "category": names[category] if category >= 0 else None,
        }
        for cloud in shown.clouds
        for density in [shown.density(cloud)]
        for row, column in np.argwhere(density.total > 0)
        for category in [int(density.category[row, column])]
    ]


def about(shown: RegionalEmbeddingData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    regions = {cloud.layer: len(cloud.points) for cloud in shown.clouds}
    return {"checkpoint": shown.checkpoint, "tau": shown.tau, "regions": regions, **view_cells(shown.view)}


_READS = (IMAGES, TRAINING, SAMPLE, REGION, KNOWLEDGE)
FIGURE = StudyFigure("regional_embedding", data, draw, table, about, _READS, version=4, weight=1.0)
