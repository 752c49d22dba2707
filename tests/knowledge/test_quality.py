"""Agreement, correlation and object cover against their definitions."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.knowledge import agreement, object_cover, strength_uncertainty_correlation


def drawn(seed, n=30, c=4, e=3):
    generator = torch.Generator().manual_seed(seed)
    probs = torch.softmax(2 * torch.randn(n, c, generator=generator), dim=1)
    return torch.randn(n, e, generator=generator), probs


def test_correlation_is_that_of_numpy():
    embedding, probs = drawn(0)
    entropy = -(probs * probs.log()).sum(1)
    expected = np.corrcoef(embedding.norm(dim=1), entropy)[0, 1]
    assert strength_uncertainty_correlation(embedding, probs) == pytest.approx(expected, rel=1e-5)


@given(st.integers(0, 100), st.floats(0.1, 10))
def test_correlation_does_not_know_the_unit_of_strength(seed, factor):
    embedding, probs = drawn(seed)
    first = strength_uncertainty_correlation(embedding, probs)
    assert strength_uncertainty_correlation(factor * embedding, probs) == pytest.approx(first, abs=1e-4)


def test_what_does_not_vary_has_no_correlation():
    embedding, probs = drawn(0)
    assert strength_uncertainty_correlation(torch.ones(30, 3), probs) is None
    assert strength_uncertainty_correlation(embedding, torch.eye(4).repeat(8, 1)[:30]) is None


def test_within_groups_the_correlation_is_that_of_what_differs_from_their_means():
    embedding, probs = drawn(2)
    groups = torch.arange(30) % 3 + 1  # a number that no sample has is no group
    strength, entropy = embedding.norm(dim=1).double().numpy(), -(probs * probs.log()).sum(1).double().numpy()
    for group in (1, 2, 3):
        members = groups.numpy() == group
        strength[members] -= strength[members].mean()
        entropy[members] -= entropy[members].mean()
    expected = np.corrcoef(strength, entropy)[0, 1]
    assert strength_uncertainty_correlation(embedding, probs, groups) == pytest.approx(expected, rel=1e-5)
    assert strength_uncertainty_correlation(embedding, probs, torch.arange(30)) is None


def test_what_one_group_has_more_of_than_another_does_not_count_within_groups():
    entropy_of = torch.linspace(0.5, 0.9, 20)
    probs = torch.stack([entropy_of, 1 - entropy_of], dim=1)
    groups = torch.arange(20) % 2
    entropy = -torch.xlogy(probs, probs).sum(dim=1)
    embedding = (2 - entropy + 5 * groups)[:, None]
    assert strength_uncertainty_correlation(embedding, probs, groups) == pytest.approx(-1, abs=1e-6)
    found = strength_uncertainty_correlation(embedding, probs)
    assert found is not None
    assert found > -0.5


def test_agreement_counts_equal_decisions():
    _, probs = drawn(1)
    other = probs.clone()
    other[:12] = other[:12].roll(1, dims=1)
    assert agreement(other, probs) == pytest.approx(18 / 30)
    with pytest.raises(InputError, match=r"got shapes \(30, 4\) and \(29, 4\)"):
        agreement(probs, probs[1:])


def test_object_cover_is_the_mean_of_each_region():
    masks = torch.rand(2, 6, 4, generator=torch.Generator().manual_seed(0)) > 0.5
    expected = masks.double().view(2, 3, 2, 2, 2).mean((2, 4)).flatten(1)
    assert torch.equal(object_cover(masks, (3, 2)), expected)
    assert float(object_cover(masks, (3, 2)).mean()) == pytest.approx(float(masks.double().mean()))
