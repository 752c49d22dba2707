"""DRPR against its definition, and what its fit must do."""

import naive
import numpy as np
import pytest
import torch

from evidence.projections.drpr import class_centres, drpr_loss, fit_drpr, gaussian_log_posterior
from patternscope.errors import InputError


def drawn(seed=0, n=40, d=6, c=4):
    generator = torch.Generator().manual_seed(seed)
    features = torch.randn(n, d, generator=generator, dtype=torch.float64)
    probs = torch.softmax(features @ torch.randn(d, c, generator=generator, dtype=torch.float64), dim=1)
    return features, probs


def test_loss_is_the_sum_of_divergences_from_a_mixture_of_gaussians():
    features, probs = drawn()
    weight = torch.randn(2, 6, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    expected = naive.drpr_loss(weight.numpy(), features.numpy(), probs.numpy())
    assert float(drpr_loss(weight, features, probs)) == pytest.approx(expected, rel=1e-9)


def test_posterior_does_not_know_where_the_origin_is():
    features, probs = drawn()
    embedding, prior = features[:, :3], probs.mean(0).log()
    centres, shift = class_centres(embedding, probs), torch.tensor([3.0, -2.0, 7.0], dtype=torch.float64)
    moved = gaussian_log_posterior(embedding + shift, centres + shift, prior)
    assert torch.allclose(moved, gaussian_log_posterior(embedding, centres, prior))


def test_fit_explains_a_linear_network_and_starts_do_not_matter_much():
    features, probs = drawn()
    at_first = float(drpr_loss(torch.zeros(3, 6, dtype=torch.float64), features, probs))
    losses = [float(drpr_loss(fit_drpr(features, probs, seed=seed), features, probs)) for seed in range(3)]
    assert max(losses) < 0.1 * at_first
    assert not torch.equal(fit_drpr(features, probs, seed=0), fit_drpr(features, probs, seed=1))
    assert torch.equal(fit_drpr(features, probs, seed=0), fit_drpr(features, probs, seed=0))


def test_fit_does_not_know_the_unit_of_features():
    features, probs = drawn()
    one, other = fit_drpr(features, probs), fit_drpr(1000 * features, probs)
    assert np.allclose((features @ one.T).numpy(), (1000 * features @ other.T).numpy(), rtol=1e-3, atol=1e-3)


def test_bad_input_is_said_in_a_line():
    features, probs = drawn()
    with pytest.raises(InputError, match=r"features: expected shape"):
        fit_drpr(features[:5], probs)
    with pytest.raises(InputError, match=r"target_probs: expected rows that sum to 1, got .* in row 0"):
        fit_drpr(features, 2 * probs)
