"""Checkpoints where the accuracy changes: as many as asked for, the ends among them, wherever the accuracy goes."""

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from patternscope.networks import TrainingSettings, train
from patternscope.networks.training.placement import Moment, next_checkpoint, steps_to_look_at, stop_at_next

CURVES = st.lists(st.floats(0, 1), min_size=1, max_size=40)


def placed(accuracy, total: int, count: int) -> list[int]:
    """The steps of all checkpoints where `accuracy` of a step is known, found as a study finds them: one after one."""
    steps = [0]
    for left in range(count - 1, 0, -1):
        before = Moment(steps[-1], accuracy(steps[-1]))
        stop = stop_at_next(before, left, total, count, lambda step: accuracy(int(step)))
        after = range(steps[-1] + 1, total + 1)
        steps.append(next((step for step in after if stop(step, step)), total))
    return steps


@given(curve=CURVES, total=st.integers(1, 3000), count=st.integers(2, 20))
def test_they_are_as_many_as_asked_for_from_the_first_step_to_the_last(curve, total, count):
    count = min(count, total + 1)
    steps = placed(lambda step: curve[min(step * len(curve) // total, len(curve) - 1)], total, count)
    assert len(steps) == count
    assert (steps[0], steps[-1]) == (0, total)
    assert all(before < after for before, after in itertools.pairwise(steps))


def test_the_last_ones_are_not_side_by_side():
    """An accuracy that stops rising gives no reason for a checkpoint, until the last steps are reached."""
    steps = placed(lambda step: min(0.94, step / 800), 875, 12)
    assert min(after - before for before, after in itertools.pairwise(steps[-4:])) > 20


@pytest.mark.parametrize("total", [600, 5000])
def test_most_of_them_lie_where_the_accuracy_rises(total):
    def rises(step: int) -> float:
        return 0.1 + 0.88 / (1 + math.exp(-15 * (step / total - 0.3)))

    steps = placed(rises, total, 12)
    within = [step for step in steps if 0.15 < rises(step) < 0.95]
    assert len(within) >= 6
    # On the logarithmic grid of as many, four lie there.
    gains = [rises(after) - rises(before) for before, after in itertools.pairwise(steps)]
    assert max(gains) < 0.25


@pytest.mark.parametrize("level", [0.0, 0.1, 0.4, 1.0])
def test_an_accuracy_that_never_changes_leaves_no_gap(level):
    steps = placed(lambda step: level, 5000, 12)
    clock = [math.log1p(step / 50) / math.log1p(100) for step in steps]
    widest = max(after - before for before, after in itertools.pairwise(clock))
    assert widest < 3 / 11


@given(
    accuracy=st.floats(0, 1),
    step=st.integers(0, 500),
    left=st.integers(1, 10),
    now=st.floats(0, 1),
    gone=st.integers(1),
)
def test_the_next_one_is_an_even_part_of_what_is_left_away(accuracy, step, left, now, gone):
    total = 600
    latest = total - (left - 1) * max(1, (total - step) // (2 * left))
    moment = Moment(min(step + gone, total), now)

    def clock(at: int) -> float:
        return math.log(1 + at / 6) / math.log(101)

    length = abs(now - accuracy) + (clock(moment.step) - clock(step)) / 2
    ahead = (1 - accuracy) + (1 - clock(step)) / 2
    due = next_checkpoint(Moment(step, accuracy), left, total)(moment)
    if length > ahead / left * (1 + 1e-9):
        assert due
    elif moment.step < latest and clock(moment.step) - clock(step) < 2.4 * (1 - clock(step)) / left:
        assert not due or math.isclose(length, ahead / left)


def test_a_look_leaves_room_to_each_later_one():
    assert steps_to_look_at(97, 3, 100, 4) == [98]
    assert max(steps_to_look_at(0, 5, 100, 6)) == 60  # half an even share of 100 is 10 for each of four
    assert len(steps_to_look_at(0, 11, 10_000, 12)) <= 36


def test_a_segment_that_is_stopped_is_one_that_was_to_end_there():
    images = torch.randint(0, 256, (24, 3, 8, 8), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    labels = torch.arange(24) % 2
    settings = TrainingSettings(epochs=3, batch_size=8)
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2))
    network(torch.zeros(2, 3, 8, 8))
    asked: list[int] = []

    def stop(step: int, trained: nn.Module) -> bool:
        asked.append(step)
        return step == 5

    stopped = train(network, images, labels, settings, seed=1, stop=stop)
    ended = train(network, images, labels, settings, seed=1, until_step=5)
    assert asked == [1, 2, 3, 4, 5]
    assert stopped.step == 5
    assert torch.equal(stopped.losses, ended.losses)
    for part in ("network", "optimizer"):
        first, second = getattr(stopped, part), getattr(ended, part)
        assert first.keys() == second.keys()
        assert all(torch.equal(first[name], second[name]) for name in first)
