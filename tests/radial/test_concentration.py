"""kappa(l) and the Bessel ratio: known values, limits, an independent writing and a simulation."""

import math

import naive
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.radial import bessel_ratio, concentration

KAPPA_MAX = st.floats(math.log(0.1), math.log(1e5)).map(math.exp)
DIMS = st.integers(2, 8)


@pytest.mark.parametrize("dim", [2, 3, 16, 512, 2048])
def test_bessel_ratio_agrees_with_mpmath(dim):
    kappas = np.concatenate([np.logspace(-6, 5, 12), [0.3, 7.0, 300.0]])
    wanted = [naive.bessel_ratio(kappa, dim) for kappa in kappas]
    np.testing.assert_allclose(bessel_ratio(kappas, dim), wanted, rtol=1e-10)


def test_bessel_ratio_where_scipy_underflows_and_at_zero():
    assert bessel_ratio(0.0, 512) == 0
    assert bessel_ratio(0.0, 3) == 0
    assert bessel_ratio(10.0, 512) == pytest.approx(naive.bessel_ratio(10, 512), rel=1e-12)


@pytest.mark.parametrize(
    ("kappa", "dim", "said"),
    [
        (-1.0, 3, "got negative"),
        (math.nan, 3, "expected finite"),
        (math.inf, 3, "expected finite"),
        (1.0, 1, "dim: expected at least 2, got 1"),
    ],
)
def test_bessel_ratio_refuses(kappa, dim, said):
    with pytest.raises(InputError, match=said):
        bessel_ratio(kappa, dim)


@pytest.mark.parametrize(
    ("kappa_max", "strength", "wanted"),
    [
        (10, 0.1, 0.14367),
        (10, 1, 1.48852),
        (10, 5, 7.35290),
        (10, 60, 9.97506),
        (1000, 0.1, 0.15953),
        (1000, 1, 1.71305),
        (1000, 5, 24.4141),
        (1000, 10, 90.9918),
        (1000, 60, 782.779),
    ],
)
def test_known_values(kappa_max, strength, wanted):
    seen = concentration(torch.tensor(float(strength), dtype=torch.float64), kappa_max)
    assert float(seen) == pytest.approx(wanted, rel=1e-5, abs=6e-6)


@settings(max_examples=15)
@given(st.floats(1e-3, 100), KAPPA_MAX, DIMS)
def test_agrees_with_bisection(strength, kappa_max, dim):
    wanted = naive.concentration(strength, kappa_max, dim)
    for dtype, rtol in ((torch.float64, 1e-6), (torch.float32, 1e-5)):
        assert float(concentration(torch.tensor(strength, dtype=dtype), kappa_max, dim)) == pytest.approx(
            wanted, rel=rtol
        )


@settings(max_examples=10)
@given(KAPPA_MAX, DIMS)
def test_increases_from_zero_to_kappa_max(kappa_max, dim):
    strength = torch.cat([torch.zeros(1), torch.logspace(-4, 7, 500)]).double()
    kappa = concentration(strength, kappa_max, dim)
    assert kappa[0] == 0
    assert (kappa.diff() > -1e-9 * kappa_max).all()
    assert (kappa[strength < 1].diff() > 0).all()
    assert kappa[-1] == pytest.approx(kappa_max, rel=1e-6)
    assert (kappa <= kappa_max * (1 + 1e-9)).all()


@pytest.mark.parametrize("dim", [2, 3, 5])
def test_agrees_with_a_simulation_of_noise_on_a_sure_orientation(dim):
    # With kappa_max so large that the clean orientation is certain, A_e(kappa(l)) is the mean cosine.
    generator = np.random.default_rng(0)
    for strength in (0.5, 2.0):
        noisy = generator.standard_normal((200_000, dim))
        noisy[:, 0] += strength
        cosines = noisy[:, 0] / np.linalg.norm(noisy, axis=1)
        kappa = concentration(torch.tensor(strength, dtype=torch.float64), 1e5, dim)
        error = cosines.std() / math.sqrt(len(cosines))
        assert float(bessel_ratio(float(kappa), dim)) == pytest.approx(cosines.mean(), abs=5 * error + 1e-4)


@pytest.mark.parametrize("dim", [2, 3, 8])
def test_gradient_is_that_of_differences(dim):
    strength = torch.tensor([0.05, 0.7, 3.0, 20.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda x: concentration(x, 50.0, dim), strength, rtol=1e-3, atol=1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_keeps_its_type_and_its_accuracy(dtype):
    strength = torch.linspace(0, 30, 50).to(dtype)
    kappa = concentration(strength, 1000.0)
    assert kappa.dtype == dtype
    torch.testing.assert_close(kappa.double(), concentration(strength.double(), 1000.0), rtol=2e-2, atol=1e-3)


@pytest.mark.parametrize(
    ("kappa_max", "dim", "said"),
    [
        (0.0, 3, "kappa_max: expected .* got 0"),
        (-1.0, 3, "kappa_max"),
        (math.inf, 3, "kappa_max: expected .* got inf"),
        (math.nan, 3, "kappa_max: expected .* got nan"),
        (10.0, 1, "dim: expected .* got 1"),
    ],
)
def test_concentration_refuses(kappa_max, dim, said):
    with pytest.raises(InputError, match=said):
        concentration(torch.ones(2), kappa_max, dim)
