"""The figures of a study as stages: each is a separate unit, drawn from the results that the figure declares."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from patternscope.figures import figure_names, load_figure
from patternscope.figures.drawing.examples import one_per_class
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.results.study import StoredResults
from patternscope.workflow.stages import Stage, UnitContext


@dataclass(frozen=True)
class DrawFigure:
    """The work of a figure's unit; it is sent to other processes by the figure's name."""

    name: str

    def __call__(self, ctx: UnitContext) -> None:
        """Write the figure into the unit's folder."""
        figure, settings = load_figure(self.name), ctx.settings
        results = StoredResults.of(ctx)
        asked = {"examples": settings.figures.examples} if figure.examples else {}
        count = asked.get("examples", 0)
        count = one_per_class(results, count) if figure.each_class else count
        shown = figure.data(results, **({"samples": count} if asked else {}))
        dpi = figure.fixed_dpi or settings.figures.dpi
        figure.save(shown, ctx.folder, dpi, ctx.report, **asked)


def figure_stage(figure: StudyFigure, available: Collection[str] | None = None) -> Stage:
    """Return the stage that draws a figure; it reads those of its inputs that are `available`.

    >>> figure_stage(load_figure("losses")).name
    'figures/losses'
    """
    settings = ("figures",) if figure.examples else ("figures.dpi",)
    return Stage(
        name=f"figures/{figure.name}",
        version=figure.version,
        run=DrawFigure(figure.name),
        settings=("seed", *(() if figure.fixed_dpi else settings)),
        needs=tuple(need for need in (*figure.reads, *figure.also) if available is None or need.stage in available),
        weight=figure.weight,
        least_checkpoints=figure.least_checkpoints,
    )


def figure_stages(stages: Sequence[Stage]) -> tuple[Stage, ...]:
    """Return the figures that can be drawn from the stages of a study, with at least one variant of each input."""
    available = {stage.name for stage in stages}
    families = {name.partition("/")[0] for name in available}
    figures = [load_figure(name) for name in figure_names()]
    return tuple(
        figure_stage(figure, available)
        for figure in figures
        if {need.stage.partition("/")[0] for need in figure.reads} <= families
    )
