"""Which values the settings should have: one is changed at a time, and judged by what the evidence measures.

python -m evidence defaults [--studies WORD ...]

Writes into runs/evidence/defaults: defaults_fits.csv (a row per fit), defaults.csv (means), a figure, section.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from evidence import deletion, layer_fits, object_measures
from evidence.defaults.section import write
from evidence.deletion import class_probabilities, first_of_each_class
from evidence.layer_fits import LayerData, LayerFit, data_by_layer, fit_layer, unseen_data
from evidence.measurements import Measurement, code_of
from evidence.object_measures import points_on
from evidence.recording import record_images, sample_pixels, trained_network
from evidence.studies import RUNS, EvidenceStudy, evidence_studies
from evidence.tables import Row
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
from patternscope.results.study import StoredResults

NETWORKS = ("vgg16_slim", "resnet18")
LAYERS = 2  # the deepest
SEEDS = 3  # fits of the defaults, which tell what is noise
PER_CLASS, STEPS = 10, 8
AUTO = 1.0  # a factor of the scale that "auto" is
OWN = float("inf")  # a layer's own grid
# Setting -> (its keys, values, default). Scales are factors of what "auto" is.
SETTINGS: dict[str, tuple[tuple[str, ...], tuple[float, ...], float]] = {
    "lambda_mi": (("region.lambda_mi",), (0.1, 0.3, 1.0, 3.0, 10.0), 1.0),
    "kappa_max of regions": (("region.kappa_max",), (100.0, 300.0, 1000.0, 3000.0, 10000.0), 1000.0),
    "kappa_max of samples": (("sample.kappa_max",), (5.0, 10.0, 20.0, 40.0), 10.0),
    "scale of regions": (("region.scale",), (0.5, AUTO, 2.0), AUTO),
    "scale of samples": (("sample.scale",), (0.5, AUTO, 2.0), AUTO),
    "neighbours": (("importance.kl_sample_num", "region.kl_sample_num"), (25, 50, 100, 200), 100),
    "grid": (("network.grid",), (2, 4), OWN),
}


def measure_settings(study: EvidenceStudy, results: StoredResults) -> list[Row]:
    """Return a row for each layer, setting and value, and for each seed of the defaults."""
    return [row for layer in study.layers[-LAYERS:] for row in _LayerTrials(study, results, layer).rows()]


class _LayerTrials:
    """Fits of one layer with one setting changed at a time."""

    def __init__(self, study: EvidenceStudy, results: StoredResults, layer: str) -> None:
        self.study, self.results, self.layer = study, results, layer
        self.fitted, self.unseen = self._recorded()

    def rows(self) -> Iterator[Row]:
        """Yield what each fit is worth: the defaults by seed, then each value of each setting."""
        for seed in range(SEEDS):
            fit = fit_layer(self.study, self.results, self.fitted, seed)
            yield self._row("", None, seed, fit, self.fitted, self.unseen)
        for setting, (paths, values, default) in SETTINGS.items():
            for value in values:
                if value == default:
                    continue  # the fits above
                if setting != "grid":
                    fit = self._fit(self.fitted, changes_of(paths, value, self.fitted))
                    yield self._row(setting, value, 0, fit, self.fitted, self.unseen)
                elif value < min(self.fitted.regional.shape[2:]):
                    coarse, unseen = self._recorded(int(value))
                    yield self._row(setting, value, 0, self._fit(coarse), coarse, unseen)

    def _recorded(self, grid: int | None = None) -> tuple[LayerData, LayerData]:
        """The layer of the samples and of the unseen images."""
        study, results = self.study, self.results
        samples = record_images(study, results, sample_pixels(results), grid=grid)
        fitted = data_by_layer(samples, results.images.labels)
        return fitted[self.layer], unseen_data(study, results, grid)[self.layer]

    def _fit(self, data: LayerData, changes: Mapping[str, Mapping[str, Any]] | None = None) -> LayerFit:
        return fit_layer(self.study, self.results, data, changes=changes)

    def _row(
        self, setting: str, value: float | None, seed: int, fit: LayerFit, fitted: LayerData, unseen: LayerData
    ) -> Row:
        return {
            "images": self.study.images,
            "network": self.study.network,
            "layer": self.layer,
            "setting": setting,
            "value": value,
            "fit": seed,
            **judge_fit(self.study, self.results, fit, fitted, unseen),
        }


def changes_of(paths: Sequence[str], value: float, data: LayerData) -> Mapping[str, Mapping[str, Any]]:
    """Return settings as sections and keys: {"region": {"lambda_mi": 3}}."""
    changes: dict[str, dict[str, Any]] = {}
    for path in paths:
        section, key = path.split(".")
        if key == "scale":
            features = data.regional if section == "region" else data.features.sample_features
            value = value * float(mean_strength(features))
        changes[section] = {key: value}
    return changes


@torch.no_grad()
def judge_fit(
    study: EvidenceStudy, results: StoredResults, fit: LayerFit, fitted: LayerData, unseen: LayerData
) -> dict[str, float | None]:
    """Return what a fit is worth by each measure."""
    points, masks = fit.points(fitted), results.images.masks
    grid = (fitted.regional.shape[2], fitted.regional.shape[3])
    precision = None
    if masks is not None:
        precision = bootstrap_ratio(*points_on(points.reliable, object_cover(masks, grid)), resamples=1).value
    return {
        "points": points.total,
        "reliable": points.total_reliable,
        "ratio": points.ratio,
        "ratio_unseen": fit.points(unseen).ratio,
        "precision": precision,
        "deletion": _deletion_area(study, results, fit, fitted, grid),
        "agreement": agreement(fit.sample.posterior(fitted.features.sample_features), fitted.features.logits),
        "correlation": strength_uncertainty_correlation(fit.sample.embedding, fitted.features.target_probs),
    }


def _deletion_area(
    study: EvidenceStudy, results: StoredResults, fit: LayerFit, fitted: LayerData, grid: tuple[int, int]
) -> float:
    """The mean area under the deletion curve of p, with the mean colour."""
    labels, chosen = fitted.labels, first_of_each_class(fitted.labels, PER_CLASS)
    embedding, directions = fit.embedding(fitted.regional), fit.sample.mean_directions
    odds = class_log_odds(embedding, directions, labels, fit.region.kappa_max)
    curve = deletion_curve(
        class_probabilities(trained_network(study, results)),
        sample_pixels(results)[chosen],
        labels[chosen],
        removal_order(odds[chosen]),
        grid,
        steps=STEPS,
    )
    return float(curve_area(curve, removal_shares(grid[0] * grid[1], STEPS)).mean())


MEASUREMENT = Measurement(
    "defaults",
    measure_settings,
    code_of(importance, region, sample, faithfulness, quality, object_measures, layer_fits, deletion),
)


def main(words: Sequence[str] = ()) -> None:
    studies = [study for study in evidence_studies(words, seeds=(0,)) if study.network in NETWORKS]
    rows = MEASUREMENT.of_all(studies)
    settings = {name: (paths, default) for name, (paths, _, default) in SETTINGS.items()}
    write(RUNS / "defaults", [row for study in studies for row in rows[study]], settings)
