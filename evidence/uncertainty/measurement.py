"""By how much a count may be off: over images, seeds of the fit, seeds of the network, thresholds, and unseen images.

python -m evidence uncertainty [--studies WORD ...]

Writes into runs/evidence/uncertainty: uncertainty_counts.csv (a row per fit), uncertainty.csv, tau_sweep.csv, a figure,
section.md.
"""

from collections.abc import Sequence

import torch

from evidence import layer_fits
from evidence.layer_fits import fit_layer, fitted_data, unseen_data
from evidence.measurements import Measurement, code_of
from evidence.studies import RUNS, EvidenceStudy, evidence_studies
from evidence.tables import Row
from evidence.uncertainty import stability
from evidence.uncertainty.section import write
from evidence.uncertainty.stability import verdict_stability
from patternscope.embeddings import importance, region
from patternscope.knowledge import KnowledgePoints, bootstrap_counts
from patternscope.results.knowledge import Counts
from patternscope.results.record_codec import encode
from patternscope.results.study import StoredResults

FITS = 5
PARTS = ("counts", "stability", "sweep")


def measure_spreads(study: EvidenceStudy, results: StoredResults) -> dict[str, list[Row]]:
    """Return counts of each layer and fit on fitted and unseen images, how alike the fits are, and the sweep of tau."""
    parts: dict[str, list[Row]] = {name: [] for name in PARTS}
    unseen = unseen_data(study, results)
    for layer in study.layers:
        about = {"images": study.images, "network": study.network, "seed": study.seed, "layer": layer}
        data, verdicts = fitted_data(results, layer), []
        for seed in range(FITS):
            fit = fit_layer(study, results, data, seed)
            points = fit.points(data)
            verdicts.append(points.mask)
            parts["counts"] += [
                {**about, "fit": seed, "on": "fitted", **_counts(points)},
                {**about, "fit": seed, "on": "unseen", **_counts(fit.points(unseen[layer]))},
            ]
        parts["stability"].append({**about, **vars(verdict_stability(torch.stack(verdicts)))})
        parts["sweep"] += [{**about, **encode(threshold)} for threshold in results.knowledge(layer).sweep]
    return parts


def _counts(points: KnowledgePoints) -> Row:
    """Counts and their ratio, with intervals over images."""
    return encode(Counts.of(bootstrap_counts(points.mask, points.reliable)))


def compare_networks(studies: Sequence[EvidenceStudy]) -> list[Row]:
    """Return how alike the verdicts of networks are that differ in their seed alone."""
    rows = []
    for images, network in dict.fromkeys((study.images, study.network) for study in studies):
        alike = [study for study in studies if (study.images, study.network) == (images, network)]
        if len(alike) < 2:
            continue
        known = [study.results for study in alike]
        for layer in alike[0].layers:
            agreement = verdict_stability(torch.stack([results.knowledge(layer).mask for results in known]))
            rows.append({"images": images, "network": network, "layer": layer, **vars(agreement)})
    return rows


MEASUREMENT = Measurement("uncertainty", measure_spreads, code_of(importance, region, stability, layer_fits))


def main(words: Sequence[str] = ()) -> None:
    studies = evidence_studies(words)
    measured = MEASUREMENT.of_all(studies)
    parts = {name: [row for study in studies for row in measured[study][name]] for name in PARTS}
    write(RUNS / "uncertainty", **parts, networks=compare_networks(studies))
