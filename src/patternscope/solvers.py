"""General solvers: from an objective to its minimiser and a record of the solve."""

import math
import time
import warnings
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, field

import torch
from torch import Tensor

from patternscope.errors import InputError

Evaluate = Callable[[Tensor], tuple[Tensor, Tensor]]


@dataclass
class Trace:
    """The record of a solve.

    Attributes:
        losses: the objective, or the named parts of it, during the solve; the first before any step.
        steps: steps taken, or passes over the anchors (region, sgd).
        converged: whether the last tenth of the solve changed the loss by less than 1 % of the whole change.
        seconds: wall time.
        parts: the final value of each part of the objective.

    >>> Trace(losses=[3.0, 1.0, 1.0], steps=2).summary()["final_loss"]
    1.0
    """

    losses: list[float] = field(default_factory=list)
    steps: int = 0
    converged: bool = False
    seconds: float = 0.0
    parts: dict[str, float] = field(default_factory=dict)

    def summary(self) -> dict[str, object]:
        """Return everything that a repeated run reproduces, that is, all but the seconds.

        >>> sorted(Trace(losses=[2.0]).summary())
        ['converged', 'final_loss', 'losses', 'parts', 'start_loss', 'steps']
        """
        reproduced = {name: value for name, value in asdict(self).items() if name != "seconds"}
        return {"start_loss": self.losses[0], "final_loss": self.losses[-1], **reproduced}


class Stopwatch:
    """Completes a trace: time taken, convergence, and a warning if it ended worse than it began.

    >>> watch = Stopwatch(); trace = watch.close(Trace(losses=[2.0, 1.0]), "fit"); trace.seconds >= 0
    True
    """

    def __init__(self) -> None:
        self._start = time.perf_counter()

    def close(self, trace: Trace, fit: str) -> Trace:
        """Complete the trace of a fit; warns if the loss ended higher than it began.

        InputError if it did not stay finite.
        """
        trace.seconds = time.perf_counter() - self._start
        losses = trace.losses
        if not losses or not all(map(math.isfinite, (*losses, *trace.parts.values()))):
            raise InputError(
                f"{fit}: expected a loss that stays finite, got one that does not; choose a smaller lr or "
                "wd, and leave kappa_max, kappa_prob and scale to their defaults"
            )
        tail = losses[-max(1, len(losses) // 10) - 1 :]
        trace.converged = abs(tail[0] - tail[-1]) <= 0.01 * max(abs(losses[0] - losses[-1]), 1e-12)
        if losses[-1] > losses[0] + 1e-6 * (1 + abs(losses[0])):
            warnings.warn(
                f"{fit}: the loss rose from {losses[0]:.6g} to {losses[-1]:.6g}; a smaller lr may help", stacklevel=3
            )
        return trace


def with_gradient(objective: Callable[[Tensor], Tensor]) -> Evaluate:
    """Return a function that evaluates a differentiable objective and its gradient.

    >>> with_gradient(lambda x: (x * x).sum())(torch.tensor([3.0]))
    (tensor(9.), tensor([6.]))
    """

    def evaluate(point: Tensor) -> tuple[Tensor, Tensor]:
        point = point.detach().requires_grad_()
        with torch.enable_grad():
            loss = objective(point)
        return loss.detach(), torch.autograd.grad(loss, point)[0]

    return evaluate


def minimise_lbfgs(evaluate: Evaluate, start: Tensor, n_step: int) -> tuple[Tensor, list[float]]:
    """Minimise a smooth objective by torch's L-BFGS with a strong Wolfe line search.

    Returns the best point met, and the objective at the start and at each evaluation better than all before.
    `n_step` is the most iterations.

    >>> evaluate = with_gradient(lambda x: ((x - 3) ** 2).sum())
    >>> point, losses = minimise_lbfgs(evaluate, torch.zeros(2), 10)
    >>> bool(torch.allclose(point, torch.full((2,), 3.0))), losses[0]
    (True, 18.0)
    """
    point = start.detach().clone().requires_grad_()
    solver = torch.optim.LBFGS(
        [point], max_iter=n_step, history_size=20, line_search_fn="strong_wolfe", tolerance_change=1e-10
    )
    best, losses = start.detach().clone(), []

    def closure() -> Tensor:
        nonlocal best
        loss, gradient = evaluate(point.detach())
        point.grad = gradient.contiguous()
        if torch.isfinite(loss) and (not losses or loss.item() < losses[-1]):
            losses.append(loss.item())
            best = point.detach().clone()
        return loss

    solver.step(closure)  # pyright: ignore[reportArgumentType]
    return best, losses


def preconditioned(evaluate: Evaluate, factor: Tensor) -> Evaluate:
    """Return an objective of maps in other coordinates, ``X = L C``.

    ``E(L) = E(X C^-1)``, ``dE/dX = dE/dL C^-T``; `factor` is C (k, k), lower triangular, maps are (e, k).

    >>> evaluate = preconditioned(with_gradient(lambda x: x.sum()), torch.tensor([[2.0]]))
    >>> evaluate(torch.tensor([[6.0]]))
    (tensor(3.), tensor([[0.5000]]))
    """

    def evaluate_transformed(point: Tensor) -> tuple[Tensor, Tensor]:
        loss, gradient = evaluate(torch.linalg.solve_triangular(factor, point, upper=False, left=False))
        return loss, torch.linalg.solve_triangular(factor.T, gradient, upper=True, left=False)

    return evaluate_transformed


def minimise_stepwise(
    objective: Callable[[Tensor, Tensor], Tensor],
    start: Tensor,
    batches: Iterable[Tensor],
    solver: Callable[[Tensor], torch.optim.Optimizer],
) -> tuple[Tensor, list[float]]:
    """Minimise an objective by one optimiser step per batch.

    The objective maps a point and a batch to a scalar, `solver` creates the optimiser of the point. Returns the last
    point, and the objective before each step, each on its own batch.

    >>> steps = [torch.tensor(0)] * 200
    >>> sgd = lambda x: torch.optim.SGD([x], lr=0.1)
    >>> point, losses = minimise_stepwise(lambda x, _: (x - 3) ** 2, torch.tensor(0.0), steps, sgd)
    >>> round(point.item(), 4)
    3.0
    """
    point = start.detach().clone().requires_grad_()
    optimiser = solver(point)
    losses = []
    for batch in batches:
        optimiser.zero_grad()
        with torch.enable_grad():
            loss = objective(point, batch)
        loss.backward()
        optimiser.step()
        losses.append(loss.detach())
    return point.detach(), torch.stack(losses).tolist() if losses else []
