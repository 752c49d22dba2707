"""Figure: evidence by the number of dimensions, of ten classes as a share of what is readable, and of other numbers."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from evidence.tables import Row
from patternscope.embeddings.settings import dimensions
from patternscope.figures.drawing.style import SMALL, SOFT, class_marks, figure_style

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(rows: Sequence[Row], by_classes: Sequence[Row]) -> "Figure":
    """Draw three panels: the last layer and the one before of ten classes, and the last layer of composed classes."""
    from matplotlib.figure import Figure

    with figure_style():
        figure = Figure(figsize=(9.6, 3.4), layout="constrained")
        last, before, composed = figure.subplots(1, 3)
        for axes, place, title in ((last, 1, "ten classes, last layer"), (before, 2, "ten classes, layer before")):
            _draw_shares(axes, [row for row in rows if row["from_end"] == place])
            axes.set_title(title, fontsize=SMALL + 0.5)
        last.set_ylabel("evidence / readable")
        last.legend(fontsize=SMALL - 1, loc="lower right")
        composed.set_visible(bool(by_classes))
        _draw_classes(composed, by_classes)
    return figure


def _draw_shares(axes: Any, rows: Sequence[Row]) -> None:
    """Draw a line per network and image set."""
    marks = class_marks(30)
    for index, (images, network) in enumerate(dict.fromkeys((row["images"], row["network"]) for row in rows)):
        own = [r for r in rows if (r["images"], r["network"]) == (images, network) and r["share"] is not None]
        axes.plot(
            [row["dimensions"] for row in own],
            [row["share"] for row in own],
            marker=marks[index].marker,
            color=marks[index].colour,
            markersize=3.5,
            label=f"{network}, {images}",
        )
    axes.axvline(9, color=SOFT, linewidth=0.8, linestyle=(0, (4, 3)))
    axes.set_ylim(0, 1.05)
    axes.set_xlabel("dimensions e (dashed: c − 1)")


def _draw_classes(axes: Any, rows: Sequence[Row]) -> None:
    """Draw evidence in bits of the last layer, a line for each number of classes; a ring marks what "auto" takes."""
    marks = class_marks(30)
    last = rows[-1]["layer"] if rows else ""
    for index, classes in enumerate(sorted({row["classes"] for row in rows})):
        own = [row for row in rows if (row["classes"], row["layer"]) == (classes, last)]
        colour = marks[index].colour
        axes.plot(
            [row["dimensions"] for row in own],
            [row["evidence"] for row in own],
            marker="o",
            markersize=3,
            color=colour,
            label=f"{classes} classes",
        )
        chosen = [row for row in own if row["dimensions"] == dimensions("auto", classes)]
        axes.plot(
            [row["dimensions"] for row in chosen],
            [row["evidence"] for row in chosen],
            linestyle="",
            marker="o",
            markersize=8,
            markerfacecolor="none",
            color=colour,
        )
    axes.set_xscale("log")
    axes.set_xticks([2, 3, 5, 9, 16, 32, 99], ["2", "3", "5", "9", "16", "32", "99"])
    axes.minorticks_off()
    axes.set_ylim(bottom=0)
    axes.set_xlabel("dimensions e (ring: auto)")
    axes.set_ylabel("evidence, bits per region")
    axes.set_title("composed classes, last layer", fontsize=SMALL + 0.5)
    if rows:
        axes.legend(fontsize=SMALL - 1)
