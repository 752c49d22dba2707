"""The figures of a study as methods: `study.plot.counts()` draws what figures/counts.py describes."""

from typing import Any

from patternscope.errors import nearest
from patternscope.figures import figure_names, load_figure
from patternscope.results.study import StudyResults


class Plot:
    """One figure of a study, as a function; its docstring describes the arguments."""

    def __init__(self, name: str, results: StudyResults) -> None:
        self._figure, self._results = load_figure(name), results
        self.__doc__ = self._figure.data.__doc__
        self.__name__ = name

    def __call__(self, **choices: Any) -> Any:
        """Return the figure; it is neither shown nor saved."""
        return self._figure.plot(self._results, **choices)


class Plots:
    """The figures that can be drawn of a study."""

    def __init__(self, results: StudyResults) -> None:
        self._results = results

    def __getattr__(self, name: str) -> Plot:
        if name.startswith("_") or name not in figure_names():
            raise AttributeError(f"plot: no figure is called {name!r}; {nearest(name, figure_names())}")
        return Plot(name, self._results)

    def __dir__(self) -> list[str]:
        """Return the names of the figures for which the study has results, for completion."""
        return [name for name in figure_names() if load_figure(name).is_drawn_of(self._results)]

    def __repr__(self) -> str:
        return f"Plots({', '.join(dir(self))})"
