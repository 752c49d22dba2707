"""The choice of samples: stratified, seeded, every class on its own."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.images.selection import choose_by_identity, choose_samples, hold_out, short_classes

label_lists = st.lists(st.integers(0, 4), min_size=2, max_size=60)


@given(values=label_lists, per_class=st.integers(1, 10), seed=st.integers(0, 2**40))
def test_every_class_gives_what_is_wanted_or_all_it_has(values, per_class, seed):
    labels = torch.tensor(values)
    chosen = choose_samples(labels, per_class, seed=seed)
    assert chosen.dtype == torch.int64
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    short = short_classes(labels, per_class)
    for label in set(values):
        got = int((labels[chosen] == label).sum())
        assert got == min(per_class, values.count(label))
        assert short.get(label, per_class) == got


@given(values=label_lists, extra=st.lists(st.just(5), max_size=20), seed=st.integers(0, 99))
def test_a_class_is_chosen_independently_of_the_others(values, extra, seed):
    alone = choose_samples(torch.tensor(values), 3, seed=seed)
    together = choose_samples(torch.tensor(values + extra), 3, seed=seed)
    assert [i for i in together.tolist() if i < len(values)] == alone.tolist()


@given(values=label_lists, few=st.integers(1, 5), more=st.integers(0, 5), seed=st.integers(0, 99))
def test_a_larger_choice_keeps_the_smaller_one(values, few, more, seed):
    labels = torch.tensor(values)
    small, large = (choose_samples(labels, count, seed=seed).tolist() for count in (few, few + more))
    assert set(small) <= set(large)


def test_seeds_differ_and_repeat():
    labels = torch.arange(200) % 2
    first, again, other = (choose_samples(labels, 20, seed=seed) for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_inputs_and_random_state_are_as_found():
    labels = torch.arange(40) % 4
    kept, state = labels.clone(), torch.get_rng_state()
    choose_samples(labels, 3, seed=0)
    hold_out(labels, 0.3, seed=0)
    assert torch.equal(labels, kept)
    assert torch.equal(torch.get_rng_state(), state)


def test_only_the_classes_asked_for():
    labels = torch.arange(40) % 4
    assert set(labels[choose_samples(labels, 5, seed=0, classes=[1, 3])].tolist()) == {1, 3}
    assert short_classes(labels, 11, classes=[2]) == {2: 10}


@given(values=label_lists, share=st.floats(0.05, 0.95), seed=st.integers(0, 99))
def test_hold_out_parts_every_class(values, share, seed):
    labels = torch.tensor([*values, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4])
    kept, held = hold_out(labels, share, seed=seed)
    assert sorted(kept.tolist() + held.tolist()) == list(range(len(labels)))
    for label in range(5):
        assert (labels[kept] == label).any()
        assert (labels[held] == label).any()


@pytest.mark.parametrize(
    ("labels", "per_class", "classes", "text"),
    [
        (torch.tensor([0, 1]), 0, None, "per_class: expected 1 or more, got 0"),
        (torch.tensor([0]), 1, None, "labels: expected 2 or more, got 1"),
        (torch.tensor([0, 1]), 1, [0, 2], r"classes: expected classes with samples, \[0, 1\], got 2"),
        (torch.tensor([0.0, 1.0]), 1, None, "labels: expected integers of shape"),
        (torch.tensor([[0, 1]]), 1, None, "labels: expected integers of shape"),
    ],
)
def test_bad_choices_are_refused(labels, per_class, classes, text):
    with pytest.raises(InputError, match=text):
        choose_samples(labels, per_class, seed=0, classes=classes)


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, r"share: expected a number in \(0, 1\), got 0.0"),
        (1.0, r"share: expected a number in \(0, 1\), got 1.0"),
        (0.5, "class 1: expected 2 or more samples to hold one out, got 1"),
    ],
)
def test_bad_splits_are_refused(share, text):
    with pytest.raises(InputError, match=text):
        hold_out(torch.tensor([0, 0, 1]), share, seed=0)


@given(values=label_lists, count=st.integers(1, 60), seed=st.integers(0, 99), turn=st.randoms(use_true_random=False))
def test_a_choice_by_identity_knows_no_order_and_keeps_shares(values, count, seed, turn):
    labels, identity = torch.tensor(values), 7 * torch.arange(len(values)) - 100
    chosen = choose_by_identity(labels, identity, count, seed=seed)
    assert chosen.tolist() == sorted(set(chosen.tolist()))
    assert len(chosen) == min(count, len(values))
    order = torch.tensor(turn.sample(range(len(values)), len(values)))
    again = choose_by_identity(labels[order], identity[order], count, seed=seed)
    assert set(identity[order][again].tolist()) == set(identity[chosen].tolist())
    for label in set(values):
        got, share = int((labels[chosen] == label).sum()), values.count(label) / len(values)
        # Rounded up or down; those that round up come first.
        assert abs(got - share * len(chosen)) <= len(set(values))
        assert got >= 1 or len(chosen) < len(set(values))
    fewer = choose_by_identity(labels, identity, max(1, count // 2), seed=seed)
    assert set(fewer.tolist()) <= set(chosen.tolist())


def test_a_choice_by_identity_of_equal_classes_is_equal():
    labels = torch.arange(40) % 4
    chosen = choose_by_identity(labels, torch.arange(40), 12, seed=0)
    assert labels[chosen].bincount().tolist() == [3, 3, 3, 3]
    assert not torch.equal(chosen, choose_by_identity(labels, torch.arange(40), 12, seed=1))


def test_a_choice_by_identity_needs_integers_and_a_count():
    with pytest.raises(InputError, match="count: expected 1 or more, got 0"):
        choose_by_identity(torch.tensor([0, 1]), torch.arange(2), 0, seed=0)
    with pytest.raises(InputError, match="identity: expected 2 integers"):
        choose_by_identity(torch.tensor([0, 1]), torch.arange(3), 1, seed=0)
