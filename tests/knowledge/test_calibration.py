"""One temperature for a layer: the naive writing, what leaves it as it is, a posterior that is right, odd input."""

import naive
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_posterior import right_posterior, scores

from patternscope.errors import InputError
from patternscope.knowledge.calibration import (
    at_temperature,
    calibrate,
    calibrate_folds,
    calibration_error,
    class_shares,
    reliability,
)

SEEDS = st.integers(0, 999)
BALANCED, UNBALANCED = (0.25,) * 4, (0.55, 0.25, 0.15, 0.05)


@settings(max_examples=12)
@given(SEEDS)
def test_agrees_with_the_naive_writing(seed):
    s, labels, fold = scores(seed)
    inverse = naive.best_inverse(s.tolist(), labels.tolist(), 3)
    found = calibrate(s, labels)
    assert 1 / found.temperature == pytest.approx(inverse, rel=1e-4, abs=1e-6)
    prior = naive.shares_of(labels.tolist(), 3)
    wanted = [[naive.tempered(region, 1 / found.temperature, prior) for region in image] for image in s.tolist()]
    np.testing.assert_allclose(found.log_posterior.exp(), wanted, atol=1e-12)
    temperatures, posterior = calibrate_folds(s, labels, fold)
    for own in (0, 1):
        others = fold != own
        assert temperatures[own] == calibrate(s[others], labels[others]).temperature
        mine = at_temperature(s[fold == own], temperatures[own], class_shares(labels, 3))
        assert torch.equal(posterior[fold == own], mine)


@settings(max_examples=25)
@given(SEEDS, st.floats(1e-2, 1e2), st.floats(-50, 50))
def test_the_unit_of_strength_and_a_constant_change_nothing(seed, unit, constant):
    s, labels, fold = scores(seed)
    plain, turned = (calibrate_folds(each, labels, fold) for each in (s, unit * s + constant))
    torch.testing.assert_close(turned[1], plain[1], rtol=0, atol=1e-5)
    torch.testing.assert_close(turned[0], unit * plain[0], rtol=1e-4, atol=0)


@settings(max_examples=25)
@given(SEEDS, st.permutations(range(3)), st.randoms(use_true_random=False))
def test_names_of_classes_and_the_order_of_images_are_no_matter(seed, names, random):
    s, labels, fold = scores(seed)
    names, order = torch.tensor(names), torch.tensor(random.sample(range(8), 8))
    _, plain = calibrate_folds(s, labels, fold)
    _, renamed = calibrate_folds(s[..., names], names.argsort()[labels], fold)
    torch.testing.assert_close(renamed, plain[..., names])
    _, moved = calibrate_folds(s[order], labels[order], fold[order])
    torch.testing.assert_close(moved, plain[order])


@pytest.mark.parametrize("shares", [BALANCED, UNBALANCED], ids=["balanced", "unbalanced"])
@pytest.mark.parametrize("seed", range(3))
def test_a_posterior_that_is_right_stays_as_it_is(shares, seed):
    s, labels = right_posterior(2000, 2, shares, seed)
    found = calibrate(s, labels)
    # The curvature of the mean surprise tells how well n images know 1 / T; regions of one image are independent here.
    p = found.log_posterior.exp()
    curvature = ((p * s * s).sum(-1) - (p * s).sum(-1).square()).mean()
    assert abs(1 / found.temperature - 1) < 4 / float(len(s) * 2 * curvature) ** 0.5
    told = calibration_error(reliability(found.log_posterior, labels))
    # What the error is where labels are drawn from p itself.
    generator = torch.Generator().manual_seed(seed)
    drawn = [torch.multinomial(p[:, 0], 1, generator=generator)[:, 0] for _ in range(40)]
    by_chance = [calibration_error(reliability(found.log_posterior[:, :1], each)) for each in drawn]
    assert told < 1.5 * max(by_chance)
    # Made twice as sure it is wrong by more than that, and put right again.
    sure = 2 * s
    assert calibrate(sure, labels).temperature == pytest.approx(2 * found.temperature, rel=1e-4)
    raw = at_temperature(sure, 1.0, class_shares(labels, 4))
    assert calibration_error(reliability(raw, labels)) > 2 * told


