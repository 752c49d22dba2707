"""Figure: the evidence of each layer over training, in bits per region, compared with readable bits and chance."""

from dataclasses import dataclass
from math import nan
from typing import Any

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Axes, Figure, StudyResults
from patternscope.figures.drawing.bars import spans
from patternscope.figures.drawing.bits import (
    ALL_EVIDENCE,
    PLAIN,
    READABLE,
    SUBJECTS,
    bit_meaning,
    evidence_colours,
    ink_on,
)
from patternscope.figures.drawing.chance import (
    CONTROLS,
    NOT_MEASURED,
    SHORT_NAMES,
    Chance,
    chance_cells,
    chance_text,
    read_chance,
)
from patternscope.figures.drawing.choices import Layers, choose_layers
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import checkpoint_labels, shortened, text_width
from patternscope.figures.drawing.needs import ALL_TRAINING
from patternscope.figures.drawing.style import FAINT, INK, NORMAL, SMALL, SOFT, figure_style
from patternscope.knowledge.intervals import Interval
from patternscope.results.evidence import Against, EvidenceResult
from patternscope.results.formatting import number
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.noise import ONE_NETWORK, over_what
from patternscope.results.record_codec import flat_interval
from patternscope.results.replicates import NetworksResult
from patternscope.results.result import reads
from patternscope.results.training import TrainingResult

MOST = 24  # checkpoints
_GAP, _BARS, _CHANCE, _ACCURACY, _ABOVE, _FOOT, _HEADS = 0.12, 2.35, 1.15, 0.32, 0.22, 0.62, 0.42
_NOTE: dict[str, Any] = {"textcoords": "offset points", "ha": "center", "fontsize": 6.0}
_ERROR_BAR: dict[str, Any] = {"fmt": "none", "ecolor": INK, "elinewidth": 0.8, "capsize": 1.5}


@dataclass(frozen=True)
class EvidenceData:
    """Evidence by layer, shallow to deep, and checkpoint; `readable` and `chance` are of the last one.

    `most` is the maximum of bits per region, `total` the number of checkpoints, `against` what evidence is about, and
    `networks` the number of networks behind the intervals.
    """

    evidence: dict[str, list[Interval]]
    readable: dict[str, Interval]
    chance: dict[str, Chance]
    checkpoints: list[TrainingResult]
    total: int
    most: float
    against: Against
    classes: int
    images: int
    networks: int | None = None

    @property
    def scale(self) -> float:
        """Bits at the dark end of the colours and of the bars: above all values shown."""
        shown = [each for of_layer in self.evidence.values() for each in of_layer] + list(self.readable.values())
        return max(0.1, *(each.high if each.high is not None else each.value or 0.0 for each in shown))

    @property
    def labels(self) -> tuple[list[str], str]:
        """Short labels of the checkpoints, and their meaning."""
        return checkpoint_labels([at.name for at in self.checkpoints], [at.step for at in self.checkpoints])


def data(results: StudyResults, layers: Layers = None, most: int = MOST) -> EvidenceData:
    """Return what the figure shows: `layers`, by default all, at up to `most` checkpoints, including both ends."""
    names = choose_layers(results, EvidenceResult, layers)
    known = results.checkpoints(EvidenceResult)
    shown = [known[place] for place in layout.spread_out(len(known), most)]
    # Several networks count only if all values shown are known for them.
    several = set(shown) <= set(results.checkpoints(NetworksResult))
    told = {
        layer: [results.load(NetworksResult, at, layer) if several else results.evidence(layer, at) for at in shown]
        for layer in names
    }
    own, last = results.evidence(names[-1]), told[names[-1]][-1]
    return EvidenceData(
        {layer: [at.evidence for at in of_layer] for layer, of_layer in told.items()},
        {layer: of_layer[-1].readable for layer, of_layer in told.items()},
        read_chance(results, names),
        [results.training(at) for at in shown],
        len(known),
        own.most,
        own.against,
        len(results.load(ImagesResult).classes),
        results.knowledge(names[-1]).images,
        len(last.networks) if isinstance(last, NetworksResult) else None,
    )


@dataclass(frozen=True)
class _Places:
    """Inches: of a cell, of the names of layers, of the heading above the cells; and the lines there."""

    cell: tuple[float, float]
    left: float
    top: float
    lines: list[str]
    size: tuple[float, float]

    @classmethod
    def of(cls, shown: EvidenceData) -> "_Places":
        """Return the positions for the layers and checkpoints shown."""
        rows, columns = len(shown.evidence), len(shown.checkpoints)
        wide = min(0.62, max(0.34, 6.0 / columns)) if columns > 1 else 0.9
        tall = min(0.44, max(0.15, 5.0 / rows))
        left = min(1.5, 0.25 + max(text_width(shortened(name, NORMAL, 90), NORMAL) for name in shown.evidence) / 72)
        width = left + columns * wide + _GAP + _BARS + (_CHANCE if shown.chance else 0.0)
        lines = layout.heading_lines(width, _explanations(shown))
        top = 0.42 + 0.15 * len(lines) + _HEADS
        below = (_ABOVE + _ACCURACY if columns > 1 else 0.0) + _FOOT
        return cls((wide, tall), left, top, lines, (width, top + rows * tall + below))


