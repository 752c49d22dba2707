"""Figure: the difference of each measure from the default, by the value of each setting."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evidence.tables import Row, value_text
from patternscope.figures.drawing.style import CLASS_COLOURS, SMALL, SOFT, figure_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_SHOWN = {
    "evidence": "evidence, bits",
    "error": "calibration error (smaller is better)",
    "ratio": "ratio",
    "on_object": "reliable points on the object",
    "deletion": "deletion area of p (smaller is better)",
}
_REACH = 0.12


def draw(rows: Sequence[Row]) -> "Figure":
    """Draw one panel per setting, one line per measure, with the interval of its difference."""
    from matplotlib.figure import Figure

    settings = list(dict.fromkeys(row["setting"] for row in rows))
    with figure_style():
        figure = Figure(figsize=(11, 5.2), layout="constrained")
        columns = (len(settings) + 1) // 2
        panels = figure.subplots(2, columns, squeeze=False).flatten()
        for axes, setting in zip(panels, settings, strict=False):
            _draw_setting(axes, [row for row in rows if row["setting"] == setting])
            axes.set_title(setting, fontsize=SMALL + 1)
        for axes in panels[len(settings) :]:
            axes.set_visible(False)
        for axes in panels[::columns]:
            axes.set_ylabel("difference from the default")
        handles, names = panels[0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=len(_SHOWN))
    return figure


def _draw_setting(axes: Any, rows: Sequence[Row]) -> None:
    """Draw values in order, evenly spaced; the default is marked."""
    for index, ((name, text), colour) in enumerate(zip(_SHOWN.items(), CLASS_COLOURS, strict=False)):
        places = [place for place, row in enumerate(rows) if row[name] is not None]
        values = [0.0 if rows[place]["default"] else rows[place][f"{name}_difference"] for place in places]
        halves = [0.0 if rows[place]["default"] else rows[place][f"{name}_half"] or 0.0 for place in places]
        apart = [place + 0.08 * (index - (len(_SHOWN) - 1) / 2) for place in places]
        axes.errorbar(apart, values, halves, color=colour, marker="o", markersize=3, elinewidth=0.7, label=text)
    default = next(place for place, row in enumerate(rows) if row["default"])
    axes.axvline(default, color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.axhline(0, color=SOFT, linewidth=0.5)
    # The same scale, unless a value changes much more.
    changed = [row for row in rows if not row["default"]]
    reach = max(
        abs(row[f"{name}_difference"] or 0.0) + (row[f"{name}_half"] or 0.0) for row in changed for name in _SHOWN
    )
    axes.set_ylim(*((-_REACH, _REACH) if reach <= _REACH else (-1.1 * reach, 1.1 * reach)))
    axes.set_xticks(range(len(rows)), [value_text(row["value"]) for row in rows])
