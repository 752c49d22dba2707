"""What is found where nothing can be known: permuted targets, shuffled labels, and a network drawn anew from the top.

python -m evidence sanity [--studies WORD ...]

Writes into runs/evidence/sanity: sanity.csv (a row per check and layer), a figure, section.md.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from evidence import cross_fits
from evidence.cross_fits import JudgedLayer, judge, judged_layer, likelihood_fit, readable, sample_frame, worth
from evidence.measurements import Measurement, code_of
from evidence.recording import record_network, sample_pixels
from evidence.sanity import broken_networks
from evidence.sanity.broken_networks import SEED, reinitialised_from_the_top, trained_on_shuffled_labels
from evidence.sanity.section import write
from evidence.studies import RUNS, SEEDS, CountedStudy, counted_studies
from evidence.tables import Row
from patternscope.embeddings import SampleEmbedding, likelihood, region, sample
from patternscope.embeddings.settings import dimensions
from patternscope.networks import Normalised
from patternscope.networks.models import untrained
from patternscope.results.features import FeaturesResult
from patternscope.results.study import StoredResults


def measure_sanity(study: CountedStudy, results: StoredResults) -> list[Row]:
    """Return a row for each check and layer of the network as it was trained, and of it drawn anew from the top."""
    return list(_rows(study, results))


def measure_shuffled(study: CountedStudy, results: StoredResults) -> list[Row]:
    """Return a row for each layer of the network trained on shuffled labels."""
    features = results.load(FeaturesResult)
    network, fitted = trained_on_shuffled_labels(study, results)
    rows = _rows_of_network(study, results, "trained on shuffled labels", network, features, _frame(features))
    return [{**row, "training_accuracy": fitted} for row in rows]


def _rows(study: CountedStudy, results: StoredResults) -> Iterator[Row]:
    features = results.load(FeaturesResult)
    frame = _frame(features)
    order = torch.randperm(len(results.images.labels), generator=torch.Generator().manual_seed(SEED))
    about = {"images": study.images, "network": study.network, "seed": study.seed}
    about["accuracy"] = _accuracy(features, results)
    for name in study.layers:
        layer = judged_layer(results, name, features)
        told = {**_worth(layer, frame), **readable(layer)}
        yield {**about, "check": "as trained", "targets": "own", "layer": name, **told}
        permuted = replace(layer, regional=layer.regional[order], cover=None)
        told = {**_worth(permuted, frame), **readable(permuted)}
        yield {**about, "check": "permuted targets", "targets": "permuted", "layer": name, **told}
    for check, network in reinitialised_from_the_top(study, results):
        yield from _rows_of_network(study, results, check, network, features, frame)


def _rows_of_network(
    study: CountedStudy,
    results: StoredResults,
    check: str,
    network: Normalised,
    trained: FeaturesResult,
    frame: SampleEmbedding,
) -> Iterator[Row]:
    """Each layer of another network, under the targets of the trained one and under its own."""
    asked = study.settings().network
    recorded = record_network(network, sample_pixels(results), study.layers, asked.grid, asked.temperature)
    own_frame = _frame(recorded)
    about = {"images": study.images, "network": study.network, "seed": study.seed, "check": check}
    about["accuracy"] = _accuracy(recorded, results)
    for name in study.layers:
        own = judged_layer(results, name, recorded)
        under_trained, told = replace(own, target_probs=trained.target_probs), readable(own)
        yield {**about, "targets": "trained", "layer": name, **_worth(under_trained, frame), **told}
        yield {**about, "targets": "own", "layer": name, **_worth(own, own_frame), **told}


def _worth(layer: JudgedLayer, frame: SampleEmbedding) -> Row:
    return worth(judge(likelihood_fit(layer, frame.mean_directions), layer, frame.mean_directions), layer)


def _frame(features: FeaturesResult) -> SampleEmbedding:
    return sample_frame(features, dimensions("auto", features.target_probs.shape[1]))


def _accuracy(features: FeaturesResult, results: StoredResults) -> float:
    return float((features.logits.argmax(dim=1) == results.images.labels).double().mean())


_CODE = code_of(likelihood, region, sample, cross_fits, broken_networks, untrained)
MEASUREMENT = Measurement("sanity", measure_sanity, _CODE)
SHUFFLED = Measurement("shuffled", measure_shuffled, _CODE)


def main(words: Sequence[str] = ()) -> None:
    studies = counted_studies(words, seeds=SEEDS)
    rows, shuffled = MEASUREMENT.of_all(studies), SHUFFLED.of_all(studies)
    write(RUNS / "sanity", [row for study in studies for row in (*rows[study], *shuffled[study])])
