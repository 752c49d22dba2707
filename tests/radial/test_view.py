"""The view of a space of many dimensions: its axes, what they show exactly, and what changes nothing."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.radial.view import EXACT_CLASSES, arrangement, separating_axes, shown_share

SEEDS = st.integers(0, 999)


def directions(seed: int, c: int, e: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(c, e, generator=generator, dtype=torch.float64), dim=1)


def simplex(c: int) -> torch.Tensor:
    """Unit vectors (c, c) with equal angles between them."""
    return torch.nn.functional.normalize(torch.eye(c, dtype=torch.float64) - 1 / c, dim=1)


@settings(max_examples=40)
@given(SEEDS, st.integers(1, 12), st.integers(2, 11))
def test_axes_are_orthonormal(seed, c, e):
    axes = separating_axes(directions(seed, c, e))
    assert axes.shape == (min(3, e), e)
    torch.testing.assert_close(axes @ axes.T, torch.eye(len(axes), dtype=axes.dtype))
    if e == 3:
        assert float(torch.linalg.det(axes)) == pytest.approx(1)
    if e == 2:
        assert torch.equal(axes, torch.eye(2, dtype=axes.dtype))


@settings(max_examples=40)
@given(SEEDS, st.integers(2, EXACT_CLASSES), st.integers(4, 9))
def test_up_to_four_classes_lie_as_far_apart_as_they_are(seed, c, e):
    mu = directions(seed, c, e)
    seen = mu @ separating_axes(mu).T
    torch.testing.assert_close(torch.cdist(seen, seen), torch.cdist(mu, mu))
    assert shown_share(mu, separating_axes(mu)) == pytest.approx(1)
    if c < EXACT_CLASSES:
        torch.testing.assert_close(seen.norm(dim=1), mu.norm(dim=1))


@settings(max_examples=30)
@given(SEEDS, st.integers(3, 12), st.integers(4, 11))
def test_a_turn_of_the_space_changes_no_picture_and_the_first_class_points_up(seed, c, e):
    mu = directions(seed, c, e)
    order = arrangement(mu)
    assert sorted(order) == list(range(c))
    turn = torch.linalg.qr(directions(seed + 1, e, e))[0]
    seen, turned = mu @ separating_axes(mu, order).T, mu @ turn @ separating_axes(mu @ turn, order).T
    torch.testing.assert_close(turned[:, :2], seen[:, :2], rtol=1e-5, atol=1e-6)
    assert abs(float(seen[order[0], 0])) < 1e-9
    assert float(seen[order[0], 1]) > 0


@pytest.mark.parametrize("c", range(5, 13))
def test_equal_angles_become_a_regular_star(c):
    seen = (simplex(c) @ separating_axes(simplex(c))[:2].T).numpy()
    assert np.allclose(np.linalg.norm(seen, axis=1), np.linalg.norm(seen[0]))
    angles = np.sort(np.arctan2(seen[:, 1], seen[:, 0]))
    assert np.allclose(np.diff(angles), 2 * np.pi / c)


@settings(max_examples=15)
@given(SEEDS, st.integers(5, 9))
def test_no_swap_of_two_classes_brings_arrows_farther_apart(seed, c):
    mu = directions(seed, c, c)

    def nearness(order: list[int]) -> float:
        """By loops: the sum of 1 / d^2 over pairs of projected arrows."""
        seen, total = (mu[order] @ separating_axes(mu, order)[:2].T).numpy(), 0.0
        for one in range(c):
            for other in range(one):
                a, b = seen[one], seen[other]
                lengths = np.linalg.norm(a), np.linalg.norm(b)
                across = abs(a[0] * b[1] - a[1] * b[0]) / max(lengths)
                total += 1 / (1e-3 + (across if a @ b > 0 else min(lengths)) ** 2)
        return total

    order = arrangement(mu)
    least = nearness(order)
    assert least <= nearness(list(range(c))) + 1e-6
    for one in range(1, c):
        for other in range(1, one):
            swapped = order.copy()
            swapped[one], swapped[other] = order[other], order[one]
            assert nearness(swapped) >= least * (1 - 1e-5)


def test_directions_that_are_all_the_same_have_some_axes():
    axes = separating_axes(torch.ones(6, 5))
    torch.testing.assert_close(axes @ axes.T, torch.eye(3))
    assert shown_share(torch.ones(6, 5), axes) == 1.0
