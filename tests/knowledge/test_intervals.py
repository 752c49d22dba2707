"""Intervals: what a spread over seeds adds, and when a difference is one."""

import naive
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.knowledge import (
    Interval,
    KnowledgePoints,
    bootstrap_count_differences,
    bootstrap_ratio,
    seed_spread,
    with_seed_spread,
    within_noise,
)

CASES = settings(max_examples=20)


def points(seed: int, n=20, r=6, share=0.5) -> KnowledgePoints:
    generator = np.random.default_rng(seed)
    mask = torch.from_numpy(generator.random((n, r)) < share)
    reliable = mask & torch.from_numpy(generator.random((n, r)) < 0.5)
    return KnowledgePoints(mask, reliable, mask.long(), mask.double(), mask.double())


@CASES
@given(st.floats(-2, 2), st.floats(0.01, 2), st.floats(0, 2))
def test_a_spread_over_seeds_widens_an_interval_about_its_value(value, reach, spread):
    difference = Interval(value, value - reach, value + 2 * reach)
    wide = with_seed_spread(difference, spread)
    assert wide.value == value
    assert wide.low <= difference.low + 1e-12
    assert wide.high >= difference.high - 1e-12
    assert with_seed_spread(difference, 0.0).low == pytest.approx(difference.low)
    # A difference that is noise for one spread is noise for any larger one.
    if within_noise(difference, spread):
        assert within_noise(difference, 2 * spread)


def test_variances_of_images_and_of_two_seeds_add_up():
    images, spread, z = 0.3, 0.2, 1.959964
    wide = with_seed_spread(Interval(0.0, -z * images, z * images), spread)
    assert wide.high == pytest.approx(z * (images**2 + 2 * spread**2) ** 0.5, rel=1e-6)


def test_differences_that_are_nothing_are_called_noise_about_as_often_as_promised():
    called = 0
    for seed in range(200):
        pair = points(seed, n=40), points(1000 + seed, n=40)
        found = bootstrap_count_differences(*pair, paired=False, resamples=200, seed=seed)
        called += bool(within_noise(found["total"]))
    assert 0.89 <= called / 200 <= 0.99
    apart = bootstrap_count_differences(points(0, share=0.2), points(1, share=0.8), resamples=200)
    assert within_noise(apart["total"]) is False
    assert within_noise(Interval(None, None, None), 0.1) is None


def test_unpaired_differences_take_other_images_and_another_number_of_them():
    first, second = points(0, n=20), points(1, n=35)
    found = bootstrap_count_differences(first, second, paired=False, resamples=300)
    assert found["total"].value == pytest.approx(second.total - first.total)
    assert found["ratio"].value == pytest.approx((second.ratio or 0) - (first.ratio or 0))
    same = bootstrap_count_differences(first, first, resamples=50)["total"]
    assert (same.low, same.high) == (0.0, 0.0)
    apart = bootstrap_count_differences(first, first, paired=False, resamples=50)["total"]
    assert apart.low is not None
    assert apart.low < 0


def test_ratio_of_sums_agrees_with_a_loop_over_draws():
    generator = np.random.default_rng(3)
    part, whole = (torch.from_numpy(generator.random(12)) for _ in range(2))
    found = bootstrap_ratio(part, whole, resamples=60, seed=5)
    draws = [naive.bootstrap_means(each.tolist(), 60, 5) for each in (part, whole)]
    ratios = [a / b for a, b in zip(*draws, strict=True)]
    assert (found.low, found.high) == pytest.approx(naive.interval(found.value, ratios, 12, 0.95))
    assert found.value == pytest.approx(float(part.sum() / whole.sum()))
    assert bootstrap_ratio(torch.zeros(3), torch.zeros(3)) == Interval(None, None, None)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: with_seed_spread(Interval(0, 0, 0), -1.0), "spread, level: expected .* got -1.0"),
        (lambda: bootstrap_ratio(torch.ones(2), torch.ones(3)), "part, whole"),
        (lambda: bootstrap_count_differences(points(0), points(1, n=3)), "of the same n"),
    ],
)
def test_refuse(call, said):
    with pytest.raises(InputError, match=said):
        call()


def test_spread_needs_two_seeds():
    assert seed_spread([None, 2.0]) is None
    assert seed_spread([1.0, 2.0, 3.0]) == pytest.approx(1.0)
