"""Figure: knowledge points of a few images before and after an attack, two rows in one layer."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from patternscope.figures.examples import Examples, empty_sheet, examples_of, image_sheet, write_below
from patternscope.figures.figure import StudyFigure
from patternscope.figures.findings import ADVERSARIAL, ATTACK, IMAGES, Findings, attack_text
from patternscope.figures.labels import shortened
from patternscope.figures.outlines import draw_outlined, outline_legend
from patternscope.figures.style import figure_style
from patternscope.workflow.stages import Need

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NAME = "attack_regions"
MOMENTS = ("before", "after")


@dataclass(frozen=True)
class AttackRegionsData:
    """Example images before and after, and the points of their class and of the target in one layer.

    `pixels` (2, m, height, width, 3) uint8, `category` (2, m, h, w) the class of a knowledge point and -1
    elsewhere, `targets` (m,). The first axis is before and after; of `attacked` images those that succeeded
    are shown.
    """

    examples: Examples
    pixels: np.ndarray
    category: np.ndarray
    targets: np.ndarray
    layer: str
    tau: float
    attack: str
    attacked: int

    def of_class(self, moment: int, image: int, label: int) -> np.ndarray:
        """Whether each region is a knowledge point of a class (h, w)."""
        return self.category[moment, image] == label


def data(findings: Findings, count: int, layer: str | None = None) -> AttackRegionsData:
    """Return what the figure shows: up to `count` images whose attack succeeded, in the last layer or another.

    There are no such images where the attack misled the network on none.
    """
    layer = findings.layers("adversarial")[-1] if layer is None else layer
    attack, about = findings.arrays("attack"), findings.record("attack")
    examples = examples_of(findings, count, attack["success"])
    chosen = examples.samples
    found = findings.arrays("adversarial", layer=layer)
    grid = findings.record("region", layer=layer)["grid"]
    category = [
        np.where(found[f"{moment}_mask"], found[f"{moment}_category"], -1)[chosen].reshape(len(chosen), *grid)
        for moment in MOMENTS
    ]
    after = np.rint(attack["images"][chosen].transpose(0, 2, 3, 1) * 255).astype(np.uint8)
    after = np.broadcast_to(after, (*after.shape[:3], 3))
    return AttackRegionsData(
        examples,
        np.stack([examples.pixels, after]),
        np.stack(category),
        attack["targets"][chosen],
        layer,
        findings.record("adversarial", layer=layer)["tau"],
        attack_text(about["norm"], about["epsilon"]),
        about["attacked"],
    )


def draw(shown: AttackRegionsData) -> "Figure":
    """Return the figure. Source: Sec. 4 in content; the drawing is this project's."""
    meaning = f"{shown.layer}: regions with p(class) > {shown.tau:g}; {shown.attack}."
    title = "Knowledge points before and after an attack"
    if not len(shown.examples.samples):
        return empty_sheet(title, meaning, f"The attack succeeded on none of {shown.attacked:,} images.")
    sheet = image_sheet(shown.examples, MOMENTS, title, meaning, caption=0.15)
    classes = shown.examples.classes
    with figure_style():
        for moment, row in enumerate(sheet.axes[1:]):
            for image, axes in enumerate(row):
                _show(axes, shown.pixels[moment, image])
                label, target = int(shown.examples.labels[image]), int(shown.targets[image])
                own = shown.of_class(moment, image, label)
                other = shown.of_class(moment, image, target)
                draw_outlined(axes, own, other)
                said = f"{own.sum()} own, {other.sum()} {classes[target]}"
                write_below(axes, shortened(said, 6.5, 72))
        own, other = "speaks for the image's class", "speaks for the class it was led to (named below)"
        outline_legend(sheet.figure, sheet.foot, own, other)
    return sheet.figure


def _show(axes: Any, pixels: np.ndarray) -> None:
    """Put an image over the plain one."""
    height, width = pixels.shape[:2]
    axes.imshow(pixels, extent=(0, width, height, 0), interpolation="bilinear", aspect="auto")


def table(shown: AttackRegionsData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each region of each image before and after."""
    examples = shown.examples
    return [
        {
            "layer": shown.layer,
            "sample": int(examples.samples[image]),
            "class": examples.names[image],
            "target": examples.classes[shown.targets[image]],
            "moment": MOMENTS[moment],
            "row": row,
            "column": column,
            "category": None if category < 0 else examples.classes[category],
        }
        for (moment, image, row, column), category in np.ndenumerate(shown.category)
    ]


def about(shown: AttackRegionsData) -> dict[str, Any]:
    """What the figure's settings say of it."""
    return {
        "layer": shown.layer,
        "tau": shown.tau,
        "attack": shown.attack,
        "samples": shown.examples.samples.tolist(),
        "targets": shown.targets.tolist(),
    }


FIGURE = StudyFigure(NAME, data, draw, table, about, examples=True)
STAGE = FIGURE.stage(IMAGES, ATTACK, ADVERSARIAL, Need("region", ("region.json",), layer="all"), weight=1.0)
