"""Figure: the sample embeddings through training, a panel a checkpoint, all in one frame and on one scale."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from patternscope.figures.ellipses import coverage_ellipse
from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import IMAGES, Findings
from patternscope.figures.labels import draw_class_legend, legend_height, shortened
from patternscope.figures.sample_embedding import dimension_note
from patternscope.figures.space import choose_view, draw_arrows, draw_points, draw_sphere, prepare, project
from patternscope.figures.style import NORMAL, SMALL, SOFT, TITLE, class_marks, figure_style
from patternscope.workflow.stages import Need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "training_strip"
COVERED = 0.8
MOST = 12  # panels
_ACROSS, _PANEL, _HEAD, _TOP, _FOOT = 4, 2.1, 0.44, 0.6, 0.3
_NAMED = 40  # classes that a legend can list
ALL_CHECKPOINTS = (
    IMAGES,
    Need("training", ("training.json",), checkpoint="all"),
    Need("sample", ("sample.safetensors", "sample.json"), checkpoint="all"),
)


@dataclass(frozen=True)
class Moment:
    """A checkpoint: embedding (n, e), mean directions (c, e), and what is known of it.

    `alignment` is what the stage sample found when it turned the embedding to the one before; None for the
    first.
    """

    checkpoint: int
    name: str
    step: int | None
    embedding: np.ndarray
    mean_directions: np.ndarray
    accuracy: float
    alignment: dict[str, float] | None


@dataclass(frozen=True)
class TrainingData:
    """The sample embeddings of some checkpoints, of `total`, in the order of training, with labels (n,)."""

    moments: list[Moment]
    labels: np.ndarray
    classes: list[str]
    total: int

    @property
    def view(self) -> np.ndarray:
        """The view of all panels: the one that shows the last checkpoint best."""
        return choose_view(self.moments[-1].mean_directions)

    @property
    def reach(self) -> float:
        """Half a panel, the same for all, in units of strength; one sample in 200 may lie outside."""
        strengths = [np.linalg.norm(each.embedding, axis=1) for each in self.moments]
        return 1.05 * max(float(np.quantile(each, 0.995)) for each in strengths) or 1.0

    @property
    def radius(self) -> float:
        """Median strength at the last checkpoint, for the sphere of all panels."""
        return float(np.median(np.linalg.norm(self.moments[-1].embedding, axis=1)))


def data(findings: Findings, most: int = MOST) -> TrainingData:
    """Return the embeddings of up to `most` checkpoints, evenly chosen, the first and the last among them."""
    known = findings.checkpoints("sample")
    chosen = np.unique(np.linspace(0, len(known) - 1, min(most, len(known))).round().astype(int))
    if most == 1:
        chosen = np.array([len(known) - 1])
    labels = findings.arrays("images", file="samples")["labels"]
    return TrainingData(
        [_moment(findings, known[place]) for place in chosen], labels, findings.classes, len(known)
    )


def _moment(findings: Findings, checkpoint: int) -> Moment:
    """One checkpoint."""
    trained, fitted = findings.record("training", checkpoint), findings.arrays("sample", checkpoint)
    return Moment(
        checkpoint=checkpoint,
        name=trained["name"],
        step=trained["step"],
        embedding=fitted["embedding"],
        mean_directions=fitted["mean_directions"],
        accuracy=trained["held_out_accuracy"],
        alignment=findings.record("sample", checkpoint)["alignment"],
    )


def draw(shown: TrainingData) -> "Figure":
    """Return the figure. Source: Sec. 4, Fig. 2 in content; the drawing is this project's."""
    from matplotlib.figure import Figure

    across = min(_ACROSS, len(shown.moments))
    lines = -(-len(shown.moments) // across)
    width = max(across * _PANEL, 6.4)
    legend = 0.08 + legend_height(width, len(shown.classes)) if len(shown.classes) <= _NAMED else 0.0
    pitch, foot = _PANEL + _HEAD, _FOOT + legend
    height = _TOP + lines * pitch + foot
    view, reach = shown.view, shown.reach
    with figure_style():
        figure = Figure(figsize=(width, height))
        for place, moment in enumerate(shown.moments):
            left = (place % across + 0.5) * width / across - _PANEL / 2
            top = _TOP + place // across * pitch + _HEAD
            box = (left / width, 1 - (top + _PANEL) / height, _PANEL / width, _PANEL / height)
            axes = figure.add_axes(box)
            prepare(axes, (reach, reach))
            draw_sphere(axes, view, shown.radius)
            draw_moment(axes, shown, moment, view, size=5)
            _draw_heading(axes, moment)
        _write(figure, shown)
        if legend:
            draw_class_legend(figure, shown.classes, _FOOT - 0.02)
    return figure


def draw_moment(axes: Any, shown: TrainingData, moment: Moment, view: np.ndarray, *, size: float) -> None:
    """Draw one checkpoint: points, a coverage ellipse a class, mean directions as long as their class is strong."""
    from matplotlib.patches import Ellipse as Patch

    marks = class_marks(len(shown.classes))
    seen = project(moment.embedding, view)
    draw_points(axes, seen, marks, shown.labels, size=size)
    for label, mark in enumerate(marks):
        found = coverage_ellipse(seen[shown.labels == label, :2], COVERED)
        if found is not None:
            across, along = (2 * each for each in found.half_axes)
            patch = Patch(tuple(found.centre), across, along, angle=found.angle, zorder=2.5)
            patch.set(facecolor="none", edgecolor=mark.colour, linewidth=0.9)
            axes.add_patch(patch)
    strengths = class_strengths(moment.embedding, shown.labels, len(marks))
    # An arrow shorter than its own head would show a head and no direction.
    long = strengths > 0.12 * axes.get_xlim()[1]
    arrows = moment.mean_directions[long] * strengths[long, None]
    draw_arrows(axes, arrows, view, 1.0, [mark for mark, keep in zip(marks, long, strict=True) if keep])


def class_strengths(embedding: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """Return the mean strength of each class's samples (count,), 0 where there is none.

    >>> class_strengths(np.array([[3.0, 4.0], [0.0, 1.0]]), np.array([0, 0]), 2).tolist()
    [3.0, 0.0]
    """
    strength = np.linalg.norm(embedding.astype(float), axis=1)
    return np.bincount(labels, strength, minlength=count) / np.maximum(
        1, np.bincount(labels, minlength=count)
    )


def _draw_heading(axes: Any, moment: Moment) -> None:
    """Which checkpoint, how accurate, how strong, and how it lies to the one before."""
    when = moment.name if moment.step is None else f"step {moment.step}"
    strength = float(np.median(np.linalg.norm(moment.embedding, axis=1)))
    said = f"accuracy {moment.accuracy:.2f}, strength {strength:.2g}"
    place = {"transform": axes.transAxes, "ha": "center", "va": "bottom"}
    axes.text(0.5, 1.12, shortened(when, NORMAL, 130), weight="bold", fontsize=NORMAL, **place)
    axes.text(0.5, 1.05, said, fontsize=6.5, color=SOFT, **place)
    if moment.alignment is not None:
        turn = f"remaining turn {moment.alignment['angle_degrees']:.1f}°"
        residual = f"residual {moment.alignment['residual']:.2f}, {turn}"
        axes.text(0.5, 0.985, residual, fontsize=6.5, color=SOFT, **place)


def _write(figure: "Figure", shown: TrainingData) -> None:
    """Title and what is what."""
    width, height = figure.get_size_inches()
    left = 0.12 / width
    title = "Sample embedding through training"
    figure.text(left, 1 - 0.2 / height, title, fontsize=TITLE, weight="bold", va="center")
    note = dimension_note(shown.moments[0].embedding.shape[1])
    count = len(shown.moments)
    part = f"{count} of {shown.total} checkpoints, " if count < shown.total else ""
    meaning = (
        f"{part}{len(shown.labels)} images by true class, in one frame. Ellipses cover "
        f"{100 * COVERED:.0f} % of a class as seen.{note}"
    )
    figure.text(left, 1 - 0.42 / height, meaning, fontsize=SMALL, color=SOFT, va="center")
    about = (
        "Arrows: mean directions, as long as their class is strong. Circle: median strength at last, "
        f"{shown.radius:.2g}. Residual, turn: to the checkpoint before."
    )
    figure.text(left, 0.14 / height, about, fontsize=SMALL - 0.5, color=SOFT, va="center")


def table(shown: TrainingData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: checkpoint and class with strength, ellipse and mean direction.

    Ellipses are those of the figure's view.
    """
    view = shown.view
    rows = []
    for moment in shown.moments:
        seen = project(moment.embedding, view)[:, :2]
        strengths = class_strengths(moment.embedding, shown.labels, len(shown.classes))
        for label, name in enumerate(shown.classes):
            found = coverage_ellipse(seen[shown.labels == label], COVERED)
            centre = (None, None) if found is None else (float(found.centre[0]), float(found.centre[1]))
            rows.append(
                {
                    "checkpoint": moment.checkpoint,
                    "name": moment.name,
                    "class": name,
                    "strength": float(strengths[label]),
                    "centre_right": centre[0],
                    "centre_up": centre[1],
                    "long": None if found is None else found.half_axes[0],
                    "short": None if found is None else found.half_axes[1],
                    "angle": None if found is None else found.angle,
                    **{f"mu{axis + 1}": float(x) for axis, x in enumerate(moment.mean_directions[label])},
                }
            )
    return rows


def about(shown: TrainingData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    return {
        "checkpoints": [each.name for each in shown.moments],
        "of": shown.total,
        "images": len(shown.labels),
        "ellipses_cover": COVERED,
        "alignment": [each.alignment for each in shown.moments],
    }


FIGURE = StudyFigure(NAME, data, draw, table, about)
STAGE = FIGURE.stage(*ALL_CHECKPOINTS, weight=1.5)
