"""Figure: knowledge points of a few images, clean and attacked, two rows in one layer."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Figure, StudyResults
from patternscope.figures.drawing.choices import Classes, choose_layer
from patternscope.figures.drawing.examples import (
    Examples,
    Samples,
    choose_images,
    empty_sheet,
    image_sheet,
    rgb,
    show_image,
    write_below,
)
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.needs import ATTACK, ATTACK_ANALYSIS, IMAGES, REGION
from patternscope.figures.drawing.outlines import draw_outlined, outline_legend
from patternscope.figures.drawing.style import figure_style
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.formatting import threshold_text

STATES = ("clean", "attacked")


@dataclass(frozen=True)
class AttackRegionsData:
    """Example images, clean and attacked, and the points of their class and of the target in one layer.

    `pixels` (2, m, height, width, 3) uint8, `category` (2, m, h, w) the class of a knowledge point and -1
    elsewhere, `targets` (m,). The first axis is clean and attacked; of `attacked` images, those on which the attack
    succeeded are shown.
    """

    examples: Examples
    pixels: np.ndarray
    category: np.ndarray
    targets: np.ndarray
    layer: str
    tau: float
    attack: str
    attacked: int

    def of_class(self, state: int, image: int, label: int) -> np.ndarray:
        """Return whether each region is a knowledge point of a class (h, w)."""
        return self.category[state, image] == label


def data(
    results: StudyResults, samples: Samples = 8, classes: Classes = None, layer: str | None = None
) -> AttackRegionsData:
    """Return what the figure shows: images on which the attack succeeded, in a `layer`, by default the last.

    `samples` are their numbers, or how many of the `classes` to choose. There are none if it succeeded on none.
    """
    layer = choose_layer(results, AttackAnalysisResult, layer)
    attack, analysis = results.load(AttackResult), results.load(AttackAnalysisResult, layer=layer)
    examples = choose_images(results, samples, classes, attack.success.numpy())
    chosen, grid = examples.samples, results.region(layer).grid
    before = (analysis.before_mask.numpy(), analysis.before_category.numpy())
    states = (before, (analysis.after_mask.numpy(), analysis.after_category.numpy()))
    attacked = rgb(np.rint(attack.images.numpy()[chosen] * 255).astype(np.uint8))
    return AttackRegionsData(
        examples,
        np.stack([examples.pixels, attacked]),
        np.stack([np.where(*state, -1)[chosen].reshape(-1, *grid) for state in states]),
        attack.targets.numpy()[chosen],
        layer,
        analysis.tau,
        attack.title,
        attack.attacked_count,
    )


@figure_style()
def draw(shown: AttackRegionsData) -> Figure:
    """Return the figure. Source: Sec. 4 in content."""
    meaning = f"{shown.layer}: regions with p(class) > {threshold_text(shown.tau)}; {shown.attack}."
    title, examples = "Knowledge points before and after an attack", shown.examples
    if not len(examples.samples):
        return empty_sheet(title, meaning, f"The attack succeeded on none of {shown.attacked:,} images.")
    sheet = image_sheet(examples, STATES, title, meaning, caption=0.15)
    for state, row in enumerate(sheet.axes[1:]):
        for image, axes in enumerate(row):
            show_image(axes, shown.pixels[state, image])
            target = int(shown.targets[image])
            own = shown.of_class(state, image, int(examples.labels[image]))
            other = shown.of_class(state, image, target)
            draw_outlined(axes, own, other)
            counts = f"{own.sum()} true class, {other.sum()} {examples.classes[target]}"
            write_below(axes, shortened(counts, layout.NOTE, 76))
    own, other = "assigned to the image's true class", "assigned to the attack's target (named below)"
    outline_legend(sheet.figure, sheet.foot, own, other)
    return sheet.figure


def table(shown: AttackRegionsData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each region of each image, clean and attacked."""
    classes = shown.examples.classes
    return [
        {
            **shown.examples.region(shown.layer, image, row, column),
            "target": classes[shown.targets[image]],
            "state": STATES[state],
            "category": None if category < 0 else classes[category],
        }
        for (state, image, row, column), category in np.ndenumerate(shown.category)
    ]


def about(shown: AttackRegionsData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    return {
        "layer": shown.layer,
        "tau": shown.tau,
        "attack": shown.attack,
        "samples": shown.examples.samples.tolist(),
        "targets": shown.targets.tolist(),
    }


_READS = (IMAGES, ATTACK, ATTACK_ANALYSIS, REGION)
FIGURE = StudyFigure("attack_regions", data, draw, table, about, _READS, version=3, weight=1.0, examples=True)
