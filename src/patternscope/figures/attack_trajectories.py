"""Figure: trajectories of regional embeddings under an attack, one panel per type."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from patternscope.figures.drawing import layout, space
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.choices import choose_layer
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.needs import ATTACK_ANALYSIS, IMAGES, SAMPLE
from patternscope.figures.drawing.smoothing import smooth_path
from patternscope.figures.drawing.style import INK, SMALL, figure_style, named_marks, path_shades
from patternscope.figures.drawing.views import SHOWN_AXES, View, project, shown_axes, spanned
from patternscope.knowledge.attack_analysis import Trajectory
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.result import reads

SHOWN = 6
TITLES = {
    Trajectory.PAST_ORIGIN: "to the target around the origin",
    Trajectory.THROUGH_ORIGIN: "to the target through the origin",
    Trajectory.FROM_NOTHING: "no feature becomes the target's",
    Trajectory.TO_NOTHING: "the true class's feature vanishes",
}
_POINTS = 120
_RAISED = np.radians(50)  # elevation of the viewer above the plane of the two mean directions
_PANEL, _TALL, _TOP, _HEAD, _FOOT = 2.7, 1.9, 0.6, 0.5, 0.62


@dataclass(frozen=True)
class Trajectories:
    """Trajectories of one type between one pair of classes: points (m, t, e) in units of the layer's mean strength.

    `total` regions of the layer have this type, `pair` of them between these two classes.
    """

    type: Trajectory
    points: np.ndarray
    label: int
    target: int
    total: int
    pair: int


@dataclass(frozen=True)
class AttackTrajectoriesData:
    """Trajectories of the four types in one layer; `steps` (t,) of the attack, mean directions (c, e)."""

    trajectories: list[Trajectories]
    steps: list[int]
    mean_directions: np.ndarray
    classes: list[str]
    layer: str
    attack: str


def data(results: StudyResults, layer: str | None = None, most: int = SHOWN) -> AttackTrajectoriesData:
    """Return what the figure shows: up to `most` trajectories of each type in a `layer`, by default the last.

    For each type, the pair of classes with the most trajectories is shown.
    """
    layer = choose_layer(results, AttackAnalysisResult, layer)
    attack, analysis = results.load(AttackResult), results.load(AttackAnalysisResult, layer=layer)
    path = attack.layers[layer].embedding.numpy()
    types, unit = analysis.trajectory.numpy(), analysis.unit_strength or 1.0
    ends = np.stack([results.images.labels.numpy(), attack.targets.numpy()], axis=1)
    groups = []
    for type_ in TITLES:
        images, regions = np.nonzero(types == type_)
        members, pair = _commonest(ends[images])
        # The seed keeps its old name, so that the same trajectories are drawn.
        rng = np.random.default_rng(results.drawing_seed("ways", type_.name))
        chosen = rng.permutation(members)[:most]
        points = path[:, images[chosen], regions[chosen]].transpose(1, 0, 2) / unit
        groups.append(Trajectories(type_, points, *pair, total=len(images), pair=len(members)))
    directions = results.sample().mean_directions.numpy()
    return AttackTrajectoriesData(groups, attack.steps, directions, results.classes, layer, attack.title)


def _commonest(pairs: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Rows with the most frequent pair, and the pair; the classes 0 and 1 without any row."""
    if not len(pairs):
        return np.zeros(0, dtype=int), (0, 1)
    distinct, counts = np.unique(pairs, axis=0, return_counts=True)
    label, target = distinct[counts.argmax()].tolist()
    return np.flatnonzero((pairs == (label, target)).all(axis=1)), (label, target)


def between(own: np.ndarray, target: np.ndarray, axes: np.ndarray) -> View:
    """Return the view from between two mean directions, raised by 50 degrees.

    The own direction points left and the target's right, at the same angle. In two dimensions, the plane is shown in
    this way. Of more than three dimensions, those spanned by the two directions (e,) are shown, and the first of `axes`
    (a, e) beyond these.

    Source: the reference code looks from between; from above, trajectories through the origin can be distinguished from
    those around it.

    >>> between(np.array([1.0, 0.0]), np.array([0.0, 1.0]), np.eye(2)).matrix.round(2).tolist()
    [[-0.71, 0.71], [0.71, 0.71]]
    """
    own, target = own.astype(float), target.astype(float)
    shown = spanned([target - own, target + own, *axes, *np.eye(len(own))], min(SHOWN_AXES, len(own)))
    if len(shown) == 2:
        return View(shown, np.eye(2))
    if len(own) == SHOWN_AXES:
        shown[2] = np.cross(shown[0], shown[1])
    towards = np.array([0.0, np.cos(_RAISED), np.sin(_RAISED)])
    right = np.array([1.0, 0.0, 0.0])
    return View(shown, np.stack([right, np.cross(towards, right), towards]))


@figure_style()
def draw(shown: AttackTrajectoriesData) -> Figure:
    """Return the figure, seen as :func:`between` says. Source: Sec. 4 in content."""
    figure = layout.new_figure(len(shown.trajectories) * _PANEL, _TOP + _HEAD + _TALL + _FOOT)
    for place, group in enumerate(shown.trajectories):
        _draw_group(layout.add_panel(figure, place * _PANEL, _TOP + _HEAD, _PANEL, _TALL), group, shown)
    meaning = (
        f"{shown.layer}; {shown.attack}. View from between the mean directions of true class and target, "
        "50° above their plane. Circle: the layer's mean strength."
    )
    layout.write_heading(figure, "Trajectories of regional embeddings under an attack", meaning, *_dimensions(shown))
    _draw_scale(figure, shown.steps)
    return figure


