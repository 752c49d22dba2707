"""Folds of images: balanced by class, whatever the order, others for another seed."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.knowledge.folds import assign_folds

LABELS = st.lists(st.integers(0, 4), min_size=6, max_size=40)


@settings(max_examples=50)
@given(LABELS, st.integers(2, 6), st.integers(0, 99))
def test_folds_and_the_classes_in_them_differ_by_at_most_one_image(labels, folds, seed):
    labels = torch.tensor(labels)
    fold = assign_folds(labels, folds, seed=seed)
    for members in (torch.ones(len(labels), dtype=torch.bool), *(labels == c for c in labels.unique())):
        sizes = fold[members].bincount(minlength=folds)
        assert sizes.max() - sizes.min() <= 1
    assert fold.min() >= 0
    assert len(fold.unique()) == folds


@settings(max_examples=50)
@given(LABELS, st.integers(2, 6), st.randoms(use_true_random=False))
def test_where_an_image_stands_is_no_matter(labels, folds, random):
    labels, n = torch.tensor(labels), len(labels)
    identity = torch.tensor(random.sample(range(10**9), n))
    order = torch.tensor(random.sample(range(n), n))
    fold = assign_folds(labels, folds, identity=identity, seed=3)
    assert torch.equal(assign_folds(labels[order], folds, identity=identity[order], seed=3), fold[order])


def test_another_seed_divides_otherwise():
    labels = torch.arange(40) % 4
    divisions = {tuple(assign_folds(labels, 2, seed=seed).tolist()) for seed in range(8)}
    assert len(divisions) == 8


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"folds": 1}, "folds: expected .* 2"),
        ({"folds": 5}, "images: expected at least 5, one per fold, got 4"),
        ({"labels": torch.zeros(4)}, "labels: expected 4 integers"),
        ({"identity": torch.arange(3)}, "identity: expected 4 integers"),
        ({"identity": torch.zeros(4)}, "identity: expected 4 integers"),
    ],
)
def test_what_cannot_be_divided_is_one_line(changed, said):
    given_ = {"labels": torch.tensor([0, 0, 1, 1])} | changed
    with pytest.raises(InputError, match=said) as raised:
        assign_folds(**given_)
    assert "\n" not in str(raised.value)
