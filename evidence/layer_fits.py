"""One layer of a study fitted again with other settings or another seed, and seen on images that are new to it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from patternscope.study.stages.fitting import fit_importance, fit_region, fit_sample
from reading import (
    EmbeddedLayer,
    fitted_samples,
    layer_features,
    load_network,
    sample_identities,
    unseen_images,
)
from studies import EvidenceStudy
from torch import Tensor

from patternscope.embeddings import RegionEmbedding, SampleEmbedding
from patternscope.knowledge import KnowledgePoints, bootstrap_counts, find_knowledge_points
from patternscope.networks import record
from patternscope.results.json_csv import flat_intervals


@dataclass(frozen=True)
class LayerData:
    """What the network says of some images, and their regional features (n, k, h, w) in a layer."""

    seen: EmbeddedLayer
    features: Tensor

    @property
    def sample(self) -> dict[str, Tensor]:
        """As the sample embedding takes it."""
        return {"sample_features": self.seen.features, "target_probs": self.seen.target_probs}


@dataclass(frozen=True)
class LayerFit:
    """The maps of a layer, and the strength that they call one."""

    sample: SampleEmbedding
    region: RegionEmbedding
    weights: Tensor
    unit: float

    def embedding(self, features: Tensor) -> Tensor:
        """h (n, r, e) in units of the layer's mean strength."""
        return self.region(features) / self.unit

    def points(self, data: LayerData, tau: float = 0.4) -> KnowledgePoints:
        """The knowledge points of images, those fitted to or others."""
        h, directions = self.region(data.features), self.sample.mean_directions
        kappa = self.region.kappa_max
        return find_knowledge_points(
            h, directions, data.seen.labels, tau, kappa_max=kappa, unit_strength=self.unit
        )


def fitted_data(study: EvidenceStudy, layer: str) -> LayerData:
    """The samples that the study's maps were fitted to."""
    return LayerData(fitted_samples(study), layer_features(study, layer))


def recorded(
    study: EvidenceStudy, images: Tensor, labels: Tensor, grid: int | None = None
) -> dict[str, LayerData]:
    """Images that were not fitted to, for each layer of the study; on another grid than the study's if given."""
    asked = study.settings().network
    found = record(load_network(study), images, study.layers, asked.grid if grid is None else grid)
    probs = torch.softmax(found.logits.double() / asked.temperature, dim=1).float()
    seen = EmbeddedLayer(found.sample_features, found.logits, probs, labels)
    return {layer: LayerData(seen, features) for layer, features in found.regional_features.items()}


def unseen_data(study: EvidenceStudy, grid: int | None = None) -> dict[str, LayerData]:
    """The held-out images that are no samples, for each layer."""
    return recorded(study, *unseen_images(study), grid)


def fit_layer(study: EvidenceStudy, data: LayerData, seed: int = 0, **changes: Mapping[str, Any]) -> LayerFit:
    """Fit all maps of a layer; `changes` are keys of sections of the study's settings, `seed` is that of the fits."""
    sections = {name: {**changes.get(name, {}), "seed": seed} for name in ("importance", "region")}
    settings = study.settings(**{**changes, **sections})
    sample = fit_sample(settings.sample, data.sample, study.seed)
    who = sample_identities(study)
    given = {"target_probs": data.seen.target_probs, "regional_features": data.features}
    weights = fit_importance(settings.importance, given, who, study.seed)
    region = fit_region(settings.region, {**given, "sample_embs": sample.embedding}, weights, who, study.seed)
    unit = float(region(data.features).norm(dim=-1).double().mean())
    return LayerFit(sample, region, weights.region_weights, unit)


def counts(points: KnowledgePoints) -> dict[str, float | None]:
    """Total, reliable and ratio of the points, with their intervals over images."""
    return flat_intervals(bootstrap_counts(points.mask, points.reliable))
