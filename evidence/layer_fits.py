"""One layer of a study fitted again with other settings or another seed, and applied to images that are new to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from evidence.recording import record_images, unseen_images
from evidence.studies import EvidenceStudy
from patternscope.embeddings import RegionEmbedding, SampleEmbedding
from patternscope.knowledge import KnowledgePoints, find_knowledge_points
from patternscope.knowledge.points import mean_strength
from patternscope.results.features import FeaturesResult
from patternscope.results.study import StoredResults
from patternscope.study.fitting import fit_region, fit_sample
from patternscope.study.stages.importance import weigh_regions


@dataclass(frozen=True)
class LayerData:
    """A layer of n images: regional features (n, k, h, w), what else the network computes, and labels (n,)."""

    regional: Tensor
    features: FeaturesResult
    labels: Tensor


@dataclass(frozen=True)
class LayerFit:
    """The maps of a layer, and its mean strength on the images that they were fitted to."""

    sample: SampleEmbedding
    region: RegionEmbedding
    unit_strength: float

    def embedding(self, regional: Tensor) -> Tensor:
        """Return h (n, r, e) in units of the layer's mean strength."""
        return self.region(regional) / self.unit_strength

    def points(self, data: LayerData, tau: float = 0.4) -> KnowledgePoints:
        """Return the knowledge points of images, those fitted to or others."""
        return find_knowledge_points(
            self.region(data.regional),
            self.sample.mean_directions,
            data.labels,
            tau,
            kappa_max=self.region.kappa_max,
            unit_strength=self.unit_strength,
        )


def fitted_data(results: StoredResults, layer: str) -> LayerData:
    """Return a layer of the samples that the study's maps were fitted to."""
    features = results.load(FeaturesResult)
    return LayerData(features.regional.read(layer), features, results.images.labels)


def data_by_layer(features: FeaturesResult, labels: Tensor) -> dict[str, LayerData]:
    """Return each recorded layer of some images."""
    return {shape.layer: LayerData(features.regional.read(shape.layer), features, labels) for shape in features.layers}


def unseen_data(study: EvidenceStudy, results: StoredResults, grid: int | None = None) -> dict[str, LayerData]:
    """Return each layer of the held-out images that are no samples; on another grid than the study's if given."""
    images, labels = unseen_images(study, results)
    return data_by_layer(record_images(study, results, images, grid=grid), labels)


def fit_layer(
    study: EvidenceStudy,
    results: StoredResults,
    data: LayerData,
    seed: int = 0,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> LayerFit:
    """Fit all maps of a layer; `changes` are keys of sections of the study's settings, `seed` is that of the fits."""
    changes = changes or {}
    sections = {name: {**changes.get(name, {}), "seed": seed} for name in ("importance", "region")}
    settings, images = study.settings(**{**changes, **sections}), results.images
    regional, probs = data.regional, data.features.target_probs
    sample = fit_sample(settings.sample, data.features.sample_features, probs, study.seed)
    weights = weigh_regions(settings.importance, regional, probs, images, study.seed)
    region = fit_region(settings.region, regional, probs, sample, weights, images, study.seed)
    return LayerFit(sample, region, mean_strength(region(regional)))
