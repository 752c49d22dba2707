"""The rule for the knowledge points of a layer: the paper's, or the calibrated one."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from patternscope.knowledge.calibration import at_temperature, class_shares
from patternscope.knowledge.knowledge_points import KnowledgePoints
from patternscope.knowledge.points import class_probability, find_knowledge_points
from patternscope.knowledge.region_evidence import region_bits
from patternscope.knowledge.temperatures import Temperatures
from patternscope.radial import log_posterior


@dataclass(frozen=True)
class PointRule:
    """When a region is a knowledge point: the posterior's largest concentration, its temperature, tau and units.

    By the paper's rule, strengths are in units of the layer's mean and T is 1; calibrated points use unscaled
    strengths, and temperatures by strength, a row per image. A layer without any strength is measured in its own unit.

    >>> rule = PointRule(0.6, 1000.0, 2.0, Temperatures.equal(torch.tensor([1.0, torch.inf])))
    >>> h = torch.tensor([[[3.0, 0.0]], [[3.0, 0.0]]])
    >>> rule.points(h, torch.eye(2), torch.tensor([0, 0])).mask.tolist()
    [[True], [False]]
    """

    tau: float
    kappa_max: float
    mean_strength: float | None
    temperatures: Temperatures | None = None

    @property
    def unit(self) -> float | None:
        """The unit of strengths in the posterior."""
        return self.mean_strength if self.temperatures is None else 1.0

    @property
    def divisor(self) -> float | Temperatures:
        """The divisor of the log posterior."""
        return 1.0 if self.temperatures is None else self.temperatures

    def rows(self, chosen: Tensor) -> "PointRule":
        """Return the rule for some of the images (m,)."""
        return self if self.temperatures is None else replace(self, temperatures=self.temperatures.rows(chosen))

    def points(self, embedding: Tensor, mean_directions: Tensor, labels: Tensor) -> KnowledgePoints:
        """Return the knowledge points of h (n, r, e), their strengths in units of the layer's mean."""
        found = find_knowledge_points(
            embedding,
            mean_directions,
            labels,
            self.tau,
            kappa_max=self.kappa_max,
            unit_strength=self.unit,
            temperature=self.divisor,
        )
        if self.temperatures is None:
            return found
        return replace(found, strength=found.strength / (self.mean_strength or 1.0))

    def bits(self, embedding: Tensor, mean_directions: Tensor, labels: Tensor) -> Tensor | None:
        """Return the evidence of each region for its image's class (n, r), None by the paper's rule."""
        if self.temperatures is None:
            return None
        prior = class_shares(labels, len(mean_directions))
        scores = log_posterior(embedding, mean_directions, self.kappa_max)
        temperature = self.temperatures.of(torch.linalg.vector_norm(embedding, dim=-1))
        return region_bits(at_temperature(scores, temperature, prior), labels, prior)

    def probability(self, embedding: Tensor, mean_directions: Tensor, classes: Tensor) -> Tensor:
        """Return p(class | h) of one class per image (n, r)."""
        scaled = embedding / (self.unit or 1.0)
        return class_probability(scaled, mean_directions, classes, self.kappa_max, self.divisor)
