"""Figure: knowledge points of a teacher and its students in each layer, and by how much they differ."""

from typing import TYPE_CHECKING, Any

from patternscope.figures.compared import Compared, about, student_needs, students_of
from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import Findings
from patternscope.figures.labels import shortened, write_heading
from patternscope.figures.style import FAINT, INK, RELIABLE, SMALL, SOFT, TOTAL, figure_style
from patternscope.workflow.stages import Stage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "distilled_counts"
_NUMBERS = ("total", "reliable", "ratio")
_KEYS = tuple(f"{name}{end}" for name in _NUMBERS for end in ("", "_low", "_high"))
_ACROSS = 4


def data(findings: Findings) -> Compared:
    """Return what the figure shows of a study."""
    return students_of(findings)


def draw(shown: Compared) -> "Figure":
    """Return the figure: for each layer a bar a network, and below it the differences from the first.

    Source: METHOD section 9; the drawing is this project's.
    """
    from matplotlib.figure import Figure

    across = min(_ACROSS, len(shown.layers))
    lines = -(-len(shown.layers) // across)
    size = (max(4.6, 0.5 + 0.62 * across * (1 + len(shown.others))), 0.7 + 3.6 * lines)
    with figure_style():
        figure = Figure(figsize=size, layout="constrained")
        panels = figure.subplots(
            2 * lines, across, squeeze=False, sharey="row", height_ratios=[1.6, 1.0] * lines
        )
        for place, layer in enumerate(shown.layers):
            line, column = divmod(place, across)
            _draw_bars(panels[2 * line, column], shown, layer, first=column == 0)
            _draw_differences(panels[2 * line + 1, column], shown, layer, first=column == 0)
        for place in range(len(shown.layers), lines * across):
            line, column = divmod(place, across)
            panels[2 * line, column].set_axis_off()
            panels[2 * line + 1, column].set_axis_off()
        panels[0, 0].legend(loc="upper left", borderaxespad=0.1)
        intervals = "95 % bootstrap intervals (differences paired)"
        meaning = f"p(class) > {shown.tau:g}; mean of {shown.images} images, {intervals}"
        write_heading(figure, "Knowledge points an image", shown.networks, meaning, h_pad=0.04)
    return figure


def _rows(shown: Compared, layer: str) -> list[tuple[str, Any, str]]:
    """Each network's name, counts in a layer and through whose maps it was seen, the first network first."""
    found = {name: next(row for row in rows if row["layer"] == layer) for name, rows in shown.others.items()}
    one = next(iter(found.values()))
    return [
        (shown.first, one["first"], ""),
        *[(name, row, shown.maps(row)) for name, row in found.items()],
    ]


def _draw_bars(axes: Any, shown: Compared, layer: str, *, first: bool) -> None:
    """A bar a network, the reliable points inside all, and their ratio above."""
    networks = _rows(shown, layer)
    for place, (_, row, _) in enumerate(networks):
        for name, colour, width, shift in (("total", TOTAL, 0.7, 0.26), ("reliable", RELIABLE, 0.4, 0.0)):
            axes.bar(place, row[name], width=width, color=colour, label=name if place == 0 else None)
            span = [[max(0.0, row[name] - row[f"{name}_low"])], [max(0.0, row[f"{name}_high"] - row[name])]]
            axes.errorbar(
                place + shift, row[name], yerr=span, fmt="none", ecolor=INK, elinewidth=0.8, capsize=2
            )
        ratio = "–" if row["ratio"] is None else f"{100 * row['ratio']:.0f} %"
        axes.annotate(
            ratio,
            (place, max(row["total_high"], 0)),
            (0, 2),
            textcoords="offset points",
            ha="center",
            fontsize=SMALL,
        )
    names = [shortened(name, SMALL, 42) for name, _, _ in networks]
    axes.set_xticks(range(len(networks)), names)
    axes.tick_params(axis="x", length=0)
    axes.set_title(shortened(layer, 8, 120))
    axes.margins(y=0.3)
    axes.locator_params(axis="y", integer=True, nbins=6)
    axes.set_xlim(-0.6, len(networks) - 0.4)
    if first:
        axes.set_ylabel("regions an image")


def _draw_differences(axes: Any, shown: Compared, layer: str, *, first: bool) -> None:
    """By how much each network's total and reliable points differ from the first's."""
    networks = _rows(shown, layer)
    axes.axhline(0, color=FAINT, linewidth=0.8, zorder=0)
    for place, (_, row, _) in enumerate(networks[1:], start=1):
        if "difference" not in row:
            axes.text(place, 0, "other\ngrid", ha="center", va="center", fontsize=SMALL, color=SOFT)
            continue
        for name, colour, shift in (("total", TOTAL, -0.15), ("reliable", RELIABLE, 0.15)):
            value, low, high = (row["difference"][f"{name}{end}"] for end in ("", "_low", "_high"))
            axes.plot([place + shift] * 2, [low, high], color=colour, linewidth=1.6, solid_capstyle="butt")
            axes.plot([place + shift], [value], "o", color=colour, markersize=4)
    labels = ["", *[said.replace(" ", "\n") for _, _, said in networks[1:]]]
    axes.set_xticks(range(len(networks)), labels)
    axes.tick_params(axis="x", length=0, labelcolor=SOFT, labelsize=6.5)
    axes.spines["bottom"].set_visible(False)
    axes.set_xlim(-0.6, len(networks) - 0.4)
    if first:
        axes.set_ylabel(f"minus {shown.first}'s")


def table(shown: Compared) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one a layer and network."""
    return [
        {
            "layer": layer,
            "network": name,
            "accuracy": shown.accuracy.get(name),
            "maps": said or "own maps",
            **{key: row[key] for key in _KEYS},
            **{f"difference_{key}": row.get("difference", {}).get(key) for key in _KEYS},
        }
        for layer in shown.layers
        for name, row, said in _rows(shown, layer)
    ]


FIGURE = StudyFigure(NAME, data, draw, table, about)


def stage(students: tuple[str, ...]) -> Stage:
    """Return the stage that draws these students."""
    return FIGURE.stage(*student_needs(students))
