"""Evidence, stability and common points: naive writings, what changes nothing, bounds, known posteriors."""

from math import log2

import naive
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_posterior import right_posterior, scores

from patternscope.errors import InputError
from patternscope.knowledge.calibration import calibrate_folds, class_shares
from patternscope.knowledge.folds import assign_folds
from patternscope.knowledge.points import find_knowledge_points
from patternscope.knowledge.region_evidence import evidence, region_bits, shared_points, stability
from patternscope.radial import log_posterior

SEEDS = st.integers(0, 999)


def told_of(s, labels, fold, **options):
    return evidence(calibrate_folds(s, labels, fold)[1], labels, **{"resamples": 20, **options})


@settings(max_examples=8)
@given(SEEDS)
def test_agrees_with_the_naive_writing(seed):
    s, labels, fold = scores(seed)
    found = told_of(s, labels, fold)
    wanted = naive.evidence(s.tolist(), labels.tolist(), fold.tolist(), 3)
    np.testing.assert_allclose(found.per_region, wanted, atol=2e-3)
    assert found.bits == pytest.approx(float(found.per_region.mean()))
    assert found.low <= found.bits <= found.high


@settings(max_examples=25)
@given(SEEDS, st.integers(2, 5), st.floats(0.1, 30))
def test_is_at_most_what_the_shares_leave_open(seed, c, sure):
    generator = torch.Generator().manual_seed(seed)
    labels = torch.randint(c, (12,), generator=generator)
    s = sure * (torch.eye(c)[labels][:, None] + torch.randn(12, 2, c, generator=generator) / 3)
    shares = class_shares(labels, c)
    entropy = -sum(share * log2(share) for share in shares.tolist() if share)
    assert told_of(s, labels, torch.arange(12) % 2).bits <= entropy + 1e-9 <= log2(c) + 2e-9


@settings(max_examples=15)
@given(SEEDS, st.integers(2, 5), st.floats(0.05, 20))
def test_a_turn_of_the_space_and_the_unit_of_the_posterior_change_nothing(seed, e, unit):
    generator = torch.Generator().manual_seed(seed)
    h = torch.randn(8, 3, e, generator=generator, dtype=torch.float64)
    mu = torch.nn.functional.normalize(torch.randn(3, e, generator=generator, dtype=torch.float64), dim=1)
    labels, fold = torch.arange(8) % 3, torch.arange(8) // 3 % 2
    turn = torch.linalg.qr(torch.randn(e, e, generator=generator, dtype=torch.float64))[0]
    plain = told_of(log_posterior(h, mu, 1000.0), labels, fold)
    turned = told_of(unit * log_posterior(h @ turn, mu @ turn, 1000.0), labels, fold)
    torch.testing.assert_close(turned.per_region, plain.per_region, rtol=0, atol=1e-4)


def test_an_infinite_temperature_is_exactly_nothing():
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    against = 4.0 * torch.eye(3)[(labels + 1) % 3][:, None]
    temperature, posterior = calibrate_folds(against, labels, torch.arange(6) // 3)
    told = evidence(posterior, labels)
    assert temperature.isinf().all()
    assert (told.bits, told.low, told.high) == (0.0, 0.0, 0.0)
    assert (told.per_region == 0).all()
    h = 9 * torch.eye(3)[labels][:, None]
    points = find_knowledge_points(h, torch.eye(3), labels, unit_strength=1.0, temperature=temperature[labels % 2])
    assert points.total == 0
    assert find_knowledge_points(h, torch.eye(3), labels, unit_strength=1.0).total == 1


@pytest.mark.parametrize("shares", [(0.25,) * 4, (0.55, 0.25, 0.15, 0.05)], ids=["balanced", "unbalanced"])
def test_a_posterior_that_is_right_tells_the_mutual_information(shares):
    s, labels = right_posterior(4000, 1, shares, noise=0.7)
    own = s.gather(2, labels[:, None, None])[..., 0]
    marginal = (s + torch.tensor(shares, dtype=torch.float64).log()).logsumexp(-1)
    information = float((own - marginal).mean()) / np.log(2)
    told = told_of(s, labels, torch.arange(4000) % 2, resamples=200)
    assert told.bits == pytest.approx(information, abs=0.01)
    assert told.low < information < told.high
    assert told.calibration_error < 0.04


@pytest.mark.parametrize("seed", range(4))
def test_labels_of_other_images_are_not_told(seed):
    s, labels = right_posterior(400, 3, (0.4, 0.3, 0.2, 0.1), seed, noise=0.7)
    own = told_of(s, labels, assign_folds(labels))
    moved = labels[torch.randperm(400, generator=torch.Generator().manual_seed(seed))]
    other = told_of(s, moved, assign_folds(moved), resamples=500, level=0.999)
    assert own.bits > 0.3
    assert abs(other.bits) < 0.01
    assert other.low <= 0 <= other.high


def test_one_image_has_no_interval_and_shapes_have_to_agree():
    told = evidence(torch.tensor([[[0.5, 0.5]]]).double().log(), torch.tensor([0]), torch.tensor([0.5, 0.5]))
    assert (told.bits, told.low, told.high) == (0.0, None, None)
    with pytest.raises(InputError, match="labels"):
        evidence(torch.zeros(2, 1, 2), torch.tensor([0]))
    certain = region_bits(torch.eye(4).log()[:, None], torch.arange(4), torch.full((4,), 0.25))
    assert (certain == 2).all()


@settings(max_examples=15)
@given(SEEDS, st.integers(1, 5))
def test_stability_and_common_points_are_the_naive_ones(seed, refits):
    generator = torch.Generator().manual_seed(seed)
    masks = torch.rand(refits, 4, 5, generator=generator) > 0.5
    categories = torch.randint(3, (refits, 4, 5), generator=generator)
    category = torch.randint(3, (4, 5), generator=generator)
    wanted = naive.stability(masks.tolist(), categories.tolist(), category.tolist())
    np.testing.assert_allclose(stability(masks, categories, category), wanted, rtol=1e-6)
    pair = [0, refits - 1]
    common = shared_points(masks[pair], categories[pair])
    assert common == naive.shared_points(masks[pair].tolist(), categories[pair].tolist())
    assert shared_points(masks[[0, 0]], categories[[0, 0]]) in (None, 1.0)


def test_no_point_at_all_has_nothing_in_common():
    nothing = torch.zeros(2, 3, 4, dtype=torch.bool)
    assert shared_points(nothing, nothing.long()) is None
    assert (stability(nothing, nothing.long(), nothing[0].long()) == 0).all()
