"""Figure: how training and the fits of the three embeddings went."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import Findings
from patternscope.figures.labels import shortened
from patternscope.figures.style import RELIABLE, SMALL, SOFT, TITLE, TOTAL, figure_style, layer_colours
from patternscope.workflow.stages import Need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "losses"


@dataclass(frozen=True)
class LossesData:
    """Training losses by step, held-out accuracy by checkpoint, and the loss traces of the fits.

    `accuracy` holds (step or None, name, accuracy); `sample` is by checkpoint, `importance` and `region` by
    layer at the last checkpoint. A trace has one value a record of its solver.
    """

    training: list[float]
    accuracy: list[tuple[int | None, str, float]]
    sample: dict[str, list[float]]
    importance: dict[str, list[float]]
    region: dict[str, list[float]]


def data(findings: Findings) -> LossesData:
    """Return what the figure shows: training and the samples' fits of all checkpoints, the rest of the last."""
    trained = [findings.record("training", each) for each in findings.checkpoints("training")]
    return LossesData(
        training=[loss for each in trained for loss in each["losses"]],
        accuracy=[(each["step"], each["name"], each["held_out_accuracy"]) for each in trained],
        sample={
            each["name"]: findings.record("sample", each["checkpoint"])["trace"]["losses"] for each in trained
        },
        importance=_traces(findings, "importance"),
        region=_traces(findings, "region"),
    )


def _traces(findings: Findings, stage: str) -> dict[str, list[float]]:
    """Losses of a stage's fits by layer."""
    return {layer: findings.record(stage, layer=layer)["trace"]["losses"] for layer in findings.layers(stage)}


def draw(shown: LossesData) -> "Figure":
    """Return the figure."""
    from matplotlib.figure import Figure

    with figure_style():
        figure = Figure(figsize=(8.4, 4.9), layout="constrained")
        panels = figure.subplots(2, 3).ravel()
        _draw_training(panels[0], shown.training)
        _draw_accuracy(panels[1], shown.accuracy)
        _draw_traces(panels[2], "Sample embedding", shown.sample)
        _draw_traces(panels[3], "Importance weights", shown.importance)
        _draw_traces(panels[4], "Regional embedding", shown.region)
        _legend(panels[5], list(shown.region))
        width, height = figure.get_size_inches()
        figure.text(
            0.1 / width, 1 - 0.18 / height, "Training and fits", fontsize=TITLE, weight="bold", va="center"
        )
        engine: Any = figure.get_layout_engine()
        engine.set(rect=(0, 0, 1, 1 - 0.36 / height), w_pad=0.08, h_pad=0.08)
    return figure


def _draw_training(axes: Any, losses: list[float]) -> None:
    """Each step's loss, pale, and their running mean."""
    axes.set(title="Training loss", xlabel="step", ylabel="cross-entropy")
    if not losses:
        axes.text(
            0.5, 0.5, "trained elsewhere", transform=axes.transAxes, ha="center", va="center", color=SOFT
        )
        return
    window = max(1, len(losses) // 40)
    steps = np.arange(1, len(losses) + 1)
    axes.plot(steps, losses, color=TOTAL, linewidth=0.5, alpha=0.7)
    mean = np.convolve(losses, np.ones(window) / window, mode="valid")
    axes.plot(steps[window - 1 :], mean, color=RELIABLE)
    axes.set_ylim(0, 1.05 * max(losses))


def _draw_accuracy(axes: Any, accuracy: list[tuple[int | None, str, float]]) -> None:
    """Held-out accuracy at the checkpoints that were analysed."""
    known = all(step is not None for step, _, _ in accuracy)
    times = [step if known else place for place, (step, _, _) in enumerate(accuracy)]
    values = [value for _, _, value in accuracy]
    axes.plot(times, values, "o-", color=RELIABLE, markersize=4)
    axes.set(title="Held-out accuracy", xlabel="step" if known else "checkpoint", ylim=(0, 1.08))
    axes.annotate(
        f"{values[-1]:.2f}", (times[-1], values[-1]), (-4, -12), textcoords="offset points", ha="right"
    )
    if len(times) == 1:
        axes.set_xticks(times)


def _draw_traces(axes: Any, title: str, traces: dict[str, list[float]]) -> None:
    """A line a fit over its recorded losses."""
    axes.set(title=title, xlabel="recorded iteration", ylabel="loss")
    axes.locator_params(axis="x", integer=True)
    for (_, losses), colour in zip(traces.items(), layer_colours(len(traces)), strict=True):
        axes.plot(range(len(losses)), losses, color=colour, marker="o" if len(losses) < 12 else None, ms=3)
    if title == "Sample embedding" and len(traces) > 1:
        if min(min(losses) for losses in traces.values()) > 0:
            # The loss of a network that knows nothing is a thousandth of that of one that is sure.
            axes.set_yscale("log")
        axes.set_title("light to dark: first to last checkpoint", loc="right", fontsize=6.5, color=SOFT)


def _legend(axes: Any, layers: list[str]) -> None:
    """Which colour is which layer."""
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
    for panel, traces in (
        ("sample", shown.sample),
        ("importance", shown.importance),
        ("region", shown.region),
    ):
        rows += [
            _row(panel, line, step, loss) for line, trace in traces.items() for step, loss in enumerate(trace)
        ]
    return rows


def _row(panel: str, line: str, step: int | None, value: float) -> dict[str, Any]:
    """One value in the csv."""
    return {"panel": panel, "line": line, "step": step, "value": value}


def about(shown: LossesData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    return {"checkpoints": [name for _, name, _ in shown.accuracy], "layers": list(shown.region)}


FIGURE = StudyFigure(NAME, data, draw, table, about)
STAGE = FIGURE.stage(
    Need("training", ("training.json",), checkpoint="all"),
    Need("sample", ("sample.json",), checkpoint="all"),
    Need("importance", ("importance.json",), checkpoint="last", layer="all"),
    Need("region", ("region.json",), checkpoint="last", layer="all"),
    version=2,
)