def _explanations(shown: EvidenceData) -> list[str]:
    """The caption: what the numbers are, what a bit is, and what the intervals include."""
    count = len(shown.checkpoints)
    part = f" {count} of {shown.total} checkpoints." if 1 < count < shown.total else ""
    correct = shown.checkpoints[0].held_out_accuracy
    accuracy = "" if count > 1 or correct is None else f" Held-out accuracy: {number(correct)}."
    trust = [] if (shown.networks or 1) > 1 else [f"{ONE_NETWORK.capitalize()}."]
    trust = [" ".join(trust + [NOT_MEASURED] * (not shown.chance))] if trust or not shown.chance else []
    return [
        f"Bits per region about {SUBJECTS[shown.against]}: mean over {shown.images:,} images, each judged by a map "
        f"fitted without it; ± half the 95 % interval {over_what(shown.networks)}, grey where it includes "
        f"0.{part}{accuracy}",
        bit_meaning(shown.against, shown.most, shown.classes),
        *trust,
    ]


@figure_style()
def draw(shown: EvidenceData) -> Figure:
    """Return the figure: layers as rows, deep on top, checkpoints as columns."""
    places = _Places.of(shown)
    (wide, tall), rows, columns = places.cell, len(shown.evidence), len(shown.checkpoints)
    figure = layout.new_figure(*places.size)
    over = " over training" if columns > 1 else ""
    layout.write_heading(figure, f"Evidence of the class in each layer{over}", *places.lines)
    cells = layout.add_panel(figure, places.left, places.top, columns * wide, rows * tall)
    _draw_cells(cells, shown, places)
    right = places.left + columns * wide + _GAP
    _draw_bars(layout.add_panel(figure, right, places.top, _BARS, rows * tall), shown)
    _name_columns(figure, shown, places, right)
    down = places.top + rows * tall
    if columns > 1:
        _draw_accuracy(layout.add_panel(figure, places.left, down + _ABOVE, columns * wide, _ACCURACY), shown)
    _draw_scale(figure, shown, right)
    return figure


def _draw_cells(axes: Axes, shown: EvidenceData, places: _Places) -> None:
    """A coloured cell per layer and checkpoint, with its bits and half its interval if they fit."""
    from matplotlib.colors import Normalize

    rows = list(reversed(shown.evidence.items()))
    colours, scale = evidence_colours(), Normalize(0, shown.scale, clip=True)
    values = [[told.value or 0.0 for told in of_layer] for _, of_layer in rows]
    axes.imshow(values, cmap=colours, norm=scale, aspect="auto", interpolation="nearest")
    wide, tall = places.cell
    for row, (_, of_layer) in enumerate(rows):
        for column, told in enumerate(of_layer):
            colour = colours(scale(told.value or 0.0))
            ink = ink_on(colour, SOFT if (told.low or 0.0) <= 0 else INK)
            both = tall >= 0.34 and wide >= 0.4 and told.low is not None and told.high is not None
            look: dict[str, Any] = {"ha": "center", "color": ink}
            place = {"va": "bottom" if both else "center", "fontsize": min(SMALL + 0.5, 72 * tall * 0.6)}
            axes.text(column, row + (0.12 if both else 0), number(told.value), **look, **place)
            if both:
                half = number(((told.high or 0.0) - (told.low or 0.0)) / 2)
                axes.text(column, row + 0.16, f"±{half}", va="top", fontsize=5.5, **look)
    axes.set_yticks(range(len(rows)), [shortened(layer, NORMAL, 90) for layer, _ in rows], fontsize=NORMAL)
    axes.set_xticks([])
    _separate(axes, len(rows), len(shown.checkpoints))


def _separate(axes: Axes, rows: int, columns: int) -> None:
    """White lines between cells, and no frame."""
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    axes.hlines([row + 0.5 for row in range(rows - 1)], -0.5, columns - 0.5, color="white", linewidth=1.2)
    axes.vlines([column + 0.5 for column in range(columns - 1)], -0.5, rows - 0.5, color="white", linewidth=0.8)


def _draw_bars(axes: Axes, shown: EvidenceData) -> None:
    """Bars of evidence inside bars of readable bits, at the last checkpoint, with both numbers."""
    rows = list(reversed(shown.evidence))
    for row, layer in enumerate(rows):
        told, readable = shown.evidence[layer][-1], shown.readable[layer]
        for interval, colour, height, aside in ((readable, READABLE, 0.6, -0.22), (told, PLAIN, 0.3, 0.0)):
            axes.barh(row, max(0.0, interval.value or 0.0), height=height, color=colour)
            if interval.low is not None:
                axes.errorbar(interval.value or 0.0, row + aside, xerr=spans([interval]), **_ERROR_BAR)
        ends = [each.high if each.high is not None else each.value or 0.0 for each in (told, readable)]
        text = f"{number(told.value)} of {number(readable.value)}"
        axes.annotate(text, (max(0.0, *ends), row), (4, 0), textcoords="offset points", va="center", fontsize=SMALL)
    # The numbers are to the right of the longest bar.
    axes.set(xlim=(0, shown.scale / 0.66), ylim=(len(rows) - 0.5, -0.5), xticks=[], yticks=[])
    axes.spines["bottom"].set_visible(False)


