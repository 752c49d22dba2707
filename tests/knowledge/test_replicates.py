"""Several networks: intervals that hold networks and images, what all networks share, and the rule for noise."""

from itertools import product
from math import sqrt
from statistics import NormalDist

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.knowledge.intervals import Interval, with_seed_spread, within_noise
from patternscope.knowledge.noise import Noise, with_noise
from patternscope.knowledge.replicates import difference_over_networks, over_networks, shared_by_all, shared_by_chance

CASES = settings(max_examples=30)
T_OF_TWO = 4.302653  # Student's quantile of 2 degrees of freedom, from a table
numbers = st.lists(st.floats(-5, 5), min_size=2, max_size=6)


def around(value: float, half: float) -> Interval:
    return Interval(value, value - half, value + half)


def naive_shared(masks, categories):
    m, n, r = masks.shape
    both = either = 0
    for image, region in product(range(n), range(r)):
        found = {int(categories[k, image, region]) for k in range(m) if masks[k, image, region]}
        every = all(bool(masks[k, image, region]) for k in range(m))
        both += every and len(found) == 1
        either += bool(found)
    return both / either if either else None


def test_three_networks_by_hand():
    found = over_networks([around(1.0, 0.3), around(2.0, 0.6), around(3.0, 0.3)])
    half = sqrt((T_OF_TWO * 1.0 / sqrt(3)) ** 2 + 0.4**2)
    assert found.value == pytest.approx(2.0)
    assert (found.low, found.high) == pytest.approx((2 - half, 2 + half))
    assert over_networks([around(1.0, 0.3), around(3.0, 0.3)], within=(0, 4)) == Interval(2.0, 0, 4)


@CASES
@given(numbers, st.floats(0, 2), st.floats(-3, 3), st.floats(0.1, 3))
def test_order_does_not_matter_and_units_and_origins_pass_through(values, half, shift, unit):
    found = over_networks([around(value, half) for value in values])
    again = over_networks([around(value, half) for value in reversed(values)])
    assert (again.value, again.low, again.high) == pytest.approx((found.value, found.low, found.high))
    moved = over_networks([around(unit * value + shift, unit * half) for value in values])
    assert moved.value == pytest.approx(unit * found.value + shift, abs=1e-6)
    assert moved.high - moved.low == pytest.approx(unit * (found.high - found.low), abs=1e-6)
    # Never narrower than that over images alone.
    assert found.high - found.low >= 2 * half - 1e-9


def test_what_some_networks_do_not_have():
    unknown = Interval(None, None, None)
    assert over_networks([unknown, unknown]) == unknown
    assert over_networks([around(1.0, 0.2), unknown]) == Interval(1.0, None, None)
    assert over_networks([around(1.0, 0.2), Interval(3.0, None, None)]) == Interval(2.0, None, None)
    assert over_networks([around(1.0, 0.2), unknown, around(1.0, 0.2)]).low == pytest.approx(0.8)
    with pytest.raises(InputError, match="expected at least one network"):
        over_networks([])


# Of the two standard deviations, over networks and over images, one, the other or both.
@pytest.mark.parametrize(("networks", "images"), [(1.0, 0.0), (0.0, 1.0), (1.0, 0.6), (0.3, 1.0)])
def test_the_interval_holds_the_truth_as_often_as_it_says(networks, images):
    rng, z, trials, held = np.random.default_rng(0), NormalDist().inv_cdf(0.975), 3000, 0
    for _ in range(trials):
        # The images are the same for all networks, so that their noise is common.
        values = networks * rng.standard_normal(3) + images * rng.standard_normal()
        found = over_networks([around(float(value), z * images) for value in values])
        held += found.low - 1e-12 <= 0 <= found.high + 1e-12
    assert held / trials > 0.935
    if not networks or not images:
        assert held / trials < 0.965


def test_images_alone_hold_another_training_less_often_than_they_say():
    rng, z = np.random.default_rng(1), NormalDist().inv_cdf(0.975)
    draws = rng.standard_normal(3000) + 0.3 * rng.standard_normal(3000)
    assert np.mean(np.abs(draws) <= z * 0.3) < 0.6


@CASES
@given(st.integers(2, 4), st.integers(0, 2**16))
def test_what_all_share_is_what_a_loop_counts(m, seed):
    rng = np.random.default_rng(seed)
    masks = torch.from_numpy(rng.random((m, 5, 4)) < 0.7)
    categories = torch.from_numpy(rng.integers(0, 2, (m, 5, 4)))
    found = shared_by_all(masks, categories)
    assert found == pytest.approx(naive_shared(masks, categories))
    order = torch.from_numpy(rng.permutation(m))
    assert shared_by_all(masks[order], categories[order]) == found
    # A network more can only take away.
    assert found is None or found <= (shared_by_all(masks[:-1], categories[:-1]) or 0.0) + 1e-12


def test_networks_that_share_nothing_but_a_rate_are_at_chance():
    rng = np.random.default_rng(0)
    masks = torch.from_numpy(rng.random((3, 200, 20)) < 0.5)
    categories = torch.from_numpy(rng.integers(0, 2, (3, 200, 20)))
    assert shared_by_all(masks, categories) == pytest.approx(shared_by_chance(masks, categories), abs=0.01)
    alike = masks[:1].expand(3, -1, -1), categories[:1].expand(3, -1, -1)
    assert shared_by_all(*alike) == 1
    assert shared_by_chance(*alike) < 0.1
    nothing = torch.zeros(2, 3, 4).bool(), torch.zeros(2, 3, 4).long()
    assert shared_by_all(*nothing) is None
    assert shared_by_chance(*nothing) is None


def test_a_difference_within_networks_is_that_of_the_networks_differences():
    found = difference_over_networks(Interval(1.0, 0.8, 1.3), [1.0, 2.0, 3.0])
    between = T_OF_TWO / sqrt(3)
    assert found.value == 2
    assert found.low == pytest.approx(2 - sqrt(between**2 + 0.2**2))
    assert found.high == pytest.approx(2 + sqrt(between**2 + 0.3**2))
    assert difference_over_networks(Interval(None, None, None), [None, None]) == Interval(None, None, None)
    # What all networks agree on is not widened by how far they are apart in each of the two numbers.
    assert difference_over_networks(around(1.0, 0.2), [1.0, 1.0, 1.0]).low == pytest.approx(0.8)


@CASES
@given(st.floats(-2, 2), st.floats(0.01, 1), st.floats(0, 1), st.floats(0, 1))
def test_more_noise_never_makes_a_difference_clearer(value, half, draws, trainings):
    plain = around(value, half)
    assert with_noise(plain, Noise()) == plain
    assert with_noise(plain, Noise(draws=draws)) == with_seed_spread(plain, draws)
    wide = with_noise(plain, Noise(draws=draws, trainings=trainings, count=3))
    assert wide.low <= with_seed_spread(plain, draws).low + 1e-12
    assert not (within_noise(plain) and not within_noise(wide))


def test_squares_of_half_widths_add_up():
    z = NormalDist().inv_cdf(0.975)
    found = with_noise(around(1.0, 0.5), Noise(draws=0.2, trainings=0.3, count=3))
    assert found.high == pytest.approx(1 + sqrt(0.5**2 + 2 * (z * 0.2) ** 2 + 2 * (T_OF_TWO * 0.3) ** 2), rel=1e-5)
    with pytest.raises(InputError, match="at least 2 networks"):
        with_noise(around(1.0, 0.5), Noise(trainings=0.3, count=1))
    assert with_noise(Interval(1.0, None, None), Noise(draws=0.1, trainings=0.1, count=2)).low is None
