"""A layer fitted to each half of the images and judged on the other half, by any objective in any dimensions."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from evidence.object_measures import points_on
from evidence.tables import Row
from patternscope.embeddings import RegionEmbedding, SampleEmbedding
from patternscope.embeddings.settings import RegionSettings
from patternscope.knowledge import bootstrap_counts, bootstrap_ratio, object_cover
from patternscope.knowledge.calibration import at_temperature, calibrate_by_strength, calibration_error, reliability
from patternscope.knowledge.points import threshold
from patternscope.knowledge.probe import probe_evidence
from patternscope.knowledge.region_evidence import evidence, shared_points
from patternscope.radial import log_posterior
from patternscope.radial.defaults import SAMPLE_KAPPA_MAX
from patternscope.results.features import FeaturesResult
from patternscope.results.record_codec import flat_interval
from patternscope.results.study import StoredResults

Fit = Callable[[Tensor], RegionEmbedding]


@dataclass(frozen=True)
class JudgedLayer:
    """A layer of n images, divided into folds, mostly two halves.

    Attributes:
        regional: features (n, k, h, w). target_probs: (n, c). labels: true classes (n,). fold: of each image (n,).
        cover: share of each region that the object covers (n, r), None where no object is known.
    """

    regional: Tensor
    target_probs: Tensor
    labels: Tensor
    fold: Tensor
    cover: Tensor | None = None

    @property
    def classes(self) -> int:
        """c."""
        return self.target_probs.shape[1]


@dataclass(frozen=True)
class Judgement:
    """What f maps, each fitted to the images without one fold, say of the regions of all.

    Attributes:
        raw: log posterior of each region by the map that has not seen its image (n, r, c), before any temperature.
        log_posterior: the same at the temperature of the other folds, float64. temperature: of each fold (f,).
        confidence, category: by each map, of all images (f, n, r).
        seconds: of the processor, for one fit.
    """

    raw: Tensor
    log_posterior: Tensor
    temperature: Tensor
    confidence: Tensor
    category: Tensor
    seconds: float


def judged_layer(
    results: StoredResults, layer: str, features: FeaturesResult | None = None, fold: Tensor | None = None
) -> JudgedLayer:
    """Return a layer of a study's samples, by default as recorded and in the halves that the study judges by."""
    known, images = features or results.load(FeaturesResult), results.images
    regional = known.regional.read(layer)
    cover = None if images.masks is None else object_cover(images.masks, (regional.shape[2], regional.shape[3]))
    half = results.region(layer).unseen[0] if fold is None else fold
    return JudgedLayer(regional, known.target_probs, images.labels, half, cover)


def sample_frame(features: FeaturesResult, dimensions: int, kappa_max: float = SAMPLE_KAPPA_MAX) -> SampleEmbedding:
    """Return the sample embedding of recorded features in so many dimensions."""
    data = {"target_probs": features.target_probs, "sample_features": features.sample_features}
    return SampleEmbedding(features.sample_features.shape[1], dimensions, kappa_max=kappa_max).fit(data)


def likelihood_fit(layer: JudgedLayer, mean_directions: Tensor, **settings: Any) -> Fit:
    """Return the fit that studies have by default, of some images of a layer; `settings` are keys of [region]."""
    changed = RegionSettings(**settings)

    def fit(rows: Tensor) -> RegionEmbedding:
        data = {
            "target_probs": layer.target_probs[rows],
            "regional_features": layer.regional[rows],
            "mean_directions": mean_directions,
        }
        fitted = RegionEmbedding(layer.regional.shape[1], mean_directions.shape[1], **changed.constructor())
        return fitted.fit(data, changed.params().model_dump())

    return fit


def judge(fit: Fit, layer: JudgedLayer, mean_directions: Tensor, *, mean_units: bool = False) -> Judgement:
    """Fit the images without each fold, and judge each image by the map that was fitted without its fold.

    With `mean_units` strengths are in units of their mean over the images fitted to, as the paper's rule takes them.
    """
    scores, strengths, folds, seconds = [], [], int(layer.fold.max()) + 1, 0.0
    for fold in range(folds):
        rows = (layer.fold != fold).nonzero().flatten()
        begun = time.process_time()
        region = fit(rows)
        seconds += (time.process_time() - begun) / folds
        with torch.no_grad():
            embedding = region(layer.regional)
        if mean_units:
            embedding = embedding / embedding[rows].norm(dim=-1).mean().clamp_min(1e-12)
        scores.append(log_posterior(embedding, mean_directions, region.kappa_max))
        strengths.append(embedding.norm(dim=-1))
    images = torch.arange(len(layer.fold))
    raw, strength = (torch.stack(parts)[layer.fold, images] for parts in (scores, strengths))
    temperatures, calibrated = calibrate_by_strength(raw, strength, layer.labels, layer.fold)
    by_map = [
        at_temperature(each, temperatures.rows(torch.tensor([fold])).of(own)).exp().max(dim=-1)
        for fold, (each, own) in enumerate(zip(scores, strengths, strict=True))
    ]
    confidence, category = (torch.stack(parts) for parts in zip(*by_map, strict=True))
    return Judgement(raw, calibrated, temperatures.middle, confidence, category, seconds)


def worth(found: Judgement, layer: JudgedLayer) -> Row:
    """Return what a judgement is worth: evidence, calibration, points, what halves share, and the object.

    The maps of more than two folds have images in common, and what they share is not stated.
    """
    told = evidence(found.log_posterior, layer.labels)
    tau = threshold("auto", layer.classes)
    confidence, category = found.log_posterior.exp().max(dim=-1)
    points = confidence > tau
    reliable = points & (category == layer.labels[:, None])
    counts = bootstrap_counts(points, reliable)
    before = calibration_error(reliability(at_temperature(found.raw, 1.0), layer.labels))
    row: Row = {
        **flat_interval("evidence", told.interval),
        "temperature": _finite(float(found.temperature.mean())),
        "error_before": before,
        "error": told.calibration_error,
        **flat_interval("points", counts["total"]),
        **flat_interval("reliable", counts["reliable"]),
        **flat_interval("ratio", counts["ratio"]),
        "shared": shared_points(found.confidence > tau, found.category) if len(found.confidence) == 2 else None,
        "seconds": found.seconds,
    }
    return {**row, **_on_object(reliable, layer.cover)}


def readable(layer: JudgedLayer) -> Row:
    """Return the evidence of a linear probe on the same halves."""
    return flat_interval(
        "readable", probe_evidence(layer.regional, layer.labels, layer.fold, classes=layer.classes).interval
    )


def true_class_odds(found: Judgement, labels: Tensor) -> Tensor:
    """Return log p / (1 - p) of the true class of each region (n, r), before any temperature, by the unseen map."""
    own = torch.nn.functional.one_hot(labels, found.raw.shape[2]).bool()[:, None]
    scores = found.raw.double()
    return scores.masked_fill(~own, -torch.inf).logsumexp(-1) - scores.masked_fill(own, -torch.inf).logsumexp(-1)


def _on_object(reliable: Tensor, cover: Tensor | None) -> Row:
    """The share of the reliable points on the object, and the object's share of the image, which is its chance."""
    if cover is None:
        return {"on_object": None, "on_object_low": None, "on_object_high": None, "object_area": None}
    interval = bootstrap_ratio(*points_on(reliable, cover))
    return {**flat_interval("on_object", interval), "object_area": float(cover.mean())}


def _finite(value: float) -> float | None:
    """A temperature as JSON can keep it: None for inf, where nothing is known."""
    return None if value == float("inf") else value
