"""The figures of a study as stages: each is a unit of its own, drawn from the results that the figure declares."""

from collections.abc import Collection
from dataclasses import dataclass

from patternscope.figures import (
    ATTACK_FIGURES,
    BASE_FIGURES,
    FAITHFULNESS_FIGURES,
    STUDENT_FIGURES,
    load_figure,
)
from patternscope.figures.figure import StudyFigure
from patternscope.results.study import STUDENTS, StoredResults
from patternscope.workflow.stages import Stage, UnitContext


@dataclass(frozen=True)
class DrawFigure:
    """The work of a figure's unit; it is handed to other processes by the figure's name."""

    name: str

    def __call__(self, ctx: UnitContext) -> None:
        """Write the figure into the unit's folder."""
        figure, settings = load_figure(self.name), ctx.settings
        asked = {"examples": settings.figures.examples} if figure.examples else {}
        samples = {"samples": settings.figures.examples} if figure.examples else {}
        shown = figure.data(StoredResults.of(ctx), **samples)
        dpi = figure.fixed_dpi or settings.figures.dpi
        figure.save(shown, ctx.folder, dpi, ctx.report, **asked)


def figure_stage(figure: StudyFigure, students: Collection[str] = STUDENTS) -> Stage:
    """Return the stage that draws a figure; of the students it reads those that the study has.

    >>> figure_stage(load_figure("losses")).name
    'figures/losses'
    """
    settings = ("figures",) if figure.examples else ("figures.dpi",)
    return Stage(
        name=f"figures/{figure.name}",
        version=figure.version,
        run=DrawFigure(figure.name),
        settings=("seed", *(() if figure.fixed_dpi else settings)),
        needs=tuple(need for need in figure.reads if need.stage.partition("/")[2] in ("", *students)),
        weight=figure.weight,
    )


def figure_stages(attack: bool, faithfulness: bool, students: tuple[str, ...]) -> tuple[Stage, ...]:
    """Return the figures of a study: those of every study, then those of the parts that are enabled."""
    names = BASE_FIGURES + (FAITHFULNESS_FIGURES if faithfulness else ())
    names += (ATTACK_FIGURES if attack else ()) + (STUDENT_FIGURES if students else ())
    return tuple(figure_stage(load_figure(name), students) for name in names)
