"""Figure: total and reliable knowledge points of each layer with intervals, over training where there is any."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from patternscope.figures.findings import Findings, findings_of, moment
from patternscope.figures.labels import shortened
from patternscope.figures.saving import save_figure
from patternscope.figures.style import INK, RELIABLE, SMALL, SOFT, TITLE, TOTAL, figure_style
from patternscope.study.stage import Need, Stage, UnitContext

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "counts"
_NUMBERS = ("total", "reliable", "ratio")
_FIELDS = tuple(f"{name}{end}" for name in _NUMBERS for end in ("", "_low", "_high"))


@dataclass(frozen=True)
class CountsData:
    """Rows by checkpoint and layer: checkpoint, step, layer, and total, reliable, ratio with low and high.

    Source: this project.
    """

    rows: list[dict[str, Any]]
    layers: list[str]
    tau: float
    images: int
    moment: str

    def of(self, layer: str) -> list[dict[str, Any]]:
        """Rows of one layer in the order of training."""
        return [row for row in self.rows if row["layer"] == layer]


def data(findings: Findings) -> CountsData:
    """Return what the figure shows: all checkpoints and layers.

    Source: this project.
    """
    rows = []
    layers = findings.layers("knowledge")
    for checkpoint in findings.checkpoints("knowledge"):
        step = findings.record("training", checkpoint)["step"]
        for layer in layers:
            found = findings.record("knowledge", checkpoint, layer)
            key = {"checkpoint": checkpoint, "step": step, "layer": layer}
            rows.append({**key, **{name: found[name] for name in _FIELDS}})
    last = findings.record("knowledge", layer=layers[-1])
    return CountsData(rows, layers, last["tau"], last["images"], moment(findings.record("training")))


def draw(shown: CountsData) -> "Figure":
    """Return the figure: bars for one checkpoint, lines for several.

    Source: Sec. 4, Fig. 4 in content; the drawing is this project's.
    """
    from matplotlib.figure import Figure

    several = len(shown.rows) > len(shown.layers)
    across = min(4, len(shown.layers))
    lines = -(-len(shown.layers) // across)
    size = (
        (max(6.4, 2.4 * across), 0.75 + 2.3 * lines) if several else (max(5.0, 1.1 * len(shown.layers)), 3.8)
    )
    with figure_style():
        figure = Figure(figsize=size, layout="constrained")
        if several:
            _draw_lines(figure, shown, (lines, across))
            when = f"up to {shown.moment}"
        else:
            _draw_bars(figure.add_subplot(), shown)
            when = f"at {shown.moment}"
        said = (
            f"p(class) > {shown.tau:g}, {when}; mean of {shown.images} images with 95 % bootstrap intervals"
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
    places = list(range(len(shown.rows)))
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
    axes.set_xticks(places, [shortened(layer, SMALL, 75) for layer in shown.layers])
    if len(places) > 8:
        axes.tick_params(axis="x", rotation=40)
    axes.set(ylabel="regions an image", ylim=(0, 1.14 * top), xlim=(-0.6, len(places) - 0.4))
    axes.legend(loc="upper left", title="number above: reliable / total", title_fontsize=SMALL)
    if len(places) > 1 and shown.rows[0]["total_high"] > 0.7 * top:
        axes.set_ylim(0, 1.5 * top)


def _draw_lines(figure: "Figure", shown: CountsData, shape: tuple[int, int]) -> None:
    """A panel a layer, lines over training with bands."""
    panels = figure.subplots(*shape, sharex=True, sharey=True, squeeze=False).ravel()
    known = all(row["step"] is not None for row in shown.rows)
    for axes, layer in zip(panels, shown.layers, strict=False):
        rows = shown.of(layer)
        times = [row["step"] if known else row["checkpoint"] for row in rows]
        for name, colour, line in (("total", TOTAL, "--"), ("reliable", RELIABLE, "-")):
            axes.plot(times, [row[name] for row in rows], line, color=colour, label=name, marker="o", ms=3)
            low, high = ([row[f"{name}_{end}"] for row in rows] for end in ("low", "high"))
            axes.fill_between(times, low, high, color=colour, alpha=0.25, linewidth=0)
        if known:
            _stretch(axes, times)
        axes.set_title(f"{shortened(layer, 8, 90)}   {_ratio(rows[-1])}")
        axes.set_ylim(bottom=0)
    for axes in panels[len(shown.layers) :]:
        axes.set_axis_off()
    panels[0].legend(loc="upper left")
    figure.supxlabel("training step" if known else "checkpoint", fontsize=8)
    figure.supylabel("regions an image", fontsize=8)


def _stretch(axes: Any, times: list[int]) -> None:
    """Training steps on a logarithmic scale that has a place for step 0."""
    axes.set_xscale("symlog", linthresh=max(1, min((time for time in times if time > 0), default=1)))
    marks = sorted({times[0], times[len(times) // 2], times[-1]})
    axes.set_xticks(marks, [str(mark) for mark in marks])
    axes.minorticks_off()


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
    """Return the rows behind the figure: one a checkpoint and layer. Source: this project."""
    return shown.rows


def run(ctx: UnitContext) -> None:
    """Write the figure into the unit's folder."""
    shown = data(findings_of(ctx))
    about = {"checkpoint": shown.moment, "tau": shown.tau, "layers": shown.layers, "images": shown.images}
    save_figure(
        draw(shown), ctx.folder, NAME, rows=table(shown), settings=about, dpi=ctx.settings.figures.dpi
    )


STAGE = Stage(
    f"figures/{NAME}",
    version=1,
    run=run,
    settings=("seed", "figures.dpi"),
    needs=(
        Need("training", ("training.json",), checkpoint="all"),
        Need("knowledge", ("knowledge.json",), checkpoint="all", layer="all"),
    ),
    weight=0.5,
)
