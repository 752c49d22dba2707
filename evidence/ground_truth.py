"""Pictograms know where their object is: do the points lie on it, in which layer, and from which checkpoint on?

python evidence/ground_truth.py

Writes runs/evidence/ground_truth: a study with checkpoints, precision.csv, pointing.csv, a figure, section.md.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import object_measures
from faithfulness import importances
from ground_truth_table import write_findings
from object_measures import pointing_game, points_on
from progress import in_parallel
from reading import layer_grid, sample_images
from resuming import kept
from studies import RUNS, EvidenceStudy, ensure, evidence_studies
from torch import Tensor

from patternscope.knowledge import bootstrap_mean, bootstrap_ratio, object_cover, quality
from patternscope.networks.capture import gradcam
from patternscope.results.arrays import load_arrays
from patternscope.results.json_csv import flat_interval, read_json
from patternscope.settings.study import StudySettings
from patternscope.study.run import run_study
from patternscope.workflow.executors import InProcessExecutor
from patternscope.workflow.stages import layer_folder

FOLDER = RUNS / "ground_truth"
CHECKPOINTS = 6


@dataclass(frozen=True)
class TrainedStudy(EvidenceStudy):
    """A study of the evidence that keeps networks of its training."""

    @property
    def folder(self) -> Path:
        return FOLDER / "study"

    def settings(self, **changes: Any) -> StudySettings:
        return super().settings(**{**changes, "training": {"checkpoints": CHECKPOINTS}})


def measure(study: EvidenceStudy) -> dict[str, list[dict[str, Any]]]:
    """Precision of each layer's points at each checkpoint there is; the pointing game at the last."""
    trained = isinstance(study, TrainedStudy)
    if trained:
        run_study(study.folder, study.settings(), executor=InProcessExecutor(), device="cpu")
    else:
        ensure(study)
    checkpoints = sorted(each.name for each in (study.folder / "knowledge").iterdir() if each.name.isdigit())
    sources = (
        study.folder / "training" / checkpoints[-1] / "network.safetensors",
        quality,
        object_measures,
        gradcam,
    )
    return kept(
        FOLDER / "studies" / f"{'training' if trained else study.name}.json",
        [*sources, study.settings().model_dump_json()],
        lambda: {
            "precision": [_precision(study, layer, each) for each in checkpoints for layer in study.layers],
            "pointing": [] if trained else [row for layer in study.layers for row in _pointing(study, layer)],
        },
    )


def _cover(study: EvidenceStudy, layer: str) -> Tensor:
    _, _, masks = sample_images(study)
    if masks is None:
        raise ValueError(f"{study.name} has no masks")
    return object_cover(masks, layer_grid(study, layer))


def _precision(study: EvidenceStudy, layer: str, checkpoint: str) -> dict[str, Any]:
    """How much of the points, and of the reliable ones, lies on the object; its share of the picture beside it."""
    folder = study.folder / "knowledge" / checkpoint / layer_folder(layer)
    points, cover = load_arrays(folder / "knowledge.safetensors"), _cover(study, layer)
    trained = read_json(study.folder / "training" / checkpoint / "training.json")
    return {
        "network": study.network,
        "seed": study.seed,
        "layer": layer,
        "checkpoint": int(checkpoint),
        "step": trained["step"],
        "accuracy": trained["held_out_accuracy"],
        "area": float(cover.mean()),
        "points": float(points["mask"].sum(dim=1).double().mean()),
        "reliable_points": float(points["reliable"].sum(dim=1).double().mean()),
        **flat_interval("all", bootstrap_ratio(*points_on(points["mask"], cover))),
        **flat_interval("reliable", bootstrap_ratio(*points_on(points["reliable"], cover))),
    }


def _pointing(study: EvidenceStudy, layer: str) -> list[dict[str, Any]]:
    """The chance that a pixel of each account's first region is the object's."""
    cover = _cover(study, layer)
    return [
        {
            "network": study.network,
            "seed": study.seed,
            "layer": layer,
            "order": name,
            **flat_interval("hit", bootstrap_mean(pointing_game(each, cover))),
        }
        for name, each in importances(study, layer).items()
    ]


def main(words: Sequence[str] = ()) -> None:
    chosen = [study for study in evidence_studies(words) if study.images == "pictograms"]
    studies = [TrainedStudy("pictograms", "vgg16_slim", 0), *chosen]
    found = dict(in_parallel(measure, studies, lambda study: f"{type(study).__name__} {study.name}"))
    training = found[studies[0]]["precision"]
    parts = {
        name: [row for study in chosen for row in found[study][name]] for name in ("precision", "pointing")
    }
    write_findings(FOLDER, **parts, training=training)


if __name__ == "__main__":
    main(sys.argv[1:])