@settings(max_examples=12)
@given(SEEDS)
def test_calibration_error_is_the_naive_one(seed):
    s, labels, _ = scores(seed, n=20)
    p = s.softmax(-1)
    bins = reliability(p.log(), labels)
    assert calibration_error(bins) == pytest.approx(naive.calibration_error(p.tolist(), labels.tolist()), abs=1e-12)
    assert sum(each.share for each in bins) == pytest.approx(1)
    certain = torch.eye(3).log()[labels][:, None]
    assert [(each.confidence, each.right, each.share) for each in reliability(certain, labels)] == [(1.0, 1.0, 1.0)]


def test_where_nothing_is_known_the_shares_are_all_there_is():
    s, labels, _ = scores(0)
    wrong = (labels + 1) % 3
    against = 3.0 * torch.eye(3)[wrong][:, None]
    for told in (against, torch.zeros(8, 2, 3), s[:1].expand(8, 2, 3)):
        found = calibrate(told, labels)
        assert found.temperature == torch.inf
        torch.testing.assert_close(found.log_posterior, class_shares(labels, 3).log().expand(8, told.shape[1], 3))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_a_posterior_of_zero_and_one_is_never_nan(dtype):
    labels = torch.tensor([0, 1, 2, 0, 1, 2])
    one_hot = torch.eye(3).log().to(dtype)
    for said in (labels, torch.tensor([0, 1, 2, 0, 1, 0]), (labels + 1) % 3):
        found = calibrate(one_hot[said][:, None], labels)
        assert found.log_posterior.isfinite().all()
        assert found.temperature > 0
        temperatures, posterior = calibrate_folds(one_hot[said][:, None], labels, torch.arange(6) // 3)
        assert posterior.isfinite().all()
        assert not temperatures.isnan().any()


def test_one_image_a_class_a_class_absent_from_a_fold_and_one_class():
    s, _, _ = scores(1, n=4, c=4)
    labels = torch.arange(4)
    _, posterior = calibrate_folds(s, labels, torch.tensor([0, 0, 1, 1]))
    assert posterior.isfinite().all()
    one = torch.zeros(4, dtype=torch.long)
    for told in (s, s[..., :1]):
        found = calibrate(told, one)
        assert found.temperature == torch.inf
        assert (found.log_posterior[..., 0] == 0).all()
        assert not found.log_posterior.isnan().any()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"log_posterior": torch.zeros(4, 3)}, r"log_posterior: expected shape \(n, r, c\), got \(4, 3\)"),
        ({"log_posterior": torch.zeros(4, 0, 3)}, r"log_posterior: expected shape \(n, r, c\), got \(4, 0, 3\)"),
        ({"log_posterior": torch.full((4, 1, 3), torch.nan)}, "got NaN or inf"),
        ({"log_posterior": torch.full((4, 1, 3), torch.inf)}, "got NaN or inf"),
        ({"log_posterior": torch.full((4, 1, 3), -torch.inf)}, "expected a class with a probability in each region"),
        ({"labels": torch.tensor([0, 1, 3, 0])}, "labels: expected 0 to 2, got 0 to 3"),
        ({"labels": torch.tensor([0, 1, -1, 0])}, "labels: expected 0 to 2, got -1 to 1"),
        ({"labels": torch.tensor([0.0, 1, 2, 0])}, "labels: expected 4 integers"),
        ({"labels": torch.tensor([0, 1])}, "labels: expected 4 integers"),
        ({"class_prior": torch.tensor([0.5, 0.5])}, "class_prior: expected 3 shares that sum to 1"),
        ({"class_prior": torch.tensor([0.5, 0.5, 0.5])}, "class_prior: expected 3 shares that sum to 1"),
        ({"class_prior": torch.tensor([0.5, 0.5, 0.0])}, "class_prior: expected a share for each class with images"),
        ({"fold": torch.zeros(4).long()}, "fold: expected two or more folds of 4 images"),
        ({"fold": torch.tensor([0, 1])}, "fold: expected two or more folds of 4 images"),
    ],
)
def test_refuses_bad_input_in_one_line(changed, said):
    given_ = {"log_posterior": torch.zeros(4, 1, 3), "labels": torch.tensor([0, 1, 2, 0])} | changed
    fold = given_.pop("fold", torch.tensor([0, 1, 0, 1]))
    with pytest.raises(InputError, match=said) as raised:
        calibrate_folds(fold=fold, **given_)
    assert "\n" not in str(raised.value)
