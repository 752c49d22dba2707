"""Figure: total and reliable knowledge points of each layer at the last checkpoint, with intervals."""

from dataclasses import dataclass, field
from typing import Any

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Axes, Figure, StudyResults
from patternscope.figures.drawing.bars import count_cells, draw_count_bar
from patternscope.figures.drawing.bits import EVIDENCE
from patternscope.figures.drawing.chance import CONTROLS, NAMES, NOT_MEASURED, Chance, read_chance
from patternscope.figures.drawing.choices import Layers, choose_layers
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.needs import KNOWLEDGE, TRAINING
from patternscope.figures.drawing.style import INK, RELIABLE, SMALL, TOTAL, figure_style
from patternscope.results.evidence import EvidenceResult
from patternscope.results.formatting import at_checkpoint, percent, share_of_regions, threshold_text
from patternscope.results.knowledge import Counts, KnowledgeResult, Rule
from patternscope.results.noise import evidence_of, interval_lines, knowledge_of, networks_of
from patternscope.results.replicates import NetworksResult
from patternscope.results.result import reads
from patternscope.results.training import TrainingResult

_OPEN = ("white", "white")
_DASHES: dict[str, Any] = {"permuted": "-", "untrained": (0, (1.5, 1))}
_LEGEND: dict[str, Any] = {"title": "above the bars: reliable / total", "title_fontsize": SMALL, "alignment": "left"}
_TITLES = {"calibrated": "calibrated", "paper": "by the paper's rule", None: ""}


@dataclass(frozen=True)
class CountsData:
    """Counts by layer, shallow to deep, at one checkpoint of a study.

    `layers` are by the study's own `rule`, `paper` by that of the paper, if different; `chance` has the counts of
    controls by either. `networks` is the number of networks behind the counts of `layers`, `regions` the number of
    regions of each layer.
    """

    layers: dict[str, Counts]
    tau: float
    images: int
    trained: TrainingResult
    rule: Rule | None = None
    paper: dict[str, Counts] = field(default_factory=dict)
    chance: dict[str, Chance] = field(default_factory=dict)
    networks: int | None = None
    regions: dict[str, int] = field(default_factory=dict)

    @property
    def shares(self) -> dict[str, float | None]:
        """Reliable points as a share of each layer's regions; empty if all layers have the same number."""
        if len(set(self.regions.values())) < 2:
            return {}
        return {name: share_of_regions(counts.reliable, self.regions[name]) for name, counts in self.layers.items()}

    @property
    def by_rule(self) -> dict[Rule | None, dict[str, Counts]]:
        """The counts by each rule that is shown."""
        return {self.rule: self.layers, **({"paper": self.paper} if self.paper else {})}

    def by_chance(self, rule: Rule | None, layer: str) -> dict[str, Counts]:
        """Return the counts of a layer's controls by a rule, by their names; empty if chance was not measured."""
        controls = self.chance.get(layer, {})
        return {name: each.counts if rule == "calibrated" else each.paper for name, each in controls.items()}


def data(results: StudyResults, layers: Layers = None) -> CountsData:
    """Return what the figure shows: `layers`, by default all, at the last checkpoint."""
    names = choose_layers(results, KnowledgeResult, layers)
    known = {name: knowledge_of(results, name) for name in names}
    last = known[names[-1]]
    beside = last.rule == "calibrated" and set(names) <= set(results.layers(EvidenceResult))
    paper = {name: evidence_of(results, name).paper for name in names} if beside else {}
    several = networks_of(results, names[0])
    return CountsData(
        {name: each.counts for name, each in known.items()},
        last.tau,
        last.images,
        results.training(),
        last.rule,
        paper,
        read_chance(results, names),
        None if several is None else len(several.networks),
        {name: each.mask.shape[1] for name, each in known.items()},
    )


@figure_style()
def draw(shown: CountsData, ax: Axes | None = None) -> Figure:
    """Return the figure, a bar per layer and rule; on `ax` it has no heading. Source: Sec. 4, Fig. 4 in content."""
    if ax is not None:
        _draw_bars(ax, shown)
        ax.legend(**_LEGEND)
        return ax.figure  # type: ignore[return-value]
    width = max(5.0, 1.1 * len(shown.layers) * (1.25 if shown.paper else 1.0))
    figure = layout.new_figure(width, 4.7 if shown.paper else 4.0, laid_out=True)
    axes = figure.add_subplot()
    _draw_bars(axes, shown)
    # Below, where it covers no bar.
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, **_LEGEND)
    lines = layout.heading_lines(width, _explanations(shown))
    layout.write_heading(figure, "Knowledge points per image", *lines)
    return figure


