"""Types for annotations: using them imports neither matplotlib, which is slow, nor the results of every stage."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from patternscope.results.study import StudyResults
else:
    Axes = Figure = StudyResults = Any

__all__ = ["Axes", "Figure", "StudyResults"]
