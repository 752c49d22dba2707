"""Deletion and insertion: regions are removed, and come back, in the order in which each account ranks them.

python -m evidence faithfulness [--studies WORD ...]

Writes into runs/evidence/faithfulness: faithfulness.csv (areas), faithfulness_differences.csv (paired), a figure,
section.md.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from evidence import deletion, region_importances
from evidence.deletion import class_probabilities, first_of_each_class
from evidence.faithfulness import insertion
from evidence.faithfulness.insertion import insertion_curve
from evidence.faithfulness.section import write
from evidence.measurements import Measurement, code_of
from evidence.recording import sample_pixels, trained_network
from evidence.studies import RUNS, EvidenceStudy, evidence_studies
from evidence.tables import Row
from patternscope.images.pictograms import draw
from patternscope.knowledge import blurred, curve_area, deletion_curve, faithfulness, removal_order, removal_shares
from patternscope.networks.capture import gradcam
from patternscope.results.study import StoredResults

PER_CLASS = 10
STEPS = 8
LAYERS = {"before": -2, "last": -1}
CURVES = {"deletion": deletion_curve, "insertion": insertion_curve}


def measure_areas(study: EvidenceStudy, results: StoredResults) -> list[Row]:
    """Return a row for each layer, replacement, kind of curve and order: the area of each image, and the mean curve."""
    return [row for place in LAYERS for row in _rows_of_layer(study, results, place)]


def _rows_of_layer(study: EvidenceStudy, results: StoredResults, place: str) -> list[Row]:
    layer = study.layers[LAYERS[place]]
    images, labels, grid = sample_pixels(results), results.images.labels, results.region(layer).grid
    chosen = first_of_each_class(labels, PER_CLASS)
    importances = region_importances.region_importances(study, results, layer)
    order = torch.stack([removal_order(importance[chosen]) for importance in importances.values()])
    probabilities = class_probabilities(trained_network(study, results))
    shares = removal_shares(grid[0] * grid[1], STEPS)
    about = {"images": study.images, "network": study.network, "seed": study.seed, "place": place, "layer": layer}
    rows = []
    for replacement, shown in _replacements(study, results, images).items():
        instead = None if shown is None else shown[chosen]
        for kind, curve_of in CURVES.items():
            curves = curve_of(
                probabilities, images[chosen], labels[chosen], order, grid, replacement=instead, steps=STEPS
            )
            rows += [
                {
                    **about,
                    "replacement": replacement,
                    "curve": kind,
                    "order": name,
                    "areas": curve_area(curve, shares).tolist(),
                    "mean_curve": curve.mean(dim=0).tolist(),
                }
                for name, curve in zip(importances, curves, strict=True)
            ]
    return rows


def _replacements(study: EvidenceStudy, results: StoredResults, images: Tensor) -> dict[str, Tensor | None]:
    """What is shown instead of a region, by name; None for the image's mean colour."""
    replacements: dict[str, Tensor | None] = {"mean colour": None, "blur": blurred(images)}
    if study.images == "pictograms":
        replacements["background"] = _backgrounds(study, results)
    return replacements


def _backgrounds(study: EvidenceStudy, results: StoredResults) -> Tensor:
    """The scenes of the samples without their object, as pixels in [0, 1]; pictograms alone have them."""
    asked = study.settings().images
    scenes = [
        draw(int(name.split()[1]), size=asked.image_size, seed=asked.seed or 0, with_object=False).image
        for name in results.images.names
    ]
    return torch.from_numpy(np.stack(scenes)).permute(0, 3, 1, 2).float() / 255


MEASUREMENT = Measurement(
    "faithfulness", measure_areas, code_of(faithfulness, gradcam, insertion, deletion, region_importances)
)


def main(words: Sequence[str] = ()) -> None:
    studies = evidence_studies(words)
    rows = MEASUREMENT.of_all(studies)
    write(RUNS / "faithfulness", [row for study in studies for row in rows[study]])
