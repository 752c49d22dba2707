"""What a reader of a figure would stumble over: texts on each other or cut off, axes beyond what a quantity can be."""

import re
from itertools import combinations

from matplotlib.axis import Axis
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.transforms import Bbox

from patternscope.figures.drawing.style import figure_style

_SHARE = re.compile(r"\b(share|accuracy|probability)\b|\bp\(", re.IGNORECASE)
_TOUCH = 1.0  # pixels by which boxes of texts may meet: they are higher than their letters


def _boxes(figure: Figure) -> list[tuple[str, Bbox]]:
    """Texts that are drawn, and where, in pixels."""
    with figure_style():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        texts = [*figure.texts, *(text for legend in figure.legends for text in legend.findobj(Text))]
        for axes in figure.axes:
            legend = axes.get_legend()
            texts += [*axes.texts, axes.title, axes._left_title, axes._right_title]
            texts += legend.findobj(Text) if legend else []
            for axis in (axes.xaxis, axes.yaxis) if axes.axison else ():
                texts += [axis.label, *_tick_labels(axis)]
        shown = [text for text in texts if text.get_visible() and text.get_text().strip()]
        return [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in shown]


def _tick_labels(axis: Axis) -> list[Text]:
    """Labels of ticks; those beyond the limits are never drawn."""
    low, high = sorted(axis.get_view_interval())
    slack = 1e-6 * (high - low)
    ticks = [tick for tick in axis.get_major_ticks() if low - slack <= tick.get_loc() <= high + slack]
    return [label for tick in ticks for label in (tick.label1, tick.label2)]


def overlaps(figure: Figure) -> list[tuple[str, str]]:
    """Pairs of texts that lie on each other."""
    return [
        (one, other)
        for (one, first), (other, second) in combinations(_boxes(figure), 2)
        if min(first.x1, second.x1) - max(first.x0, second.x0) > _TOUCH
        and min(first.y1, second.y1) - max(first.y0, second.y0) > _TOUCH
    ]


def cut_off(figure: Figure) -> list[str]:
    """Texts that reach beyond the paper."""
    width, height = figure.get_size_inches() * figure.dpi
    return [
        text
        for text, box in _boxes(figure)
        if box.x0 < -_TOUCH or box.y0 < -_TOUCH or box.x1 > width + _TOUCH or box.y1 > height + _TOUCH
    ]


def beyond(figure: Figure) -> list[str]:
    """Axes of shares, accuracies and probabilities that go below 0 or above 1."""
    found = []
    for axes in figure.axes:
        titles = f"{axes.get_title()} {axes.get_title('left')}"
        vertical = axes.get_ylabel() or titles
        for label, limits in ((vertical, axes.get_ylim()), (axes.get_xlabel(), axes.get_xlim())):
            low, high = sorted(limits)
            if _SHARE.search(label) and (low < -1e-9 or high > 1 + 1e-9):
                found.append(f"{label}: {low:.3g} to {high:.3g}")
    return found
