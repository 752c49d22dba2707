"""The regional fit without pairs: what each region tells about the network's decision, by the radial posterior."""

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from patternscope.radial.kappa import concentration_per_strength
from patternscope.solvers import Trace, minimise_lbfgs, preconditioned

_IMAGES_AT_ONCE = 256
# Largest number of features that are kept in a second copy, channels first; beyond it, each pass transposes them again.
_KEPT = 2**28
# Added to the second moment of the features, in units of its mean eigenvalue.
_RIDGE = 1e-2


@dataclass(frozen=True)
class RegionalLikelihood:
    """``-1/(n r) sum_ir sum_c t_ic log p(c | h_i^(r)) + wd/2 |L|^2`` of a map L (e, k).

    p is the radial posterior with a uniform prior, ``h = L f / s``. Every region is treated separately: none is
    weighted or compared with another image, so nothing is drawn.

    >>> features, targets = torch.eye(2)[:, :, None], torch.eye(2)
    >>> objective = RegionalLikelihood.of(features, targets, torch.eye(2), torch.tensor(1.0), 1000.0, 0.0)
    >>> round(float(objective.evaluate(torch.zeros(2, 2))[0]), 4)  # log 2: nothing is known
    0.6931
    """

    features: Tensor  # as given (n, k, r)
    targets: Tensor  # t (n, c), rows sum to 1
    directions: Tensor  # mu (c, e)
    scale: Tensor
    kappa_max: float
    wd: float
    turned: tuple[Tensor, ...] | None  # the features channels first, block by block, if they are few

    @classmethod
    def of(
        cls, features: Tensor, targets: Tensor, directions: Tensor, scale: Tensor, kappa_max: float, wd: float
    ) -> "RegionalLikelihood":
        """Return the objective of features (n, k, r); a small number of them is transposed once for all evaluations."""
        dtype = targets.dtype
        kept = features.numel() <= _KEPT
        turned = tuple(_columns(block, dtype) for block in features.split(_IMAGES_AT_ONCE)) if kept else None
        return cls(features, targets, directions, scale, kappa_max, wd, turned)

    def evaluate(self, weight: Tensor) -> tuple[Tensor, Tensor]:
        """Return the objective and its exact gradient (e, k).

        Cost: two passes over the features, 4 n r k e operations, and some ten passes over (n, r, e + c) numbers.
        """
        n, _, r = self.features.shape
        mapped, mu = weight / self.scale, self.directions
        gradient, total = torch.zeros_like(weight), torch.zeros((), dtype=torch.float64, device=weight.device)
        for columns, target in self._blocks():
            h = mapped @ columns
            strength = (h * h).sum(dim=0).sqrt()
            pull, slope = _pull_and_slope(strength, self.kappa_max, len(weight))
            logits = (mu @ (h * pull)).view(len(mu), -1, r)
            normaliser = logits.logsumexp(dim=0)
            total += (normaliser - (target * logits).sum(dim=0)).double().sum()
            of_logits = (logits - normaliser).exp_().sub_(target).view(len(mu), -1)
            of_pulls = mu.T @ of_logits
            along = (h * of_pulls).sum(dim=0) * slope / strength.clamp_min(torch.finfo(h.dtype).tiny ** 0.5)
            gradient += (of_pulls * pull + h * along) @ columns.T
        loss = total.to(weight.dtype) / (n * r) + self.wd / 2 * weight.square().sum()
        return loss, gradient / (self.scale * n * r) + self.wd * weight

    def moments(self) -> tuple[Tensor, Tensor]:
        """Return the second moment (k, k) of ``f / s``, and its product (k, e) with the targets' mean directions."""
        n, k, r = self.features.shape
        second = self.targets.new_zeros(k, k)
        product = self.targets.new_zeros(k, self.directions.shape[1])
        wanted = self.targets @ self.directions
        for (columns, target), rows in zip(self._blocks(), wanted.split(_IMAGES_AT_ONCE), strict=True):
            second += columns @ columns.T
            product += columns.view(k, target.shape[1], r).sum(dim=2) @ rows
        return second / (n * r * self.scale**2), product / (n * r * self.scale)

    def _blocks(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Blocks of features (k, b r), and of targets (c, b, 1)."""
        dtype = self.targets.dtype
        blocks = self.features.split(_IMAGES_AT_ONCE) if self.turned is None else self.turned
        for block, target in zip(blocks, self.targets.split(_IMAGES_AT_ONCE), strict=True):
            columns = _columns(block, dtype) if self.turned is None else block
            yield columns, target.T[:, :, None]

    def minimise(self, n_step: int) -> tuple[Tensor, Trace]:
        """Return the map of the least objective, by L-BFGS in coordinates that weigh all directions equally.

        The start is the least-squares map of regions onto the mean direction of their image's target.
        """
        second, product = self.moments()
        # A layer of zeros has no directions to weigh.
        mean = second.diagonal().mean().clamp_min(torch.finfo(second.dtype).tiny)
        second.diagonal().add_(_RIDGE * mean)
        factor = torch.linalg.cholesky(second.double())
        start = torch.cholesky_solve(product.double(), factor).T.to(second.dtype)
        factor = factor.to(second.dtype)
        point, losses = minimise_lbfgs(preconditioned(self.evaluate, factor), start @ factor, n_step)
        weight = torch.linalg.solve_triangular(factor, point, upper=False, left=False)
        final = float(self.evaluate(weight)[0])
        return weight, Trace(losses=losses, steps=len(losses) - 1, parts={"objective": final})


def sharpened(target_probs: Tensor, power: float) -> Tensor:
    """Return probabilities to a power, each row summing to 1 again: (n, c) -> (n, c).

    softmax(logits / T) to the power a is softmax(a logits / T).

    >>> sharpened(torch.tensor([[0.5, 0.25, 0.25]]), 2.0)
    tensor([[0.6667, 0.1667, 0.1667]])
    """
    logs = target_probs.clamp_min(torch.finfo(target_probs.dtype).tiny).log()
    return torch.softmax(power * logs, dim=1)


def _columns(block: Tensor, dtype: torch.dtype) -> Tensor:
    """Features of some images channels first: (b, k, r) -> (k, b r)."""
    return block.to(dtype).transpose(0, 1).reshape(block.shape[1], -1)


def _pull_and_slope(strength: Tensor, kappa_max: float, dim: int) -> tuple[Tensor, Tensor]:
    """Return kappa(l) / l and its derivative."""
    known = strength.detach().requires_grad_()
    with torch.enable_grad():
        pull = concentration_per_strength(known, kappa_max, dim)
        total = pull.sum()
    return pull.detach(), torch.autograd.grad(total, known)[0]
