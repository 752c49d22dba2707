"""Printing by the commands: plain lines, tables of 80 columns, readable sizes and times."""

import codecs
import math
import sys
import textwrap
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from patternscope.errors import visible

WIDTH = 80  # of tables where there is no terminal
HEADING = 11  # longest line in the heading of a column of numbers
GAP = 2  # between columns
HALF_WIDTH = "± half of the 95 % interval over images"
_ASCII = {"−": "-", "–": "-", "±": "+-", "°": " deg", "\N{NO-BREAK SPACE}": " ", "▶": ">", "·": ".", "□": "o", "■": "#"}


def half_width(over: str) -> str:
    """Return the half-width printed after ± in a table.

    >>> half_width("over images") == HALF_WIDTH
    True
    """
    return f"± half of the 95 % interval {over}"


def file_size(size: float) -> str:
    """Return a number of bytes in readable form.

    >>> file_size(999), file_size(12_345_678)
    ('999 B', '12.3 MB')
    """
    if size < 1000:
        return f"{size:.0f} B"
    power = min(4, int(math.log10(size) // 3))
    return f"{size / 1000**power:.1f} {['B', 'kB', 'MB', 'GB', 'TB'][power]}"


def time_span(seconds: float) -> str:
    """Return a time in readable form.

    >>> time_span(9.87), time_span(312), time_span(5400)
    ('9.9 s', '5 min', '1.5 h')
    """
    if seconds < 100:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def console() -> Console:
    """Return where tables are printed: the terminal, or something 80 columns wide.

    A character that its encoding lacks, such as the minus sign on some systems, is replaced by ASCII.
    """
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(errors=_ERRORS)
    terminal = Console(highlight=False)
    return terminal if terminal.is_terminal else Console(highlight=False, width=WIDTH)


class PlainTable(Table):
    """A table of plain text: markup and control characters in names have no effect."""

    def add_row(self, *renderables: Any, **options: Any) -> None:
        """Add a row of texts."""
        super().add_row(*(Text(visible(cell)) if isinstance(cell, str) else cell for cell in renderables), **options)


def new_table(*columns: str, texts: int = 1) -> Table:
    """Return an empty table; the first `texts` columns may be folded, the others hold numbers, which stay whole."""
    table = PlainTable(box=box.SIMPLE, show_edge=False, pad_edge=False, padding=(0, GAP - 1, 0, 0))
    for place, column in enumerate(columns):
        if place < texts:
            table.add_column(column, overflow="fold")
        else:
            lines = textwrap.wrap(column, HEADING, break_on_hyphens=False)
            table.add_column("\n".join(lines), justify="right", no_wrap=True)
    return table


def show(content: RenderableType) -> None:
    """Print a table."""
    console().print(content)


def say(line: str) -> None:
    """Print a line verbatim, without control characters."""
    console().print(visible(line), markup=False, soft_wrap=True)


def tell(sentence: str) -> None:
    """Print a sentence, in lines as wide as the terminal."""
    say(folded(sentence, console().width))


def folded(sentence: str, width: int = WIDTH) -> str:
    """Return a sentence in lines of at most `width` letters; words such as paths stay whole.

    >>> folded("one two three", 8)
    'one two\\nthree'
    """
    return textwrap.fill(sentence, width, break_long_words=False, break_on_hyphens=False)


def _plain(error: UnicodeError) -> tuple[str, int]:
    """The replacement of characters that cannot be encoded."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    return "".join(_ASCII.get(letter, "?") for letter in error.object[error.start : error.end]), error.end


_ERRORS = "patternscope-plain"
codecs.register_error(_ERRORS, _plain)
