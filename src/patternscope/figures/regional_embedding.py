"""Figure: the regional embeddings of each layer, knowledge points in the colours of their classes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import IMAGES, TRAINING, Findings, moment
from patternscope.figures.labels import draw_class_legend, legend_height
from patternscope.figures.sample_embedding import dimension_note
from patternscope.figures.space import (
    choose_view,
    draw_arrows,
    draw_names,
    draw_points,
    draw_sphere,
    prepare,
    project,
)
from patternscope.figures.style import (
    NORMAL,
    NOTHING,
    SMALL,
    SOFT,
    TITLE,
    ClassMark,
    class_marks,
    figure_style,
)
from patternscope.workflow.stages import Need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "regional_embedding"
SHOWN = 3000
_ACROSS, _PANEL = 4, 2.7
_TOP, _FOOT, _HEAD = 0.6, 0.3, 0.36
_NAMED = 12  # classes whose names fit at the tips of a small panel


@dataclass(frozen=True)
class LayerCloud:
    """Regions of a layer: points (m, e) in units of the layer's mean strength, of `total` regions.

    `category` (m,) is the class of a knowledge point and -1 elsewhere.
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
    classes: list[str]
    tau: float
    moment: str


def data(findings: Findings) -> RegionalEmbeddingData:
    """Return what the figure shows: up to 3,000 regions of each layer at the last checkpoint."""
    clouds = []
    tau = 0.0
    for layer in findings.layers("region"):
        embedding = findings.arrays("region", layer=layer)["embedding"]
        found, record = findings.arrays("knowledge", layer=layer), findings.record("knowledge", layer=layer)
        category = np.where(found["mask"], found["category"], -1).ravel()
        chosen = stratified(category, SHOWN, findings.drawing_seed("regions", layer))
        # A layer without any strength is drawn as it is.
        points = embedding.reshape(len(category), -1)[chosen] / (record["unit_strength"] or 1.0)
        clouds.append(LayerCloud(layer, points, category[chosen], len(category)))
        tau = record["tau"]
    directions = findings.arrays("sample")["mean_directions"]
    return RegionalEmbeddingData(
        clouds, directions, findings.classes, tau, moment(findings.record("training"))
    )


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
    return np.sort(
        np.concatenate([rng.permutation(own)[:size] for own, size in zip(members, sizes, strict=True)])
    )


def draw(shown: RegionalEmbeddingData) -> "Figure":
    """Return the figure. Source: Sec. 3.3, Fig. 3 in content; the view is this project's."""
    from matplotlib.figure import Figure

    across = min(_ACROSS, len(shown.clouds))
    width = max(across * _PANEL, 6.4)
    legend = 0.1 + legend_height(width, len(shown.classes)) if len(shown.classes) > _NAMED else 0.0
    pitch = _PANEL + _HEAD
    height = _TOP + -(-len(shown.clouds) // across) * pitch + _FOOT + legend
    view = choose_view(shown.mean_directions)
    reach = _reach(shown)
    with figure_style():
        figure = Figure(figsize=(width, height))
        for place, cloud in enumerate(shown.clouds):
            left = (place % across + 0.5) * width / across - _PANEL / 2
            top = _TOP + (place // across) * pitch + _HEAD
            box = (left / width, 1 - (top + _PANEL) / height, _PANEL / width, _PANEL / height)
            _draw_cloud(figure.add_axes(box), cloud, shown, view, reach)
        _write(figure, shown)
        if legend:
            draw_class_legend(figure, shown.classes, 0.26)
    return figure


def _reach(shown: RegionalEmbeddingData) -> float:
    """Half a panel in data units, the same for all; how many points are beyond is said in each panel."""
    far = [np.quantile(np.linalg.norm(each.points, axis=1), 0.985) for each in shown.clouds]
    return 1.02 * max(2.0, *map(float, far))


def _draw_cloud(
    axes: Any, cloud: LayerCloud, shown: RegionalEmbeddingData, view: np.ndarray, reach: float
) -> None:
    """One layer."""
    prepare(axes, (reach, reach))
    marks = class_marks(len(shown.classes))
    draw_sphere(axes, view, 1.0)
    seen = project(cloud.points, view)
    inside = (np.abs(seen[:, :2]) < 0.985 * reach).all(axis=1)
    known, unknown = inside & (cloud.category >= 0), inside & (cloud.category < 0)
    grey = [ClassMark(NOTHING, "o")]
    draw_points(axes, seen[unknown], grey, np.zeros(int(unknown.sum()), dtype=int), size=4)
    draw_points(axes, seen[known], marks, cloud.category[known], size=7)
    length = 0.8 * reach
    tips = draw_arrows(axes, shown.mean_directions, view, length, marks)
    if len(marks) <= _NAMED:
        scale = _PANEL * 72 / (2 * reach)
        draw_names(axes, tips, shown.classes, scale, size=6.5, width=60)
    outside = int((~inside).sum())
    said = f"showing {len(seen):,} of {cloud.total:,} regions"
    said += f", {outside} beyond the edge" if outside else ""
    axes.text(0.5, 1.06, cloud.layer, transform=axes.transAxes, ha="center", weight="bold", fontsize=NORMAL)
    axes.text(0.5, 1.005, said, transform=axes.transAxes, ha="center", fontsize=6.5, color=SOFT)


def _write(figure: "Figure", shown: RegionalEmbeddingData) -> None:
    """Title and explanation."""
    width, height = figure.get_size_inches()
    left = 0.12 / width
    figure.text(left, 1 - 0.2 / height, "Regional embeddings", fontsize=TITLE, weight="bold", va="center")
    note = dimension_note(shown.mean_directions.shape[1])
    meaning = (
        f"Coloured: knowledge points, p(class) > {shown.tau:g}, by that class; grey: other regions.{note}"
    )
    figure.text(left, 1 - 0.42 / height, meaning, fontsize=SMALL, color=SOFT, va="center")
    about = f"At {shown.moment}. Circle: the layer's mean strength, the unit of all panels."
    figure.text(left, 0.14 / height, about, fontsize=SMALL - 0.5, color=SOFT, va="center")


def table(shown: RegionalEmbeddingData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each region shown; no category where it is no knowledge point."""
    return [
        {
            "layer": cloud.layer,
            "category": shown.classes[category] if category >= 0 else None,
            **{f"x{axis + 1}": float(value) for axis, value in enumerate(point)},
        }
        for cloud in shown.clouds
        for category, point in zip(cloud.category, cloud.points, strict=True)
    ]


def about(shown: RegionalEmbeddingData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    return {
        "checkpoint": shown.moment,
        "tau": shown.tau,
        "regions": {each.layer: {"shown": len(each.points), "of": each.total} for each in shown.clouds},
    }


FIGURE = StudyFigure(NAME, data, draw, table, about)
STAGE = FIGURE.stage(
    IMAGES,
    TRAINING,
    Need("sample", ("sample.safetensors",), checkpoint="last"),
    Need("region", ("region.safetensors",), layer="all"),
    Need("knowledge", ("knowledge.safetensors", "knowledge.json"), layer="all"),
    weight=1.0,
)
