"""A layer of a second network compared with one of a first: a teacher and its student, or two studies."""

from dataclasses import replace

import torch
from torch import Tensor

from patternscope.knowledge.bootstrap import bootstrap_counts, bootstrap_mean
from patternscope.knowledge.calibration import fold_temperatures
from patternscope.knowledge.intervals import Interval
from patternscope.knowledge.network_comparison import STRENGTH_EDGES, TURN_EDGES, EmbeddedLayer, compare_layers
from patternscope.knowledge.point_rule import PointRule
from patternscope.knowledge.points import mean_strength
from patternscope.knowledge.temperatures import Temperatures, temperatures_of_points
from patternscope.radial.posterior import log_posterior
from patternscope.results.evidence import EvidenceResult, temperature_fields
from patternscope.results.fits import RegionResult
from patternscope.results.knowledge import CountDifferences, Counts, KnowledgeResult
from patternscope.results.networks import (
    ComparedLayer,
    EvidenceDifference,
    LayerComparison,
    LayerCounts,
    Maps,
    RegionDifferences,
    ShareHistogram,
)

# Channels that correlate more than this on average mean the same in both networks (docs/decisions.md).
ALIKE = 0.5


def uses_first_maps(asked: str, alike: float | None, possible: bool) -> bool:
    """Tell whether the second network is embedded by the first's maps rather than by its own.

    Never for `asked` "own"; for "auto", if channels mean the same in both, by their mean correlation `alike`; and for
    "first", if it is `possible`, since no map fits other channels.

    >>> uses_first_maps("auto", 0.97, True), uses_first_maps("auto", 0.1, True), uses_first_maps("first", 0.1, True)
    (True, False, True)
    """
    if asked == "auto":
        return possible and alike is not None and alike > ALIKE
    return possible and asked != "own"


def layer_of(region: RegionResult, known: KnowledgeResult, told: EvidenceResult | None) -> EmbeddedLayer:
    """Return a layer of a study in the study's own frame, at one checkpoint; `told` if its points are calibrated."""
    return EmbeddedLayer(
        region.embedding, region.mean_strength or 1.0, known.points, None if told is None else told.bits
    )


def embedded_layer(embedding: Tensor, mean_directions: Tensor, labels: Tensor, rule: PointRule) -> EmbeddedLayer:
    """Return a layer with the knowledge points of its regional embedding (n, r, e) and its evidence.

    Source: Sec. 3.4. Without a unit in the rule, strengths are in units of the layer's own mean. There are no
    calibrated points if the evidence is not above 0 beyond the noise.
    """
    known = replace(rule, mean_strength=rule.mean_strength or mean_strength(embedding) or 1.0)
    bits = known.bits(embedding, mean_directions, labels)
    if known.temperatures is not None and bits is not None:
        told = bootstrap_mean(bits.double().mean(dim=1))
        known = replace(known, temperatures=temperatures_of_points(known.temperatures, told))
    points = known.points(embedding, mean_directions, labels)
    return EmbeddedLayer(embedding, known.mean_strength or 1.0, points, bits)


def recalibrated(
    rule: PointRule, region: RegionResult, embedding: Tensor, mean_directions: Tensor, labels: Tensor
) -> PointRule:
    """Return a layer's rule for another network that is embedded by its maps: with temperatures of that network.

    How much to trust a map's posterior depends on the features. The embedding (n, r, e) is by the maps that lack
    each image's fold, and a fold's temperature is chosen on the other folds, as in the layer itself.
    """
    if rule.temperatures is None:
        return rule
    fold = region.unseen[0]
    scores = log_posterior(embedding, mean_directions, rule.kappa_max)
    strength = torch.linalg.vector_norm(embedding, dim=-1)
    return replace(rule, temperatures=fold_temperatures(scores, strength, labels, fold).rows(fold))


def compared_layer(layer: EmbeddedLayer, known: Temperatures | None) -> ComparedLayer:
    """Return the stored part of a layer of the second network, with the temperatures of its images if calibrated."""
    bits = None if layer.bits is None else layer.bits.float()
    kept = {} if known is None else temperature_fields(known)
    return ComparedLayer(layer.embedding, **vars(layer.points), bits=bits, **kept)


def compare_layer(
    names: tuple[str, str],
    first: EmbeddedLayer,
    second: EmbeddedLayer,
    *,
    maps: Maps,
    channel_agreement: float | None,
    grid: tuple[int, int],
    resamples: int,
    seed: int,
) -> LayerComparison:
    """Return counts of both layers, their differences, and how regions differ if the grids are the same."""
    draws = {"resamples": resamples, "seed": seed}
    counts = [
        Counts.of(bootstrap_counts(layer.points.mask, layer.points.reliable, **draws)) for layer in (first, second)
    ]
    same_grid = first.embedding.shape == second.embedding.shape
    differences = compare_layers(first, second, **draws) if same_grid else None
    return LayerComparison(
        layer=names[0],
        second_layer=names[1],
        maps=maps,
        channel_agreement=channel_agreement,
        grid=grid,
        second=LayerCounts(counts[1], second.unit_strength),
        first=LayerCounts(counts[0], first.unit_strength),
        same_grid=same_grid,
        difference=None if differences is None else CountDifferences.of(differences.counts),
        evidence=_evidence(first, second, draws),
        regions=None
        if differences is None
        else RegionDifferences(
            shared=differences.shared,
            turn=differences.turn,
            turn_at_points=differences.turn_at_points,
            strength=differences.strength,
            strength_apart=differences.strength_apart,
            turn_histogram=_histogram(TURN_EDGES, differences.turns),
            strength_histogram=_histogram(STRENGTH_EDGES, differences.strengths),
        ),
    )


def _evidence(first: EmbeddedLayer, second: EmbeddedLayer, draws: dict[str, int]) -> EvidenceDifference | None:
    """Evidence of both layers and their difference, second minus first, on the same images."""
    if first.bits is None or second.bits is None:
        return None
    one, other = (layer.double().mean(dim=1).cpu() for layer in (first.bits, second.bits))
    return EvidenceDifference(
        bootstrap_mean(one, **draws), bootstrap_mean(other, **draws), bootstrap_mean(other - one, **draws)
    )


def _histogram(edges: tuple[float, ...], shares: list[Interval]) -> ShareHistogram:
    """Bins and the share of regions in each, with intervals."""
    return ShareHistogram(
        list(edges),
        [share.value for share in shares],
        [share.low for share in shares],
        [share.high for share in shares],
    )
