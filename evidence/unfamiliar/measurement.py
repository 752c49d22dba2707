"""A study as anybody runs it, of a network and images that no default was tuned on: what its own results say.

python -m evidence unfamiliar [--studies WORD ...]

Writes into runs/evidence/unfamiliar: unfamiliar.csv (a row per layer), section.md.
"""

from collections.abc import Sequence

from evidence.measurements import Measurement
from evidence.studies import RUNS
from evidence.tables import Row
from evidence.unfamiliar.section import write
from evidence.unfamiliar.study import UnfamiliarStudy, unfamiliar_studies
from patternscope.knowledge import bootstrap_counts
from patternscope.results.controls import ControlsResult
from patternscope.results.features import FeaturesResult
from patternscope.results.record_codec import flat_interval
from patternscope.results.study import StoredResults


def measure_unfamiliar(study: UnfamiliarStudy, results: StoredResults) -> list[Row]:
    """Return a row per layer from the study's own results."""
    right = results.load(FeaturesResult).logits.argmax(dim=1) == results.images.labels
    about = {"images": study.images, "network": study.network, "accuracy": float(right.double().mean())}
    return [{**about, "layer": layer, **_of_layer(results, layer)} for layer in study.layers]


def _of_layer(results: StoredResults, layer: str) -> Row:
    told, knowledge = results.evidence(layer), results.knowledge(layer)
    chance = results.load(ControlsResult, layer=layer)
    counts = bootstrap_counts(knowledge.mask, knowledge.reliable)
    return {
        **flat_interval("evidence", told.evidence),
        **flat_interval("readable", told.readable),
        "error": told.calibration_error,
        **flat_interval("points", counts["total"]),
        **flat_interval("ratio", counts["ratio"]),
        "shared": knowledge.shared,
        **flat_interval("permuted", chance.permuted.evidence),
        "permuted_points": chance.permuted.counts.total.value,
        **flat_interval("untrained", chance.untrained.evidence),
        "untrained_points": chance.untrained.counts.total.value,
    }


MEASUREMENT = Measurement("unfamiliar", measure_unfamiliar)


def main(words: Sequence[str] = ()) -> None:
    studies = unfamiliar_studies(words)
    rows = MEASUREMENT.of_all(studies)
    write(RUNS / "unfamiliar", [row for study in studies for row in rows[study]])
