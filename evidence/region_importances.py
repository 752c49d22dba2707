"""Orders of an image's regions by importance: the method's own, Grad-CAM, chance and the object."""

import torch
from torch import Tensor

from evidence.recording import sample_pixels, trained_network
from evidence.studies import EvidenceStudy
from patternscope.knowledge import class_log_odds, object_cover
from patternscope.networks import grad_cam
from patternscope.results.features import FeaturesResult
from patternscope.results.study import StoredResults
from patternscope.study.fitting import draw_neighbours, fit_importance

ORDERS = {
    "p": "p of the true class",
    "strength": "strength",
    "w": "w (v uniform)",
    "w_joint": "w (joint fit)",
    "grad_cam": "Grad-CAM",
    "random": "random",
    "mask": "object's mask",
}
"""Orders by key, as a person reads them."""


def region_importances(study: EvidenceStudy, results: StoredResults, layer: str) -> dict[str, Tensor]:
    """Return how important each order holds the regions of every sample (n, r); of the true class where it is of one.

    Samples without masks have no order "mask".
    """
    samples, features, region = results.images, results.load(FeaturesResult), results.region(layer)
    embedding = region.embedding / region.mean_strength
    joint = study.settings(importance={"solver": "joint"}).importance
    regional, neighbours = features.regional.read(layer), draw_neighbours(joint, samples, study.seed)
    network, pixels = trained_network(study, results), sample_pixels(results)
    generator = torch.Generator().manual_seed(study.seed)
    importances = {
        "p": class_log_odds(embedding, results.sample().mean_directions, samples.labels),
        "strength": torch.linalg.vector_norm(embedding, dim=-1),
        "w": results.importance(layer).region_weights,
        "w_joint": fit_importance(joint, regional, features.target_probs, neighbours, study.seed).region_weights,
        "grad_cam": grad_cam(network, pixels, samples.labels, [layer], region.grid)[layer],
        "random": torch.rand(embedding.shape[:2], generator=generator),
    }
    if samples.masks is not None:
        importances["mask"] = object_cover(samples.masks, region.grid)
    return importances
