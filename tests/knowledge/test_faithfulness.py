"""The deletion test: known curves of known networks, and its laws."""

import naive
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.knowledge.faithfulness import (
    blurred,
    curve_area,
    deletion_curve,
    mean_colour,
    removal_order,
    removal_shares,
    replace_regions,
)

CASES = settings(max_examples=15)
GRID = (2, 3)


def drawn(seed: int, n: int = 3) -> tuple[torch.Tensor, torch.Tensor]:
    """Images of 4 x 6 pixels and how much a linear network makes of each region of them."""
    generator = torch.Generator().manual_seed(seed)
    images = torch.rand(n, 1, 4, 6, generator=generator, dtype=torch.float64)
    return images, torch.rand(6, generator=generator, dtype=torch.float64)


def linear_network(weights: torch.Tensor):
    """A network whose p(class 0) is a weighted sum of the regions' brightness, in [0, 1]."""

    def probabilities(images: torch.Tensor) -> torch.Tensor:
        by_region = torch.nn.functional.avg_pool2d(images, 2).flatten(1)
        first = by_region @ weights / weights.sum()
        return torch.stack([first, 1 - first], dim=1)

    return probabilities


@CASES
@given(st.integers(0, 999))
def test_curve_of_a_linear_network_is_known(seed):
    images, weights = drawn(seed)
    shares = torch.nn.functional.avg_pool2d(images, 2).flatten(1) * weights / weights.sum()
    order = removal_order(shares)
    black, labels = torch.zeros(1, dtype=torch.float64), torch.zeros(3, dtype=torch.long)
    curve = deletion_curve(linear_network(weights), images, labels, order, GRID, replacement=black)
    for i in range(3):
        np.testing.assert_allclose(curve[i], naive.deletion(shares[i].tolist(), order[i].tolist()), atol=1e-12)
        area = naive.area(curve[i].tolist(), [count / 6 for count in range(7)])
        np.testing.assert_allclose(curve_area(curve, removal_shares(6, 16))[i], area, rtol=1e-12)
    # What helps most goes first: no order takes the answer away sooner.
    other = torch.rand(3, 6, generator=torch.Generator().manual_seed(seed)).argsort(dim=1)
    slower = deletion_curve(linear_network(weights), images, labels, other, GRID, replacement=black)
    assert (curve <= slower + 1e-12).all()


@CASES
@given(st.integers(0, 999), st.integers(1, 9))
def test_ends_are_the_whole_image_and_none_of_it(seed, steps):
    images, weights = drawn(seed)
    network, labels = linear_network(weights), torch.tensor([0, 1, 0])
    order = torch.rand(3, 6, generator=torch.Generator().manual_seed(seed)).argsort(dim=1)
    curve = deletion_curve(network, images, labels, order, GRID, steps=steps)
    assert curve.shape == (3, min(steps, 6) + 1)
    chosen = torch.arange(3), labels
    torch.testing.assert_close(curve[:, 0], network(images)[chosen])
    torch.testing.assert_close(curve[:, -1], network(mean_colour(images).expand_as(images))[chosen])


@CASES
@given(st.integers(0, 999), st.integers(0, 6))
def test_regions_replaced_are_those_first_in_order_and_inputs_stay(seed, count):
    images, _ = drawn(seed)
    order = torch.rand(3, 6, generator=torch.Generator().manual_seed(seed)).argsort(dim=1)
    before = images.clone(), order.clone()
    replaced = torch.zeros(3, 6).bool().scatter(1, order[:, :count], True)
    changed = replace_regions(images, torch.full((1,), 9.0, dtype=torch.float64), replaced, GRID) == 9.0
    regions = torch.nn.functional.avg_pool2d(changed.double(), 2).flatten(1)
    for i in range(3):
        assert set(regions[i].nonzero().flatten().tolist()) == set(order[i, :count].tolist())
        assert set(regions[i].tolist()) <= {0.0, 1.0}
    assert torch.equal(images, before[0])
    assert torch.equal(order, before[1])


@CASES
@given(st.integers(0, 999), st.integers(1, 7), st.integers(1, 9))
def test_many_orders_at_once_are_each_on_its_own(seed, at_once, steps):
    images, weights = drawn(seed)
    network, labels = linear_network(weights), torch.tensor([0, 1, 0])
    orders = torch.rand(2, 3, 6, generator=torch.Generator().manual_seed(seed)).argsort(dim=2)
    together = deletion_curve(network, images, labels, orders, GRID, steps=steps, at_once=at_once)
    alone = [deletion_curve(network, images, labels, order, GRID, steps=steps) for order in orders]
    torch.testing.assert_close(together, torch.stack(alone))
    shares = removal_shares(6, steps)
    areas = torch.stack([curve_area(each, shares) for each in alone])
    torch.testing.assert_close(curve_area(together, shares), areas)


