"""Whom an anchor is compared with."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.similarity import choose_neighbours

CASES = settings(max_examples=25)


def samples(seed: int, n: int, classes: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return torch.randperm(9999, generator=generator)[:n], torch.randint(classes, (n,), generator=generator)


@CASES
@given(st.integers(0, 999), st.integers(2, 30), st.integers(1, 40))
def test_never_itself_never_twice_and_clipped(seed, n, count):
    chosen = choose_neighbours(*samples(seed, n), count, seed)
    assert chosen.count == min(count, n - 1)
    assert chosen.samples.shape == (n, chosen.count)
    for anchor, row in enumerate(chosen.samples.tolist()):
        assert anchor not in row
        assert len(set(row)) == len(row)


@CASES
@given(st.integers(0, 999), st.integers(3, 30), st.integers(1, 12))
def test_the_same_for_any_order_of_samples(seed, n, count):
    identity, classes = samples(seed, n)
    order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    plain = choose_neighbours(identity, classes, count, 0).samples
    moved = choose_neighbours(identity[order], classes[order], count, 0).samples
    assert torch.equal(order[moved], plain[order])


@pytest.mark.parametrize("count", [5, 8, 11])
def test_classes_take_turns(count):
    classes = torch.arange(3).repeat_interleave(torch.tensor([20, 10, 10]))
    chosen = choose_neighbours(torch.arange(40), classes, count, 0)
    shares = classes[chosen.candidates].bincount()
    assert shares.max() - shares.min() <= 1


def test_the_seed_changes_the_choice_and_the_global_generator_is_left_alone():
    identity, classes = samples(0, 50)
    state = torch.get_rng_state()
    first, again, other = (choose_neighbours(identity, classes, 10, seed).samples for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("identity", "classes", "count", "said"),
    [
        (torch.rand(4), torch.zeros(4).long(), 2, "identity"),
        (torch.arange(4), torch.zeros(3).long(), 2, "classes"),
        (torch.arange(4), torch.zeros(4).long(), 0, "count: expected at least 1, got 0"),
    ],
)
def test_what_is_wrong_is_named(identity, classes, count, said):
    with pytest.raises(InputError, match=said):
        choose_neighbours(identity, classes, count, 0)
