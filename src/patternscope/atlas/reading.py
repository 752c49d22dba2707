"""A finished study as an atlas: which of its findings are shown, and as what."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch

from patternscope.atlas.contents import AtlasContent, Condition, Grid, LayerContent, Regions, Step
from patternscope.knowledge import bootstrap_counts, find_knowledge_points
from patternscope.results.findings import Findings
from patternscope.results.json_csv import flat_intervals
from patternscope.settings.study import StudySettings
from patternscope.workflow.stages import layer_folder

# Successive checkpoints that could still be turned by more than this (degrees) are not in one frame.
TURN = 10.0
_COUNTED = ("total", "reliable", "ratio")


def read_content(findings: Findings, settings: StudySettings) -> AtlasContent:
    """Return what an atlas shows of a study; long arrays are read when they are written.

    Reads `network.architecture`, `region.kappa_max` and `knowledge.bootstrap` of the settings.
    """
    samples = findings.arrays("images", file="samples")
    layers = findings.layers("region")
    training = _training(findings, samples["labels"])
    conditions = [training]
    if findings.layers("adversarial"):
        conditions.append(_attack(findings, settings, samples["labels"]))
    stages = dict.fromkeys(unit.stage for unit in findings.folders)
    students = [stage for stage in stages if stage.startswith("distilled/")]
    conditions += [_student(findings, stage, samples["labels"]) for stage in students]
    count = len(training.steps)
    return AtlasContent(
        title=f"{settings.network.architecture}: {len(samples['labels'])} images, {len(layers)} "
        f"layer{'s' * (len(layers) > 1)}, {count} checkpoint{'s' * (count > 1)}",
        classes=tuple(findings.classes),
        layers=tuple(layers),
        images=samples["images"],
        labels=samples["labels"],
        image_names=tuple(findings.record("images")["samples"]),
        conditions=tuple(conditions),
        tau=findings.record("knowledge", layer=layers[-1])["tau"],
        kappa_max=settings.region.kappa_max,
        aligned=all((step.angle or 0.0) <= TURN for step in training.steps),
    )


def _training(findings: Findings, labels: np.ndarray) -> Condition:
    """The checkpoints."""
    checkpoints = findings.checkpoints("sample")
    fitted = [findings.arrays("sample", each) for each in checkpoints]
    logits = [findings.arrays("features", each, file="sample")["logits"] for each in checkpoints]
    return Condition(
        key="training",
        name="Training",
        kind="training",
        steps=tuple(_checkpoint(findings, each) for each in checkpoints),
        direction=np.stack([each["mean_directions"] for each in fitted]),
        sample_position=np.stack([each["embedding"] for each in fitted]),
        predictions=np.stack([each.argmax(axis=1) for each in logits]),
        layers={layer: _training_layer(findings, layer) for layer in findings.layers("region")},
    )


def _checkpoint(findings: Findings, checkpoint: int) -> Step:
    """What is said of a checkpoint."""
    trained = findings.record("training", checkpoint)
    alignment = findings.record("sample", checkpoint)["alignment"] or {}
    return Step(
        label=trained["name"],
        number=trained["step"],
        accuracy=trained["held_out_accuracy"],
        residual=alignment.get("residual"),
        angle=alignment.get("angle_degrees"),
    )


def _training_layer(findings: Findings, layer: str) -> LayerContent:
    """A layer at all checkpoints."""
    checkpoints = findings.checkpoints("region")
    records = [findings.record("knowledge", each, layer) for each in checkpoints]

    def regions(step: int) -> Regions:
        at = checkpoints[step]
        points = findings.arrays("knowledge", at, layer)
        return Regions(
            position=findings.arrays("region", at, layer)["embedding"] / np.float32(_unit(records[step])),
            category=points["category"],
            confidence=points["confidence"],
            mask=points["mask"],
            reliable=points["reliable"],
            importance=findings.arrays("importance", at, layer)["region_weights"],
        )

    reliable = [findings.arrays("knowledge", each, layer)["reliable"] for each in checkpoints]
    return LayerContent(
        grid=_grid(findings, layer),
        regions=regions,
        counts=np.stack([_counts(each) for each in records]),
        class_counts=np.stack([_class_counts(each["classes"], findings.classes) for each in records]),
        emerged=np.stack([each.any(axis=1) for each in reliable]),
    )


def _grid(findings: Findings, layer: str) -> Grid:
    """Height and width of a layer's grid."""
    height, width = findings.record("region", layer=layer)["grid"]
    return height, width


def _unit(record: Mapping[str, Any]) -> float:
    """What positions of a layer are divided by; a layer without any strength is shown as it is."""
    return record["unit_strength"] or 1.0


def _counts(record: Mapping[str, Any]) -> np.ndarray:
    """(3, 3): total, reliable and ratio, each with its interval; NaN where there is none."""
    rows = [[record[f"{name}{end}"] for end in ("", "_low", "_high")] for name in _COUNTED]
    return np.array(rows, dtype=float)


