"""Which values the settings should have: one is changed at a time, and judged by what the evidence measures.

python -m evidence defaults [--studies WORD ...]

Writes into runs/evidence/defaults: defaults_layers.csv (a row per layer and value), defaults.csv (means), a figure,
section.md.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

import torch
from torch import Tensor

from evidence import cross_fits, deletion
from evidence.cross_fits import JudgedLayer, Judgement, judge, judged_layer, likelihood_fit, true_class_odds, worth
from evidence.defaults.section import write
from evidence.deletion import deletion_areas
from evidence.measurements import Measurement, code_of
from evidence.recording import record_images, sample_pixels
from evidence.studies import RUNS, CountedStudy, counted_studies
from evidence.tables import Row
from patternscope.embeddings import SampleEmbedding, likelihood, region, sample
from patternscope.embeddings.linear import mean_strength
from patternscope.embeddings.settings import dimensions
from patternscope.knowledge import agreement, faithfulness, quality, strength_uncertainty_correlation
from patternscope.knowledge.folds import assign_folds
from patternscope.results.features import FeaturesResult
from patternscope.results.study import StoredResults
from patternscope.study.stages.features import soft_probabilities

PER_CLASS = 5  # images of a class in the deletion test
AUTO = 1.0  # a factor of the scale that "auto" is
OWN = float("inf")  # a layer's own grid


@dataclass(frozen=True)
class Setting:
    """A setting, the values that are tried, and its default; values of a scale are factors of what "auto" is."""

    key: str
    values: tuple[float, ...]
    default: float


SETTINGS = {
    "sharpening": Setting("region.sharpening", (1.0, 1.5, 2.0, 3.0, 4.0), 2.0),
    "temperature of the targets": Setting("network.temperature", (1.0, 2.0, 4.0, 8.0), 4.0),
    "steps of the regional fit": Setting("region.n_step", (3.0, 6.0, 12.0, 25.0, 50.0), 12.0),
    "weight decay of the regional fit": Setting("region.wd", (0.0, 5e-5, 5e-4, 5e-3, 5e-2), 5e-4),
    "folds": Setting("region.folds", (2.0, 3.0, 5.0, 10.0), 2.0),
    "kappa_max of regions": Setting("region.kappa_max", (100.0, 300.0, 1000.0, 3000.0, 10000.0), 1000.0),
    "kappa_max of samples": Setting("sample.kappa_max", (5.0, 10.0, 20.0, 40.0), 10.0),
    "scale of regions": Setting("region.scale", (0.5, AUTO, 2.0), AUTO),
    "scale of samples": Setting("sample.scale", (0.5, AUTO, 2.0), AUTO),
    "grid": Setting("network.grid", (2.0, 4.0, OWN), OWN),
}


def measure_settings(study: CountedStudy, results: StoredResults) -> list[Row]:
    """Return a row for each layer, setting and value; that of the defaults has no setting."""
    return [row for layer in study.layers for row in _LayerTrials(study, results, layer).rows()]


@dataclass(frozen=True)
class _Trial:
    """A value of a setting, fitted and judged: `setting` is empty for the defaults."""

    setting: str
    value: float | None
    layer: JudgedLayer
    found: Judgement
    of_samples: Row


class _LayerTrials:
    """The trials of one layer of a study."""

    def __init__(self, study: CountedStudy, results: StoredResults, layer: str) -> None:
        self.study, self.results, self.name = study, results, layer
        self.temperature = study.settings().network.temperature
        self._recorded = cache(self._record)
        self._frames = cache(self._frame)

    def rows(self) -> Iterator[Row]:
        """Yield what each value is worth, the defaults first."""
        about = {"images": self.study.images, "network": self.study.network, "layer": self.name}
        trials = list(self._trials())
        for trial, area in zip(trials, self._deletions(trials), strict=True):
            what = {"setting": trial.setting, "value": trial.value}
            yield {**about, **what, **worth(trial.found, trial.layer), **trial.of_samples, "deletion": area}

    def _trials(self) -> Iterator[_Trial]:
        yield self._fitted("", None, {})
        own = min(self._recorded(None).regional.read(self.name).shape[2:])
        for name, setting in SETTINGS.items():
            for value in setting.values:
                too_fine = setting.key == "network.grid" and value >= own
                if value != setting.default and not too_fine:
                    yield self._fitted(name, value, {setting.key: value})

    def _fitted(self, name: str, value: float | None, changes: Mapping[str, float]) -> _Trial:
        """Fit and judge the layer with these changes of the settings."""
        grid, temperature = changes.get("network.grid"), changes.get("network.temperature", self.temperature)
        features = self._recorded(None if grid is None else int(grid))
        probs = soft_probabilities(features.logits, temperature)
        frame = self._frames(temperature, *_section("sample", changes).items())
        of_regions = _section("region", changes)
        layer = self._layer(features, probs, int(of_regions.pop("folds", 0)))
        fit = likelihood_fit(layer, frame.mean_directions, **_usable(of_regions, layer.regional))
        told = {
            "agreement": agreement(frame.posterior(features.sample_features), features.logits),
            "correlation": strength_uncertainty_correlation(frame.embedding, probs),
        }
        return _Trial(name, value, layer, judge(fit, layer, frame.mean_directions), told)

    def _record(self, grid: int | None) -> FeaturesResult:
        """The samples as the study recorded them, or this layer on another grid."""
        if grid is None:
            return self.results.load(FeaturesResult)
        return record_images(self.study, self.results, sample_pixels(self.results), layers=[self.name], grid=grid)

    def _frame(self, temperature: float, *changes: tuple[str, float]) -> SampleEmbedding:
        """The sample embedding of targets at a temperature, with changes of its settings."""
        features, constructor = self._recorded(None), dict(changes)
        vectors, out_dim = features.sample_features, dimensions("auto", len(self.results.classes))
        frame = SampleEmbedding(vectors.shape[1], out_dim, **_usable(constructor, vectors))
        probs = soft_probabilities(features.logits, temperature)
        return frame.fit({"target_probs": probs, "sample_features": vectors})

    def _layer(self, features: FeaturesResult, probs: Tensor, folds: int) -> JudgedLayer:
        """The layer with these targets, in the halves that the study judges by, or in a number of folds."""
        images = self.results.images
        fold = assign_folds(images.labels, folds, identity=images.identity) if folds else None
        return replace(judged_layer(self.results, self.name, features, fold), target_probs=probs)

    def _deletions(self, trials: Sequence[_Trial]) -> list[float]:
        """The mean area under the deletion curve of each trial; trials on the same grid are measured together."""
        areas: dict[int, float] = {}
        by_grid: dict[tuple[int, int], list[int]] = {}
        for place, trial in enumerate(trials):
            _, _, height, width = trial.layer.regional.shape
            by_grid.setdefault((height, width), []).append(place)
        for grid, places in by_grid.items():
            odds = torch.stack([true_class_odds(trials[place].found, trials[place].layer.labels) for place in places])
            means = deletion_areas(self.study, self.results, odds, grid, PER_CLASS).mean(dim=1)
            areas |= dict(zip(places, means.tolist(), strict=True))
        return [areas[place] for place in range(len(trials))]


def _section(name: str, changes: Mapping[str, float]) -> dict[str, float]:
    """The keys of one section among changes of settings: {"region.wd": 0} -> {"wd": 0}."""
    return {key.removeprefix(f"{name}."): value for key, value in changes.items() if key.startswith(f"{name}.")}


def _usable(values: Mapping[str, float], features: Tensor) -> dict[str, float]:
    """Values as estimators take them: a scale in place of a factor of the mean strength, steps as an integer."""
    usable = dict(values)
    if "scale" in usable:
        usable["scale"] *= float(mean_strength(features))
    return {key: int(value) if key == "n_step" else value for key, value in usable.items()}


MEASUREMENT = Measurement(
    "defaults", measure_settings, code_of(likelihood, region, sample, faithfulness, quality, cross_fits, deletion)
)


def main(words: Sequence[str] = ()) -> None:
    studies = counted_studies(words)
    rows = MEASUREMENT.of_all(studies)
    settings = {name: (setting.key, setting.default) for name, setting in SETTINGS.items()}
    write(RUNS / "defaults", [row for study in studies for row in rows[study]], settings)
