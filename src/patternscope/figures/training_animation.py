"""Figure: the sample embedding moving over training, as an animated gif."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

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
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import checkpoint_labels, shortened
from patternscope.figures.drawing.needs import ALL_SAMPLES, ALL_TRAINING, IMAGES
from patternscope.figures.drawing.saving import save_table
from patternscope.figures.drawing.style import FAINT, INK, SMALL, SOFT, figure_style
from patternscope.figures.drawing.views import View, dimension_note, view_cells

MOST = 24  # checkpoints
_DPI = 100
_SIDE, _TOP, _FOOT = 4.8, 0.8, 0.5
_NAMED = 20
_BETWEEN, _MOST_BETWEEN = 36, 8  # frames between checkpoints, all together and between two
_WHITE = 245
_STAY, _MOVE, _END = 700, 90, 2500  # milliseconds


@dataclass(frozen=True)
class Frame:
    """A frame of the animation: its content, the position in training, and its duration."""

    at: CheckpointEmbedding
    place: float
    milliseconds: int


def data(results: StudyResults, classes: Classes = None, most: int = MOST) -> TrainingData:
    """Return what the animation shows: samples of `classes` at up to `most` checkpoints."""
    return read_training(results, classes, most)


def frames(shown: TrainingData) -> Iterator[Frame]:
    """Yield the content of each frame: embedding and directions, the position in training, milliseconds.

    A checkpoint's position is its index among those shown; frames between two lie on straight lines, slower at both
    ends.
    """
    steps = max(1, min(_MOST_BETWEEN, _BETWEEN // max(1, len(shown.checkpoints) - 1)))
    for place, at in enumerate(shown.checkpoints):
        last = place == len(shown.checkpoints) - 1
        yield Frame(at, float(place), _END if last else _STAY)
        for step in range(1, 0 if last else steps):
            share = step / steps
            eased = share * share * (3 - 2 * share)
            yield Frame(_between(at, shown.checkpoints[place + 1], eased), place + eased, _MOVE)


def _between(before: CheckpointEmbedding, after: CheckpointEmbedding, share: float) -> CheckpointEmbedding:
    """The frames between one checkpoint and the next."""
    directions = (1 - share) * before.mean_directions + share * after.mean_directions
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    return replace(
        after if share > 0.5 else before,
        embedding=(1 - share) * before.embedding + share * after.embedding,
        mean_directions=directions / np.maximum(lengths, 1e-9),
    )


@figure_style()
def draw(shown: TrainingData) -> Figure:
    """Return the last frame."""
    figure, axes = _empty(shown)
    _draw_ground(figure, axes, shown)
    _draw_frame(figure, axes, shown, list(frames(shown))[-1], shown.view)
    return figure


def _draw_ground(figure: Figure, axes: Axes, shown: TrainingData) -> None:
    """The static parts: title, sphere, the time line, legend."""
    space.draw_sphere(axes, shown.view, shown.radius)
    count, covered = len(shown.samples.numbers), f"{100 * COVERED:.0f} % of a class"
    start = f", from {shown.checkpoints[0].name} on" if shown.before else ""
    meaning = f"{count} images by {shown.classes.kind}{start}; each ellipse covers {covered} in this view."
    layout.write_heading(figure, "Sample embedding over training", meaning, *dimension_note(shown.view))
    _draw_time(figure, shown)
    if len(shown.classes) <= _NAMED:
        layout.draw_class_legend(figure, shown.classes, 0.08)


def _draw_frame(figure: Figure, axes: Axes, shown: TrainingData, frame: Frame, view: View) -> None:
    """The moving parts: the embedding, the accuracy, the position in training."""
    draw_checkpoint(axes, shown, frame.at, view, size=11 if len(shown.samples.numbers) < 2000 else 6)
    layout.write_text(
        figure,
        0.1,
        0.73,
        "" if frame.at.accuracy is None else f"held-out accuracy {frame.at.accuracy:.2f}",
        fontsize=SMALL,
    )
    _time_axes(figure, shown).plot([frame.place], [0], "o", color=INK, markersize=7)


def _empty(shown: TrainingData) -> tuple[Figure, Axes]:
    """A figure with the axes of the radial space."""
    figure = layout.new_figure(_SIDE + 0.4, _TOP + _SIDE + _foot(shown), dpi=_DPI)
    axes = layout.add_panel(figure, 0.2, _TOP, _SIDE, _SIDE)
    space.prepare(axes, (shown.reach, shown.reach))
    return figure, axes


def _foot(shown: TrainingData) -> float:
    """Inches below the radial space: the time line, and the legend if there is one."""
    classes = len(shown.classes)
    return _FOOT + (0.12 + layout.legend_height(_SIDE + 0.4, classes) if classes <= _NAMED else 0)


def _time_axes(figure: Figure, shown: TrainingData) -> Axes:
    """Axes of the time line, a unit per checkpoint."""
    width, height = figure.get_size_inches()
    axes = layout.add_panel(figure, 0.35, height - _foot(shown) + 0.26 - 0.03 * height, width - 0.7, 0.03 * height)
    last = max(1, len(shown.checkpoints) - 1)
    axes.set_axis_off()
    axes.set(xlim=(-0.02 * last, 1.02 * last), ylim=(-1, 1))
    axes.patch.set_alpha(0)
    return axes


def _draw_time(figure: Figure, shown: TrainingData) -> None:
    """A line with a mark per checkpoint, and the steps of some."""
    axes, count = _time_axes(figure, shown), len(shown.checkpoints)
    axes.plot([0, max(1, count - 1)], [0, 0], color=FAINT, linewidth=1.5, zorder=0)
    axes.plot(range(count), [0] * count, "o", color=SOFT, markersize=3)
    style: dict[str, Any] = {"textcoords": "offset points", "fontsize": layout.NOTE}
    names, what = checkpoint_labels([at.name for at in shown.checkpoints], [at.step for at in shown.checkpoints])
    for place in layout.thinned(count, 8):
        axes.annotate(shortened(names[place], layout.NOTE, 40), (place, 0), (0, -7), ha="center", va="top", **style)
    axes.annotate(what, (0, 0), (0, 7), color=SOFT, **style)


def write_gif(path: Path, shown: TrainingData, report: Callable[[float, str], None] | None = None) -> None:
    """Write the animation: one palette for all frames, without the time or the program in the file.

    `report` is called with the share that is done. Cost: about 0.1 s per frame.
    """
    with figure_style():
        figure, axes = _empty(shown)
        _draw_ground(figure, axes, shown)
    ground, view, moving = _picture(figure), shown.view, list(frames(shown))
    pictures = []
    for frame in moving:
        with figure_style():
            figure, axes = _empty(shown)
            figure.patch.set_alpha(0)
            _draw_frame(figure, axes, shown, frame, view)
        pictures.append(Image.alpha_composite(ground, _picture(figure)).convert("RGB"))
        if report is not None:
            report(len(pictures) / len(moving), "drawing frames")
    palette = _palette(pictures[-1])
    # Without dithering, static parts stay the same.
    flat = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    durations = [frame.milliseconds for frame in moving]
    flat[0].save(path, save_all=True, append_images=flat[1:], duration=durations, loop=0, optimize=False)


def _palette(picture: Image.Image) -> Image.Image:
    """The palette, from a picture with all colours; near-white becomes white.

    Pillow looks up colours approximately, so white could become a neighbouring colour of the palette.
    """
    colours = np.array(picture.quantize(256, dither=Image.Dither.NONE).getpalette()).reshape(-1, 3)
    colours[colours.min(axis=1) >= _WHITE] = 255
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours.ravel().tolist())
    return palette


@figure_style()
def _picture(figure: Figure) -> Image.Image:
    """A drawn figure as pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    return Image.fromarray(np.array(canvas.buffer_rgba()))


