"""Pure functions of the training step: learning rate, checkpoints, batches and seeds."""

import hashlib
import math

import numpy as np
import torch

from patternscope.errors import InputError

_WARM_UP = 0.25
_START_DIVISOR = 25.0
_END_DIVISOR = 1e4
# In the first hundredth of the training, a network is nearly constant: closer checkpoints would show noise.
_FIRST_SHARE = 0.01


def checkpoint_steps(total_steps: int, count: int) -> list[int]:
    """Return at most `count` steps spaced evenly in log time, from 0 (untrained) to total_steps.

    t_i = round(u (1 + total_steps / u)^(i / (count - 1)) - u), u = max(1, total_steps / 100), moved up if two would be
    equal: nearly even up to step u, even in log time after it. All of 0 ... total_steps if there are no more than
    `count`. A single checkpoint is the last step. InputError for total_steps < 0 or count < 1.

    >>> checkpoint_steps(930, 8)
    [0, 9, 25, 58, 121, 242, 477, 930]
    >>> checkpoint_steps(3, 8), checkpoint_steps(500, 1)
    ([0, 1, 2, 3], [500])
    """
    if total_steps < 0 or count < 1:
        raise InputError(f"total_steps and count: expected >= 0 and >= 1, got {total_steps} and {count}")
    if count == 1:
        return [total_steps]
    if total_steps < count:
        return list(range(total_steps + 1))
    unit = time_unit(total_steps)
    steps = [round(float(time) - unit) for time in np.geomspace(unit, total_steps + unit, count)]
    for i in range(1, count):
        steps[i] = max(steps[i], steps[i - 1] + 1)
    return steps


def time_unit(total_steps: int) -> float:
    """Return u, the unit of log time in steps: a hundredth of the training, at least one step.

    >>> time_unit(930), time_unit(20)
    (9.3, 1.0)
    """
    return max(1.0, _FIRST_SHARE * total_steps)


def one_cycle(step: int, total_steps: int, maximum: float) -> float:
    """Return the learning rate of a step: a cosine up over the first quarter, a cosine down to nearly 0.

    From maximum / 25 to maximum, then to maximum / 1e4. After Smith's one cycle.

    >>> one_cycle(25, 100, 0.1), round(one_cycle(0, 100, 0.1), 12)
    (0.1, 0.004)
    """
    peak = _WARM_UP * total_steps
    if step < peak:
        return _cosine(maximum / _START_DIVISOR, maximum, step / peak)
    return _cosine(maximum, maximum / _END_DIVISOR, (step - peak) / (total_steps - peak))


def derived_seed(seed: int, purpose: str, number: int) -> int:
    """Return a seed in [0, 2^63) that depends only on these three.

    >>> derived_seed(0, "order", 1) == derived_seed(0, "order", 1) != derived_seed(0, "order", 2)
    True
    """
    digest = hashlib.blake2b(f"{seed}/{purpose}/{number}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def batch_indices(step: int, count: int, batch_size: int, seed: int) -> torch.Tensor:
    """Return which of `count` images a step trains on: an epoch is one random order, without its incomplete batch.

    Returns int64 (min(batch_size, count),).

    >>> batch_indices(0, 4, 4, seed=0).sort().values
    tensor([0, 1, 2, 3])
    """
    size = min(batch_size, count)
    epoch, place = divmod(step, count // size)
    order = torch.randperm(count, generator=torch.Generator().manual_seed(derived_seed(seed, "order", epoch)))
    return order[place * size : (place + 1) * size]


def _cosine(start: float, end: float, share: float) -> float:
    """Go from start to end along half a cosine."""
    return end + (start - end) * (1 + math.cos(math.pi * share)) / 2
