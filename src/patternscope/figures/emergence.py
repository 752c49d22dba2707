"""Figure: knowledge points through training, a column a layer: all images above, the reliable ones by class below."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import Findings
from patternscope.figures.labels import draw_class_legend, moment_labels, shortened
from patternscope.figures.style import (
    RELIABLE,
    SMALL,
    SOFT,
    TITLE,
    TOTAL,
    UNRELIABLE,
    class_marks,
    figure_style,
)
from patternscope.workflow.stages import Need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "emergence"
_ACROSS = 4
_LEGEND = 20  # classes that are named
_KINDS = (("total", TOTAL, "--"), ("reliable", RELIABLE, "-"), ("unreliable", UNRELIABLE, ":"))


@dataclass(frozen=True)
class LayerHistory:
    """Counts of a layer by checkpoint, of all images and of each class, and its ratio at last."""

    layer: str
    counts: list[dict[str, Any]]
    classes: dict[str, list[dict[str, Any]]]
    ratio: float | None


@dataclass(frozen=True)
class EmergenceData:
    """Histories of all layers, shallow to deep; a step is None for networks that were trained elsewhere."""

    layers: list[LayerHistory]
    names: list[str]
    steps: list[int | None]
    tau: float
    images: int


def data(findings: Findings) -> EmergenceData:
    """Return what the figure shows: all checkpoints, layers and classes."""
    found = findings.record("emergence")
    layers = [
        LayerHistory(
            each["layer"],
            each["counts"],
            {own["class"]: own["counts"] for own in each["classes"]},
            each["ratio_at_end"],
        )
        for each in found["layers"]
    ]
    moments = found["checkpoints"]
    return EmergenceData(
        layers,
        [each["name"] for each in moments],
        [each["step"] for each in moments],
        found["tau"],
        found["images"],
    )


def draw(shown: EmergenceData) -> "Figure":
    """Return the figure: lines over training with bands, points for a single checkpoint.

    Source: Sec. 4, Fig. 4 in content; the drawing is this project's.
    """
    from matplotlib.figure import Figure

    across = min(_ACROSS, len(shown.layers))
    folds = -(-len(shown.layers) // across)
    size = (max(6.4, 2.1 * across + 0.4), 0.75 + 3.9 * folds)
    with figure_style():
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(2 * folds, across, sharex=True, sharey="row", squeeze=False)
        for axes in panels.ravel():
            axes.set_axis_off()
        for place, layer in enumerate(shown.layers):
            fold, column = divmod(place, across)
            above, below = panels[2 * fold, column], panels[2 * fold + 1, column]
            _draw_counts(above, shown, layer)
            _draw_classes(below, shown, layer)
            if column == 0:
                above.set_ylabel("regions an image")
                below.set_ylabel("reliable, by class")
        for row in panels:
            # At last, since a limit ends the scaling of all panels of a row.
            row[0].set_ylim(bottom=0)
        _write(figure, shown)
    return figure


def _draw_counts(axes: Any, shown: EmergenceData, layer: LayerHistory) -> None:
    """Total, reliable and unreliable points of all images, with bands, and the ratio at last."""
    places = list(range(len(shown.names)))
    for name, colour, line in _KINDS:
        values, low, high = ([row[f"{name}{end}"] for row in layer.counts] for end in ("", "_low", "_high"))
        axes.plot(places, values, line, color=colour, label=name, marker="o", markersize=2.5)
        if len(places) > 1:
            axes.fill_between(places, low, high, color=colour, alpha=0.25, linewidth=0)
        else:
            axes.vlines(places, low, high, color=colour, linewidth=1.0)
    ratio = "–" if layer.ratio is None else f"{100 * layer.ratio:.0f} %"
    axes.set_title(shortened(layer.layer, 8, 78), weight="bold")
    axes.set_title(f"{ratio} reliable", loc="right", fontsize=6.5, color=SOFT)
    _ready(axes, shown)


def _draw_classes(axes: Any, shown: EmergenceData, layer: LayerHistory) -> None:
    """Reliable points of each class's own images."""
    places = list(range(len(shown.names)))
    for counts, mark in zip(layer.classes.values(), class_marks(len(layer.classes)), strict=True):
        values = [row["reliable"] for row in counts]
        axes.plot(places, values, color=mark.colour, marker=mark.marker, markersize=2.2, linewidth=1.0)
    _ready(axes, shown)


def _ready(axes: Any, shown: EmergenceData) -> None:
    """Checkpoints side by side, with the steps of some."""
    axes.set_axis_on()
    count = len(shown.names)
    axes.set_xlim(-0.3, max(1, count - 1) + 0.3 if count > 1 else 0.3)
    every = -(-count // 5)
    marks = [place for place in range(count) if (count - 1 - place) % every == 0]
    names, _ = moment_labels(shown.names, shown.steps)
    axes.set_xticks(marks, [shortened(names[place], SMALL, 25) for place in marks])
    axes.tick_params(labelbottom=True)


def _write(figure: "Figure", shown: EmergenceData) -> None:
    """Title, legends, and what the numbers are."""
    width, height = figure.get_size_inches()
    left = 0.12 / width
    title = "Knowledge points through training"
    figure.text(left, 1 - 0.2 / height, title, fontsize=TITLE, weight="bold", va="center")
    said = (
        f"Regions with p(class) > {shown.tau:g}; mean of {shown.images} images with 95 % bootstrap intervals. "
        "Percentages: at last."
    )
    figure.text(left, 1 - 0.42 / height, said, fontsize=SMALL, color=SOFT, va="center")
    classes = list(shown.layers[0].classes)
    foot = 0.3
    kinds = figure.axes[0].get_legend_handles_labels()
    figure.legend(*kinds, loc="upper right", ncols=3, bbox_to_anchor=(1, 1 - 0.05 / height))
    if len(classes) <= _LEGEND:
        foot += draw_class_legend(figure, classes, 0.02)
    _, when = moment_labels(shown.names, shown.steps)
    about = f"{when} (checkpoints are drawn evenly)"
    figure.text(0.5, (foot - 0.12) / height, about, ha="center", va="center", fontsize=SMALL)
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, foot / height, 1, 1 - (foot + 0.6) / height), w_pad=0.05, h_pad=0.05)


def table(shown: EmergenceData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: layer, class (none: all images), checkpoint and counts."""
    return [
        {"layer": layer.layer, "class": name, **counts}
        for layer in shown.layers
        for name, history in [(None, layer.counts), *layer.classes.items()]
        for counts in history
    ]


def about(shown: EmergenceData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    return {
        "tau": shown.tau,
        "images": shown.images,
        "checkpoints": shown.names,
        "ratio_at_end": {each.layer: each.ratio for each in shown.layers},
    }


FIGURE = StudyFigure(NAME, data, draw, table, about)
STAGE = FIGURE.stage(Need("emergence", ("emergence.json",)))
