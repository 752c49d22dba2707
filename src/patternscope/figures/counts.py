"""Figure: total and reliable knowledge points of each layer at the last checkpoint, with intervals."""

from dataclasses import dataclass
from typing import Any

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Axes, Figure, StudyResults
from patternscope.figures.drawing.bars import count_cells, draw_count_bar
from patternscope.figures.drawing.choices import Layers, choose_layers
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.needs import KNOWLEDGE, TRAINING
from patternscope.figures.drawing.style import SMALL, figure_style
from patternscope.results.knowledge import Counts, KnowledgeResult
from patternscope.results.noise import counts_of, interval_lines, networks_of
from patternscope.results.replicates import NetworksResult
from patternscope.results.result import reads
from patternscope.results.training import TrainingResult


@dataclass(frozen=True)
class CountsData:
    """Counts by layer, shallow to deep, at one checkpoint of a study."""

    layers: dict[str, Counts]
    tau: float
    images: int
    trained: TrainingResult
    networks: int | None = None


def data(results: StudyResults, layers: Layers = None) -> CountsData:
    """Return what the figure shows: `layers`, by default all, at the last checkpoint."""
    known = {name: results.knowledge(name) for name in choose_layers(results, KnowledgeResult, layers)}
    last = list(known.values())[-1]
    counts = {name: counts_of(results, name) for name in known}
    several = networks_of(results, next(iter(known)))
    networks = None if several is None else len(several.networks)
    return CountsData(counts, last.tau, last.images, results.training(), networks)


@figure_style()
def draw(shown: CountsData, ax: Axes | None = None) -> Figure:
    """Return the figure, a bar per layer; on `ax` it has no heading. Source: Sec. 4, Fig. 4 in content."""
    if ax is not None:
        _draw_bars(ax, shown)
        return ax.figure  # type: ignore[return-value]
    figure = layout.new_figure(max(5.0, 1.1 * len(shown.layers)), 3.8, laid_out=True)
    _draw_bars(figure.add_subplot(), shown)
    shared = f"p(class) > {shown.tau:g}, at {shown.trained.title}; mean over {shown.images} images"
    layout.write_heading(figure, "Knowledge points per image", *interval_lines(shared, shown.networks))
    return figure


def _draw_bars(axes: Any, shown: CountsData) -> None:
    """A bar per layer, the reliable ones inside all, and their ratio."""
    for place, counts in enumerate(shown.layers.values()):
        draw_count_bar(axes, place, counts, (0.62, 0.36))
    highest = [counts.total.high or 0.0 for counts in shown.layers.values()]
    top = max([*highest, 0.1])
    layout.name_layers(axes, list(shown.layers), 75, most=8)
    # The legend stands on the left, above bars that are low there.
    room = 1.5 if len(highest) > 1 and highest[0] > 0.7 * top else 1.14
    axes.set(ylabel="regions per image", ylim=(0, room * top), xlim=(-0.6, len(highest) - 0.4))
    axes.legend(loc="upper left", title="above the bars: reliable / total", title_fontsize=SMALL)


def table(shown: CountsData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one per layer."""
    when = {"checkpoint": shown.trained.checkpoint, "step": shown.trained.step}
    return [{**when, "layer": layer, **count_cells(counts)} for layer, counts in shown.layers.items()]


def about(shown: CountsData) -> dict[str, Any]:
    """Return what the figure's settings say of it."""
    return {"checkpoint": shown.trained.title, "tau": shown.tau, "layers": list(shown.layers), "images": shown.images}


_NETWORKS = (reads(NetworksResult, "counts", checkpoint="last", layer="all"),)
FIGURE = StudyFigure("counts", data, draw, table, about, (TRAINING, KNOWLEDGE), _NETWORKS, version=4)
