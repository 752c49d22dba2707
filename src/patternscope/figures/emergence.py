"""Figure: evidence over training, a column per layer: all images above, classes below; points where it is unknown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.choices import Classes, Layers, ShownClasses, known_names
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import checkpoint_labels, shortened
from patternscope.figures.drawing.style import RELIABLE, SMALL, SOFT, TOTAL, UNRELIABLE, figure_style
from patternscope.knowledge.intervals import Interval
from patternscope.results.emergence import CheckpointName, EmergenceResult, LayerHistory, evidence_cells
from patternscope.results.formatting import number, percent, threshold_text
from patternscope.results.noise import interval_lines
from patternscope.results.record_codec import encode
from patternscope.results.result import reads

_LEGEND = 20  # classes that are named
_KINDS = (("total", TOTAL, "--"), ("reliable", RELIABLE, "-"), ("unreliable", UNRELIABLE, ":"))


@dataclass(frozen=True)
class EmergenceData:
    """Histories of some layers, shallow to deep; a step is None for networks that were trained elsewhere."""

    layers: list[LayerHistory]
    checkpoints: list[CheckpointName]
    classes: ShownClasses
    tau: float
    images: int
    networks: int | None = None

    @property
    def has_evidence(self) -> bool:
        """Whether evidence is shown, which needs no unit of strength; else knowledge points."""
        return all(layer.evidence is not None for layer in self.layers)

    @property
    def labels(self) -> tuple[list[str], str]:
        """Short labels of the checkpoints, and what they are."""
        return checkpoint_labels([at.name for at in self.checkpoints], [at.step for at in self.checkpoints])


def data(results: StudyResults, classes: Classes = None, layers: Layers = None) -> EmergenceData:
    """Return what the figure shows: `layers` and `classes`, by default all, at all checkpoints."""
    history = results.load(EmergenceResult)
    known = {layer.layer: layer for layer in history.layers}
    names = [counts.name for counts in history.layers[0].classes]
    labels = sorted(names.index(name) for name in known_names("classes", classes, names))
    return EmergenceData(
        [known[layer] for layer in known_names("layers", layers, list(known))],
        list(history.checkpoints),
        ShownClasses.of(names, labels),
        history.tau,
        history.images,
        history.networks,
    )


@figure_style()
def draw(shown: EmergenceData) -> Figure:
    """Return the figure: lines over training with bands.

    Source: Sec. 4, Fig. 4 in content.
    """
    ylabels = ("bits per region", "by class") if shown.has_evidence else ("regions per image", "reliable, by class")
    figure, panels = layout.layer_figure(
        len(shown.layers), (6.4, 0.4, 2.1), (0.75, 3.9), ylabels, sharex=True, sharey="row"
    )
    for layer, (above, below) in zip(shown.layers, panels, strict=True):
        if layer.evidence is not None and shown.has_evidence:
            _draw_line(above, layer.evidence, "evidence", RELIABLE, "-")
            _name_column(above, layer.layer, f"{number(layer.evidence[-1].value)} bits")
        else:
            _draw_counts(above, layer)
        _draw_classes(below, layer, shown)
    for axes in (axes for pair in panels for axes in pair):
        _mark_checkpoints(axes, shown)
        if not shown.has_evidence:
            # Now, since a limit ends the scaling of all panels of a row.
            axes.set_ylim(bottom=0)
    _explain(figure, shown)
    return figure


def _draw_counts(axes: Any, layer: LayerHistory) -> None:
    """Total, reliable and unreliable points of all images, with bands, and the ratio at the last checkpoint."""
    for name, colour, line in _KINDS:
        _draw_line(axes, [getattr(at.counts, name) for at in layer.counts], name, colour, line)
    _name_column(axes, layer.layer, f"{percent(layer.ratio_at_end)} reliable")


def _draw_line(axes: Any, intervals: Sequence[Interval], name: str, colour: str, line: str) -> None:
    """A line over training, and a band where there are intervals."""
    places = range(len(intervals))
    axes.plot(places, [each.value for each in intervals], line, color=colour, label=name, marker="o", markersize=2.5)
    ends = [(each.low, each.high) for each in intervals if each.low is not None]
    if len(ends) == len(places):
        axes.fill_between(places, *zip(*ends, strict=True), color=colour, alpha=0.25, linewidth=0)


def _name_column(axes: Any, layer: str, end: str) -> None:
    """Name a column: the layer, and its number at the last checkpoint."""
    axes.set_title(shortened(layer, 8, 78), weight="bold")
    axes.set_title(end, loc="right", fontsize=layout.NOTE, color=SOFT)


def _draw_classes(axes: Any, layer: LayerHistory, shown: EmergenceData) -> None:
    """Evidence, or reliable points, of each class's own images."""
    for label, mark in zip(shown.classes.labels, shown.classes.marks, strict=True):
        history = layer.classes[label]
        points = [at.counts.reliable.value for at in history.counts]
        values = points if history.evidence is None or not shown.has_evidence else history.evidence
        axes.plot(values, color=mark.colour, marker=mark.marker, markersize=2.2, linewidth=1.0)


