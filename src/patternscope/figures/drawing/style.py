"""The style of all figures: one palette, one set of sizes, and class marks that are colour-blind safe."""

import json
import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_PALETTE = json.loads(Path(__file__).with_name("palette.json").read_text(encoding="utf-8"))
CLASS_COLOURS: tuple[str, ...] = tuple(entry["colour"] for entry in _PALETTE["classes"])
"""Ten colours, also those of the atlas: 3:1 to white and to black, and distinct under simulated colour blindness."""
_NAMED = {name: place for place, entry in enumerate(_PALETTE["classes"]) for name in entry["names"]}
MARKERS = ("o", "^", "s", "D", "v", "P", "X", "*")
INK = "#2b2b2b"
SOFT = "#6b6b6b"
FAINT = "#cfcfcf"
NOTHING = "#d5d5d5"
# Reliability is shown by ink and dashes, since each hue belongs to a class.
TOTAL = "#8b929a"
RELIABLE = "#20262c"
UNRELIABLE = "#20262c"
SMALL, NORMAL, TITLE = 7.0, 8.0, 10.0

# The first has the letters of European languages; the others are system fonts for other scripts.
_FAMILIES = (
    "DejaVu Sans",
    "Noto Sans CJK JP",
    "Noto Sans CJK SC",
    "Noto Sans JP",
    "Noto Sans SC",
    "Noto Sans KR",
    "Source Han Sans",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Droid Sans Fallback",
    "Hiragino Sans",
    "PingFang SC",
    "Apple SD Gothic Neo",
    "Arial Unicode MS",
    "Yu Gothic",
    "Microsoft YaHei",
    "Malgun Gothic",
)
_MISSING = re.compile(r"Glyph \d+ .*missing from")

_STYLE: dict[Any, Any] = {
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
    "hatch.linewidth": 0.6,
}


class ClassMark(NamedTuple):
    """Colour and marker of a class."""

    colour: str
    marker: str


def class_marks(count: int) -> list[ClassMark]:
    """Return a mark for each of `count` classes: ten colours, and another marker for each further ten.

    Marks repeat after 80 classes, which are then distinguished by their names.

    >>> class_marks(11)[0], class_marks(11)[10]
    (ClassMark(colour='#4454ff', marker='o'), ClassMark(colour='#4454ff', marker='^'))
    """
    return [_mark(label, label % len(CLASS_COLOURS)) for label in range(count)]


def named_marks(names: Sequence[str]) -> list[ClassMark]:
    """Return the marks of classes by their names: a class with the name of a CSS colour gets its hue.

    The others of each ten take the rest, in order.

    >>> [mark.colour for mark in named_marks(["orange", "cat"])]
    ['#fc5e07', '#4454ff']
    """
    size, marks = len(CLASS_COLOURS), []
    for first in range(0, len(names), size):
        own = [name.strip().lower() for name in names[first : first + size]]
        wanted = [_NAMED.get(name) for name in own]
        taken = {place for place in wanted if place is not None}
        free = [place for place in range(size) if place not in taken]
        for at, place in enumerate(wanted):
            chosen = free.pop(0) if place is None or place in wanted[:at] else place
            marks.append(_mark(first + at, chosen))
    return marks


def _mark(label: int, colour: int) -> ClassMark:
    """A colour by index, and the marker of each ten classes."""
    return ClassMark(CLASS_COLOURS[colour], MARKERS[label // len(CLASS_COLOURS) % len(MARKERS)])


def path_shades() -> Any:
    """Return the colours of paths from start to end: from light, 3:1 to white, to dark."""
    from matplotlib import colormaps
    from matplotlib.colors import ListedColormap

    return ListedColormap(colormaps["viridis"](np.linspace(0.55, 0, 128)), "path")


def layer_colours(count: int) -> list[str]:
    """Return colours for layers or checkpoints in order, from light to dark, the lightest 3:1 to white.

    >>> len(layer_colours(3))
    3
    """
    from matplotlib.colors import to_hex

    places = np.linspace(0, 1, count) if count > 1 else [0.5]
    return [to_hex(path_shades()(float(place))) for place in places]


@lru_cache(maxsize=1)
def font_families() -> list[str]:
    """Return the installed fonts of figures: a letter is drawn in the first that has it.

    >>> font_families()[0]
    'DejaVu Sans'
    """
    from matplotlib.font_manager import fontManager

    installed = set(fontManager.get_font_names())
    return [name for name in _FAMILIES if name in installed]


@contextmanager
def one_warning_of_missing_letters() -> Iterator[None]:
    """Warn once that no font has some letters, instead of matplotlib's warning for each letter."""
    show = warnings.showwarning

    def filtered(message: Warning | str, *where: Any, **more: Any) -> None:
        if _MISSING.match(str(message)):
            _warn_of_missing_letters()
        else:
            show(message, *where, **more)

    with warnings.catch_warnings():
        warnings.filterwarnings("always", message=_MISSING.pattern)
        warnings.showwarning = filtered
        yield


@lru_cache(maxsize=1)
def _warn_of_missing_letters() -> None:
    """Warn the first time."""
    warnings.warn(
        "figures: no installed font has some letters of the names, which are drawn as boxes; install one, such as the "
        "package fonts-noto-cjk for Chinese, Japanese and Korean, delete the figures and draw them again",
        stacklevel=2,
    )


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save in one style, independently of the user's matplotlib settings, which are not changed."""
    import matplotlib

    with matplotlib.rc_context(), one_warning_of_missing_letters():
        matplotlib.rcdefaults()
        matplotlib.rcParams["font.family"] = font_families()
        for name, value in _STYLE.items():
            matplotlib.rcParams[name] = value
        yield
