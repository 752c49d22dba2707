"""Which values the settings should have: one changed at a time, judged by what the evidence measures.

python evidence/defaults.py [WORD ...]     all studies, or those whose names contain one of the words

Writes runs/evidence/defaults: a file a study, defaults_fits.csv (a row a fit), defaults.csv (means), a figure,
section.md.
"""

import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import object_measures
import torch
from defaults_table import write_findings
from layer_fits import LayerData, LayerFit, fit_layer, recorded, unseen_data
from object_measures import points_on
from progress import in_parallel
from reading import class_share, load_network, sample_images
from resuming import kept
from studies import RUNS, EvidenceStudy, ensure, evidence_studies

from patternscope.embeddings import importance, region, sample
from patternscope.embeddings.linear import mean_strength
from patternscope.knowledge import (
    agreement,
    bootstrap_ratio,
    class_log_odds,
    curve_area,
    deletion_curve,
    faithfulness,
    object_cover,
    quality,
    removal_order,
    removal_shares,
    strength_uncertainty_correlation,
)

FOLDER = RUNS / "defaults"
NETWORKS = ("vgg16_slim", "resnet18")
LAYERS = 2  # the deepest
SEEDS = 3  # fits of the defaults, which say what is noise
PER_CLASS, STEPS = 10, 8
AUTO = 1.0  # a factor of the scale that "auto" finds
OWN = float("inf")  # a layer's own grid
# Setting -> (where it is, values, default). Scales are factors of what "auto" finds.
SETTINGS: dict[str, tuple[tuple[str, ...], tuple[float, ...], float]] = {
    "lambda_mi": (("region.lambda_mi",), (0.1, 0.3, 1.0, 3.0, 10.0), 1.0),
    "kappa_max of regions": (("region.kappa_max",), (100.0, 300.0, 1000.0, 3000.0, 10000.0), 1000.0),
    "kappa_max of samples": (("sample.kappa_max",), (5.0, 10.0, 20.0, 40.0), 10.0),
    "scale of regions": (("region.scale",), (0.5, AUTO, 2.0), AUTO),
    "scale of samples": (("sample.scale",), (0.5, AUTO, 2.0), AUTO),
    "neighbours": (("importance.kl_sample_num", "region.kl_sample_num"), (25, 50, 100, 200), 100),
    "grid": (("network.grid",), (2, 4), OWN),
}


def measure(study: EvidenceStudy) -> list[dict[str, Any]]:
    """A row for each layer, setting and value, and for each seed of the defaults."""
    folder = ensure(study)
    sources = (
        folder / "training" / "00" / "network.safetensors",
        importance,
        region,
        sample,
        faithfulness,
        quality,
        object_measures,
    )
    asked = f"{SETTINGS} {SEEDS} {LAYERS} {PER_CLASS} {STEPS}"
    return kept(FOLDER / "studies" / f"{study.name}.json", [*sources, asked], lambda: list(_measured(study)))


def _measured(study: EvidenceStudy) -> Iterator[dict[str, Any]]:
    images, labels, _ = sample_images(study)
    own = recorded(study, images, labels), unseen_data(study)
    for layer in study.layers[-LAYERS:]:
        about = {"images": study.images, "network": study.network, "layer": layer}
        fitted, unseen = (each[layer] for each in own)
        for seed in range(SEEDS):
            fit = fit_layer(study, fitted, seed)
            yield {**about, "setting": "", "value": None, "fit": seed, **_judged(study, fit, fitted, unseen)}
        for setting, (paths, values, default) in SETTINGS.items():
            for value in values:
                if value == default:
                    continue  # the fits above
                row = {**about, "setting": setting, "value": value, "fit": 0}
                if setting == "grid":
                    if value >= min(fitted.features.shape[2:]):
                        continue
                    coarse = recorded(study, images, labels, int(value))[layer]
                    new = unseen_data(study, int(value))[layer]
                    yield {**row, **_judged(study, fit_layer(study, coarse), coarse, new)}
                else:
                    fit = fit_layer(study, fitted, **_changes(paths, value, fitted))
                    yield {**row, **_judged(study, fit, fitted, unseen)}


def _changes(paths: Sequence[str], value: float, data: LayerData) -> Mapping[str, Mapping[str, Any]]:
    """Settings as sections and keys: {"region": {"lambda_mi": 3}}."""
    changes: dict[str, dict[str, Any]] = {}
    for path in paths:
        section, key = path.split(".")
        if key == "scale":
            features = data.features if section == "region" else data.seen.features
            value = value * float(mean_strength(features))
        changes[section] = {key: value}
    return changes


@torch.no_grad()
def _judged(
    study: EvidenceStudy, fit: LayerFit, fitted: LayerData, unseen: LayerData
) -> dict[str, float | None]:
    """What a fit is worth."""
    points, new = fit.points(fitted), fit.points(unseen)
    images, labels, masks = sample_images(study)
    grid = fitted.features.shape[2], fitted.features.shape[3]
    precision = None
    if masks is not None:
        precision = bootstrap_ratio(*points_on(points.reliable, object_cover(masks, grid)), resamples=1).value
    chosen, network = class_share(labels, PER_CLASS), load_network(study)
    odds = class_log_odds(
        fit.embedding(fitted.features), fit.sample.mean_directions, labels, fit.region.kappa_max
    )
    curve = deletion_curve(
        lambda seen: torch.softmax(network(seen), dim=1),
        images[chosen],
        labels[chosen],
        removal_order(odds[chosen]),
        grid,
        steps=STEPS,
    )
    posterior = fit.sample.posterior(fitted.seen.features)
    return {
        "points": points.total,
        "reliable": points.total_reliable,
        "ratio": points.ratio,
        "ratio_unseen": new.ratio,
        "precision": precision,
        "deletion": float(curve_area(curve, removal_shares(grid[0] * grid[1], STEPS)).mean()),
        "agreement": agreement(posterior, fitted.seen.logits),
        "correlation": strength_uncertainty_correlation(fit.sample.embedding, fitted.seen.target_probs),
    }


def main(words: Sequence[str] = ()) -> None:
    chosen = [study for study in evidence_studies(words, seeds=(0,)) if study.network in NETWORKS]
    found = {study.name: rows for study, rows in in_parallel(measure, chosen, lambda study: study.name)}
    values = {name: (paths, default) for name, (paths, _, default) in SETTINGS.items()}
    write_findings(FOLDER, [row for study in chosen for row in found[study.name]], values)


if __name__ == "__main__":
    main(sys.argv[1:])
