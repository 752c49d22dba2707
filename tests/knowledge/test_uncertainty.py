"""Noise: the naive writing of stability, what a spread over seeds adds, and when a difference is one."""

import itertools

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
    pointing_game,
    seed_spread,
    verdict_stability,
    with_seed_spread,
    within_noise,
)

CASES = settings(max_examples=20, deadline=None)


def points(seed: int, n=20, r=6, share=0.5) -> KnowledgePoints:
    generator = np.random.default_rng(seed)
    mask = torch.from_numpy(generator.random((n, r)) < share)
    reliable = mask & torch.from_numpy(generator.random((n, r)) < 0.5)
    return KnowledgePoints(mask, reliable, mask.long(), mask.double(), mask.double())


@CASES
@given(st.integers(2, 5), st.integers(0, 999))
def test_stability_agrees_with_the_naive_writing(seeds, seed):
    verdicts = torch.from_numpy(np.random.default_rng(seed).random((seeds, 3, 4)) < 0.5)
    verdicts[:, 0, 0] = True
    rows = verdicts.flatten(1).tolist()
    found = verdict_stability(verdicts)
    assert found.agreement == pytest.approx(naive.seeds_agree(rows))
    overlaps = [naive.jaccard(a, b) for a, b in itertools.combinations(rows, 2)]
    assert found.overlap == pytest.approx(np.mean(overlaps))
    share = float(verdicts.double().mean())
    chance = share**2 + (1 - share) ** 2
    if chance < 1:
        assert found.kappa == pytest.approx((found.agreement - chance) / (1 - chance))
    # Neither the order of seeds nor that of regions matters.
    turned = verdict_stability(verdicts.flip(0, 2))
    assert (turned.agreement, turned.overlap) == pytest.approx((found.agreement, found.overlap))


def test_stability_of_equal_of_chance_and_of_no_verdicts():
    drawn = torch.from_numpy(np.random.default_rng(0).random((2, 100, 100)) < 0.3)
    same = verdict_stability(drawn[:1].repeat(4, 1, 1))
    assert (same.agreement, same.kappa, same.overlap) == pytest.approx((1, 1, 1))
    assert verdict_stability(drawn).kappa == pytest.approx(0, abs=0.03)
    none = verdict_stability(torch.zeros(2, 3, 4).bool())
    assert (none.agreement, none.kappa, none.overlap) == (1, None, None)


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


def test_pointing_of_random_maps_scores_the_objects_share():
    cover = torch.rand(2000, 9, generator=torch.Generator().manual_seed(0)).double()
    chance = pointing_game(torch.rand(2000, 9, generator=torch.Generator().manual_seed(1)), cover)
    assert float(chance.mean()) == pytest.approx(float(cover.mean()), abs=0.03)
    assert torch.equal(pointing_game(cover, cover), cover.max(dim=1).values)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: verdict_stability(torch.zeros(1, 2, 3).bool()), "s >= 2"),
        (lambda: verdict_stability(torch.zeros(2, 2, 3)), "float32"),
        (lambda: with_seed_spread(Interval(0, 0, 0), -1.0), "spread"),
        (lambda: bootstrap_ratio(torch.ones(2), torch.ones(3)), "part, whole"),
        (lambda: pointing_game(torch.ones(2, 3), torch.ones(2, 4)), "cover"),
        (lambda: bootstrap_count_differences(points(0), points(1, n=3)), "of the same n"),
    ],
)
def test_refuse(call, said):
    with pytest.raises(InputError, match=said):
        call()


def test_spread_needs_two_seeds():
    assert seed_spread([None, 2.0]) is None
    assert seed_spread([1.0, 2.0, 3.0]) == pytest.approx(1.0)
