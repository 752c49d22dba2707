"""Figure: how far regional embeddings of students turned from their teacher's, and how much stronger they are."""

from typing import TYPE_CHECKING, Any

from patternscope.figures.compared import COLOURS, Compared, about, student_needs, students_of
from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import Findings
from patternscope.figures.labels import shortened, write_heading
from patternscope.figures.style import FAINT, SMALL, SOFT, figure_style
from patternscope.workflow.stages import Stage

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "distilled_histograms"
_KINDS = {"turn_histogram": "turn", "strength_histogram": "strength"}
_ACROSS = 4


def data(findings: Findings) -> Compared:
    """Return what the figure shows of a study."""
    return students_of(findings)


def draw(shown: Compared) -> "Figure":
    """Return the figure: a column a layer, orientations above, strengths below, a line a network.

    Source: METHOD section 9; the drawing is this project's.
    """
    from matplotlib.figure import Figure

    across = min(_ACROSS, len(shown.layers))
    lines = -(-len(shown.layers) // across)
    with figure_style():
        figure = Figure(figsize=(max(5.2, 1.9 * across + 0.6), 0.75 + 3.9 * lines), layout="constrained")
        panels = figure.subplots(2 * lines, across, squeeze=False)
        for place in range(lines * across):
            line, column = divmod(place, across)
            pair = panels[2 * line : 2 * line + 2, column]
            if place >= len(shown.layers):
                for axes in pair:
                    axes.set_axis_off()
                continue
            for axes, kind in zip(pair, _KINDS, strict=True):
                _draw_layer(axes, shown, shown.layers[place], kind)
            pair[0].set_title(shortened(shown.layers[place], 8, 120))
            pair[0].set_xlabel("1 − cos of orientations")
            pair[1].set_xlabel(f"strength minus {shown.first}'s")
            if column == 0:
                for axes in pair:
                    axes.set_ylabel("share of regions")
        _write(figure, shown)
    return figure


def _write(figure: "Figure", shown: Compared) -> None:
    """Title and what is shown."""
    write_heading(
        figure,
        f"Regional embeddings beside the {shown.first}'s",
        f"All regions of {shown.images} images; bands are 95 % bootstrap intervals over images; strengths in units "
        "of the layer's mean",
        f"Numbers: means over all regions (over the {shown.first}'s knowledge points); below, of the absolute "
        "difference",
    )


def _draw_layer(axes: Any, shown: Compared, layer: str, kind: str) -> None:
    """A stepped line a network with its band, and its means in the legend."""
    for (name, rows), colour in zip(shown.others.items(), COLOURS, strict=False):
        row = next(row for row in rows if row["layer"] == layer)
        if kind not in row:
            axes.text(
                0.5, 0.5, "other grid", transform=axes.transAxes, ha="center", fontsize=SMALL, color=SOFT
            )
            continue
        found = row[kind]
        axes.stairs(
            found["share"], found["edges"], color=colour, linewidth=1.2, label=_said(shown, name, row, kind)
        )
        low, high = ([*found[end], found[end][-1]] for end in ("low", "high"))
        axes.fill_between(found["edges"], low, high, step="post", color=colour, alpha=0.22, linewidth=0)
    axes.axvline(
        {"turn_histogram": 1.0, "strength_histogram": 0.0}[kind], color=FAINT, linewidth=0.8, zorder=0
    )
    tops = [
        max(row[kind]["high"])
        for rows in shown.others.values()
        for row in rows
        if row["layer"] == layer and kind in row
    ]
    axes.set_ylim(0, 1.45 * max(tops, default=1.0))
    axes.locator_params(axis="y", nbins=5)
    # On white, since the line that marks 1 or 0 passes behind it.
    paper = {"frameon": True, "facecolor": "white", "edgecolor": "none", "framealpha": 0.9}
    axes.legend(loc="upper right", handlelength=1.0, borderaxespad=0.0, borderpad=0.1, fontsize=6.2, **paper)


def _said(shown: Compared, name: str, row: Any, kind: str) -> str:
    """A network's line in the legend."""
    if kind == "strength_histogram":
        return f"{name}: {row['strength_apart']:.2f}"
    at_points = row["turn_at_points"]
    return (
        f"{name}, {shown.maps(row)}\n{row['turn']:.2f} ({'–' if at_points is None else f'{at_points:.2f}'})"
    )


def table(shown: Compared) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one a layer, network, measure and bin."""
    return [
        {
            "layer": row["layer"],
            "network": name,
            "maps": shown.maps(row),
            "measure": measure,
            "from": row[kind]["edges"][place],
            "to": row[kind]["edges"][place + 1],
            "share": row[kind]["share"][place],
            "share_low": row[kind]["low"][place],
            "share_high": row[kind]["high"][place],
        }
        for name, rows in shown.others.items()
        for row in rows
        for kind, measure in _KINDS.items()
        if kind in row
        for place in range(len(row[kind]["share"]))
    ]


FIGURE = StudyFigure(NAME, data, draw, table, about)


def stage(students: tuple[str, ...]) -> Stage:
    """Return the stage that draws these students."""
    return FIGURE.stage(*student_needs(students), version=2)
