"""Figure: total and reliable knowledge points of each layer at the last checkpoint, with intervals."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import TRAINING, Findings, moment
from patternscope.figures.labels import shortened
from patternscope.figures.style import INK, RELIABLE, SMALL, SOFT, TITLE, TOTAL, figure_style
from patternscope.workflow.stages import Need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "counts"
_NUMBERS = ("total", "reliable", "ratio")
_FIELDS = tuple(f"{name}{end}" for name in _NUMBERS for end in ("", "_low", "_high"))


@dataclass(frozen=True)
class CountsData:
    """Rows by layer, shallow to deep: checkpoint, step, layer, and total, reliable, ratio with low and high."""

    rows: list[dict[str, Any]]
    tau: float
    images: int
    moment: str


def data(findings: Findings) -> CountsData:
    """Return what the figure shows: all layers at the last checkpoint."""
    trained = findings.record("training")
    layers = findings.layers("knowledge")
    found = [findings.record("knowledge", layer=layer) for layer in layers]
    key = {"checkpoint": trained["checkpoint"], "step": trained["step"]}
    rows = [
        {**key, "layer": layer, **{name: each[name] for name in _FIELDS}}
        for layer, each in zip(layers, found, strict=True)
    ]
    return CountsData(rows, found[-1]["tau"], found[-1]["images"], moment(trained))


def draw(shown: CountsData) -> "Figure":
    """Return the figure: a bar a layer. Source: Sec. 4, Fig. 4 in content; the drawing is this project's."""
    from matplotlib.figure import Figure

    with figure_style():
        figure = Figure(figsize=(max(5.0, 1.1 * len(shown.rows)), 3.8), layout="constrained")
        _draw_bars(figure.add_subplot(), shown)
        said = (
            f"p(class) > {shown.tau:g}, at {shown.moment}; mean of {shown.images} images with 95 % bootstrap "
            "intervals"
        )
        _write(figure, said)
    return figure


def _write(figure: "Figure", said: str) -> None:
    """Title and what the numbers are, above the room that the axes share."""
    width, height = figure.get_size_inches()
    figure.text(
        0.1 / width,
        1 - 0.18 / height,
        "Knowledge points an image",
        fontsize=TITLE,
        weight="bold",
        va="center",
    )
    figure.text(0.1 / width, 1 - 0.4 / height, said, fontsize=SMALL, color=SOFT, va="center")
    engine: Any = figure.get_layout_engine()
    engine.set(rect=(0, 0, 1, 1 - 0.55 / height), w_pad=0.06, h_pad=0.06)


def _draw_bars(axes: Any, shown: CountsData) -> None:
    """A bar a layer, the reliable ones inside all, and their ratio."""
    places, layers = list(range(len(shown.rows))), [row["layer"] for row in shown.rows]
    for name, colour, width in (("total", TOTAL, 0.62), ("reliable", RELIABLE, 0.36)):
        values = [row[name] for row in shown.rows]
        axes.bar(places, values, width=width, color=colour, label=name)
        shift = 0.25 if name == "total" else 0.0
        axes.errorbar(
            [place + shift for place in places],
            values,
            yerr=_spans(shown.rows, name),
            fmt="none",
            ecolor=INK,
            elinewidth=0.8,
            capsize=2,
        )
    top = max([row["total_high"] for row in shown.rows] + [0.1])
    for place, row in enumerate(shown.rows):
        axes.text(
            place, row["total_high"] + 0.02 * top, _ratio(row), ha="center", va="bottom", fontsize=SMALL
        )
    axes.set_xticks(places, [shortened(layer, SMALL, 75) for layer in layers])
    if len(places) > 8:
        axes.tick_params(axis="x", rotation=40)
    axes.set(ylabel="regions an image", ylim=(0, 1.14 * top), xlim=(-0.6, len(places) - 0.4))
    axes.legend(loc="upper left", title="number above: reliable / total", title_fontsize=SMALL)
    if len(places) > 1 and shown.rows[0]["total_high"] > 0.7 * top:
        axes.set_ylim(0, 1.5 * top)


def _spans(rows: list[dict[str, Any]], name: str) -> list[list[float]]:
    """Distances from each value down and up to the ends of its interval."""
    return [
        [max(0.0, row[name] - row[f"{name}_low"]) for row in rows],
        [max(0.0, row[f"{name}_high"] - row[name]) for row in rows],
    ]


def _ratio(row: dict[str, Any]) -> str:
    """The reliable share in percent, or a dash where there is no point at all."""
    return "–" if row["ratio"] is None else f"{100 * row['ratio']:.0f} %"


def table(shown: CountsData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one a layer."""
    return shown.rows


def about(shown: CountsData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    return {
        "checkpoint": shown.moment,
        "tau": shown.tau,
        "layers": [row["layer"] for row in shown.rows],
        "images": shown.images,
    }


FIGURE = StudyFigure(NAME, data, draw, table, about)
STAGE = FIGURE.stage(TRAINING, Need("knowledge", ("knowledge.json",), layer="all"), version=2)
