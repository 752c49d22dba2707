"""Figure: the losses of training and of the three fits."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from typing import Any

import numpy as np

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.choices import Layers, choose_layers
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.needs import ALL_SAMPLES, ALL_TRAINING, IMPORTANCE, REGION
from patternscope.figures.drawing.style import RELIABLE, SMALL, SOFT, TOTAL, figure_style, layer_colours
from patternscope.results.fits import RegionResult
from patternscope.results.formatting import number
from patternscope.results.training import TrainingResult

Traces = Mapping[str, Sequence[float]]


@dataclass(frozen=True)
class LossesData:
    """Training losses by step, held-out accuracy by checkpoint, and the loss traces of the fits.

    `accuracy` contains (step or None, name, accuracy); `sample` is by checkpoint, `importance` and `region` by
    layer at the last checkpoint. A trace has one value per record of its solver.
    """

    training: list[float]
    accuracy: list[tuple[int | None, str, float | None]]
    sample: Traces
    importance: Traces
    region: Traces


def data(results: StudyResults, layers: Layers = None) -> LossesData:
    """Return what the figure shows: training and sample embeddings of all checkpoints, `layers` of the last."""
    trained = [results.training(checkpoint) for checkpoint in results.checkpoints(TrainingResult)]
    names = choose_layers(results, RegionResult, layers)
    return LossesData(
        training=[loss for at in trained for loss in at.losses],
        accuracy=[(at.step, at.name, at.held_out_accuracy) for at in trained],
        sample={at.name: results.sample(at.checkpoint).trace.losses for at in trained},
        importance={layer: results.importance(layer).trace.losses for layer in names},
        region={layer: results.region(layer).trace.losses for layer in names},
    )


@figure_style()
def draw(shown: LossesData) -> Figure:
    """Return the figure."""
    figure = layout.new_figure(8.4, 4.9, laid_out=True)
    panels = figure.subplots(2, 3).ravel()
    _draw_training(panels[0], shown.training)
    _draw_accuracy(panels[1], shown.accuracy)
    _draw_traces(panels[2], "Sample embedding", shown.sample)
    _draw_traces(panels[3], "Importance weights", shown.importance)
    _draw_traces(panels[4], "Regional embedding", shown.region)
    _name_layers(panels[5], list(shown.region))
    colours = "Colours from light to dark: shallow to deep layer, first to last checkpoint."
    layout.write_heading(figure, "Training and fits", colours)
    return figure


def _draw_training(axes: Any, losses: list[float]) -> None:
    """Each step's loss, pale, and their running mean."""
    axes.set(title="Training loss", xlabel="step", ylabel="cross-entropy")
    if not losses:
        place = {"transform": axes.transAxes, "ha": "center", "va": "center"}
        axes.text(0.5, 0.5, "trained elsewhere", color=SOFT, **place)
        return
    window = max(1, len(losses) // 40)
    steps = np.arange(1, len(losses) + 1)
    axes.plot(steps, losses, color=TOTAL, linewidth=0.5, alpha=0.7)
    mean = np.convolve(losses, np.ones(window) / window, mode="valid")
    axes.plot(steps[window - 1 :], mean, color=RELIABLE)
    axes.set_ylim(0, 1.05 * max(losses))


def _draw_accuracy(axes: Any, accuracy: list[tuple[int | None, str, float | None]]) -> None:
    """Held-out accuracy at the checkpoints that were analysed."""
    known = all(step is not None for step, _, _ in accuracy)
    places = [step if known else place for place, (step, _, _) in enumerate(accuracy)]
    values = [nan if value is None else value for _, _, value in accuracy]
    axes.plot(places, values, "o-", color=RELIABLE, markersize=4, clip_on=False)
    title = "Held-out accuracy" if any(value == value for value in values) else "Held-out accuracy: labels unknown"
    axes.set(title=title, xlabel="step" if known else "checkpoint", ylim=(0, 1))
    offset = {"textcoords": "offset points", "ha": "right"}
    axes.annotate(number(values[-1]), (places[-1], values[-1]), (-4, -12), **offset)
    if len(places) == 1:
        axes.set_xticks(places)


def _draw_traces(axes: Any, title: str, traces: Traces) -> None:
    """A line per fit over its recorded losses."""
    axes.set(title=title, xlabel="recorded iteration", ylabel="loss")
    axes.locator_params(axis="x", integer=True)
    for losses, colour in zip(traces.values(), layer_colours(len(traces)), strict=True):
        axes.plot(range(len(losses)), losses, color=colour, marker="o" if len(losses) < 12 else None, ms=3)
    if title == "Sample embedding" and min(min(losses) for losses in traces.values()) > 0:
        # The loss of an untrained network is a thousandth of that of a certain one.
        axes.set_yscale("log" if len(traces) > 1 else "linear")


def _name_layers(axes: Any, layers: list[str]) -> None:
    """The legend of the layers."""
    from matplotlib.lines import Line2D

    axes.set_axis_off()
    lines = [
        Line2D([], [], color=colour, label=shortened(layer, SMALL, 70))
        for layer, colour in zip(layers, layer_colours(len(layers)), strict=True)
    ]
    axes.legend(handles=lines, title="layer", loc="center", ncols=-(-len(lines) // 12))


def table(shown: LossesData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: panel, which line, step, value."""
    rows = [_row("training loss", "", step + 1, loss) for step, loss in enumerate(shown.training)]
    rows += [_row("held-out accuracy", name, step, value) for step, name, value in shown.accuracy]
    fits = {"sample": shown.sample, "importance": shown.importance, "region": shown.region}
    return rows + [
        _row(panel, line, step, loss)
        for panel, traces in fits.items()
        for line, trace in traces.items()
        for step, loss in enumerate(trace)
    ]


def _row(panel: str, line: str, step: int | None, value: float | None) -> dict[str, Any]:
    """One value in the csv."""
    return {"panel": panel, "line": line, "step": step, "value": value}


def about(shown: LossesData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    return {"checkpoints": [name for _, name, _ in shown.accuracy], "layers": list(shown.region)}


_READS = (ALL_TRAINING, ALL_SAMPLES, IMPORTANCE, REGION)
FIGURE = StudyFigure("losses", data, draw, table, about, _READS, version=4)
