"""Drawing patterns that only one of two networks has, by layer."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Figure
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.pattern_patches import LAYER, LEFT, PITCH, Patch, draw_pattern, row_width
from patternscope.figures.drawing.style import NORMAL, figure_style
from patternscope.results.patterns import LayerPattern


@dataclass(frozen=True)
class ChangedPattern:
    """A pattern with its patches."""

    pattern: LayerPattern
    patches: Sequence[Patch]


@figure_style()
def draw_changes(title: str, lines: Sequence[str], groups: Mapping[str, Sequence[ChangedPattern]]) -> Figure:
    """Return a figure with the patterns of some groups, each below its name, such as "lost in conv_53".

    Groups have at least one pattern, each of at least one patch.
    """
    most = max(len(each.patches) for group in groups.values() for each in group)
    width = max(6.0, row_width(most) + 0.1)
    heading = layout.heading_lines(0.96 * width, lines)
    top = 0.5 + 0.15 * len(heading)
    rows = sum(map(len, groups.values()))
    figure = layout.new_figure(width, top + len(groups) * LAYER + rows * PITCH)
    layout.write_heading(figure, title, *heading)
    down = top
    for name, group in groups.items():
        layout.write_text(figure, LEFT, down + 0.12, shortened(name, NORMAL, 300), weight="bold")
        down += LAYER
        for each in group:
            draw_pattern(figure, each.pattern, each.patches, down)
            down += PITCH
    return figure