def test_both_ends_are_shown_once_for_all_orders():
    images, weights = drawn(0)
    shown = []

    def counted(seen: torch.Tensor) -> torch.Tensor:
        shown.append(len(seen))
        return linear_network(weights)(seen)

    orders = torch.arange(6).expand(4, 3, 6)
    deletion_curve(counted, images, torch.zeros(3).long(), orders, GRID, steps=3)
    assert sum(shown) == 3 * (2 + 4 * 2)
    assert len(shown) == 3


@CASES
@given(st.integers(1, 40), st.integers(1, 50))
def test_the_area_of_a_linear_response_is_a_half_however_the_steps_divide_it(regions, steps):
    image, labels = torch.ones(1, 1, 1, regions, dtype=torch.float64), torch.zeros(1, dtype=torch.long)
    order, black = torch.arange(regions)[None], torch.zeros(1, dtype=torch.float64)

    def brightness(images: torch.Tensor) -> torch.Tensor:
        return images.mean(dim=(1, 2, 3))[:, None]

    shares = removal_shares(regions, steps)
    assert (shares.diff() > 0).all()
    curve = deletion_curve(brightness, image, labels, order, (1, regions), replacement=black, steps=steps)
    torch.testing.assert_close(curve[0], 1 - shares)
    torch.testing.assert_close(curve_area(curve, shares), torch.full((1,), 0.5, dtype=torch.float64))


@CASES
@given(st.integers(1, 9), st.integers(1, 6), st.integers(0, 999))
def test_areas_over_equal_shares_are_those_of_trapezoids_of_equal_width(steps, regions_a_step, seed):
    curve = torch.rand(2, 3, steps + 1, generator=torch.Generator().manual_seed(seed))
    area = curve_area(curve, removal_shares(regions_a_step * steps, steps))
    assert area.dtype == curve.dtype
    torch.testing.assert_close(area, torch.trapezoid(curve, dx=1 / steps, dim=-1))


@CASES
@given(st.integers(0, 999), st.floats(0.05, 0.6))
def test_blur_is_an_average_that_a_plain_image_survives(seed, share):
    images, _ = drawn(seed)
    soft = blurred(images, share)
    assert soft.shape == images.shape
    assert images.min() <= soft.min()
    assert soft.max() <= images.max()
    assert soft.var(dim=(2, 3)).sum() < images.var(dim=(2, 3)).sum()
    plain = images[:, :, :1, :1].expand_as(images)
    torch.testing.assert_close(blurred(plain, share), plain)
    torch.testing.assert_close(blurred(images.mT, share), soft.mT)


def test_equals_go_in_the_order_they_stand():
    assert removal_order(torch.tensor([[0.2, 0.5, 0.2, 0.5]])).tolist() == [[1, 3, 0, 2]]


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: removal_order(torch.tensor([0.5])), "importance: expected finite numbers .* got shape"),
        (lambda: removal_order(torch.tensor([[float("nan")]])), "importance: expected finite numbers .* got shape"),
        (lambda: curve_of(order=torch.zeros(3, 5).long()), r"order: expected shapes .* \(\.\.\., n, 6\), got"),
        (lambda: curve_of(labels=torch.zeros(2).long()), "labels"),
        (lambda: curve_of(steps=0), "steps: expected at least 1, got 0"),
        (lambda: removal_shares(4, 0), "steps: expected at least 1, got 0"),
        (lambda: removal_shares(0, 4), "regions: expected at least 1, got 0"),
        (lambda: curve_area(torch.zeros(2, 3), removal_shares(4, 3)), r"curve, shares: expected .* \(4,\)"),
        (lambda: blurred(torch.zeros(1, 1, 2, 2), 0.0), "positive share"),
        (lambda: blurred(torch.zeros(1, 1, 2, 2).byte()), "uint8"),
    ],
)
def test_refuse_what_does_not_fit(call, said):
    with pytest.raises(InputError, match=said):
        call()


def curve_of(**changed) -> torch.Tensor:
    images, weights = drawn(0)
    arguments = {"labels": torch.zeros(3).long(), "order": torch.arange(6).repeat(3, 1), "steps": 2} | changed
    return deletion_curve(linear_network(weights), images, grid=GRID, **arguments)
