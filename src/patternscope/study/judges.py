"""The maps of a layer as judges: each image is judged by a map and temperatures that were fitted without it."""

from dataclasses import dataclass
from typing import Self

import torch
from torch import Tensor

from patternscope.embeddings.regional_objective import embed_in_unit
from patternscope.knowledge.calibration import at_temperature, class_shares, fold_temperatures
from patternscope.knowledge.temperatures import Temperatures
from patternscope.radial import log_posterior
from patternscope.results.fits import RegionResult
from patternscope.study.fitted_part import EVERYONE, FittedPart
from patternscope.study.fitting import embed_by


@dataclass(frozen=True)
class Judged:
    """The posteriors of an image's regions by maps that were fitted without it.

    Attributes:
        temperatures: a row per image. log_posterior: log p_T (n, r, c), classes' shares included.
        confidence, category: probability and index of the most probable class in each refit (f, n, r).
    """

    temperatures: Temperatures
    log_posterior: Tensor
    confidence: Tensor
    category: Tensor


@dataclass(frozen=True)
class Judges:
    """The maps of a layer, with temperatures for each fold of each division of the images that they were fitted to.

    An image of a fold, whether maps were fitted to it or not, is judged by the map that lacks the fold, at temperatures
    chosen on other folds. So all images are judged alike: by a map of the same number of other images.
    """

    region: RegionResult
    temperatures: tuple[Temperatures, ...]
    directions: Tensor
    shares: Tensor
    kappa_max: float

    @classmethod
    def of(
        cls,
        region: RegionResult,
        regional: Tensor,
        labels: Tensor,
        mean_directions: Tensor,
        shares: Tensor,
        kappa_max: float,
        part: FittedPart = EVERYONE,
    ) -> Self:
        """Return the judges of a layer, from features (m, k, h, w) of the images that maps were fitted to.

        `labels` (m,) are theirs; `shares` (c,) are those of the classes among all images.
        """
        directions, temperatures = mean_directions.to(regional), []
        per_split = len(region.fold_maps) // len(region.unseen)
        for unseen in region.unseen:
            judge = part.of(unseen)
            embedding = embed_by(region, regional, judge)
            strength = torch.linalg.vector_norm(embedding, dim=-1)
            scores = log_posterior(embedding, directions, kappa_max)
            temperatures.append(fold_temperatures(scores, strength, labels.to(scores.device), judge % per_split))
        return cls(region, tuple(temperatures), directions, shares, kappa_max)

    def judge(self, regional: Tensor, rows: slice = slice(None)) -> Judged:
        """Return the posteriors by the maps of features (b, k, h, w) of the images at these indices.

        The first division of the images judges; every map of every division is a refit that judges all.
        """
        region, first = self.region, self.region.unseen[0, rows]
        per_split = len(region.fold_maps) // len(region.unseen)
        confidences, categories, known = [], [], self.temperatures[0].rows(first % per_split)
        shape = (len(regional), regional[0, 0].numel(), len(self.directions))
        calibrated = regional.new_zeros(shape, dtype=torch.float64)
        for number, each in enumerate(region.fold_maps):
            embedding = embed_in_unit(each.to(regional), regional, region.scale)
            scores = log_posterior(embedding, self.directions, self.kappa_max)
            strength = torch.linalg.vector_norm(embedding, dim=-1)
            own = self.temperatures[number // per_split].rows(torch.tensor([number % per_split]))
            confidence, category = at_temperature(scores, own.of(strength)).exp().max(dim=-1)
            confidences.append(confidence.half())
            categories.append(category.short())
            if number < per_split:
                mine = (first == number).to(scores.device)
                calibrated[mine] = at_temperature(scores[mine], own.of(strength[mine]), self.shares)
        return Judged(known, calibrated, torch.stack(confidences), torch.stack(categories))


def judge_images(
    region: RegionResult, regional: Tensor, labels: Tensor, mean_directions: Tensor, kappa_max: float
) -> Judged:
    """Return the posteriors by a layer's maps of the features (n, k, h, w) that these were fitted to."""
    shares = class_shares(labels, len(mean_directions))
    return Judges.of(region, regional, labels, mean_directions, shares, kappa_max).judge(regional)
