"""The network is asked: regions are taken away, and given back, in the order that each account puts them in.

python evidence/faithfulness.py [WORD ...]     all studies, or those whose names contain one of the words

Writes runs/evidence/faithfulness: a file a study, faithfulness.csv (areas), faithfulness_differences.csv (paired), a
figure, section.md.
"""

import sys
from collections.abc import Sequence
from typing import Any

import insertion
import torch
from faithfulness_table import write_findings
from insertion import insertion_curve
from patternscope.study.stages.fitting import fit_importance
from progress import in_parallel
from reading import (
    backgrounds,
    class_share,
    fitted_samples,
    layer_embedding,
    layer_features,
    layer_grid,
    load_network,
    region_weights,
    sample_identities,
    sample_images,
)
from resuming import kept
from studies import RUNS, EvidenceStudy, ensure, evidence_studies
from torch import Tensor

from patternscope.knowledge import (
    blurred,
    class_log_odds,
    curve_area,
    deletion_curve,
    faithfulness,
    object_cover,
    removal_order,
    removal_shares,
)
from patternscope.networks import grad_cam
from patternscope.networks.capture import gradcam

FOLDER = RUNS / "faithfulness"
PER_CLASS = 10
STEPS = 8
LAYERS = {"before": -2, "last": -1}


def measure(study: EvidenceStudy) -> list[dict[str, Any]]:
    """A row for each layer, replacement, order and kind of curve: the area of every image, and the mean curve."""
    folder = ensure(study)
    sources = (folder / "training" / "00" / "network.safetensors", faithfulness, insertion, gradcam)
    return kept(
        FOLDER / "studies" / f"{study.name}.json",
        [*sources, f"{PER_CLASS} a class, {STEPS} steps, {sorted(LAYERS)}"],
        lambda: [row for place in LAYERS for row in _of_layer(study, place)],
    )


def _of_layer(study: EvidenceStudy, place: str) -> list[dict[str, Any]]:
    network, layer = load_network(study), study.layers[LAYERS[place]]
    images, labels, _ = sample_images(study)
    chosen = class_share(labels, PER_CLASS)
    accounts = importances(study, layer)
    order = torch.stack([removal_order(each[chosen]) for each in accounts.values()])
    grid = layer_grid(study, layer)
    shares = removal_shares(grid[0] * grid[1], STEPS)
    about = {"images": study.images, "network": study.network, "seed": study.seed, "place": place}
    rows = []
    for replacement, instead in _replacements(study, images).items():
        shown = None if instead is None else instead[chosen]
        for kind, curve_of in (("deletion", deletion_curve), ("insertion", insertion_curve)):
            with torch.no_grad():
                curves = curve_of(
                    lambda seen: torch.softmax(network(seen), dim=1),
                    images[chosen],
                    labels[chosen],
                    order,
                    grid,
                    replacement=shown,
                    steps=STEPS,
                )
            rows += [
                {
                    **about,
                    "layer": layer,
                    "replacement": replacement,
                    "curve": kind,
                    "order": name,
                    "areas": curve_area(curve, shares).tolist(),
                    "mean_curve": curve.mean(dim=0).tolist(),
                }
                for name, curve in zip(accounts, curves, strict=True)
            ]
    return rows


def importances(study: EvidenceStudy, layer: str) -> dict[str, Tensor]:
    """What each account says of the regions of every sample, (n, r), for the true class where it asks for one."""
    images, labels, masks = sample_images(study)
    embedding, directions = layer_embedding(study, layer)
    joint = study.settings(importance={"solver": "joint"}).importance
    data = {
        "regional_features": layer_features(study, layer),
        "target_probs": fitted_samples(study).target_probs,
    }
    found = {
        "p": class_log_odds(embedding, directions, labels),
        "strength": torch.linalg.vector_norm(embedding, dim=-1),
        "w": region_weights(study, layer),
        "w_joint": fit_importance(joint, data, sample_identities(study), study.seed).region_weights,
        "grad_cam": grad_cam(load_network(study), images, labels, [layer], layer_grid(study, layer))[layer],
        "random": torch.rand(embedding.shape[:2], generator=torch.Generator().manual_seed(study.seed)),
    }
    if masks is not None:
        found["mask"] = object_cover(masks, layer_grid(study, layer))
    return found


def _replacements(study: EvidenceStudy, images: Tensor) -> dict[str, Tensor | None]:
    """What is shown instead of a region: by name, None for the image's mean colour."""
    known: dict[str, Tensor | None] = {"mean colour": None, "blur": blurred(images)}
    if study.images == "pictograms":
        known["background"] = backgrounds(study)
    return known


def main(words: Sequence[str] = ()) -> None:
    chosen = evidence_studies(words)
    found = {study.name: rows for study, rows in in_parallel(measure, chosen, lambda study: study.name)}
    write_findings(FOLDER, [row for study in chosen for row in found[study.name]])


if __name__ == "__main__":
    main(sys.argv[1:])
