"""How far a number may be off: over images, divisions of the images, networks and thresholds, and on unseen images.

python -m evidence uncertainty [--studies WORD ...]

Writes into runs/evidence/uncertainty: uncertainty_numbers.csv (a row per layer, division and set of images),
uncertainty.csv, tau_sweep.csv, a figure, section.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from evidence import cross_fits, recording
from evidence.cross_fits import JudgedLayer, judge, likelihood_fit, sample_frame
from evidence.measurements import Measurement, code_of
from evidence.recording import record_images, unseen_images
from evidence.studies import RUNS, EvidenceStudy, evidence_studies
from evidence.tables import Row
from evidence.uncertainty import stability
from evidence.uncertainty.section import write
from evidence.uncertainty.stability import verdict_stability
from patternscope.embeddings import SampleEmbedding, likelihood
from patternscope.embeddings.settings import dimensions
from patternscope.knowledge import bootstrap_counts
from patternscope.knowledge.calibration import class_shares
from patternscope.knowledge.folds import assign_folds
from patternscope.knowledge.intervals import above_zero
from patternscope.knowledge.region_evidence import Evidence, evidence
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import RegionResult
from patternscope.results.record_codec import encode, flat_interval
from patternscope.results.study import StoredResults
from patternscope.study import judges
from patternscope.study.judges import Judges

PARTS = ("numbers", "refits", "stability", "sweep")


def measure_spreads(study: EvidenceStudy, results: StoredResults) -> dict[str, list[Row]]:
    """Return the numbers of each layer by each division of the samples, on samples and on unseen images.

    With those of unseen images by maps of their own, how far the verdicts of divisions agree, and the sweep of tau.
    """
    parts: dict[str, list[Row]] = {name: [] for name in PARTS}
    images, labels = unseen_images(study, results)
    unseen, samples = record_images(study, results, images), results.load(FeaturesResult)
    frame = sample_frame(unseen, dimensions("auto", len(results.classes)))
    accuracy = {"accuracy": _accuracy(samples, results.images.labels), "accuracy_unseen": _accuracy(unseen, labels)}
    for layer in study.layers:
        about = {"images": study.images, "network": study.network, "seed": study.seed, "layer": layer}
        verdicts = []
        for division, judges_of in enumerate(division_judges(study, results, layer)):
            own = judges_of.judge(samples.regional.read(layer)).log_posterior
            found = evidence(own, results.images.labels, judges_of.shares)
            others = unseen_judges(judges_of, labels).judge(unseen.regional.read(layer)).log_posterior
            found_in_others = evidence(others, labels, judges_of.shares)
            # A layer without evidence has no points, and unseen images do not change that verdict.
            tau = results.knowledge(layer).tau if above_zero(found.interval) else 1.0
            verdicts.append(own.exp().amax(dim=-1) > tau)
            place = {**about, "division": division}
            parts["numbers"] += [
                {**place, "on": "samples", **_numbers(own, found, results.images.labels, tau)},
                {**place, "on": "unseen", **_numbers(others, found_in_others, labels, tau)},
            ]
        parts["refits"].append({**about, **accuracy, "evidence": _refitted(unseen, labels, layer, frame)})
        parts["stability"].append({**about, **vars(verdict_stability(torch.stack(verdicts)))})
        parts["sweep"] += [{**about, **encode(threshold)} for threshold in results.knowledge(layer).sweep]
    return parts


def _accuracy(features: FeaturesResult, labels: Tensor) -> float:
    return float((features.logits.argmax(dim=1) == labels).double().mean())


def _refitted(features: FeaturesResult, labels: Tensor, name: str, frame: SampleEmbedding) -> float:
    """The evidence of images by maps and a sample embedding of their own, which have seen no sample."""
    layer = JudgedLayer(features.regional.read(name), features.target_probs, labels, assign_folds(labels))
    found = judge(likelihood_fit(layer, frame.mean_directions), layer, frame.mean_directions)
    return evidence(found.log_posterior, labels).bits


def division_judges(study: EvidenceStudy, results: StoredResults, layer: str) -> Iterator[Judges]:
    """Yield the judges of each division of the samples of a study; the first are those that the study shows."""
    region, labels = results.region(layer), results.images.labels
    regional, directions = results.load(FeaturesResult).regional.read(layer), results.sample().mean_directions
    shares, kappa_max = class_shares(labels, len(results.classes)), study.settings().region.kappa_max
    for division in range(len(region.unseen)):
        yield Judges.of(_only(region, division), regional, labels, directions, shares, kappa_max)


def _only(region: RegionResult, division: int) -> RegionResult:
    """The maps of one division of the samples."""
    folds = len(region.fold_maps) // len(region.unseen)
    maps = region.fold_maps[division * folds : (division + 1) * folds]
    return replace(region, fold_maps=maps, unseen=region.unseen[division : division + 1] % folds)


def unseen_judges(known: Judges, labels: Tensor) -> Judges:
    """Return the judges for other images with these labels (m,): each image by one map, as samples are judged."""
    fold = assign_folds(labels, len(known.region.fold_maps))
    return replace(known, region=replace(known.region, unseen=fold[None]))


def _numbers(log_posterior: Tensor, found: Evidence, labels: Tensor, tau: float) -> Row:
    """Evidence, its calibration error, and counts of knowledge points, with intervals over images."""
    confidence, category = log_posterior.exp().max(dim=-1)
    points = confidence > tau
    counts = bootstrap_counts(points, points & (category == labels[:, None]))
    return {
        **flat_interval("evidence", found.interval),
        "error": found.calibration_error,
        **flat_interval("points", counts["total"]),
        **flat_interval("reliable", counts["reliable"]),
        **flat_interval("ratio", counts["ratio"]),
    }


def compare_networks(studies: Sequence[EvidenceStudy]) -> list[Row]:
    """Return how far the verdicts of networks agree that differ only in their seed."""
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


MEASUREMENT = Measurement("uncertainty", measure_spreads, code_of(judges, cross_fits, likelihood, stability, recording))


def main(words: Sequence[str] = ()) -> None:
    studies = evidence_studies(words)
    measured = MEASUREMENT.of_all(studies)
    parts = {name: [row for study in studies for row in measured[study][name]] for name in PARTS}
    write(RUNS / "uncertainty", **parts, networks=compare_networks(studies))
