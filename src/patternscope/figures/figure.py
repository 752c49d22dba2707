"""A figure of a study: what to show, how, the table behind it, what is said of it, and the stage that draws it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from patternscope.figures.findings import findings_of
from patternscope.figures.saving import save_figure
from patternscope.workflow.stages import Need, Stage, UnitContext

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class StudyFigure:
    """The parts of a figure, functions of one module, in the order in which they are called.

    `data(findings)` decides what is shown, or `data(findings, examples)` where the figure shows as many
    images as the settings ask for; `draw`, `table` and `about` take what it returns.
    """

    name: str
    data: Callable[..., Any]
    draw: Callable[[Any], "Figure"]
    table: Callable[[Any], Sequence[Mapping[str, Any]]]
    about: Callable[[Any], Mapping[str, Any]]
    examples: bool = False

    def __call__(self, ctx: UnitContext) -> None:
        """Write the figure into the unit's folder."""
        asked = ctx.settings.figures
        if self.examples:
            shown = self.data(findings_of(ctx), asked.examples)
            self.save(shown, ctx.folder, asked.dpi, examples=asked.examples)
        else:
            self.save(self.data(findings_of(ctx)), ctx.folder, asked.dpi)

    def save(self, shown: Any, folder: Path, dpi: int, **asked: Any) -> None:
        """Write what `data` returned into a folder, with the settings that were `asked`."""
        about = {**self.about(shown), **asked}
        save_figure(self.draw(shown), folder, self.name, rows=self.table(shown), settings=about, dpi=dpi)

    def stage(self, *needs: Need, version: int = 1, weight: float = 0.5) -> Stage:
        """Return the stage that draws the figure from what it needs."""
        settings = ("seed", "figures" if self.examples else "figures.dpi")
        return Stage(f"figures/{self.name}", version, self, settings, needs, weight=weight)
