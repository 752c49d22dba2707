"""Figure: ways of regional embeddings under an attack, one panel a type, from the own class to the target."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import ADVERSARIAL, CLASSES, Findings, attack_text
from patternscope.figures.labels import shortened
from patternscope.figures.smoothing import smooth_path
from patternscope.figures.space import draw_arrows, draw_names, draw_sphere, prepare, project
from patternscope.figures.style import INK, NORMAL, SMALL, SOFT, TITLE, class_marks, figure_style
from patternscope.knowledge import Trajectory
from patternscope.workflow.stages import Need, layer_folder

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "attack_trajectories"
SHOWN = 6
TITLES = {
    Trajectory.PAST_ORIGIN: "to the target past the origin",
    Trajectory.THROUGH_ORIGIN: "to the target through the origin",
    Trajectory.FROM_NOTHING: "no feature becomes the target's",
    Trajectory.TO_NOTHING: "the own feature vanishes",
}
_POINTS = 120
_RAISED = np.radians(50)  # how far the eye is above the plane of the two mean directions
_PANEL, _TALL, _TOP, _HEAD, _FOOT = 2.7, 1.9, 0.6, 0.5, 0.62


@dataclass(frozen=True)
class Ways:
    """Ways of one type between one pair of classes: points (m, t, e) in units of the layer's mean strength.

    `total` regions of the layer go this way, `pair` of them between these two classes.
    """

    kind: Trajectory
    points: np.ndarray
    label: int
    target: int
    total: int
    pair: int


@dataclass(frozen=True)
class AttackTrajectoriesData:
    """Ways of the four types in one layer; `steps` (t,) of the attack, mean directions (c, e)."""

    ways: list[Ways]
    steps: list[int]
    mean_directions: np.ndarray
    classes: list[str]
    layer: str
    attack: str


def data(findings: Findings, layer: str | None = None) -> AttackTrajectoriesData:
    """Return what the figure shows: up to six ways of each type in the last layer or another.

    Of each type the pair of classes is shown that most ways lie between.
    """
    layer = findings.layers("adversarial")[-1] if layer is None else layer
    about, attack = findings.record("attack"), findings.arrays("attack")
    path = findings.arrays("attack", file=layer_folder(layer))["embedding"]
    kinds = findings.arrays("adversarial", layer=layer)["trajectory"]
    unit = findings.record("adversarial", layer=layer)["unit_strength"] or 1.0
    labels = findings.arrays("images", file="samples")["labels"]
    ways = []
    for kind in TITLES:
        images, regions = np.nonzero(kinds == kind)
        pairs = np.stack([labels[images], attack["targets"][images]], axis=1)
        chosen, pair = _commonest(pairs)
        picked = np.random.default_rng(findings.drawing_seed("ways", kind.name)).permutation(chosen)[:SHOWN]
        points = path[:, images[picked], regions[picked]].transpose(1, 0, 2) / unit
        ways.append(Ways(kind, points, *pair, total=len(images), pair=len(chosen)))
    directions = findings.arrays("sample")["mean_directions"]
    text = attack_text(about["norm"], about["epsilon"])
    return AttackTrajectoriesData(ways, about["steps"], directions, findings.classes, layer, text)


def _commonest(pairs: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """Rows that hold the commonest pair, and the pair; the classes 0 and 1 where there is no row."""
    if not len(pairs):
        return np.zeros(0, dtype=int), (0, 1)
    found, counts = np.unique(pairs, axis=0, return_counts=True)
    label, target = found[counts.argmax()].tolist()
    return np.flatnonzero((pairs == (label, target)).all(axis=1)), (label, target)


def between(own: np.ndarray, target: np.ndarray) -> np.ndarray:
    """Return the view from between two mean directions, raised by 50 degrees: rows right, up, towards the eye.

    The own direction points left and the target's right, at the same angle. In two dimensions the plane is
    shown so. Source: the reference's demo looks from between; raising the eye, by which ways through the
    origin can be told from ways past it, is this project's. Unit vectors (e,) twice -> (2, 2) or (3, 3), of
    the first three coordinates.

    >>> between(np.array([1.0, 0.0]), np.array([0.0, 1.0])).round(2).tolist()
    [[-0.71, 0.71], [0.71, 0.71]]
    """
    own, target = own[:3].astype(float), target[:3].astype(float)
    dim = len(own)
    axes: list[np.ndarray] = []
    for wanted in (target - own, target + own, *np.eye(dim)):
        rest = wanted - sum((axis @ wanted) * axis for axis in axes)
        length = np.linalg.norm(rest)
        if length > 1e-6 and len(axes) < dim:
            axes.append(rest / length)
    if dim == 2:
        return np.stack(axes)
    right, middle = axes[0], axes[1]
    above = np.cross(right, middle)
    towards = np.cos(_RAISED) * middle + np.sin(_RAISED) * above
    return np.stack([right, np.cross(towards, right), towards])


def draw(shown: AttackTrajectoriesData) -> "Figure":
    """Return the figure. Source: Sec. 4 in content; the view is :func:`between`."""
    from matplotlib.figure import Figure

    width, height = len(shown.ways) * _PANEL, _TOP + _HEAD + _TALL + _FOOT
    with figure_style():
        figure = Figure(figsize=(width, height))
        for place, ways in enumerate(shown.ways):
            box = (place / len(shown.ways), _FOOT / height, _PANEL / width, _TALL / height)
            _draw_ways(figure.add_axes(box), ways, shown)
        _write(figure, shown)
    return figure


def _draw_ways(axes: Any, ways: Ways, shown: AttackTrajectoriesData) -> None:
    """One type; each panel has its own scale, which the circle tells."""
    pair = [ways.label, ways.target]
    names = [shown.classes[each] for each in pair]
    regions = "region" if ways.total == 1 else "regions"
    said = f"{ways.total:,} {regions}; shown: {len(ways.points)} of {ways.pair:,}, {names[0]} → {names[1]}"
    said = shortened(said, 6.5, _PANEL * 70) if ways.total else "no region goes this way"
    for text, top, style in (
        (TITLES[ways.kind], 1.15, {"weight": "bold", "fontsize": NORMAL}),
        (said, 1.06, {"fontsize": 6.5, "color": SOFT}),
    ):
        axes.text(0.5, top, text, transform=axes.transAxes, ha="center", **style)
    directions = shown.mean_directions[pair]
    view = between(*directions)
    length = max(1.8, 1.05 * float(np.linalg.norm(ways.points, axis=-1).max(initial=0)))
    scale = _frame(axes, ways, directions * length, view)
    if not ways.total:
        return
    draw_sphere(axes, view, 1.0)
    marks = class_marks(len(shown.classes))
    tips = draw_arrows(axes, directions, view, length, [marks[each] for each in pair])
    draw_names(axes, tips, [f"{names[0]} (own)", f"{names[1]} (target)"], scale, size=6.5, width=70)
    for points in ways.points:
        _draw_way(axes, points, view)


def _frame(axes: Any, ways: Ways, tips: np.ndarray, view: np.ndarray) -> float:
    """Make the axes a space in which ways, tips and the unit sphere have room; return points a data unit."""
    seen = project(np.concatenate([ways.points.reshape(-1, tips.shape[1]), tips]), view)[:, :2]
    right = 1.22 * max(1.0, float(np.abs(seen[:, 0]).max()))
    up, down = 1.15 * max(1.0, float(seen[:, 1].max())), 1.15 * max(1.0, float(-seen[:, 1].min()))
    unit = max(2 * right / _PANEL, (up + down) / _TALL)
    prepare(axes, (unit * _PANEL / 2, up))
    spare = unit * _TALL - up - down
    axes.set_ylim(-down - spare / 2, up + spare / 2)
    return 72 / unit


def _draw_way(axes: Any, points: np.ndarray, view: np.ndarray) -> None:
    """A curve in the colours of the steps, from an open circle to a full one."""
    from matplotlib.collections import LineCollection

    places, curve = smooth_path(points, _POINTS)
    seen = project(curve, view)[:, :2]
    pieces = np.stack([seen[:-1], seen[1:]], axis=1)
    last = len(points) - 1
    for colours, width in (({"colors": "white"}, 2.6), ({"cmap": "viridis", "array": places[1:]}, 1.4)):
        lines = LineCollection(list(pieces), linewidths=width, capstyle="round", zorder=5, **colours)
        if "array" in colours:
            lines.set_clim(0, last)
        axes.add_collection(lines)
    from matplotlib import colormaps

    shades = colormaps["viridis"]
    start, end = project(points[[0, -1]], view)[:, :2]
    axes.plot(*start, "o", ms=4.2, mfc="white", mec=shades(0.0), mew=1.1, zorder=6)
    axes.plot(*end, "o", ms=4.2, mfc=shades(1.0), mec=INK, mew=0.5, zorder=6)


def _write(figure: "Figure", shown: AttackTrajectoriesData) -> None:
    """Title, explanation and the scale of steps."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    width, height = figure.get_size_inches()
    left = 0.12 / width
    title = "Ways of regional embeddings under an attack"
    figure.text(left, 1 - 0.2 / height, title, fontsize=TITLE, weight="bold", va="center")
    meaning = (
        f"{shown.layer}; {shown.attack}. Seen from between the mean directions of own class and target, "
        "from 50° above. Circle: the layer's mean strength."
    )
    figure.text(left, 1 - 0.42 / height, meaning, fontsize=SMALL, color=SOFT, va="center")
    scale = figure.add_axes((0.5 - 1.2 / width, 0.36 / height, 2.4 / width, 0.07 / height))
    steps = Normalize(shown.steps[0], shown.steps[-1])
    bar = figure.colorbar(ScalarMappable(steps, "viridis"), cax=scale, orientation="horizontal")
    bar.set_label("step of the attack (open circle: clean image)", fontsize=SMALL, labelpad=2)
    bar.set_ticks([shown.steps[0], shown.steps[len(shown.steps) // 2], shown.steps[-1]])


def table(shown: AttackTrajectoriesData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: a kept step of each way shown."""
    return [
        {
            "layer": shown.layer,
            "type": int(ways.kind),
            "name": ways.kind.name.lower(),
            "way": way,
            "class": shown.classes[ways.label],
            "target": shown.classes[ways.target],
            "step": step,
            **{f"x{axis + 1}": float(value) for axis, value in enumerate(point)},
        }
        for ways in shown.ways
        for way, points in enumerate(ways.points)
        for step, point in zip(shown.steps, points, strict=True)
    ]


def about(shown: AttackTrajectoriesData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    return {
        "layer": shown.layer,
        "attack": shown.attack,
        "regions": {
            each.kind.name.lower(): {"shown": len(each.points), "of": each.total} for each in shown.ways
        },
    }


FIGURE = StudyFigure(NAME, data, draw, table, about)
STAGE = FIGURE.stage(
    CLASSES,
    Need("sample", ("sample.safetensors",), checkpoint="last"),
    Need("attack"),
    ADVERSARIAL,
    version=2,
    weight=1.0,
)