def _explanations(shown: CountsData) -> list[str]:
    """The caption: what is counted, by which rule, and its chance levels."""
    when = at_checkpoint(shown.trained.title_of_last)
    shared = f"p(class) > {threshold_text(shown.tau)}{when}; mean over {shown.images} images"
    what, noise = interval_lines(shared, shown.networks)
    lines = [f"{what}.", f"{noise[0].upper()}{noise[1:]}."]
    if shown.paper:
        lines.append(
            "Calibrated: by maps that have not seen the image, as sure as unseen images justify. The paper's rule: by "
            "a map fitted to all images of this network, strengths in units of the layer's mean."
        )
    if shown.shares:
        lines.append(
            "Layers differ in regions: at the foot of a bar, reliable points as a share of the layer's regions."
        )
    if shown.rule is not None:
        lines += [] if shown.chance else [NOT_MEASURED]
    return lines


def _draw_bars(axes: Any, shown: CountsData) -> None:
    """For each layer and rule a bar, the reliable points inside all, their ratio, and chance."""
    rules, names = shown.by_rule, list(shown.layers)
    widths = (0.62, 0.36) if len(rules) == 1 else (0.36, 0.2)
    for order, (rule, counts) in enumerate(rules.items()):
        shift = 0.0 if len(rules) == 1 else (order - 0.5) * 0.44
        colours = _OPEN if order else (TOTAL, RELIABLE)
        kind = f", {_TITLES[rule]}" if len(rules) > 1 else ""
        for place, layer in enumerate(names):
            draw_count_bar(axes, place + shift, counts[layer], widths, colours, kind if place == 0 else None)
            ends = (place + shift - widths[0] / 2, place + shift + widths[0] / 2)
            for name, by_chance in shown.by_chance(rule, layer).items():
                label = f"total by chance: {NAMES[name]}" if (order, place) == (0, 0) else None
                _draw_chance(axes, by_chance.total.value or 0.0, ends, name, label)
    _set_limits(axes, shown)


def _draw_chance(axes: Any, value: float, ends: tuple[float, float], name: str, label: str | None) -> None:
    """A line across a bar, on white so that it is visible on the dark one too; each control has its own dashes."""
    axes.hlines(value, *ends, color="white", linewidth=2.8, zorder=2.1)
    axes.hlines(value, *ends, color=INK, linewidth=1.4, linestyle=_DASHES[name], label=label, zorder=2.2)


def _set_limits(axes: Any, shown: CountsData) -> None:
    """Names of layers, and room for the text above the bars."""
    highest = [max([counts[layer].total.high or 0.0 for counts in shown.by_rule.values()]) for layer in shown.layers]
    chance = [
        each.total.value or 0.0
        for r in shown.by_rule
        for layer in shown.layers
        for each in shown.by_chance(r, layer).values()
    ]
    top = max([*highest, *chance, 0.1])
    layout.name_layers(axes, list(shown.layers), 75, most=8)
    for place, (layer, share) in enumerate(shown.shares.items()):
        text = f"{percent(share)} of {shown.regions[layer]}"
        axes.annotate(text, (place, 0), (0, 2), textcoords="offset points", ha="center", fontsize=SMALL, zorder=6)
    axes.set(ylabel="regions per image", ylim=(0, 1.14 * top), xlim=(-0.6, len(highest) - 0.4))


def table(shown: CountsData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: one per layer, with the counts by the paper's rule and by chance."""
    when = {"checkpoint": shown.trained.checkpoint, "step": shown.trained.step}
    rows = []
    for layer, counts in shown.layers.items():
        row = {**when, "layer": layer, "rule": shown.rule, **count_cells(counts)}
        if shown.shares:
            row |= {"regions": shown.regions[layer], "reliable_share": shown.shares[layer]}
        if shown.paper:
            row |= count_cells(shown.paper[layer], "paper_")
        for rule in shown.by_rule:
            prefix = "paper_" if rule == "paper" and shown.paper else ""
            for name, each in shown.by_chance(rule, layer).items():
                row |= {f"{prefix}{name}_total": each.total.value, f"{prefix}{name}_reliable": each.reliable.value}
        rows.append(row)
    return rows


def about(shown: CountsData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    known = {"checkpoint": shown.trained.title_of_last, "tau": shown.tau, "rule": shown.rule}
    return {**known, "layers": list(shown.layers), "images": shown.images, "chance_measured": bool(shown.chance)}


_ALSO = (reads(NetworksResult, "counts", checkpoint="last", layer="all"), EVIDENCE, CONTROLS)
FIGURE = StudyFigure("counts", data, draw, table, about, (TRAINING, KNOWLEDGE), _ALSO, version=7)
