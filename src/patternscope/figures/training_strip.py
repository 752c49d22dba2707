"""Figure: the sample embeddings over training, a panel per checkpoint, all in one frame and on one scale."""

from dataclasses import asdict
from typing import Any

from patternscope.figures.drawing import layout, space
from patternscope.figures.drawing.annotations import Axes, Figure, StudyResults
from patternscope.figures.drawing.checkpoint_embeddings import (
    COVERED,
    CheckpointEmbedding,
    TrainingData,
    draw_checkpoint,
    read_training,
)
from patternscope.figures.drawing.choices import Classes
from patternscope.figures.drawing.ellipses import ellipse_cells
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.needs import ALL_SAMPLES, ALL_TRAINING, IMAGES
from patternscope.figures.drawing.style import NORMAL, figure_style
from patternscope.figures.drawing.views import dimension_note, project, view_cells

MOST = 12  # panels
_PANEL, _HEAD, _TOP, _FOOT = 2.1, 0.44, 0.7, 0.3
_NAMED = 40  # classes that a legend can list


def data(results: StudyResults, classes: Classes = None, most: int = MOST) -> TrainingData:
    """Return what the figure shows: samples of `classes` at up to `most` checkpoints, from the first visible one."""
    return read_training(results, classes, most)


@figure_style()
def draw(shown: TrainingData) -> Figure:
    """Return the figure. Source: Sec. 4, Fig. 2 in content."""
    across, lines = layout.fold(len(shown.checkpoints))
    width = max(across * _PANEL, 8.2)  # the footer is as long
    legend = 0.08 + layout.legend_height(width, len(shown.classes)) if len(shown.classes) <= _NAMED else 0.0
    pitch = _PANEL + _HEAD
    view, reach = shown.view, shown.reach
    figure = layout.new_figure(width, _TOP + lines * pitch + _FOOT + legend)
    for place, at in enumerate(shown.checkpoints):
        left = (place % across + 0.5) * width / across - _PANEL / 2
        axes = layout.add_panel(figure, left, _TOP + place // across * pitch + _HEAD, _PANEL, _PANEL)
        space.prepare(axes, (reach, reach))
        space.draw_sphere(axes, view, shown.radius)
        draw_checkpoint(axes, shown, at, view, size=5)
        _name_checkpoint(axes, at)
    _explain(figure, shown)
    if legend:
        layout.draw_class_legend(figure, shown.classes, _FOOT - 0.02)
    return figure


def _name_checkpoint(axes: Axes, at: CheckpointEmbedding) -> None:
    """The checkpoint, its accuracy, its strength, and its alignment with the one before."""
    name = at.name if at.step is None else f"step {at.step}"
    accuracy = "" if at.accuracy is None else f"accuracy {at.accuracy:.2f}, "
    notes = [f"{accuracy}strength {at.strength:.2g}"]
    if at.alignment is not None:
        rotation = f"remaining rotation {at.alignment.angle_degrees:.1f}°"
        notes.append(f"residual {at.alignment.residual:.2f}, {rotation}")
    layout.write_above(axes, 0.27, shortened(name, NORMAL, 130), *notes)


def _explain(figure: Figure, shown: TrainingData) -> None:
    """Title and the meaning of the marks."""
    count = len(shown.checkpoints)
    part = f"{count} of {shown.total} checkpoints, " if count < shown.total - shown.before else ""
    meaning = (
        f"{part}{len(shown.samples.numbers)} images by {shown.classes.kind}, in one frame. Each ellipse covers "
        f"{100 * COVERED:.0f} % of a class in this view."
    )
    notes = " ".join([*dimension_note(shown.view), shown.omitted]).strip()
    layout.write_heading(figure, "Sample embedding over training", meaning, *([notes] if notes else []))
    layout.write_foot(
        figure,
        "Arrows: mean directions, as long as the class is strong. Circle: median strength at the last checkpoint, "
        f"{shown.radius:.2g}. Residual and rotation: to the checkpoint before.",
    )


def table(shown: TrainingData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: checkpoint and class with strength, ellipse and mean direction.

    Ellipses are those of the figure's view.
    """
    view = shown.view
    return [
        {
            "checkpoint": at.checkpoint,
            "name": at.name,
            "class": name,
            "strength": float(strength),
            **ellipse_cells(ellipse),
            **space.coordinates(direction, "mu"),
        }
        for at in shown.checkpoints
        for name, strength, ellipse, direction in zip(
            shown.classes.names,
            shown.class_strengths(at),
            shown.ellipses(project(at.embedding, view)[:, :2]),
            at.mean_directions,
            strict=True,
        )
    ]


def about(shown: TrainingData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    return {
        "checkpoints": [at.name for at in shown.checkpoints],
        "of": shown.total,
        "omitted": shown.before,
        "images": len(shown.samples.numbers),
        "ellipses_cover": COVERED,
        "alignment": [None if at.alignment is None else asdict(at.alignment) for at in shown.checkpoints],
        **view_cells(shown.view),
    }


_READS = (IMAGES, ALL_TRAINING, ALL_SAMPLES)
FIGURE = StudyFigure("training_strip", data, draw, table, about, _READS, version=5, weight=1.5, least_checkpoints=2)
