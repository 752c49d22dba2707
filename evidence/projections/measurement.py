"""The sample embedding beside the projections that one would otherwise take, for each network, image set and seed.

python -m evidence projections [--studies WORD ...]

Writes into runs/evidence/projections: projection_fits.csv (a row per fit), projections.csv (means and spreads), a
figure, section.md.
"""

import warnings
from collections.abc import Sequence

from evidence.measurements import Measurement, code_of
from evidence.projections import drpr, methods, quality
from evidence.projections.section import write
from evidence.recording import record_images, unseen_images
from evidence.studies import RUNS, EvidenceStudy, evidence_studies
from evidence.tables import Row
from patternscope.embeddings import sample
from patternscope.knowledge import quality as knowledge_quality
from patternscope.results.features import FeaturesResult
from patternscope.results.study import StoredResults

FITS = 5  # seeds of each fit that has one
DIM = 3


def compare_projections(study: EvidenceStudy, results: StoredResults) -> list[Row]:
    """Return a row for each projection, fit and set of images."""
    fitted = results.load(FeaturesResult)
    images, _ = unseen_images(study, results)
    unseen = record_images(study, results, images, layers=study.layers[-1:], grid=1)
    about = {"images": study.images, "network": study.network, "seed": study.seed}
    return [
        {**about, "projection": name, "fit": fit, "on": on, **measures}
        for name in methods.PROJECTIONS
        for fit in range(FITS if methods.is_random(name) else 1)
        for on, measures in _measures_of_fit(name, fit, fitted, unseen).items()
    ]


def _measures_of_fit(
    name: str, fit: int, fitted: FeaturesResult, unseen: FeaturesResult
) -> dict[str, dict[str, float | None]]:
    """The measures of one fit on the samples it was fitted to, and on others where it can place them."""
    with warnings.catch_warnings():
        # Isomap warns of a neighbour graph in several parts, and libraries of their own code.
        warnings.simplefilter("ignore")
        projection = methods.project(name, fitted.sample_features, fitted.target_probs, dim=DIM, seed=fit)
        measures = {"fitted": quality.projection_quality(projection, *_as_judged(fitted))}
        if projection.transform is not None:
            measures["unseen"] = quality.projection_quality(
                projection, *_as_judged(unseen), fitted_logits=fitted.logits
            )
    return measures


def _as_judged(features: FeaturesResult) -> tuple:
    """Sample features, logits and target probabilities."""
    return features.sample_features, features.logits, features.target_probs


MEASUREMENT = Measurement(
    "projections", compare_projections, code_of(sample, drpr, methods, quality, knowledge_quality)
)


def main(words: Sequence[str] = ()) -> None:
    studies = evidence_studies(words)
    rows = MEASUREMENT.of_all(studies)
    write(RUNS / "projections", [row for study in studies for row in rows[study]])
