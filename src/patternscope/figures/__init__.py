"""Figures of a study, one file each: `data` (what is shown), `draw` (how) and `table` (the csv behind it).

A figure is found here by its file and imported on first use; importing one does not import the rest.
"""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import TYPE_CHECKING

from patternscope.errors import InputError, nearest

if TYPE_CHECKING:
    from patternscope.figures.drawing.figure import StudyFigure


@cache
def figure_names() -> tuple[str, ...]:
    """Return the names of all figures."""
    return tuple(module.name for module in iter_modules(__path__) if not module.ispkg)


def load_figure(name: str) -> "StudyFigure":
    """Import a figure; InputError for an unknown name.

    >>> load_figure("counts").name
    'counts'
    """
    if name not in figure_names():
        raise InputError(f"figure: expected the name of one, got {name!r}; {nearest(name, figure_names())}")
    return import_module(f"{__name__}.{name}").FIGURE


__all__ = ["figure_names", "load_figure"]