def table(shown: TrainingData) -> list[dict[str, Any]]:
    """Return the rows behind the animation: each sample at each checkpoint."""
    names, samples = shown.classes.names, shown.samples
    return [
        {
            "checkpoint": at.checkpoint,
            "name": at.name,
            "sample": int(sample),
            "class": names[place],
            **space.coordinates(point),
        }
        for at in shown.checkpoints
        for sample, place, point in zip(samples.numbers, samples.places, at.embedding, strict=True)
    ]


def about(shown: TrainingData) -> dict[str, Any]:
    """Return the settings that are saved with the animation."""
    return {"checkpoints": [at.name for at in shown.checkpoints], "of": shown.total, **view_cells(shown.view)}


class Animation(StudyFigure):
    """A figure that is saved as an animated gif; as a single picture it is the last frame."""

    def save(
        self,
        shown: TrainingData,
        folder: Path,
        dpi: int,
        report: Callable[[float, str], None] | None = None,
        **asked: Any,
    ) -> None:
        """Write the animation, its csv and its settings into a folder; its resolution is always the same."""
        folder.mkdir(parents=True, exist_ok=True)
        write_gif(folder / f"{self.name}.gif", shown, report)
        settings = {"dpi": _DPI, **self.about(shown), **asked}
        save_table(folder, self.name, self.table(shown), settings)


_READS = (IMAGES, ALL_TRAINING, ALL_SAMPLES)
FIGURE = Animation(
    "training_animation", data, draw, table, about, _READS, version=4, weight=5.0, fixed_dpi=_DPI, least_checkpoints=2
)
