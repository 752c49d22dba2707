"""Figures of a study: each is a file with `data` (what is shown), `draw` (how) and `table` (the csv behind it).

A figure is imported when it is asked for, and none imports another's stage: importing one does not import the rest.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from patternscope.errors import InputError, nearest

if TYPE_CHECKING:
    from patternscope.figures.figure import StudyFigure

_PACKAGE = "patternscope.figures"
BASE_FIGURES = (
    "sample_embedding",
    "regional_embedding",
    "knowledge_points",
    "importance",
    "counts",
    "emergence",
    "training_strip",
    "region_paths",
    "losses",
    "training_animation",
)
FAITHFULNESS_FIGURES = ("faithfulness",)
ATTACK_FIGURES = ("attack_regions", "attack_trajectories", "attack_change", "attack_histogram")
STUDENT_FIGURES = ("distilled_counts", "distilled_histograms")
FIGURES = {
    name: f"{_PACKAGE}.{name}"
    for name in (*BASE_FIGURES, *FAITHFULNESS_FIGURES, *ATTACK_FIGURES, *STUDENT_FIGURES)
}
"""The module of each figure."""


def figure_names() -> list[str]:
    """Return the names of all figures, those of every study first."""
    return list(FIGURES)


def load_figure(name: str) -> "StudyFigure":
    """Import a figure; InputError for an unknown name.

    >>> load_figure("counts").name
    'counts'
    """
    if name not in FIGURES:
        raise InputError(f"figure: expected the name of one, got {name!r}; {nearest(name, FIGURES)}")
    return import_module(FIGURES[name]).FIGURE


__all__ = ["FIGURES", "figure_names", "load_figure"]