def _name_columns(figure: Figure, shown: EvidenceData, places: _Places, right: float) -> None:
    """The legend of the bars, and the evidence by chance to the right of them."""
    when = shown.checkpoints[-1].title_of_last
    for text, colour, aside in (("evidence", PLAIN, 0.0), ("readable by a linear probe", READABLE, 0.72)):
        square = layout.add_panel(figure, right + aside, places.top - 0.16, 0.08, 0.08)
        square.set_facecolor(colour)
        square.set(xticks=[], yticks=[])
        square.spines[:].set_visible(False)
        layout.write_text(figure, right + aside + 0.12, places.top - 0.12, text, fontsize=SMALL)
    head = "All images" if when is None else f"At {when}"
    layout.write_text(figure, right, places.top - 0.28, head, fontsize=SMALL, weight="bold")
    if not shown.chance:
        return
    across = right + _BARS + _CHANCE / 2
    layout.write_text(figure, across, places.top - 0.28, "Chance", fontsize=SMALL, weight="bold", ha="center")
    layout.write_text(figure, across, places.top - 0.12, " / ".join(SHORT_NAMES), fontsize=SMALL, ha="center")
    for row, layer in enumerate(reversed(shown.evidence)):
        text, down = chance_text(shown.chance.get(layer)), places.top + (row + 0.5) * places.cell[1]
        layout.write_text(figure, across, down, text, fontsize=SMALL, ha="center")


def _draw_accuracy(axes: Axes, shown: EvidenceData) -> None:
    """The held-out accuracy of the checkpoints as a line, and the names of the columns below it."""
    known = [at.held_out_accuracy for at in shown.checkpoints]
    values = [nan if value is None else value for value in known]
    places = range(len(values))
    axes.plot(places, values, color=SOFT, linewidth=1.0, marker="o", markersize=2.5, clip_on=False)
    written = layout.thinned(len(values), 12)
    for place in written:
        if known[place] is not None:
            axes.annotate(number(values[place]), (place, values[place]), (0, 3), color=SOFT, **_NOTE)
    names, what = shown.labels
    axes.set_xticks(written, [shortened(names[place], SMALL, 34) for place in written])
    axes.set(xlim=(-0.5, len(values) - 0.5), ylim=(0, 1), yticks=[])
    axes.set_xlabel(what, labelpad=2)
    axes.set_ylabel("held-out\naccuracy", fontsize=SMALL, rotation=0, ha="right", va="center", labelpad=4)
    axes.tick_params(length=0)
    axes.spines["left"].set_visible(False)
    axes.spines["bottom"].set_color(FAINT)


def _draw_scale(figure: Figure, shown: EvidenceData, left: float) -> None:
    """The colours of bits."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize
    from matplotlib.ticker import MaxNLocator

    height = figure.get_size_inches()[1]
    panel = layout.add_panel(figure, left, height - 0.5, 0.66 * _BARS, 0.09)
    bar = figure.colorbar(
        ScalarMappable(Normalize(0, shown.scale), evidence_colours()), panel, orientation="horizontal"
    )
    bar.outline.set_visible(False)  # pyright: ignore
    bar.set_label("bits per region", fontsize=SMALL, labelpad=2)
    bar.locator = MaxNLocator(4)
    bar.ax.tick_params(length=2)


def table(shown: EvidenceData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: layer and checkpoint; readable and chance only at the last one."""
    rows = []
    for layer, of_layer in shown.evidence.items():
        for place, (at, told) in enumerate(zip(shown.checkpoints, of_layer, strict=True)):
            last = place == len(of_layer) - 1
            readable = shown.readable[layer] if last else Interval(None, None, None)
            when = {"checkpoint": at.checkpoint, "name": at.name, "step": at.step, "accuracy": at.held_out_accuracy}
            cells = {**flat_interval("evidence", told), **flat_interval("readable", readable)}
            rows.append({"layer": layer, **when, **cells, **chance_cells(shown.chance.get(layer) if last else None)})
    return rows


def about(shown: EvidenceData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    return {
        "layers": list(shown.evidence),
        "checkpoints": [at.name for at in shown.checkpoints],
        "of": shown.total,
        "most_bits": shown.most,
        "against": shown.against,
        "images": shown.images,
        "chance_measured": bool(shown.chance),
    }


_READS = (
    reads(ImagesResult, "classes"),
    ALL_TRAINING,
    ALL_EVIDENCE,
    reads(KnowledgeResult, "images", checkpoint="last", layer="all"),
)
_NETWORKS = reads(NetworksResult, "evidence", checkpoint="all", layer="all")
FIGURE = StudyFigure("evidence", data, draw, table, about, _READS, (CONTROLS, _NETWORKS), version=2)
