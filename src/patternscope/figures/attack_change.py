"""Figure: how much an attack turns regional embeddings and changes their strength, over the layers."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import ADVERSARIAL, ATTACK, Findings, attack_text
from patternscope.figures.labels import shortened
from patternscope.figures.style import (
    RELIABLE,
    SMALL,
    SOFT,
    TITLE,
    UNRELIABLE,
    figure_style,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "attack_change"
_CURVES = {
    "orientation_change": ("change of orientation, 1 − cos", RELIABLE),
    "strength_change": ("relative change of strength", UNRELIABLE),
}
_FIELDS = tuple(f"{name}{end}" for name in _CURVES for end in ("", "_low", "_high"))


@dataclass(frozen=True)
class AttackChangeData:
    """Rows by layer, shallow to deep: both changes with the ends of their intervals."""

    rows: list[dict[str, Any]]
    images: int
    attack: str


def data(findings: Findings) -> AttackChangeData:
    """Return what the figure shows: all layers."""
    about = findings.record("attack")
    rows = []
    for layer in findings.layers("adversarial"):
        found = findings.record("adversarial", layer=layer)
        rows.append({"layer": layer, **{name: found[name] for name in _FIELDS}})
    return AttackChangeData(rows, about["attacked"], attack_text(about["norm"], about["epsilon"]))


def draw(shown: AttackChangeData) -> "Figure":
    """Return the figure. Source: Sec. 4 in content; the drawing is this project's."""
    from matplotlib.figure import Figure

    with figure_style():
        figure = Figure(figsize=(max(6.4, 1.3 + 0.9 * len(shown.rows)), 3.2))
        width, height = figure.get_size_inches()
        left = 0.12 / width
        title = "What an attack changes in each layer"
        figure.text(left, 1 - 0.2 / height, title, fontsize=TITLE, weight="bold", va="center")
        meaning = (
            f"{shown.attack}; clean against last step, means over regions of {shown.images} images "
            "with 95 % bootstrap intervals"
        )
        figure.text(left, 1 - 0.42 / height, meaning, fontsize=SMALL, color=SOFT, va="center")
        panels = figure.subplots(1, 2)
        figure.subplots_adjust(left=0.5 / width, right=1 - 0.15 / width, wspace=0.24, top=0.76, bottom=0.14)
        for axes, name in zip(panels, _CURVES, strict=True):
            _draw_curve(axes, shown.rows, name)
    return figure


def _draw_curve(axes: Any, rows: list[dict[str, Any]], name: str) -> None:
    """One curve over the layers, with its intervals; a layer without orientations is left out."""
    title, colour = _CURVES[name]
    known = [place for place, row in enumerate(rows) if row[name] is not None]
    values = [rows[place][name] for place in known]
    spans = [
        [max(0.0, rows[place][name] - rows[place][f"{name}_low"]) for place in known],
        [max(0.0, rows[place][f"{name}_high"] - rows[place][name]) for place in known],
    ]
    axes.errorbar(known, values, yerr=spans, color=colour, marker="o", ms=4, capsize=2.5, elinewidth=0.9)
    axes.set_title(title)
    axes.set_xticks(range(len(rows)), [shortened(row["layer"], SMALL, 60) for row in rows])
    if len(rows) > 6:
        axes.tick_params(axis="x", rotation=40)
    axes.set(
        xlim=(-0.4, len(rows) - 0.6),
        ylim=(0, 1.12 * max([0.01, *(row[f"{name}_high"] or 0 for row in rows)])),
    )


def table(shown: AttackChangeData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one a layer."""
    return shown.rows


def about(shown: AttackChangeData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    return {"attack": shown.attack, "images": shown.images}


FIGURE = StudyFigure(NAME, data, draw, table, about)
STAGE = FIGURE.stage(ATTACK, ADVERSARIAL, version=2)