def _class_counts(rows: Sequence[Mapping[str, Any]], classes: Sequence[str]) -> np.ndarray:
    """(c, 3, 3): the counts of each class; NaN for one without images."""
    found = {row["class"]: _counts(row) for row in rows}
    return np.stack([found.get(name, np.full((3, 3), np.nan)) for name in classes])


def _attack(findings: Findings, settings: StudySettings, labels: np.ndarray) -> Condition:
    """The kept steps of the attack on the last checkpoint."""
    record, found = findings.record("attack"), findings.arrays("attack")
    predictions = found["logits"].argmax(axis=2)
    sample = findings.arrays("sample")
    steps = [
        Step(f"attack step {number}" if number else "clean", number, float((said == labels).mean()))
        for number, said in zip(record["steps"], predictions, strict=True)
    ]
    return Condition(
        key="attack",
        name="Attack",
        kind="attack",
        steps=tuple(steps),
        direction=np.stack([sample["mean_directions"]] * len(steps)),
        sample_position=found["sample_embedding"],
        predictions=predictions,
        layers={
            layer: _attacked_layer(findings, settings, layer, labels, found["attacked"])
            for layer in findings.layers("region")
        },
        note=f"Pixels moved by at most {record['epsilon']:.3g} ({record['norm']}); "
        f"{record['succeeded']} of {record['attacked']} attacked images are taken for another class.",
        targets=found["targets"],
        attacked=found["attacked"],
        success=found["success"],
        images=np.rint(found["images"] * 255).astype(np.uint8),
    )


def _attacked_layer(
    findings: Findings, settings: StudySettings, layer: str, labels: np.ndarray, attacked: np.ndarray
) -> LayerContent:
    """A layer at the kept steps of the attack, through the maps of the clean images."""
    record = findings.record("knowledge", layer=layer)
    directions = torch.from_numpy(findings.arrays("sample")["mean_directions"])
    path = findings.arrays("attack", file=layer_folder(layer))["embedding"] / np.float32(_unit(record))

    def regions(step: int) -> Regions:
        points = find_knowledge_points(
            torch.from_numpy(path[step]),
            directions,
            torch.from_numpy(labels),
            tau=record["tau"],
            kappa_max=settings.region.kappa_max,
            unit_strength=1.0,
        )
        return Regions(
            position=path[step],
            category=points.category.numpy(),
            confidence=points.confidence.numpy(),
            mask=points.mask.numpy(),
            reliable=points.reliable.numpy(),
        )

    def counts(step: int) -> np.ndarray:
        found = regions(step)
        masks = (torch.from_numpy(each[attacked]) for each in (found.mask, found.reliable))
        return _counts(flat_intervals(bootstrap_counts(*masks, resamples=settings.knowledge.bootstrap)))

    return LayerContent(
        grid=_grid(findings, layer),
        regions=regions,
        counts=np.stack([counts(step) for step in range(len(path))]),
        trajectory=findings.arrays("adversarial", layer=layer)["trajectory"],
    )


def _student(findings: Findings, stage: str, labels: np.ndarray) -> Condition:
    """A student at the end of its training, in its teacher's frame."""
    name = stage.rpartition("/")[2]
    record = findings.record(stage, file="distilled")
    found = findings.arrays(stage, file="sample")
    predictions = found["logits"].argmax(axis=1)
    rows = {row["layer"]: row for row in record["layers"]}
    through = [
        f"{', '.join(chosen)} through {whose} maps"
        for kind, whose in (("teacher", "its teacher's"), ("own", "its own"))
        if (chosen := [layer for layer, row in rows.items() if row["maps"] == kind])
    ]
    return Condition(
        key=f"student-{name}",
        name=f"Student ({name})",
        kind="model",
        steps=(Step("end of training", accuracy=float((predictions == labels).mean())),),
        direction=found["mean_directions"][None],
        sample_position=found["embedding"][None],
        predictions=predictions[None],
        layers={layer: _student_layer(findings, stage, row) for layer, row in rows.items()},
        note=f"Learnt from its teacher's {name}. Seen: {'; '.join(through)}. "
        f"Decides as its teacher on {100 * record['agreement']:.0f} % of the images.",
    )


def _student_layer(findings: Findings, stage: str, row: Mapping[str, Any]) -> LayerContent:
    """A layer of a student; its regions may be others than its teacher's."""
    height, width = row["grid"]
    teachers = findings.arrays("sample")["mean_directions"][None] if row["maps"] == "teacher" else None

    def regions(step: int) -> Regions:
        found = findings.arrays(stage, file=layer_folder(row["layer"]))
        return Regions(
            position=found["embedding"] / np.float32(_unit(row)),
            category=found["category"],
            confidence=found["confidence"],
            mask=found["mask"],
            reliable=found["reliable"],
        )

    return LayerContent((height, width), regions, _counts(row)[None], direction=teachers)
