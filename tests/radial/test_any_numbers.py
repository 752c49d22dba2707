"""The functions of the radial distribution with any numbers: no exception but one of a line, nothing said wrongly."""

import random

import pytest
import torch
from torch import Tensor

from patternscope.radial import concentrated, concentration, log_posterior, mean_directions

CASES = 1000
DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def numbers(rng: random.Random, *shape: int, dtype: torch.dtype) -> Tensor:
    """Numbers of one scale of the whole range, sometimes with zeros, NaN or inf, sometimes not contiguous."""
    generator = torch.Generator().manual_seed(rng.randrange(2**31))
    finite = torch.finfo(dtype)
    scale = 2.0 ** rng.uniform(*(torch.tensor([finite.tiny, finite.max], dtype=torch.float64).log2() * 0.95).tolist())
    values = (torch.randn(shape[::-1], generator=generator, dtype=torch.float64) * scale).to(dtype)
    values = values.T if len(shape) == 2 and rng.random() < 0.5 else values.reshape(shape)
    if rng.random() < 0.3 and values.numel():
        values[rng.randrange(len(values))] = rng.choice([0.0, float("nan"), float("inf"), -float("inf"), finite.max])
    return values


@pytest.mark.parametrize("part", range(4))
def test_any_numbers_give_numbers_or_nan(part):
    rng = random.Random(part)
    for _ in range(CASES // 4):
        n, e, c = rng.randrange(1, 9), rng.randrange(2, 6), rng.randrange(2, 6)
        dtype, kappa_max = rng.choice(DTYPES), rng.choice([0.01, 10.0, 1000.0])
        x, weights = numbers(rng, n, e, dtype=dtype), numbers(rng, n, c, dtype=dtype).abs()
        mu = torch.nn.functional.normalize(torch.randn(c, e, dtype=torch.float64), dim=1).to(dtype)
        before = x.clone(), weights.clone()

        strengths = concentration(x.abs(), kappa_max, e)
        pulls, posterior = concentrated(x, kappa_max), log_posterior(x, mu, kappa_max)
        directions = mean_directions(x, weights, kappa_max)

        assert torch.equal(torch.isnan(strengths), torch.isnan(x))
        rounding = torch.finfo(dtype).eps * torch.finfo(dtype).tiny * torch.finfo(dtype).max
        assert (strengths[~torch.isnan(x)] <= kappa_max * 1.02 + rounding).all()
        held = torch.isfinite(torch.linalg.vector_norm(x, dim=1))
        assert torch.isfinite(pulls[held]).all()
        assert torch.isfinite(posterior[held]).all()
        assert torch.isnan(posterior[~held]).all()
        if held.all() and torch.isfinite(weights).all():
            lengths = torch.linalg.vector_norm(directions.double(), dim=1)
            assert (((lengths - 1).abs() < 0.02) | (lengths == 0)).all()
        torch.testing.assert_close((x, weights), before, rtol=0, atol=0, equal_nan=True)
        torch.testing.assert_close(mean_directions(x, weights, kappa_max), directions, rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("weight", [1.0, 1e-10, 1e-25, 1e-38, 1e-45])
@pytest.mark.parametrize("scale", [1.0, 1e-15, 1e15])
def test_every_positive_weight_has_a_direction(weight, scale):
    x = torch.tensor([[1.0, 0.0], [0.0, 1.0]]) * scale
    found = mean_directions(x, torch.tensor([[1.0, weight]] * 2), 10.0)
    torch.testing.assert_close(found, torch.full((2, 2), 0.5**0.5))


def test_tiny_weights_are_as_their_multiples():
    x, weights = torch.randn(30, 3, dtype=torch.float64), torch.rand(30, 4, dtype=torch.float64)
    for power in (-1000, -300, 300):
        scaled = weights * 2.0**power
        assert torch.equal(mean_directions(x, scaled, 10.0), mean_directions(x, weights, 10.0))


def test_a_class_without_weight_is_marked_and_takes_no_region():
    x = torch.randn(200, 3)
    weights = torch.softmax(x @ torch.randn(3, 4), dim=1)
    weights[:, 2] = 0.0
    directions = mean_directions(x, weights, 10.0)
    assert (torch.linalg.vector_norm(directions, dim=1) == 0).tolist() == [False, False, True, False]
    posterior = log_posterior(x, directions, 10.0).exp()
    assert posterior[:, 2].mean() < 0.25


def test_gradients_are_as_before():
    x = torch.randn(20, 3, dtype=torch.float64, requires_grad=True)
    weights = torch.rand(20, 4, dtype=torch.float64)
    pull = lambda y: mean_directions(y, weights, 10.0, exact_gradient=True)  # noqa: E731 - what is differentiated
    assert torch.autograd.gradcheck(pull, (x,))


def test_ends_of_the_concentration():
    ends = torch.tensor([float("nan"), 0.0, 1e30, float("inf")])
    torch.testing.assert_close(concentration(ends, 10.0), torch.tensor([float("nan"), 0, 10, 10]), equal_nan=True)
