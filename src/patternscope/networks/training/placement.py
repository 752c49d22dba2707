"""Checkpoints where the accuracy changes: each is found while the network trains, from the one before alone."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import nn

from patternscope.networks.training.schedule import checkpoint_steps, time_unit

# Steps at which the accuracy is looked at, for each checkpoint: a fourth would cost more than it tells.
_LOOKS = 3
# What all of log time counts, where an accuracy that goes from 0 to 1 counts 1.
_TIME_WEIGHT = 0.5
# No interval is longer in log time than this many even ones: a network that stops learning is seen to the end.
_LONGEST = 2.5


@dataclass(frozen=True)
class Moment:
    """A step of a training, and the accuracy of the network there, in [0, 1]."""

    step: int
    accuracy: float


def next_checkpoint(before: Moment, left: int, total_steps: int) -> Callable[[Moment], bool]:
    """Return the test of whether a moment is the next checkpoint, with `left` of them still to come, the last included.

    The length of a stretch of training from s to t is ``|a(t) - a(s)| + (clock(t) - clock(s)) / 2``, where clock is
    log(1 + step / u) in units of its value at the end, u = max(1, total_steps / 100). What is left until an accuracy
    of 1 and the last step is divided evenly: a moment is the next checkpoint once it is a `left`-th of that away from
    the one before. It is so too after two and a half even intervals of the clock, so that an accuracy that never
    comes near 1 leaves no gap; and where each later checkpoint has half an even share of the steps left, so that the
    last ones are not side by side. The very last is total_steps.

    Nothing is drawn, and nothing but `before` is remembered.

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
    """Return the steps after `step` at which the accuracy is looked at, while `left` checkpoints are still to come.

    Even in log time as `checkpoint_steps`, three for each of `count` checkpoints; none so late that a later checkpoint
    has no room.

    >>> steps_to_look_at(0, 3, 100, 4)
    [1, 2, 3, 4, 7, 11, 18, 28, 43, 65, 68]
    """
    latest = _latest(step, left, total_steps)
    looks = checkpoint_steps(total_steps, min(total_steps + 1, _LOOKS * count))
    return sorted({*(look for look in looks if step < look <= latest), latest})


def stop_at_next(
    before: Moment, left: int, total_steps: int, count: int, accuracy: Callable[[nn.Module], float]
) -> Callable[[int, nn.Module], bool]:
    """Return what tells a training, after each step, whether it has come to the next checkpoint.

    `accuracy` of the network is asked for at the steps to look at alone. Arguments as `next_checkpoint`.
    """
    looks = steps_to_look_at(before.step, left, total_steps, count)
    is_due = next_checkpoint(before, left, total_steps)

    def stop(step: int, network: nn.Module) -> bool:
        return left > 1 and step in looks and is_due(Moment(step, accuracy(network)))

    return stop


def _latest(step: int, left: int, total_steps: int) -> int:
    """The last step at which the next checkpoint may lie: half an even share of the steps is left to each later one."""
    return total_steps - (left - 1) * max(1, (total_steps - step) // (2 * left))


def _clock(step: int, total_steps: int) -> float:
    """Log time, 0 at the start and 1 at the end."""
    unit = time_unit(total_steps)
    return math.log1p(step / unit) / math.log1p(total_steps / unit)
