"""Figure: evidence over training by layer: a line of all images, a heat map of classes; points if it is unknown."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.bits import evidence_colours
from patternscope.figures.drawing.choices import Classes, Layers, ShownClasses, known_names
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import checkpoint_labels, shortened
from patternscope.figures.drawing.style import INK, RELIABLE, SMALL, SOFT, TOTAL, UNRELIABLE, figure_style
from patternscope.knowledge.intervals import Interval
from patternscope.results.emergence import CheckpointName, ClassHistory, EmergenceResult, LayerHistory, evidence_cells
from patternscope.results.formatting import number, percent, threshold_text
from patternscope.results.noise import interval_lines
from patternscope.results.record_codec import encode
from patternscope.results.result import reads

_ROW, _TALLEST, _NAMED = 0.165, 4.0, 30  # inches of a class's row, of all rows, and of the names next to them
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
    def places(self) -> list[int]:
        """The positions of the checkpoints: at their steps, or side by side if a step is unknown."""
        steps = [at.step for at in self.checkpoints if at.step is not None]
        return steps if len(steps) == len(self.checkpoints) else list(range(len(self.checkpoints)))

    @property
    def end(self) -> float:
        """The right side of the last checkpoint's cells: half the distance to the previous one beyond it."""
        before, last = ([-1, *self.places])[-2:]
        return last + 0.5 * (last - before)

    def of_class(self, history: ClassHistory) -> list[float]:
        """Return the values of a class's cells: evidence in bits, or reliable points per image."""
        if history.evidence is None or not self.has_evidence:
            return [at.counts.reliable.value or 0.0 for at in history.counts]
        return [value or 0.0 for value in history.evidence]

    @property
    def most(self) -> float:
        """The value of the darkest colour: the maximum of any class shown."""
        values = [self.of_class(layer.classes[label]) for layer in self.layers for label in self.classes.labels]
        return max(1e-3, *(max(own) for own in values))

    @property
    def labels(self) -> tuple[list[str], str]:
        """Short labels of the checkpoints, and their meaning."""
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
    """Return the figure: of each layer a line of all images, and a row of cells for each class.

    Source: Sec. 4, Fig. 4 in content.
    """
    tall = min(_TALLEST, max(0.7, _ROW * len(shown.classes)))
    ylabels = ("bits per region" if shown.has_evidence else "regions per image", "")
    options = {"sharex": True, "sharey": "row"}
    heights = (1.0, tall)
    figure, panels = layout.layer_figure(
        len(shown.layers), (6.4, 0.9, 1.9), (1.75, sum(heights) + 0.55), ylabels, heights, **options
    )
    order = _order(shown)
    for layer, (above, below) in zip(shown.layers, panels, strict=True):
        if layer.evidence is not None and shown.has_evidence:
            _draw_line(above, shown.places, layer.evidence, "evidence", RELIABLE, "-")
            _name_column(above, layer.layer, f"{number(layer.evidence[-1].value)} bits")
        else:
            _draw_counts(above, layer, shown)
        _draw_classes(below, layer, shown, order)
        _mark_checkpoints(above, below, shown)
    if not shown.has_evidence:
        # Only now, since setting a limit ends the autoscaling of all panels of a row.
        for above, _ in panels:
            above.set_ylim(bottom=0)
    _explain(figure, shown)
    return figure


def _order(shown: EmergenceData) -> list[int]:
    """The indices of the classes among those shown, in the order in which they emerge in the deepest layer."""
    rank = {appearance.name: place for place, appearance in enumerate(shown.layers[-1].lasting)}
    names = [shown.layers[-1].classes[label].name for label in shown.classes.labels]
    return sorted(range(len(names)), key=lambda place: rank.get(names[place], len(rank)))


def _draw_counts(axes: Any, layer: LayerHistory, shown: EmergenceData) -> None:
    """Total, reliable and unreliable points of all images, with bands, and the ratio at the last checkpoint."""
    for name, colour, line in _KINDS:
        _draw_line(axes, shown.places, [getattr(at.counts, name) for at in layer.counts], name, colour, line)
    _name_column(axes, layer.layer, f"{percent(layer.ratio_at_end)} reliable")


def _draw_line(
    axes: Any, places: Sequence[int], intervals: Sequence[Interval], name: str, colour: str, line: str
) -> None:
    """A line over training, and a band if there are intervals."""
    values = [each.value for each in intervals]
    axes.plot(places, values, line, color=colour, label=name, marker="o", markersize=2.2, linewidth=1.1)
    ends = [(each.low, each.high) for each in intervals if each.low is not None]
    if len(ends) == len(places):
        axes.fill_between(places, *zip(*ends, strict=True), color=colour, alpha=0.2, linewidth=0)


def _name_column(axes: Any, layer: str, end: str) -> None:
    """Name a column: the layer, and its number at the last checkpoint."""
    axes.set_title(shortened(layer, 8, 78), weight="bold")
    axes.set_title(end, loc="right", fontsize=layout.NOTE, color=SOFT)


