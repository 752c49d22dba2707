"""How all figures look: one palette, one set of sizes, and class marks that colour-blind eyes tell apart."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

# M. A. Petroff's ten colours, chosen by a survey under a constraint on simulated colour blindness.
PETROFF10 = (
    "#3f90da",
    "#ffa90e",
    "#bd1f01",
    "#94a4a2",
    "#832db6",
    "#a96b59",
    "#e76300",
    "#b9ac70",
    "#717581",
    "#92dadd",
)
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
INK = "#2b2b2b"
SOFT = "#6b6b6b"
FAINT = "#cfcfcf"
NOTHING = "#d5d5d5"
TOTAL = "#8fbfe8"
RELIABLE = "#1b5c9e"
UNRELIABLE = "#e76300"
SMALL, NORMAL, TITLE = 7.0, 8.0, 10.0

_STYLE: dict[Any, Any] = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": NORMAL,
    "axes.titlesize": NORMAL,
    "axes.labelsize": NORMAL,
    "axes.titlelocation": "left",
    "axes.edgecolor": SOFT,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "text.color": INK,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "lines.linewidth": 1.4,
    "figure.facecolor": "white",
    "savefig.facecolor": "white",
    "image.composite_image": False,
    "svg.hashsalt": "patternscope",
    "svg.fonttype": "path",
}


class ClassMark(NamedTuple):
    """Colour and marker of a class. Source: this project."""

    colour: str
    marker: str


def class_marks(count: int) -> list[ClassMark]:
    """Return a mark for each of `count` classes: ten colours, and another marker for each further ten.

    Source: this project. Marks repeat after 80 classes; names then tell them apart.

    >>> class_marks(11)[0], class_marks(11)[10]
    (ClassMark(colour='#3f90da', marker='o'), ClassMark(colour='#3f90da', marker='^'))
    """
    return [
        ClassMark(PETROFF10[each % len(PETROFF10)], MARKERS[each // len(PETROFF10) % len(MARKERS)])
        for each in range(count)
    ]


def layer_colours(count: int) -> list[str]:
    """Return colours for layers or checkpoints in order, from light to dark.

    Source: this project.

    >>> len(layer_colours(3))
    3
    """
    from matplotlib import colormaps
    from matplotlib.colors import to_hex

    shades = colormaps["viridis"]
    places = [0.85 - 0.75 * each / max(1, count - 1) for each in range(count)] if count > 1 else [0.3]
    return [to_hex(shades(place)) for place in places]


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save in this project's style, whatever the user's matplotlib settings are, which stay as found.

    Source: this project.
    """
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        for name, value in _STYLE.items():
            matplotlib.rcParams[name] = value
        yield
