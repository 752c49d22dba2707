"""Figure: the sample embedding, its classes' mean directions, and the meaning of strength and orientation."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from patternscope.figures.drawing import layout, space
from patternscope.figures.drawing.annotations import Axes, Figure, StudyResults
from patternscope.figures.drawing.choices import Classes, ShownClasses, ShownSamples, choose_classes, choose_samples
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.needs import IMAGES, SAMPLE, TRAINING
from patternscope.figures.drawing.style import SMALL, SOFT, TITLE, figure_style
from patternscope.figures.drawing.views import View, choose_view, dimension_note, project, view_cells
from patternscope.results.formatting import at_checkpoint, number

_WIDTH, _HEIGHT = 6.4, 6.0
_TOP, _FOOT = 0.62, 0.42


@dataclass(frozen=True)
class SampleEmbeddingData:
    """Embedding (n, e) of the samples of some classes, mean directions (c, e), and two measures of all samples."""

    embedding: np.ndarray
    samples: ShownSamples
    mean_directions: np.ndarray
    classes: ShownClasses
    checkpoint: str | None
    agreement: float
    correlation: float | None

    @property
    def view(self) -> View:
        """The view that shows the mean directions best."""
        return choose_view(self.mean_directions)


def data(results: StudyResults, classes: Classes = None) -> SampleEmbeddingData:
    """Return what the figure shows: samples of `classes`, by default all, at the last checkpoint."""
    fit, shown = results.sample(), choose_classes(results, classes)
    samples = choose_samples(results, shown)
    return SampleEmbeddingData(
        embedding=fit.embedding.numpy()[samples.numbers],
        samples=samples,
        mean_directions=fit.mean_directions.numpy()[shown.labels],
        classes=shown,
        checkpoint=results.training().title_of_last,
        agreement=fit.agreement,
        correlation=fit.correlation,
    )


@figure_style()
def draw(shown: SampleEmbeddingData, ax: Axes | None = None) -> Figure:
    """Return the figure; on `ax` it has no heading. Source: Sec. 3.2, Fig. 1 in content."""
    if ax is not None:
        _draw_space(ax, shown)
        return ax.figure  # type: ignore[return-value]
    figure = layout.new_figure(_WIDTH, _HEIGHT)
    _draw_space(layout.add_panel(figure, 0, _TOP, _WIDTH, _HEIGHT - _TOP - _FOOT), shown)
    _explain(figure, shown)
    return figure


def _draw_space(axes: Any, shown: SampleEmbeddingData) -> None:
    """Points, arrows, names and the sphere."""
    box, size = axes.get_position(), axes.figure.get_size_inches()
    width, height = box.width * size[0], box.height * size[1]
    strength = np.linalg.norm(shown.embedding.astype(float), axis=1)
    radius = float(np.median(strength)) or 1.0
    view = shown.view
    seen = project(shown.embedding, view)
    length = max(1.15 * float(np.quantile(strength, 0.9)), radius)
    ends = project(shown.mean_directions * length, view)
    reach = max(1.03 * float(np.abs(seen[:, :2]).max()), 1.16 * float(np.abs(ends[:, :2]).max()), radius)
    space.prepare(axes, (reach * width / height, reach))
    marks = shown.classes.marks
    space.draw_sphere(axes, view, radius, f"strength {radius:.1f} (median)")
    space.draw_points(axes, seen, marks, shown.samples.places, size=13 if len(seen) < 2000 else 7)
    tips = space.draw_arrows(axes, shown.mean_directions, view, length, marks)
    letters = SMALL + 1 if len(marks) <= 12 else SMALL - 0.5
    space.draw_names(axes, tips, shown.classes.names, height * 72 / (2 * reach), size=letters, width=110)


def _explain(figure: Figure, shown: SampleEmbeddingData) -> None:
    """Title, the meaning of strength and orientation, and the numbers."""
    figure.text(0.03, 1 - 0.2 / _HEIGHT, "Sample embedding", fontsize=TITLE, weight="bold", va="center")
    meaning = "Strength (distance from the origin): how certain the network is.  Orientation: of which class."
    figure.text(0.03, 1 - 0.42 / _HEIGHT, meaning, color=SOFT, va="center")
    numbers = (
        f"{len(shown.embedding)} images{at_checkpoint(shown.checkpoint)}, coloured by {shown.classes.kind}; arrows: "
        f"mean directions (all of one length).\nOver all images: agreement with the network {number(shown.agreement)}, "
        f"correlation of strength and uncertainty {number(shown.correlation)}."
    )
    numbers = "\n".join([numbers, *dimension_note(shown.view)])
    figure.text(0.03, 0.04, numbers, fontsize=SMALL - 0.5, color=SOFT, va="center")


def table(shown: SampleEmbeddingData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each sample, then each mean direction."""
    names, samples = shown.classes.names, shown.samples
    rows = [
        _row("sample", int(sample), names[place], point)
        for sample, place, point in zip(samples.numbers, samples.places, shown.embedding, strict=True)
    ]
    directions = zip(names, shown.mean_directions, strict=True)
    return rows + [_row("mean direction", None, name, point) for name, point in directions]


def _row(kind: str, sample: int | None, name: str, point: np.ndarray) -> dict[str, Any]:
    """One point in the csv."""
    strength = float(np.linalg.norm(point.astype(float)))
    return {"kind": kind, "sample": sample, "class": name, **space.coordinates(point), "strength": strength}


def about(shown: SampleEmbeddingData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    images = len(shown.embedding)
    known = {"checkpoint": shown.checkpoint, "images": images, "classes": shown.classes.names}
    return {**known, **view_cells(shown.view)}


FIGURE = StudyFigure("sample_embedding", data, draw, table, about, (IMAGES, TRAINING, SAMPLE), version=4)
