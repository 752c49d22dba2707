"""A layer of a finished study, read for the atlas: during training, under an attack, in a student."""

from collections.abc import Sequence

import numpy as np
from torch import Tensor

from patternscope.atlas.contents import LayerContent, Regions
from patternscope.atlas.feature_codes import FeatureCodes
from patternscope.atlas.pattern_reading import layer_patterns
from patternscope.knowledge.bootstrap import bootstrap_counts
from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.knowledge_points import KnowledgePoints
from patternscope.knowledge.point_rule import PointRule
from patternscope.knowledge.temperatures import Temperatures
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.controls import ControlsResult
from patternscope.results.evidence import EvidenceResult
from patternscope.results.features import FeaturesResult, read_rows
from patternscope.results.fits import RegionResult
from patternscope.results.knowledge import Counts, KnowledgeResult
from patternscope.results.networks import LayerComparison, StudentAnalysisResult
from patternscope.results.study import StudyResults


def training_layer(results: StudyResults, layer: str) -> LayerContent:
    """Return a layer at all checkpoints."""
    checkpoints, classes = results.checkpoints(RegionResult), results.classes
    known = [results.knowledge(layer, checkpoint) for checkpoint in checkpoints]
    told = [measured(results, layer, checkpoint) for checkpoint in checkpoints]

    def points(step: int) -> KnowledgePoints:
        # Opened again, so that only the arrays of one step are in memory.
        return results.knowledge(layer, checkpoints[step]).points

    def emerged(step: int) -> Tensor:
        evidence = told[step]
        return points(step).reliable.any(dim=1) if evidence is None else evidence.emerged

    def regions(step: int) -> Regions:
        checkpoint = checkpoints[step]
        found, evidence = results.knowledge(layer, checkpoint), measured(results, layer, checkpoint)
        return Regions.of(
            results.region(layer, checkpoint).embedding.numpy() / _unit(known[step].unit_strength),
            found.points,
            importance=results.importance(layer, checkpoint).region_weights,
            temperatures=_temperatures(found, evidence),
            bits=None if evidence is None else evidence.bits,
            stability=found.stability,
        )

    return LayerContent(
        grid=results.region(layer).grid,
        regions=regions,
        counts=np.stack([count_array(at.counts) for at in known]),
        class_counts=np.stack([_class_counts(at, classes) for at in known]),
        emerged=np.stack([emerged(step).numpy() for step in range(len(checkpoints))]),
        unit=_posterior_unit(known[-1].rule, known[-1].unit_strength),
        evidence=_evidence_array(told),
        refits=None if told[-1] is None else len(told[-1].refit_category),
        chance=_chance_array(results, layer),
        features=lambda: _feature_codes(results, layer),
        patterns=layer_patterns(results, layer),
    )


def _feature_codes(results: StudyResults, layer: str) -> FeatureCodes | None:
    """The codes of a layer's features at the last checkpoint, of the images that are drawn; None without features."""
    regional = results.load(FeaturesResult, results.checkpoints(RegionResult)[-1]).regional
    if layer not in regional.layers:
        return None
    return FeatureCodes.of(read_rows(regional.open(layer), results.images.fitted_rows, "cpu"))


def attacked_layer(
    results: StudyResults, attack: AttackResult, layer: str, labels: Tensor, resamples: int
) -> LayerContent:
    """Return a layer at the kept steps of the attack, through the maps of the clean images."""
    known, directions = results.knowledge(layer), results.sample().mean_directions
    temperatures = _temperatures(known, measured(results, layer))
    rule = PointRule(known.tau, known.kappa_max, known.unit_strength or None, temperatures)
    path = attack.layers[layer].embedding

    def counts(step: int) -> np.ndarray:
        at = rule.points(path[step], directions, labels)
        masks = at.mask[attack.attacked], at.reliable[attack.attacked]
        return count_array(Counts.of(bootstrap_counts(*masks, resamples=resamples)))

    def regions(step: int) -> Regions:
        return Regions.of(
            path[step].numpy() / _unit(known.unit_strength),
            rule.points(path[step], directions, labels),
            temperatures=temperatures,
            bits=rule.bits(path[step], directions, labels),
        )

    return LayerContent(
        grid=results.region(layer).grid,
        regions=regions,
        counts=np.stack([counts(step) for step in range(len(path))]),
        trajectory=results.load(AttackAnalysisResult, layer=layer).trajectory.numpy(),
        unit=_posterior_unit(known.rule, known.unit_strength),
    )


