"""The objectives of the regional fit, judged by what their maps tell on images that they have not seen.

python -m evidence objectives [--studies WORD ...]

Writes into runs/evidence/objectives: objectives.csv (a row per layer and objective), section.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from evidence import cross_fits, deletion
from evidence.cross_fits import (
    Fit,
    JudgedLayer,
    Judgement,
    judge,
    judged_layer,
    likelihood_fit,
    readable,
    sample_frame,
    true_class_odds,
    worth,
)
from evidence.deletion import deletion_areas
from evidence.measurements import Measurement, code_of
from evidence.objectives import weighted
from evidence.objectives.section import write
from evidence.objectives.weighted import fit_weighted
from evidence.studies import RUNS, SEEDS, CountedStudy, counted_studies
from evidence.tables import Row
from patternscope.embeddings import RegionEmbedding, SampleEmbedding, likelihood, region
from patternscope.embeddings.likelihood import sharpened
from patternscope.knowledge import faithfulness
from patternscope.results.features import FeaturesResult
from patternscope.results.study import StoredResults
from patternscope.study.fitting import draw_neighbours


@dataclass(frozen=True)
class Objective:
    """An objective that is tried: the paper's, or a likelihood whose targets are sharpened by a power."""

    name: str
    dimensions: int
    sharpening: float | None = None
    weighted: bool = False


OBJECTIVES = (
    Objective("paper", 3),
    Objective("paper", 9),
    Objective("likelihood, weighted by w", 9, 1.0, weighted=True),
    Objective("likelihood, weighted by w, sharpened", 9, 2.0, weighted=True),
    Objective("likelihood, not sharpened", 9, 1.0),
    Objective("likelihood", 9, 2.0),
    Objective("likelihood, sharpened to T = 1", 9, 4.0),
)


def measure_objectives(study: CountedStudy, results: StoredResults) -> list[Row]:
    """Return a row for each layer and objective."""
    features = results.load(FeaturesResult)
    frames = {e: sample_frame(features, e) for e in dict.fromkeys(each.dimensions for each in OBJECTIVES)}
    return [row for layer in study.layers for row in _rows_of_layer(study, results, layer, features, frames)]


def _rows_of_layer(
    study: CountedStudy, results: StoredResults, name: str, features: FeaturesResult, frames: dict[int, SampleEmbedding]
) -> Iterator[Row]:
    layer = judged_layer(results, name, features)
    judged: list[Judgement] = []
    for objective in OBJECTIVES:
        frame = frames[objective.dimensions]
        fit = _fit_of(objective, study, results, name, layer, frame)
        judged.append(judge(fit, layer, frame.mean_directions, mean_units=objective.sharpening is None))
    odds = torch.stack([true_class_odds(found, layer.labels) for found in judged])
    areas = deletion_areas(study, results, odds, layer.regional.shape[2:])
    about = {"images": study.images, "network": study.network, "seed": study.seed, "layer": name, **readable(layer)}
    for objective, found, area in zip(OBJECTIVES, judged, areas, strict=True):
        what = {"objective": objective.name, "dimensions": objective.dimensions}
        yield {**about, **what, **worth(found, layer), "deletion": float(area.mean())}


def _fit_of(
    objective: Objective,
    study: CountedStudy,
    results: StoredResults,
    name: str,
    layer: JudgedLayer,
    frame: SampleEmbedding,
) -> Fit:
    """The fit of some images of a layer by an objective."""
    if objective.sharpening is None:
        return _paper_fit(study, results, name, layer, frame)
    if not objective.weighted:
        return likelihood_fit(layer, frame.mean_directions, sharpening=objective.sharpening)
    targets, weights = sharpened(layer.target_probs, objective.sharpening), results.importance(name).region_weights
    return lambda rows: fit_weighted(layer.regional[rows], targets[rows], weights[rows], frame.mean_directions)


def _paper_fit(
    study: CountedStudy, results: StoredResults, name: str, layer: JudgedLayer, frame: SampleEmbedding
) -> Fit:
    weights, settings = results.importance(name), study.settings().region

    def fit(rows: Tensor) -> RegionEmbedding:
        data = {
            "target_probs": layer.target_probs[rows],
            "regional_features": layer.regional[rows],
            "sample_embs": frame.embedding[rows],
            "w_k": weights.channel_weights[rows],
            "w_r": weights.region_weights[rows],
            "neighbours": draw_neighbours(settings, results.images, study.seed, rows),
        }
        return RegionEmbedding(layer.regional.shape[1], frame.mean_directions.shape[1]).fit(data)

    return fit


MEASUREMENT = Measurement(
    "objectives", measure_objectives, code_of(weighted, likelihood, region, cross_fits, deletion, faithfulness)
)


def main(words: Sequence[str] = ()) -> None:
    studies = counted_studies(words, seeds=SEEDS)
    rows = MEASUREMENT.of_all(studies)
    write(RUNS / "objectives", [row for study in studies for row in rows[study]])
