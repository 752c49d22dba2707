"""Figure: the sample embedding, its classes' mean directions, and what strength and orientation mean."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import IMAGES, TRAINING, Findings, moment
from patternscope.figures.space import (
    SHOWN_AXES,
    choose_view,
    draw_arrows,
    draw_names,
    draw_points,
    draw_sphere,
    prepare,
    project,
)
from patternscope.figures.style import SMALL, SOFT, TITLE, class_marks, figure_style
from patternscope.workflow.stages import Need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "sample_embedding"
_WIDTH, _HEIGHT = 6.4, 6.0
_TOP, _FOOT = 0.62, 0.32


@dataclass(frozen=True)
class SampleEmbeddingData:
    """Sample embedding (n, e), labels (n,), mean directions (c, e), class names, and what to say about it."""

    embedding: np.ndarray
    labels: np.ndarray
    mean_directions: np.ndarray
    classes: list[str]
    moment: str
    agreement: float
    correlation: float | None


def data(findings: Findings) -> SampleEmbeddingData:
    """Return what the figure shows: the sample embedding of the last checkpoint."""
    fitted, record = findings.arrays("sample"), findings.record("sample")
    return SampleEmbeddingData(
        embedding=fitted["embedding"],
        labels=findings.arrays("images", file="samples")["labels"],
        mean_directions=fitted["mean_directions"],
        classes=findings.classes,
        moment=moment(findings.record("training")),
        agreement=record["agreement"],
        correlation=record["correlation"],
    )


def draw(shown: SampleEmbeddingData) -> "Figure":
    """Return the figure. Source: Sec. 3.2, Fig. 1 in content; the view is this project's."""
    from matplotlib.figure import Figure

    with figure_style():
        figure = Figure(figsize=(_WIDTH, _HEIGHT))
        height = _HEIGHT - _TOP - _FOOT
        axes = figure.add_axes((0, _FOOT / _HEIGHT, 1, height / _HEIGHT))
        _draw_space(axes, shown, height)
        _write(figure, shown)
    return figure


def _draw_space(axes: Any, shown: SampleEmbeddingData, height: float) -> None:
    """Points, arrows, names and the sphere."""
    strength = np.linalg.norm(shown.embedding.astype(float), axis=1)
    radius = float(np.median(strength)) or 1.0
    view = choose_view(shown.mean_directions)
    seen = project(shown.embedding, view)
    length = max(1.15 * float(np.quantile(strength, 0.9)), radius)
    ends = project(shown.mean_directions * length, view)
    reach = max(1.03 * float(np.abs(seen[:, :2]).max()), 1.16 * float(np.abs(ends[:, :2]).max()), radius)
    prepare(axes, (reach * _WIDTH / height, reach))
    marks = class_marks(len(shown.classes))
    draw_sphere(axes, view, radius, f"strength {radius:.1f} (median)")
    draw_points(axes, seen, marks, shown.labels, size=13 if len(seen) < 2000 else 7)
    tips = draw_arrows(axes, shown.mean_directions, view, length, marks)
    size = SMALL + 1 if len(marks) <= 12 else SMALL - 0.5
    draw_names(axes, tips, shown.classes, height * 72 / (2 * reach), size=size, width=110)


def _write(figure: "Figure", shown: SampleEmbeddingData) -> None:
    """Title, what strength and orientation mean, and the numbers."""
    figure.text(0.03, 1 - 0.2 / _HEIGHT, "Sample embedding", fontsize=TITLE, weight="bold", va="center")
    meaning = "Strength (distance from the origin): how sure the network is.  Orientation: of which class."
    figure.text(0.03, 1 - 0.42 / _HEIGHT, meaning, color=SOFT, va="center")
    correlation = "undefined" if shown.correlation is None else f"{shown.correlation:.2f}"
    numbers = (
        f"{len(shown.labels)} images at {shown.moment}, coloured by true class; arrows: mean directions "
        f"(of one length).\nAgreement with the network {shown.agreement:.2f}; correlation of strength with "
        f"uncertainty {correlation}.{dimension_note(shown.embedding.shape[1])}"
    )
    figure.text(0.03, 0.04, numbers.replace("-", "−"), fontsize=SMALL - 0.5, color=SOFT, va="center")


def dimension_note(dimensions: int) -> str:
    """Return what is to be said when not all dimensions can be shown.

    >>> dimension_note(3), dimension_note(5)
    ('', '  Shown: 3 of 5 dimensions.')
    """
    return "" if dimensions <= SHOWN_AXES else f"  Shown: {SHOWN_AXES} of {dimensions} dimensions."


def table(shown: SampleEmbeddingData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each sample, then each mean direction."""
    samples = zip(range(len(shown.labels)), shown.labels, shown.embedding, strict=True)
    rows = [_row("sample", index, shown.classes[label], point) for index, label, point in samples]
    directions = zip(shown.classes, shown.mean_directions, strict=True)
    return rows + [_row("mean direction", None, name, point) for name, point in directions]


def _row(kind: str, index: int | None, name: str, point: np.ndarray) -> dict[str, Any]:
    """One point in the csv."""
    coordinates = {f"x{axis + 1}": float(value) for axis, value in enumerate(point)}
    strength = float(np.linalg.norm(point.astype(float)))
    return {"kind": kind, "sample": index, "class": name, **coordinates, "strength": strength}


def about(shown: SampleEmbeddingData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    return {"checkpoint": shown.moment, "images": len(shown.labels), "classes": shown.classes}


FIGURE = StudyFigure(NAME, data, draw, table, about)
STAGE = FIGURE.stage(
    IMAGES, TRAINING, Need("sample", ("sample.safetensors", "sample.json"), checkpoint="last")
)
