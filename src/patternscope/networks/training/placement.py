"""Checkpoints where the accuracy changes: each is placed during training, from the previous one only."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from patternscope.networks.training.schedule import checkpoint_steps, time_unit

# Steps per checkpoint at which the accuracy is measured: a fourth would cost more than it is worth.
_LOOKS = 3
# Weight of all of log time, relative to a rise of the accuracy from 0 to 1.
_TIME_WEIGHT = 0.5
# Longest interval in log time, in even ones: a network that stops learning still gets checkpoints to the end.
_LONGEST = 2.5


@dataclass(frozen=True)
class Moment:
    """A step of a training, and the accuracy of the network there, in [0, 1]."""

    step: int
    accuracy: float


def next_checkpoint(before: Moment, left: int, total_steps: int) -> Callable[[Moment], bool]:
    """Return a test of whether a step is the next checkpoint, with `left` of them still to come, including the last.

    The length of a stretch of training from s to t is ``|a(t) - a(s)| + (clock(t) - clock(s)) / 2``, where clock is
    log(1 + step / u) in units of its value at the end, u = max(1, total_steps / 100). The remaining length, up to an
    accuracy of 1 at the last step, is divided evenly: a step is the next checkpoint once its distance from the previous
    one is a `left`-th of that. It also is after two and a half even intervals of the clock, so that an accuracy that
    never approaches 1 leaves no gap; and when only half an even share of the steps is left for each later checkpoint,
    so that the last ones are not side by side. The last one is total_steps.

    Nothing is random, and only `before` is remembered.

    >>> due = next_checkpoint(Moment(20, 0.1), 4, 100)
    >>> due(Moment(25, 0.1)), due(Moment(25, 0.6)), due(Moment(97, 0.1))
    (False, True, True)
    """
    time = _clock(before.step, total_steps)
    share = (1 - before.accuracy + _TIME_WEIGHT * (1 - time)) / left
    longest = _LONGEST * (1 - time) / left
    latest = _latest(before.step, left, total_steps)

    def is_due(now: Moment) -> bool:
        elapsed = _clock(now.step, total_steps) - time
        gone = abs(now.accuracy - before.accuracy) + _TIME_WEIGHT * elapsed
        return now.step >= latest or elapsed >= longest or gone >= share

    return is_due


def steps_to_look_at(step: int, left: int, total_steps: int, count: int) -> list[int]:
    """Return the steps after `step` at which the accuracy is measured, with `left` checkpoints still to come.

    Even in log time as `checkpoint_steps`, three for each of `count` checkpoints; none so late that there is no room
    for a later checkpoint.

    >>> steps_to_look_at(0, 3, 100, 4)
    [1, 2, 3, 4, 7, 11, 18, 28, 43, 65, 68]
    """
    latest = _latest(step, left, total_steps)
    looks = checkpoint_steps(total_steps, min(total_steps + 1, _LOOKS * count))
    return sorted({*(look for look in looks if step < look <= latest), latest})


def stop_at_next(
    before: Moment, left: int, total_steps: int, count: int, accuracy: Callable[[nn.Module], float]
) -> Callable[[int, nn.Module], bool]:
    """Return a function that tells, after each training step, whether the next checkpoint is reached.

    `accuracy` is called only at the steps to measure. Arguments as in `next_checkpoint`.
    """
    looks = steps_to_look_at(before.step, left, total_steps, count)
    is_due = next_checkpoint(before, left, total_steps)

    def stop(step: int, network: nn.Module) -> bool:
        return left > 1 and step in looks and is_due(Moment(step, accuracy(network)))

    return stop


def _latest(step: int, left: int, total_steps: int) -> int:
    """The last possible step of the next checkpoint: half an even share of the steps is left for each later one."""
    return total_steps - (left - 1) * max(1, (total_steps - step) // (2 * left))


def _clock(step: int, total_steps: int) -> float:
    """Log time, 0 at the start and 1 at the end."""
    unit = time_unit(total_steps)
    return math.log1p(step / unit) / math.log1p(total_steps / unit)
