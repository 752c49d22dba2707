"""Ridge regression: the same by the equations of features and of samples, and zeros for zeros."""

import pytest
import torch

from patternscope.embeddings.linear import ridge


@pytest.mark.parametrize(("n", "d"), [(40, 6), (6, 40), (7, 7)])
def test_agrees_with_the_definition(n, d):
    draw = torch.Generator().manual_seed(n)
    features, target = torch.randn(n, d, generator=draw).double(), torch.randn(n, 3, generator=draw).double()
    found = ridge(features, target, 0.1)
    penalty = 0.1 * features.square().sum() / d
    # The gradient of the objective vanishes.
    gradient = (features @ found.T - target).T @ features + penalty * found
    assert gradient.abs().max() < 1e-10


@pytest.mark.parametrize(("n", "d"), [(5, 3), (3, 5)])
def test_features_without_strength_have_a_map_of_zeros(n, d):
    assert not ridge(torch.zeros(n, d), torch.ones(n, 2)).any()
