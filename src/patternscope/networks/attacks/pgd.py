"""Adversarial attacks by projected gradient descent, in pixel space, step by step."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from patternscope.autograd_modes import differentiable
from patternscope.errors import InputError, nearest
from patternscope.networks.attacks.perturbation import NORMS, Norm, perturbed
from patternscope.networks.capture.forward_pass import checked_classes, checked_images, checked_labels, run_for_gradient
from patternscope.networks.capture.hooks import borrowed
from patternscope.networks.device import device_of, dtype_of, pixels_for

NormName = Literal["linf", "l2"]


def pgd_steps(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    *,
    epsilon: float,
    step_size: float,
    n_step: int,
    norm: NormName = "linf",
    targeted: bool = False,
    random_start: bool | torch.Generator = False,
) -> Iterator[tuple[int, Tensor]]:
    """Attack images by projected gradient descent and yield (step, images) for steps 0 to n_step.

    ``x_0 = x,  x_t+1 = clip_[0,1]( x + P_epsilon( x_t + a u(d loss / d x_t) - x ) )``

    where the loss is the cross-entropy of `labels`, which an untargeted attack raises and a targeted one
    lowers, u is the steepest step of length one (the sign for linf, the unit vector for l2), P the projection
    onto the ball of radius epsilon. Results are rounded towards x, so that no perturbation is longer than
    epsilon. Each image is its own problem.

    Source: Sec. 4, after Madry et al. 2018.

    Args:
        model: returns logits (n, c) for pixels in [0, 1]: the normaliser is inside (`Normalised`).
        images: (n, channels, h, w), floating point in [0, 1] or uint8.
        labels: (n,) integers: the true classes, or with `targeted` the classes to reach.
        epsilon: largest perturbation, > 0 in units of pixels in [0, 1]; at most 1 for linf.
        step_size: a > 0, in the same units.
        n_step: >= 1.
        norm: "linf" or "l2".
        targeted: go towards `labels` instead of away from them.
        random_start: start at a random point of the ball, drawn from seed 0 or from the generator given.

    Yields:
        step and images (n, channels, h, w), floating point, on the device of the images given; step 0 is the
        start, which is the clean images unless it is random.

    Raises:
        InputError: images outside [0, 1], an epsilon, step size or number of steps that is not positive,
            labels that are no classes of the model, a model that gives no logits (n, c) or no gradient.

    Between two steps, after an exception and when the iterator is dropped, the model is as found: flags, gradients,
    random state. Cost: one forward and one backward pass per step.

    >>> model = nn.Sequential(nn.Flatten(), nn.Linear(2, 2, bias=False))
    >>> _ = model[1].weight.data.copy_(torch.eye(2))
    >>> image = torch.tensor([0.6, 0.5]).reshape(1, 1, 1, 2)
    >>> [attacked.flatten().tolist() for _, attacked in pgd_steps(
    ...     model, image, torch.tensor([0]), epsilon=0.25, step_size=0.125, n_step=1)][-1]
    [0.475..., 0.625]
    """
    _check_numbers(epsilon, step_size, n_step, norm)
    _check_images(images, labels)
    dtype = torch.float64 if torch.float64 in (images.dtype, dtype_of(model)) else torch.float32
    device = torch.device("cpu") if device_of(model).type == "mps" else None  # MPS has no float64
    clean = pixels_for(model, images.detach(), device, dtype)
    generator = torch.Generator().manual_seed(0) if random_start is True else random_start
    start = clean
    if isinstance(generator, torch.Generator):
        start = perturbed(clean, epsilon * NORMS[norm].random(clean.shape, generator).to(clean.device))
    sign = -1.0 if targeted else 1.0
    attack = _Attack(model, clean, labels.detach().cpu().long(), sign * step_size, epsilon, NORMS[norm])
    return attack.steps(start, n_step, images.device)


@dataclass(frozen=True)
class _Attack:
    """An attack on one batch: everything that stays the same at every step."""

    model: nn.Module
    clean: Tensor
    labels: Tensor
    step: float  # negative: towards the labels
    epsilon: float
    norm: Norm

    def steps(self, images: Tensor, n_step: int, device: torch.device) -> Iterator[tuple[int, Tensor]]:
        """Yield a copy of every step's images, which the caller may change."""
        yield 0, images.to(device, copy=True)
        for step in range(1, n_step + 1):
            offset = images.double() + self.step * self.norm.steepest(self._gradient(images)) - self.clean
            images = perturbed(self.clean, self.norm.project(offset, self.epsilon))
            yield step, images.to(device, copy=True)

    def _gradient(self, images: Tensor) -> Tensor:
        """Return the loss's gradient; the model is borrowed only for this step."""
        with borrowed(self.model), torch.enable_grad():
            pixels = images.to(device_of(self.model), copy=True).requires_grad_()
            logits = run_for_gradient(self.model, pixels)
            labels = differentiable(checked_classes("labels", self.labels, logits.shape[1]))
            # In float64, the loss still has a gradient at a probability near 1.
            loss = F.cross_entropy(logits.cpu().double(), labels, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, pixels, allow_unused=True)
        if gradient is None or not bool(gradient.isfinite().all()):
            got = "none" if gradient is None else "NaN or inf"
            raise InputError(f"model: expected a finite gradient with respect to the images, got {got}")
        return gradient.to(images.device, torch.float64)


def _check_numbers(epsilon: float, step_size: float, n_step: int, norm: str) -> None:
    if norm not in NORMS:
        raise InputError(f"norm: expected the name of a norm, got {norm!r}; {nearest(str(norm), NORMS)}")
    most = 1.0 if norm == "linf" else math.inf
    if not 0 < epsilon <= most or epsilon == math.inf:
        expected = "a number in (0, 1]" if norm == "linf" else "a positive finite number"
        raise InputError(f"epsilon: expected {expected}, for pixels in [0, 1] (8/255 is 0.0314), got {epsilon}")
    if not 0 < step_size < math.inf:
        raise InputError(f"step_size: expected a positive finite number, got {step_size}")
    if n_step < 1:
        raise InputError(f"n_step: expected at least 1, got {n_step}")


def _check_images(images: Tensor, labels: Tensor) -> None:
    checked_images(images)
    if images.is_floating_point():
        low, high = float(images.min()), float(images.max())
        if not 0 <= low <= high <= 1:  # written so that NaN fails too
            raise InputError(
                f"images: expected pixels in [0, 1], got {low:g} to {high:g}; the normaliser belongs inside the model "
                "(networks.Normalised)"
            )
    checked_labels("labels", labels, len(images))
