"""Pictograms have masks of their object: do the points lie on it, in which layer, and from which checkpoint on?

python -m evidence ground_truth [--studies WORD ...]

Writes into runs/evidence/ground_truth: a study with checkpoints, precision.csv, pointing.csv, a figure, section.md.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import Tensor

from evidence import object_measures, region_importances
from evidence.ground_truth.section import write
from evidence.measurements import Measurement, code_of
from evidence.object_measures import pointing_game, points_on
from evidence.studies import RUNS, EvidenceStudy, evidence_studies
from evidence.tables import Row
from patternscope.errors import InputError
from patternscope.knowledge import bootstrap_mean, bootstrap_ratio, object_cover, quality
from patternscope.networks.capture import gradcam
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.record_codec import flat_interval
from patternscope.results.study import StoredResults
from patternscope.settings.study import StudySettings

FOLDER = RUNS / "ground_truth"
CHECKPOINTS = 6


@dataclass(frozen=True)
class TrainingStudy(EvidenceStudy):
    """A study of the evidence with several checkpoints."""

    @property
    def name(self) -> str:
        return f"{super().name} over training"

    @property
    def folder(self) -> Path:
        return FOLDER / "study"

    def settings(self, **changes: Any) -> StudySettings:
        return super().settings(**{**changes, "training": {"checkpoints": CHECKPOINTS}})


def measure_precision(study: EvidenceStudy, results: StoredResults) -> dict[str, list[Row]]:
    """Return the precision of each layer's points at each checkpoint, and the pointing game of a finished network."""
    pointing = [] if isinstance(study, TrainingStudy) else study.layers
    return {
        "precision": [
            _precision(study, results, layer, checkpoint)
            for checkpoint in results.checkpoints(KnowledgeResult)
            for layer in study.layers
        ],
        "pointing": [row for layer in pointing for row in _pointing(study, results, layer)],
    }


def _cover(results: StoredResults, layer: str) -> Tensor:
    """How much of each region of the samples is the object (n, r)."""
    if results.images.masks is None:
        raise InputError("images: expected samples with masks, got none")
    return object_cover(results.images.masks, results.region(layer).grid)


def _precision(study: EvidenceStudy, results: StoredResults, layer: str, checkpoint: int) -> Row:
    """How much of the points, and of the reliable ones, lies on the object, beside the share of the image it covers."""
    points, cover = results.knowledge(layer, checkpoint).points, _cover(results, layer)
    training = results.training(checkpoint)
    return {
        "network": study.network,
        "seed": study.seed,
        "layer": layer,
        "checkpoint": checkpoint,
        "step": training.step,
        "accuracy": training.held_out_accuracy,
        "area": float(cover.mean()),
        "points": points.total,
        "reliable_points": points.total_reliable,
        **flat_interval("all", bootstrap_ratio(*points_on(points.mask, cover))),
        **flat_interval("reliable", bootstrap_ratio(*points_on(points.reliable, cover))),
    }


def _pointing(study: EvidenceStudy, results: StoredResults, layer: str) -> list[Row]:
    """The probability that a pixel of each order's first region is the object's."""
    cover = _cover(results, layer)
    importances = region_importances.region_importances(study, results, layer)
    return [
        {
            "network": study.network,
            "seed": study.seed,
            "layer": layer,
            "order": name,
            **flat_interval("hit", bootstrap_mean(pointing_game(importance, cover))),
        }
        for name, importance in importances.items()
    ]


MEASUREMENT = Measurement(
    "ground_truth", measure_precision, code_of(quality, object_measures, region_importances, gradcam)
)


def main(words: Sequence[str] = ()) -> None:
    studies = [study for study in evidence_studies(words) if study.images == "pictograms"]
    over_training = TrainingStudy("pictograms", "vgg16_slim", 0)
    rows = MEASUREMENT.of_all([over_training, *studies])
    precision, pointing = (
        [row for study in studies for row in rows[study][name]] for name in ("precision", "pointing")
    )
    write(FOLDER, precision=precision, pointing=pointing, training=rows[over_training]["precision"])
