"""The view of a space of many dimensions: what its axes are, that they stay, and how much they show."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.radial.view import principal_axes, shown_share

SEEDS = st.integers(0, 999)


def directions(seed: int, c: int, e: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(c, e, generator=generator, dtype=torch.float64), dim=1)


@settings(max_examples=40)
@given(SEEDS, st.integers(2, 12), st.integers(4, 9), st.integers(1, 3))
def test_axes_are_orthonormal_and_show_the_most(seed, c, e, dim):
    mu = directions(seed, c, e)
    axes = principal_axes(mu, dim)
    torch.testing.assert_close(axes @ axes.T, torch.eye(dim, dtype=axes.dtype))
    other = torch.linalg.qr(directions(seed + 1, e, dim))[0].T
    shown = shown_share(mu, axes)
    assert 0 <= shown_share(mu, other) <= shown + 1e-9 <= 1 + 2e-9
    # By singular values: those of the centred directions, the largest first.
    values = torch.linalg.svdvals(mu - mu.mean(0)).square()
    assert shown == pytest.approx(float(values[:dim].sum() / values.sum()))


@settings(max_examples=30)
@given(SEEDS, st.integers(2, 12), st.integers(1, 3))
def test_up_to_three_dimensions_are_seen_as_they_are(seed, c, e):
    mu = directions(seed, c, e)
    assert torch.equal(principal_axes(mu), torch.eye(e, dtype=mu.dtype))
    assert shown_share(mu, principal_axes(mu)) == pytest.approx(1)


@settings(max_examples=30)
@given(SEEDS, st.integers(5, 12), st.integers(4, 9))
def test_the_sign_of_an_axis_is_fixed_and_a_turn_of_the_space_changes_no_picture(seed, c, e):
    mu = directions(seed, c, e)
    axes = principal_axes(mu)
    largest = axes.gather(1, axes.abs().argmax(dim=1, keepdim=True))
    assert (largest > 0).all()
    assert torch.equal(principal_axes(mu.flip(0)).round(decimals=6), axes.round(decimals=6))
    turn = torch.linalg.qr(directions(seed + 1, e, e))[0]
    seen, turned = mu @ axes.T, mu @ turn @ principal_axes(mu @ turn).T
    torch.testing.assert_close(turned.abs(), seen.abs(), rtol=1e-5, atol=1e-6)


def test_directions_that_are_all_the_same_have_some_axes():
    axes = principal_axes(torch.ones(4, 5))
    assert axes.isfinite().all()
    assert shown_share(torch.ones(4, 5), axes) == 1.0