def _mark_checkpoints(axes: Any, shown: EmergenceData) -> None:
    """Checkpoints side by side, with the steps of some."""
    count = len(shown.checkpoints)
    names, marks = shown.labels[0], layout.thinned(count, 5)
    axes.set_xlim(-0.3, count - 0.7)
    axes.set_xticks(marks, [shortened(names[place], SMALL, 25) for place in marks])
    axes.tick_params(labelbottom=True)


def _explain(figure: Figure, shown: EmergenceData) -> None:
    """Title, legends, and what the numbers are."""
    width, height = figure.get_size_inches()
    kinds = figure.axes[0].get_legend_handles_labels()
    figure.legend(*kinds, loc="upper right", ncols=3, bbox_to_anchor=(1, 1 - 0.05 / height))
    foot = 0.3
    if len(shown.classes) <= _LEGEND:
        foot += layout.draw_class_legend(figure, shown.classes, 0.02)
    what = (
        "Bits of evidence per region, each image judged by a map fitted without it"
        if shown.has_evidence
        else f"Regions with p(class) > {threshold_text(shown.tau)}"
    )
    first, second = interval_lines(f"{what}; means over {shown.images} images", shown.networks)
    own = "; classes: the study's own network" if shown.networks else ""
    numbers = "Bits beside the layers" if shown.has_evidence else "Percentages"
    notes = f"{second[0].upper()}{second[1:]}. {numbers}: at the last checkpoint."
    title = f"{'Evidence' if shown.has_evidence else 'Knowledge points'} over training"
    layout.write_heading(figure, title, f"{first}{own}", notes, foot=foot)
    axis = f"{shown.labels[1]} (checkpoints evenly spaced)"
    layout.write_text(figure, width / 2, height - foot + 0.12, axis, ha="center", fontsize=SMALL)


def table(shown: EmergenceData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: layer, class (none: all images), checkpoint, counts and evidence."""
    return [
        {"layer": layer.layer, "class": name, **encode(counts), **evidence_cells(history.evidence, place)}
        for layer in shown.layers
        for name, label in [(None, None), *zip(shown.classes.names, shown.classes.labels, strict=True)]
        for history in [layer if label is None else layer.classes[label]]
        for place, counts in enumerate(history.counts)
    ]


def about(shown: EmergenceData) -> dict[str, Any]:
    """Return what the figure's settings say of it."""
    return {
        "tau": shown.tau,
        "images": shown.images,
        "checkpoints": [at.name for at in shown.checkpoints],
        "shows": "evidence" if shown.has_evidence else "points",
        "ratio_at_end": {layer.layer: layer.ratio_at_end for layer in shown.layers},
    }


FIGURE = StudyFigure(
    "emergence", data, draw, table, about, (reads(EmergenceResult, "layers"),), version=4, least_checkpoints=2
)
