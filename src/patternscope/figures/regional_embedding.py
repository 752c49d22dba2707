"""Figure: the regional embeddings of each layer, knowledge points in the colours of their classes."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from patternscope.figures.drawing import layout, space
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.choices import Classes, Layers, ShownClasses, choose_classes, choose_layers
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.needs import IMAGES, KNOWLEDGE, REGION, SAMPLE, TRAINING
from patternscope.figures.drawing.style import NOTHING, ClassMark, figure_style
from patternscope.figures.drawing.views import View, choose_view, dimension_note, project, shown_lengths, view_cells
from patternscope.results.fits import RegionResult
from patternscope.results.formatting import threshold_text

SHOWN = 3000
_PANEL = 2.7
_TOP, _FOOT, _HEAD = 0.7, 0.3, 0.36
_NAMED = 12  # classes whose names fit at the tips of a small panel


@dataclass(frozen=True)
class LayerCloud:
    """Regions of a layer: points (m, e) in units of the layer's mean strength, of `total` regions.

    `category` (m,) is the place of a knowledge point's class among those shown, and -1 elsewhere.
    """

    layer: str
    points: np.ndarray
    category: np.ndarray
    total: int


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


def data(
    results: StudyResults, classes: Classes = None, layers: Layers = None, most: int = SHOWN
) -> RegionalEmbeddingData:
    """Return what the figure shows: up to `most` regions of each of `layers`, grey where of none of `classes`."""
    shown, names = choose_classes(results, classes), choose_layers(results, RegionResult, layers)
    return RegionalEmbeddingData(
        [_cloud(results, layer, shown, most) for layer in names],
        results.sample().mean_directions.numpy()[shown.labels],
        shown,
        results.knowledge(names[-1]).tau,
        results.training().title_of_last,
    )


def _cloud(results: StudyResults, layer: str, classes: ShownClasses, most: int) -> LayerCloud:
    """The regions of one layer."""
    known = results.knowledge(layer)
    category = np.where(known.mask.numpy(), known.category.numpy(), -1).ravel()
    chosen = stratified(category, most, results.drawing_seed("regions", layer))
    embedding = results.region(layer).embedding.numpy().reshape(len(category), -1)
    # A layer without any strength is drawn as it is.
    points = embedding[chosen] / (known.unit_strength or 1.0)
    return LayerCloud(layer, points, classes.places(category[chosen]), len(category))


def stratified(groups: np.ndarray, count: int, seed: int) -> np.ndarray:
    """Return sorted indices of at most about `count` members: of each group the same share, at least one.

    >>> groups = np.repeat([0, 1], [900, 100])
    >>> np.bincount(groups[stratified(groups, 100, seed=0)]).tolist()
    [90, 10]
    """
    if len(groups) <= count:
        return np.arange(len(groups))
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(groups == group) for group in np.unique(groups)]
    sizes = [max(1, round(len(own) * count / len(groups))) for own in members]
    return np.sort(np.concatenate([rng.permutation(own)[:size] for own, size in zip(members, sizes, strict=True)]))


@figure_style()
def draw(shown: RegionalEmbeddingData) -> Figure:
    """Return the figure. Source: Sec. 3.3, Fig. 3 in content."""
    across, lines = layout.fold(len(shown.clouds))
    width = max(across * _PANEL, 6.4)
    legend = 0.1 + layout.legend_height(width, len(shown.classes)) if len(shown.classes) > _NAMED else 0.0
    pitch = _PANEL + _HEAD
    view = shown.view
    reach = _reach(shown, view)
    figure = layout.new_figure(width, _TOP + lines * pitch + _FOOT + legend)
    for place, cloud in enumerate(shown.clouds):
        left = (place % across + 0.5) * width / across - _PANEL / 2
        top = _TOP + place // across * pitch + _HEAD
        _draw_cloud(layout.add_panel(figure, left, top, _PANEL, _PANEL), cloud, shown, view, reach)
    meaning = f"Coloured by class: knowledge points, p(class) > {threshold_text(shown.tau)}; grey: other regions."
    layout.write_heading(figure, "Regional embeddings", meaning, *dimension_note(view))
    when = "" if shown.checkpoint is None else f"At {shown.checkpoint}. "
    layout.write_foot(figure, f"{when}Circle: the layer's mean strength, the unit of its panel.")
    if legend:
        layout.draw_class_legend(figure, shown.classes, 0.26)
    return figure


def _reach(shown: RegionalEmbeddingData, view: View) -> float:
    """Half a panel in data units, the same for all; each panel says how many points are outside."""
    far = [np.quantile(shown_lengths(cloud.points, view), 0.985) for cloud in shown.clouds]
    return 1.02 * max(2.0, *map(float, far))


def _draw_cloud(axes: Any, cloud: LayerCloud, shown: RegionalEmbeddingData, view: View, reach: float) -> None:
    """One layer."""
    space.prepare(axes, (reach, reach))
    space.draw_sphere(axes, view, 1.0)
    seen = project(cloud.points, view)
    inside = (np.abs(seen[:, :2]) < 0.985 * reach).all(axis=1)
    known, unknown = inside & (cloud.category >= 0), inside & (cloud.category < 0)
    marks, grey = shown.classes.marks, [ClassMark(NOTHING, "o")]
    space.draw_points(axes, seen[unknown], grey, np.zeros(int(unknown.sum()), dtype=int), size=4)
    space.draw_points(axes, seen[known], marks, cloud.category[known], size=7)
    tips = space.draw_arrows(axes, shown.mean_directions, view, 0.8 * reach, marks)
    if len(marks) <= _NAMED:
        space.draw_names(axes, tips, shown.classes.names, _PANEL * 72 / (2 * reach), size=6.5, width=60)
    outside = int((~inside).sum())
    note = f"showing {len(seen):,} of {cloud.total:,} regions"
    layout.write_above(axes, 0.16, cloud.layer, note + (f", {outside} outside the panel" if outside else ""))


def table(shown: RegionalEmbeddingData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each region shown; no category where it is no knowledge point."""
    names = shown.classes.names
    return [
        {"layer": cloud.layer, "category": names[category] if category >= 0 else None, **space.coordinates(point)}
        for cloud in shown.clouds
        for category, point in zip(cloud.category, cloud.points, strict=True)
    ]


def about(shown: RegionalEmbeddingData) -> dict[str, Any]:
    """Return what the figure's settings say of it."""
    regions = {cloud.layer: {"shown": len(cloud.points), "of": cloud.total} for cloud in shown.clouds}
    return {"checkpoint": shown.checkpoint, "tau": shown.tau, "regions": regions, **view_cells(shown.view)}


_READS = (IMAGES, TRAINING, SAMPLE, REGION, KNOWLEDGE)
FIGURE = StudyFigure("regional_embedding", data, draw, table, about, _READS, version=3, weight=1.0)
