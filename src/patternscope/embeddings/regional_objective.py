"""The objective of the regional fit over all anchors, and its gradient, block by block."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from patternscope.embeddings.matched_regions import MatchedRegions
from patternscope.embeddings.objectives import align_loss, similarity_loss
from patternscope.radial.units import times_two_to, usual_exponent

_ROWS_AT_ONCE = 256


@dataclass(frozen=True)
class RegionalObjective:
    """``lambda_kl similarity_loss + lambda_mi align_loss + wd/2 |L|^2`` of a map L (e, k). Source: Sec. 3.3."""

    features: Tensor  # as given (n, k, h, w)
    sample_embedding: Tensor  # g (n, e)
    region_weights: Tensor  # w (n, r)
    candidates: Tensor  # sample indices (m + 1,)
    log_target: Tensor  # log p (n, m)
    blocks: list[MatchedRegions]
    scale: Tensor
    kappa_max: float
    lambda_kl: float
    lambda_mi: float
    wd: float

    def losses(
        self, anchors: Tensor, candidates: Tensor, block: MatchedRegions, *, exact_gradient: bool
    ) -> tuple[Tensor, Tensor]:
        """Return similarity and alignment loss of a block, from h of its anchors (b, r, e) and the candidates.

        `exact_gradient` differentiates the similarity through strength as well.
        """
        compared = anchors.gather(1, block.regions[..., None].expand(-1, -1, anchors.shape[2]))
        similarity = similarity_loss(
            compared, candidates, block.weights, block.positions, block.matches,
            self.log_target[block.anchors], self.kappa_max, exact_gradient=exact_gradient,
        )  # fmt: skip
        w, g = self.region_weights[block.anchors], self.sample_embedding[block.anchors]
        return similarity, align_loss(anchors, w, g)

    def evaluate(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return the objective and its exact gradient (e, k).

        Cost: two passes over the features and a pass over all pairs forward and backward; no copy of either.
        """
        embedding = embed_regions(weight, self.features, self.scale)
        candidates = embedding[self.candidates].requires_grad_()
        slope = torch.zeros_like(embedding)
        total = self.wd / 2 * weight.square().sum()
        for block in self.blocks:
            anchors = embedding[block.anchors].requires_grad_()
            with torch.enable_grad():
                losses = self.losses(anchors, candidates, block, exact_gradient=True)
                loss = len(anchors) / len(embedding) * self._weighted(*losses)
            of_anchors, of_candidates = torch.autograd.grad(loss, (anchors, candidates))
            slope[block.anchors] += of_anchors
            slope.index_add_(0, self.candidates, of_candidates)
            total = total + loss.detach()
        return total, _pull_back(slope, self.features) / self.scale + self.wd * weight

    def parts(self, weight: Tensor) -> dict[str, float]:
        """Return both losses over all pairs and the objective, decay included."""
        sums = torch.zeros(2, dtype=torch.float64)
        with torch.no_grad():
            embedding = embed_regions(weight, self.features, self.scale)
            for block in self.blocks:
                anchors, candidates = embedding[block.anchors], embedding[self.candidates]
                losses = self.losses(anchors, candidates, block, exact_gradient=True)
                sums += len(anchors) * torch.stack(losses).double().cpu()
        similarity, align = sums / len(self.features)
        objective = self._weighted(similarity, align) + self.wd / 2 * weight.double().square().sum().cpu()
        return {"similarity": float(similarity), "align": float(align), "objective": float(objective)}

    def of_one_block(self, weight: Tensor, index: Tensor, candidate_features: Tensor) -> Tensor:
        """Return the published objective of one block of anchors, without decay, differentiable in the map.

        `candidate_features` are the features of the candidates, copied once for all steps.
        """
        block = self.blocks[int(index)]
        candidates = embed_regions(weight, candidate_features, self.scale)
        anchors = embed_regions(weight, self.features[block.anchors], self.scale)
        return self._weighted(*self.losses(anchors, candidates, block, exact_gradient=False))

    def _weighted(self, similarity: Tensor, align: Tensor) -> Tensor:
        return self.lambda_kl * similarity + self.lambda_mi * align


def embed_regions(weight: Tensor, features: Tensor, scale: Tensor | float) -> Tensor:
    """Return ``L f^(r) / s``, a few samples at a time: (e, k), (n, k, h, w) -> (n, r, e). Source: Sec. 3.3.

    >>> embed_regions(torch.eye(2), torch.ones(1, 2, 1, 3), torch.tensor(2.0)).shape
    torch.Size([1, 3, 2])
    """
    parts = [weight @ block.flatten(2).to(weight.dtype) for block in features.split(_ROWS_AT_ONCE)]
    return torch.cat(parts).transpose(1, 2) / scale


def embed_in_unit(weight: Tensor, features: Tensor, scale: float) -> Tensor:
    """Return the same for features of any magnitude, whose unit follows from the scale.

    >>> embed_in_unit(torch.eye(2), torch.full((1, 2, 1, 1), 3e38), 2e38).tolist()
    [[[1.5, 1.5]]]
    """
    exponent = usual_exponent(scale)
    return embed_regions(weight, times_two_to(features, -exponent), math.ldexp(scale, -exponent))


def _pull_back(slope: Tensor, features: Tensor) -> Tensor:
    """Return the gradient of the map from that of ``L f^(r)``: (n, r, e), (n, k, h, w) -> (e, k)."""
    blocks = zip(slope.split(_ROWS_AT_ONCE), features.split(_ROWS_AT_ONCE), strict=True)
    return sum(
        (torch.bmm(part.transpose(1, 2), block.flatten(2).transpose(1, 2).to(part.dtype)).sum(dim=0)
         for part, block in blocks),
        start=slope.new_zeros(()),
    )  # fmt: skip
