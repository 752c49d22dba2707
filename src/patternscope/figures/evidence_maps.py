"""Figure: the evidence of a few images, region by region and layer by layer, with their knowledge points outlined."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from patternscope.figures.drawing import layout
from patternscope.figures.drawing.annotations import Axes, Figure, StudyResults
from patternscope.figures.drawing.bits import SUBJECTS, bit_meaning, signed_colours
from patternscope.figures.drawing.choices import Classes, Layers, choose_classes, choose_layers
from patternscope.figures.drawing.examples import Examples, Samples, choose_images, show_image, write_below
from patternscope.figures.drawing.figure import StudyFigure
from patternscope.figures.drawing.labels import shortened
from patternscope.figures.drawing.needs import IMAGES, KNOWLEDGE, REGION, TRAINING
from patternscope.figures.drawing.outlines import DASHES, draw_outlines, name_groups, outline_legend
from patternscope.figures.drawing.style import INK, NORMAL, SMALL, figure_style
from patternscope.results.evidence import Against, EvidenceResult
from patternscope.results.features import FeaturesResult
from patternscope.results.formatting import at_checkpoint, number, threshold_text
from patternscope.results.result import reads

_CELL, _GAP, _LEFT, _CAPTION, _ABOVE, _HEADS, _FOOT, _BETWEEN = 1.0, 0.1, 0.1, 0.16, 0.24, 0.22, 1.12, 0.35
_ONE_BLOCK, _WIDEST = 4, 10  # images in one column, and pictures side by side in two of them
_SHADE, _NAMED = 0.3, 2  # depth of the image below the colours; wrong classes named a picture


@dataclass(frozen=True)
class LayerEvidence:
    """Evidence of the example images in a layer, and their knowledge points: (m, h, w) arrays; stability in [0, 1]."""

    layer: str
    bits: np.ndarray
    mask: np.ndarray
    reliable: np.ndarray
    category: np.ndarray
    stability: np.ndarray


@dataclass(frozen=True)
class EvidenceMapsData:
    """Example images, the classes that the network predicts for them (m,), and their evidence in each layer."""

    examples: Examples
    predicted: np.ndarray
    layers: list[LayerEvidence]
    most: float
    against: Against
    tau: float
    checkpoint: str | None


def data(
    results: StudyResults, samples: Samples = 8, classes: Classes = None, layers: Layers = None
) -> EvidenceMapsData:
    """Return what the figure shows: `layers` of images at the last checkpoint.

    `samples` are their numbers, or how many of the `classes` to choose: those of other figures, except that up to a
    quarter of them are misclassified.
    """
    predicted = results.load(FeaturesResult).logits.argmax(dim=1).numpy()
    if isinstance(samples, int):
        samples = _some_wrong(results, samples, classes, predicted)
    examples, names = choose_images(results, samples, classes), choose_layers(results, EvidenceResult, layers)
    told = results.evidence(names[-1])
    return EvidenceMapsData(
        examples,
        predicted[examples.samples],
        [_layer_evidence(results, layer, examples.samples) for layer in names],
        told.most,
        told.against,
        results.knowledge(names[-1]).tau,
        results.training().title_of_last,
    )


def _some_wrong(results: StudyResults, count: int, classes: Classes, predicted: np.ndarray) -> list[int]:
    """The images of other figures, the last of them replaced by misclassified ones if there are any."""
    usual = choose_images(results, count, classes).samples.tolist()
    labels = results.images.labels.numpy()
    allowed = choose_classes(results, classes).places(labels) >= 0
    rng = np.random.default_rng(results.drawing_seed("misclassified"))
    wrong = rng.permutation(np.flatnonzero(allowed & (predicted != labels)))[: count // 4].tolist()
    right = [sample for sample in usual if sample not in wrong]
    return [*right[: count - len(wrong)], *wrong]


def _layer_evidence(results: StudyResults, layer: str, chosen: np.ndarray) -> LayerEvidence:
    """Evidence and points of some images in one layer."""
    known, told, grid = results.knowledge(layer), results.evidence(layer), results.region(layer).grid
    stability = known.mask.float() if known.stability is None else known.stability
    fields = (told.bits, known.mask, known.reliable, known.category, stability)
    return LayerEvidence(layer, *(field.numpy()[chosen].reshape(-1, *grid) for field in fields))


@figure_style()
def draw(shown: EvidenceMapsData) -> Figure:
    """Return the figure: a line per image, a column per layer, in two blocks where that fits."""
    count, columns = len(shown.examples.samples), len(shown.layers) + 1
    blocks = 2 if count > _ONE_BLOCK and 2 * columns <= _WIDEST else 1
    lines = -(-count // blocks)
    tall = _CELL * shown.examples.pixels.shape[1] / shown.examples.pixels.shape[2]
    block, pitch = columns * (_CELL + _GAP) - _GAP + _BETWEEN, tall + _CAPTION + _ABOVE
    width = max(_LEFT + blocks * block - _BETWEEN + _LEFT, 6.4)
    heading = layout.heading_lines(width, _explanations(shown))
    top = 0.45 + 0.15 * len(heading) + _HEADS
    figure = layout.new_figure(width, top + lines * pitch + _FOOT)
    layout.write_heading(figure, "Evidence over images", *heading)
    for image in range(count):
        left, down = _LEFT + image // lines * block, top + image % lines * pitch + _ABOVE
        panels = [layout.add_panel(figure, left + each * (_CELL + _GAP), down, _CELL, tall) for each in range(columns)]
        _draw_image(panels, shown, image)
        if image % lines == 0:
            for each, layer in enumerate(shown.layers, start=1):
                middle, name = left + each * (_CELL + _GAP) + _CELL / 2, shortened(layer.layer, NORMAL, 68)
                layout.write_text(figure, middle, top + 0.05, name, ha="center", weight="bold")
    _draw_foot(figure, shown)
    return figure


def _explanations(shown: EvidenceMapsData) -> list[str]:
    """The caption: the meaning of the colours and the numbers."""
    subject = SUBJECTS[shown.against]
    return [
        f"Bits of each region about {subject}{at_checkpoint(shown.checkpoint)}, each image judged by a map fitted "
        "without it; one scale for all. Below: mean bits per region; reliable points of all points.",
        bit_meaning(shown.against, shown.most, len(shown.examples.classes)),
        f"Outlined: calibrated knowledge points, p(class) > {threshold_text(shown.tau)}; the class of unreliable "
        "ones is named.",
    ]


def _draw_image(panels: list[Axes], shown: EvidenceMapsData, image: int) -> None:
    """One image and, next to it, its evidence in each layer."""
    examples = shown.examples
    pixels, name = examples.pixels[image], examples.names[image]
    show_image(panels[0], pixels)
    other = examples.classes[shown.predicted[image]]
    title = name if other == name else f"{name}, predicted: {other}"
    # A long title may extend over the first map.
    panels[0].set_title(shortened(title, NORMAL, 72 if other == name else 150), loc="left", fontsize=NORMAL, pad=3)
    for axes, layer in zip(panels[1:], shown.layers, strict=True):
        bits, mask, reliable = layer.bits[image], layer.mask[image], layer.reliable[image]
        show_image(axes, _coloured(bits, pixels, shown.most))
        draw_outlines(axes, mask & ~reliable, layer.stability[image], INK, DASHES)
        draw_outlines(axes, reliable, layer.stability[image], INK, "-")
        name_groups(axes, mask & ~reliable, layer.category[image], examples.classes, most=_NAMED)
        write_below(axes, f"{number(float(bits.mean()))} bits; {int(reliable.sum())} of {int(mask.sum())}")


def _coloured(bits: np.ndarray, pixels: np.ndarray, most: float) -> np.ndarray:
    """The colours of bits (h, w), made a little darker where the image is dark."""
    height, width = pixels.shape[:2]
    rows, columns = (np.arange(size) * parts // size for size, parts in zip((height, width), bits.shape, strict=True))
    colours = signed_colours()(0.5 + 0.5 * np.clip(bits / most, -1, 1))[..., :3][np.ix_(rows, columns)]
    grey = pixels.astype(float).mean(axis=-1, keepdims=True)
    shade = (grey - grey.min()) / max(1.0, float(np.ptp(grey)))
    return colours * (1 - _SHADE * (1 - shade))


def _draw_foot(figure: Figure, shown: EvidenceMapsData) -> None:
    """The scale of the colours, and the legend of the outlines."""
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    width, height = figure.get_size_inches()
    panel = layout.add_panel(figure, width / 2 - 1.6, height - _FOOT + 0.16, 3.2, 0.1)
    colours = ScalarMappable(Normalize(-shown.most, shown.most), signed_colours())
    bar = figure.colorbar(colours, panel, orientation="horizontal", extend="min")
    bar.set_label(f"bits per region; darkest orange: {number(-shown.most)} and below", fontsize=SMALL, labelpad=2)
    bar.set_ticks([-shown.most, -1, 0, 1, shown.most], labels=[number(-shown.most), "−1", "0", "1", number(shown.most)])
    own, other = f"reliable: the image's {shown.examples.kind}", "unreliable: another class"
    outline_legend(figure, 0.5 / height, own, other, weights=True)


def table(shown: EvidenceMapsData) -> list[dict[str, Any]]:
    """Return the rows behind the figure: each region of each image in each layer."""
    classes = shown.examples.classes
    return [
        {
            **shown.examples.region(layer.layer, *index),
            "predicted": classes[shown.predicted[index[0]]],
            "bits": float(layer.bits[index]),
            "knowledge_point": int(layer.mask[index]),
            "reliable": int(layer.reliable[index]),
            "category": classes[layer.category[index]],
            "stability": float(layer.stability[index]),
        }
        for layer in shown.layers
        for index in np.ndindex(layer.mask.shape)
    ]


def about(shown: EvidenceMapsData) -> dict[str, Any]:
    """Return the settings that are saved with the figure."""
    return {
        "checkpoint": shown.checkpoint,
        "tau": shown.tau,
        "against": shown.against,
        "scale_bits": [-shown.most, shown.most],
        "layers": [layer.layer for layer in shown.layers],
        "samples": shown.examples.samples.tolist(),
    }


_READS = (
    IMAGES,
    TRAINING,
    KNOWLEDGE,
    REGION,
    reads(EvidenceResult, checkpoint="last", layer="all"),
    reads(FeaturesResult, "logits", checkpoint="last"),
)
FIGURE = StudyFigure("evidence_maps", data, draw, table, about, _READS, version=2, weight=1.5, examples=True)