def _dimensions(shown: AttackTrajectoriesData) -> list[str]:
    """The note on the shown part of a space of more than three dimensions."""
    e = shown.mean_directions.shape[1]
    part = f"Shown: {SHOWN_AXES} of {e} dimensions, in which both mean directions lie; lengths appear shorter."
    return [part] if e > SHOWN_AXES else []


def _draw_group(axes: Any, group: Trajectories, shown: AttackTrajectoriesData) -> None:
    """One type; each panel has its own scale, shown by the circle."""
    pair = [group.label, group.target]
    names = [shown.classes[label] for label in pair]
    regions = "region" if group.total == 1 else "regions"
    count = f"{group.total:,} {regions}; shown: {len(group.points)} of {group.pair:,}, {names[0]} → {names[1]}"
    note = shortened(count, 6.5, _PANEL * 70) if group.total else "no region has this trajectory"
    layout.write_above(axes, 0.28, TITLES[group.type], note)
    directions = shown.mean_directions[pair]
    view = between(directions[0], directions[1], shown_axes(shown.mean_directions))
    length = max(1.8, 1.05 * float(np.linalg.norm(group.points, axis=-1).max(initial=0)))
    scale = _frame(axes, group, directions * length, view)
    if not group.total:
        return
    space.draw_sphere(axes, view, 1.0)
    marks = named_marks(shown.classes)
    tips = space.draw_arrows(axes, directions, view, length, [marks[label] for label in pair])
    space.draw_names(axes, tips, [f"{names[0]} (true)", f"{names[1]} (target)"], scale, size=6.5, width=70)
    for points in group.points:
        _draw_trajectory(axes, points, view)


def _frame(axes: Any, group: Trajectories, tips: np.ndarray, view: View) -> float:
    """Make room in the axes for trajectories, tips and the unit sphere; return points per data unit."""
    seen = project(np.concatenate([group.points.reshape(-1, tips.shape[1]), tips]), view)[:, :2]
    right = 1.22 * max(1.0, float(np.abs(seen[:, 0]).max()))
    up, down = 1.15 * max(1.0, float(seen[:, 1].max())), 1.15 * max(1.0, float(-seen[:, 1].min()))
    unit = max(2 * right / _PANEL, (up + down) / _TALL)
    space.prepare(axes, (unit * _PANEL / 2, up))
    spare = unit * _TALL - up - down
    axes.set_ylim(-down - spare / 2, up + spare / 2)
    return 72 / unit


def _draw_trajectory(axes: Any, points: np.ndarray, view: View) -> None:
    """A curve in the colours of the steps, from an open circle to a full one."""
    from matplotlib.collections import LineCollection

    places, curve = smooth_path(points, _POINTS)
    seen = project(curve, view)[:, :2]
    pieces = np.stack([seen[:-1], seen[1:]], axis=1)
    for colours, width in (({"colors": "white"}, 2.6), ({"cmap": path_shades(), "array": places[1:]}, 1.4)):
        lines = LineCollection(list(pieces), linewidths=width, capstyle="round", zorder=5, **colours)
        if "array" in colours:
            lines.set_clim(0, len(points) - 1)
        axes.add_collection(lines)
    shades = path_shades()
    start, end = project(points[[0, -1]], view)[:, :2]
    axes.plot(*start, "o", ms=4.2, mfc="white", mec=shades(0.0), mew=1.1, zorder=6)
    axes.plot(*end, "o", ms=4.2, mfc=shades(1.0), mec=INK, mew=0.5, zorder=6)


def _draw_scale(figure: Figure, steps: list[int]) -> None:
    """The colours of the steps."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    width, height = figure.get_size_inches()
    scale = layout.add_panel(figure, width / 2 - 1.2, height - 0.43, 2.4, 0.07)
    colours = ScalarMappable(Normalize(steps[0], steps[-1]), path_shades())
    bar = figure.colorbar(colours, cax=scale, orientation="horizontal")
    bar.set_label("step of the attack (open circle: clean image)", fontsize=SMALL, labelpad=2)
    bar.set_ticks([steps[0], steps[len(steps) // 2], steps[-1]])


def table(shown: AttackTrajectoriesData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: a kept step of each trajectory shown."""
    return [
        {
            "layer": shown.layer,
            "type": int(group.type),
            "name": group.type.name.lower(),
            "trajectory": number,
            "class": shown.classes[group.label],
            "target": shown.classes[group.target],
            "step": step,
            **space.coordinates(point),
        }
        for group in shown.trajectories
        for number, points in enumerate(group.points)
        for step, point in zip(shown.steps, points, strict=True)
    ]


def about(shown: AttackTrajectoriesData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    regions = {group.type.name.lower(): {"shown": len(group.points), "of": group.total} for group in shown.trajectories}
    return {"layer": shown.layer, "attack": shown.attack, "regions": regions}


_READS = (IMAGES, SAMPLE, reads(AttackResult), ATTACK_ANALYSIS)
FIGURE = StudyFigure("attack_trajectories", data, draw, table, about, _READS, version=5, weight=1.0)