def _draw_classes(axes: Any, layer: LayerHistory, shown: EmergenceData, order: list[int]) -> None:
    """A row per class, its evidence or reliable points as colours; a dot where half of its images have emerged."""
    labels = [shown.classes.labels[place] for place in order]
    values = [shown.of_class(layer.classes[label]) for label in labels]
    places, count = shown.places, len(values)
    sides = np.array([places[0], *np.add(places[1:], places[:-1]) / 2, shown.end])
    axes.pcolormesh(
        sides, np.arange(count + 1) - 0.5, values, cmap=evidence_colours(), vmin=0, vmax=shown.most, rasterized=True
    )
    at = {appearance.name: appearance.median_checkpoint for appearance in layer.lasting}
    numbers = [checkpoint.checkpoint for checkpoint in shown.checkpoints]
    for row, label in enumerate(labels):
        checkpoint = at.get(layer.classes[label].name)
        if checkpoint is not None:
            place = max(places[numbers.index(checkpoint)], places[0] + 0.015 * (shown.end - places[0]))
            axes.plot([place], [row], "o", ms=3.4, mfc="white", mec=INK, mew=0.7, clip_on=False)
    axes.set(ylim=(count - 0.5, -0.5), xlim=(places[0], shown.end))
    axes.spines[:].set_visible(False)
    axes.tick_params(axis="y", length=0)
    rows = layout.thinned(count, _NAMED)
    names = [shortened(shown.classes.names[order[row]], SMALL, 60) for row in rows]
    axes.set_yticks(rows, names, fontsize=SMALL)


def _mark_checkpoints(above: Any, below: Any, shown: EmergenceData) -> None:
    """Ticks at all checkpoints, with the steps of those far enough apart."""
    names, places = shown.labels[0], shown.places
    marks, apart = sorted({0, len(places) - 1}), 0.22 * (places[-1] - places[0])
    for place in range(len(places)):
        if all(abs(places[place] - places[mark]) > apart for mark in marks):
            marks.append(place)
    for axes in (above, below):
        axes.set_xticks([places[mark] for mark in marks], [shortened(names[mark], SMALL, 30) for mark in marks])
        axes.set_xticks(places, minor=True)
        axes.tick_params(axis="x", which="minor", length=1.5, color=SOFT)
    above.tick_params(labelbottom=False)
    below.tick_params(labelbottom=True)


def _explain(figure: Figure, shown: EmergenceData) -> None:
    """Title, legend, scale of the colours, and the meaning of the numbers."""
    width, height = figure.get_size_inches()
    if not shown.has_evidence:
        kinds = figure.axes[0].get_legend_handles_labels()
        figure.legend(*kinds, loc="upper right", ncols=3, bbox_to_anchor=(1, 1 - 0.05 / height))
    what = (
        "Bits of evidence per region, each image judged by a map fitted without it"
        if shown.has_evidence
        else f"Regions with p(class) > {threshold_text(shown.tau)}"
    )
    first, second = interval_lines(f"{what}; means over {shown.images} images", shown.networks)
    own = "; classes: the study's own network" if shown.networks else ""
    rows = "Rows: classes, the first to emerge on top; dot: from here on, half of the class's images have emerged."
    title = f"{'Evidence' if shown.has_evidence else 'Knowledge points'} over training"
    notes = layout.heading_lines(width, [f"{first}{own}.", f"{second[0].upper()}{second[1:]}.", rows])
    layout.write_heading(figure, title, *notes, foot=0.62)
    layout.write_text(figure, width / 2, height - 0.53, shown.labels[1], ha="center", fontsize=SMALL)
    _draw_scale(figure, shown)


def _draw_scale(figure: Figure, shown: EmergenceData) -> None:
    """The colours of the cells."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    width, height = figure.get_size_inches()
    panel = layout.add_panel(figure, width / 2 - 1.3, height - 0.36, 2.6, 0.08)
    colours = ScalarMappable(Normalize(0, shown.most), evidence_colours())
    bar = figure.colorbar(colours, panel, orientation="horizontal", extend="min" if shown.has_evidence else "neither")
    bar.outline.set_visible(False)  # pyright: ignore
    what = "bits per region; light: 0 and below" if shown.has_evidence else "reliable points per image"
    bar.set_label(f"by class: {what}", fontsize=SMALL, labelpad=1)
    bar.ax.tick_params(length=2, pad=1)


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
    """Return the settings that are saved with the figure."""
    return {
        "tau": shown.tau,
        "images": shown.images,
        "checkpoints": [at.name for at in shown.checkpoints],
        "shows": "evidence" if shown.has_evidence else "points",
        "ratio_at_end": {layer.layer: layer.ratio_at_end for layer in shown.layers},
    }


FIGURE = StudyFigure(
    "emergence", data, draw, table, about, (reads(EmergenceResult, "layers"),), version=5, least_checkpoints=2
)