def student_layer(results: StudyResults, analysis: StudentAnalysisResult, layer: LayerComparison) -> LayerContent:
    """Return a layer of a student; its grid may differ from its teacher's."""
    teachers = results.sample().mean_directions.numpy()[None] if layer.maps == "first" else None
    rule, unit = results.knowledge(layer.layer).rule, layer.second.unit_strength

    def regions(step: int) -> Regions:
        own = analysis.layers[layer.layer]
        return Regions.of(own.embedding.numpy() / _unit(unit), own.points, own.temperatures, bits=own.bits)

    counts = count_array(layer.second.counts)[None]
    return LayerContent(layer.grid, regions, counts, direction=teachers, unit=_posterior_unit(rule, unit))


def measured(results: StudyResults, layer: str, checkpoint: int | None = None) -> EvidenceResult | None:
    """Return the evidence of a layer, None in a study of an earlier version."""
    return results.evidence(layer, checkpoint) if results.has(EvidenceResult) else None


def count_array(counts: Counts) -> np.ndarray:
    """Return (3, 3): total, reliable and ratio, each with its interval; NaN where undefined.

    >>> from patternscope.knowledge.intervals import Interval
    >>> one = Interval(1.0, 0.5, 1.5)
    >>> count_array(Counts(one, one, one, Interval(None, None, None)))[1:].tolist()
    [[1.0, 0.5, 1.5], [nan, nan, nan]]
    """
    return np.stack([_row(interval) for interval in (counts.total, counts.reliable, counts.ratio)])


def _row(interval: Interval) -> np.ndarray:
    """Value, low and high."""
    return np.array((interval.value, interval.low, interval.high), dtype=float)


def _class_counts(known: KnowledgeResult, classes: Sequence[str]) -> np.ndarray:
    """(c, 3, 3): the counts of each class; NaN for one without images."""
    rows = {row.name: count_array(row.counts) for row in known.classes}
    return np.stack([rows.get(name, np.full((3, 3), np.nan)) for name in classes])


def _evidence_array(told: Sequence[EvidenceResult | None]) -> np.ndarray | None:
    """(t, 2, 3): evidence and readable, each with its interval; None where a checkpoint lacks them."""
    known = [at for at in told if at is not None]
    if len(known) < len(told):
        return None
    return np.stack([np.stack([_row(at.evidence), _row(at.readable)]) for at in known])


def _chance_array(results: StudyResults, layer: str) -> np.ndarray | None:
    """(2, 4, 3): evidence and counts by the study's rule, for permuted targets and for an untrained network."""
    if not results.has(ControlsResult):
        return None
    found = results.load(ControlsResult, layer=layer)
    paper = results.knowledge(layer).rule != "calibrated"
    controls = (found.permuted, found.untrained)
    return np.stack(
        [np.vstack([_row(one.evidence), count_array(one.paper if paper else one.counts)]) for one in controls]
    )


def _temperatures(known: KnowledgeResult, told: EvidenceResult | None) -> Temperatures | None:
    """The temperatures that calibrated the points of a layer; None by the rule of the paper."""
    return told.point_temperatures if known.rule == "calibrated" and told is not None else None


def _posterior_unit(rule: str | None, strength: float | None) -> float:
    """The factor of positions in the computation of probabilities."""
    return float(_unit(strength)) if rule == "calibrated" else 1.0


def _unit(strength: float | None) -> np.float32:
    """The divisor of a layer's positions; 1 for a layer without any strength."""
    return np.float32(strength or 1.0)
