"""Figure: the sample embedding moving through training, as an animated gif."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from patternscope.figures.findings import Findings, findings_of
from patternscope.figures.labels import draw_class_legend, legend_height, moment_labels, shortened
from patternscope.figures.sample_embedding import dimension_note
from patternscope.figures.space import draw_sphere, prepare
from patternscope.figures.style import FAINT, INK, SMALL, SOFT, TITLE, figure_style
from patternscope.figures.training_strip import (
    ALL_CHECKPOINTS,
    COVERED,
    Moment,
    TrainingData,
    draw_moment,
)
from patternscope.figures.training_strip import data as training_data
from patternscope.results.json_csv import write_json, write_rows
from patternscope.workflow.stages import Stage, UnitContext

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

NAME = "training_animation"
MOST = 24  # checkpoints
_DPI = 100
_SIDE, _TOP, _FOOT = 4.8, 0.72, 0.5
_NAMED = 20
_BETWEEN, _MOST_BETWEEN = 36, 8  # frames between checkpoints, all together and between two
_WHITE = 245
_STAY, _MOVE, _END = 700, 90, 2500  # milliseconds


def data(findings: Findings) -> TrainingData:
    """Return what the animation shows: up to 24 checkpoints."""
    return training_data(findings, MOST)


def frames(shown: TrainingData) -> Iterator[tuple[Moment, float, int]]:
    """Yield what each frame shows: embedding and directions, the place in training, milliseconds.

    A checkpoint's place is its number among those shown; frames between two lie on straight lines, slowly at
    both ends.
    """
    steps = max(1, min(_MOST_BETWEEN, _BETWEEN // max(1, len(shown.moments) - 1)))
    for place, moment in enumerate(shown.moments):
        last = place == len(shown.moments) - 1
        yield moment, float(place), _END if last else _STAY
        for step in range(1, 0 if last else steps):
            share = step / steps
            eased = share * share * (3 - 2 * share)
            yield _between(moment, shown.moments[place + 1], eased), place + eased, _MOVE


def _between(before: Moment, after: Moment, share: float) -> Moment:
    """A moment on the way from one checkpoint to the next."""
    directions = (1 - share) * before.mean_directions + share * after.mean_directions
    lengths = np.linalg.norm(directions, axis=1, keepdims=True)
    return replace(
        after if share > 0.5 else before,
        embedding=(1 - share) * before.embedding + share * after.embedding,
        mean_directions=directions / np.maximum(lengths, 1e-9),
    )


def _ground(shown: TrainingData) -> Image.Image:
    """What stays: title, sphere, the line of time, legend."""
    with figure_style():
        figure, axes = _empty(shown)
        draw_sphere(axes, shown.view, shown.radius)
        width, height = figure.get_size_inches()
        left = 0.12 / width
        title = "Sample embedding through training"
        figure.text(left, 1 - 0.2 / height, title, fontsize=TITLE, weight="bold", va="center")
        said = f"{len(shown.labels)} images by true class; ellipses cover {100 * COVERED:.0f} % of a class as seen."
        said += dimension_note(shown.moments[0].embedding.shape[1])
        figure.text(left, 1 - 0.42 / height, said, fontsize=SMALL, color=SOFT, va="center")
        _draw_time(figure, shown)
        if len(shown.classes) <= _NAMED:
            draw_class_legend(figure, shown.classes, 0.08)
    return _picture(figure)


def _moving(shown: TrainingData, moment: Moment, view: np.ndarray, place: float) -> Image.Image:
    """What moves: the embedding, the accuracy, the place in training; transparent elsewhere."""
    with figure_style():
        figure, axes = _empty(shown)
        figure.patch.set_alpha(0)
        draw_moment(axes, shown, moment, view, size=11 if len(shown.labels) < 2000 else 6)
        width, height = figure.get_size_inches()
        said = f"held-out accuracy {moment.accuracy:.2f}"
        figure.text(0.12 / width, 1 - 0.62 / height, said, fontsize=SMALL, va="center")
        _time_axes(figure, shown).plot([place], [0], "o", color=INK, markersize=7)
    return _picture(figure)


def _empty(shown: TrainingData) -> "tuple[Figure, Axes]":
    """A figure with the axes of the radial space."""
    from matplotlib.figure import Figure

    width, height = _SIDE + 0.4, _TOP + _SIDE + _foot(shown)
    figure = Figure(figsize=(width, height), dpi=_DPI)
    axes = figure.add_axes((0.2 / width, _foot(shown) / height, _SIDE / width, _SIDE / height))
    prepare(axes, (shown.reach, shown.reach))
    return figure, axes


def _foot(shown: TrainingData) -> float:
    """Inches below the radial space: the line of time, and the legend where there is one."""
    return _FOOT + (
        0.12 + legend_height(_SIDE + 0.4, len(shown.classes)) if len(shown.classes) <= _NAMED else 0
    )


def _time_axes(figure: "Figure", shown: TrainingData) -> "Axes":
    """Axes of the line of time, a unit a checkpoint."""
    width, height = figure.get_size_inches()
    axes = figure.add_axes((0.35 / width, (_foot(shown) - 0.26) / height, 1 - 0.7 / width, 0.03))
    last = max(1, len(shown.moments) - 1)
    axes.set_axis_off()
    axes.set(xlim=(-0.02 * last, 1.02 * last), ylim=(-1, 1))
    axes.patch.set_alpha(0)
    return axes


def _draw_time(figure: "Figure", shown: TrainingData) -> None:
    """A line with a mark a checkpoint, and the steps of some."""
    axes = _time_axes(figure, shown)
    count = len(shown.moments)
    axes.plot([0, max(1, count - 1)], [0, 0], color=FAINT, linewidth=1.5, zorder=0)
    axes.plot(range(count), [0] * count, "o", color=SOFT, markersize=3)
    every = -(-count // 8)
    written = {"textcoords": "offset points", "fontsize": 6.5}
    names, when = moment_labels([each.name for each in shown.moments], [each.step for each in shown.moments])
    for number in range(count):
        if (count - 1 - number) % every == 0:
            name = shortened(names[number], 6.5, 40)
            axes.annotate(name, (number, 0), (0, -7), ha="center", va="top", **written)
    axes.annotate(when, (0, 0), (0, 7), color=SOFT, **written)


def _composed(ground: Image.Image, moving: Image.Image) -> Image.Image:
    """One picture over another, without transparency."""
    return Image.alpha_composite(ground, moving).convert("RGB")


def write_gif(path: Path, shown: TrainingData, report: Callable[[float], None] | None = None) -> None:
    """Write the animation: one palette for all frames, no time and no program in the file.

    `report` hears the share that is done. Cost: about 0.1 s a frame.
    """
    ground, view, wanted = _ground(shown), shown.view, list(frames(shown))
    pictures = []
    for moment, place, _ in wanted:
        pictures.append(_composed(ground, _moving(shown, moment, view, place)))
        if report is not None:
            report(len(pictures) / len(wanted))
    palette = _palette(pictures[-1])
    # Without dithering, what stands still stays the same.
    flat = [each.quantize(palette=palette, dither=Image.Dither.NONE) for each in pictures]
    durations = [milliseconds for _, _, milliseconds in wanted]
    flat[0].save(path, save_all=True, append_images=flat[1:], duration=durations, loop=0, optimize=False)


def _palette(picture: Image.Image) -> Image.Image:
    """The colours of a picture that has all of them; what is nearly white is white.

    Pillow looks colours up roughly, so that white could become a neighbour of it in the palette.
    """
    colours = np.array(picture.quantize(256, dither=Image.Dither.NONE).getpalette()).reshape(-1, 3)
    colours[colours.min(axis=1) >= _WHITE] = 255
    palette = Image.new("P", (1, 1))
    palette.putpalette(colours.ravel().tolist())
    return palette


def _picture(figure: "Figure") -> Image.Image:
    """A drawn figure as pixels."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = FigureCanvasAgg(figure)
    with figure_style():
        canvas.draw()
    return Image.fromarray(np.array(canvas.buffer_rgba()))


def table(shown: TrainingData) -> list[dict[str, Any]]:
    """Return the rows behind the animation: each sample at each checkpoint."""
    return [
        {
            "checkpoint": moment.checkpoint,
            "name": moment.name,
            "sample": sample,
            "class": shown.classes[label],
            **{f"x{axis + 1}": float(x) for axis, x in enumerate(point)},
        }
        for moment in shown.moments
        for sample, (label, point) in enumerate(zip(shown.labels, moment.embedding, strict=True))
    ]


def run(ctx: UnitContext) -> None:
    """Write the animation, its csv and its settings into the unit's folder."""
    shown = data(findings_of(ctx))
    write_gif(ctx.folder / f"{NAME}.gif", shown, lambda done: ctx.report(done, "drawing frames"))
    write_rows(ctx.folder / f"{NAME}.csv", table(shown))
    checkpoints = [each.name for each in shown.moments]
    about = {"figure": NAME, "dpi": _DPI, "checkpoints": checkpoints, "of": shown.total}
    write_json(ctx.folder / f"{NAME}.json", about)


STAGE = Stage(f"figures/{NAME}", version=1, run=run, settings=("seed",), needs=ALL_CHECKPOINTS, weight=5.0)
