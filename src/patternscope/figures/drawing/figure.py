"""A figure of a study: its data, its drawing, the table behind it, and the results that it reads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from inspect import signature
from pathlib import Path
from typing import Any

from patternscope.errors import InputError, nearest
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.saving import save_figure
from patternscope.workflow.stages import Need


@dataclass(frozen=True)
class StudyFigure:
    """The parts of a figure, functions of one module, and its declarations.

    Attributes:
        data: takes the results of a study, and choices such as `layers`, and returns what is shown.
        draw, table, about: take the value of `data`, and return the picture, the rows behind it, and its settings file.
        reads: the results that `data` reads. also: those that it reads if a study has them.
        version: raised when the picture changes. weight: rough cost, in seconds.
        examples: whether `data` shows the number of images (`samples`) in the settings. each_class: whether it shows at
            least one of each class, unless there are very many.
        fixed_dpi: its resolution, if the settings do not decide it.
        least_checkpoints: of a study that has the figure; 2 for one that shows a training.
    """

    name: str
    data: Callable[..., Any]
    draw: Callable[..., Figure]
    table: Callable[[Any], Sequence[Mapping[str, Any]]]
    about: Callable[[Any], Mapping[str, Any]]
    reads: tuple[Need, ...]
    also: tuple[Need, ...] = ()
    version: int = 1
    weight: float = 0.5
    examples: bool = False
    each_class: bool = False
    fixed_dpi: int | None = None
    least_checkpoints: int = 1

    def plot(self, results: StudyResults, **choices: Any) -> Figure:
        """Return the picture of some results; choices are the other arguments of `data` and `draw`.

        InputError for an argument that the figure does not have, and for a study without the results that it reads.
        """
        if missing := results.missing(self.reads):
            raise InputError(f"{self.name}: expected a study with {' and '.join(missing)}, got one without")
        if len(results.checkpoints()) < self.least_checkpoints:
            raise InputError(f"{self.name}: expected a study with several checkpoints, got one")
        offered = {part: list(signature(part).parameters)[1:] for part in (self.data, self.draw)}
        known = [name for names in offered.values() for name in names]
        for name in choices:
            if name not in known:
                hint = nearest(name, known) if known else "it offers none"
                raise InputError(f"{self.name}: expected an argument of the figure, got {name!r}; {hint}")
        of_data, of_draw = ({name: choices[name] for name in names if name in choices} for names in offered.values())
        return self.draw(self.data(results, **of_data), **of_draw)

    def is_drawn_of(self, results: StudyResults) -> bool:
        """Tell whether the results contain everything that the figure shows."""
        return not results.missing(self.reads) and len(results.checkpoints()) >= self.least_checkpoints

    def save(
        self, shown: Any, folder: Path, dpi: int, report: Callable[[float, str], None] | None = None, **asked: Any
    ) -> None:
        """Write the figure of some `data` into a folder, with the requested settings `asked`."""
        about = {**self.about(shown), **asked}
        save_figure(self.draw(shown), folder, self.name, rows=self.table(shown), settings=about, dpi=dpi)
