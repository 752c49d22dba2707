"""Temperatures by strength: the naive writing, one temperature as a special case, what leaves them as they are."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from invented_posterior import right_posterior, scores
from scipy.optimize import minimize

from patternscope.errors import InputError
from patternscope.knowledge.calibration import (
    at_temperature,
    calibrate,
    calibrate_by_strength,
    calibration_error,
    class_shares,
    fold_temperatures,
    reliability,
)
from patternscope.knowledge.region_evidence import evidence
from patternscope.knowledge.temperatures import Temperatures, temperatures_of_points

SEEDS = st.integers(0, 999)


def strengths(seed: int, n: int = 8, r: int = 2) -> torch.Tensor:
    return torch.rand(n, r, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) * 3


def surprise(inverses, s, strength, labels, prior, unit) -> float:
    """The mean -log p(y), region by region, each true class mixed with half an image of an unknown one."""
    total, n = 0.0, len(labels)
    for i, r in np.ndindex(strength.shape):
        share = strength[i, r] / (strength[i, r] + unit)
        inverse = (1 - share) * inverses[0] + share * inverses[1]
        z = [np.log(prior[c]) + inverse * s[i, r, c] for c in range(len(prior))]
        top = max(z)
        total_p = sum(np.exp(each - top) for each in z)
        for c, each in enumerate(z):
            wanted = (n * (c == labels[i]) + 0.5 * prior[c]) / (n + 0.5)
            total -= wanted * (each - top - np.log(total_p))
    return total / strength.size


@settings(max_examples=10)
@given(SEEDS)
def test_they_are_the_least_surprising_pair(seed):
    (s, labels, fold), strength = scores(seed), strengths(seed)
    found = fold_temperatures(s, strength, labels, fold)
    for own in (0, 1):
        others = fold != own
        unit = float(strength[others].mean())
        assert float(found.unit[own]) == pytest.approx(unit)
        given_ = (s[others].numpy(), strength[others].numpy(), labels[others].numpy())
        prior = class_shares(labels[others], 3).numpy()
        mine = [1 / float(found.weak[own]), 1 / float(found.strong[own])]
        best = minimize(surprise, [0.5, 0.5], (*given_, prior, unit), bounds=[(0, 500)] * 2, tol=1e-12)
        assert surprise(mine, *given_, prior, unit) <= best.fun + 1e-7


@settings(max_examples=25)
@given(SEEDS, st.floats(1e-3, 1e3))
def test_the_unit_of_strength_changes_nothing(seed, unit):
    (s, labels, fold), strength = scores(seed), strengths(seed)
    plain, scaled = (calibrate_by_strength(s, each, labels, fold) for each in (strength, unit * strength))
    torch.testing.assert_close(scaled[1], plain[1], rtol=0, atol=1e-6)
    torch.testing.assert_close(scaled[0].unit, unit * plain[0].unit)


@settings(max_examples=25)
@given(SEEDS)
def test_of_equal_strengths_they_say_what_one_temperature_says(seed):
    s, labels, fold = scores(seed)
    _, one = calibrate_by_strength(s, torch.ones(8, 2), labels, fold)
    for own in (0, 1):
        others = fold != own
        single = calibrate(s[others], labels[others]).temperature
        mine = at_temperature(s[fold == own], single, class_shares(labels, 3))
        torch.testing.assert_close(one[fold == own], mine, rtol=0, atol=1e-4)


@settings(max_examples=25)
@given(SEEDS, st.permutations(range(3)))
def test_names_of_classes_are_no_matter_and_evidence_is_at_most_that_of_certainty(seed, names):
    (s, labels, fold), strength, names = scores(seed), strengths(seed), torch.tensor(names)
    _, plain = calibrate_by_strength(s, strength, labels, fold)
    _, renamed = calibrate_by_strength(s[..., names], strength, names.argsort()[labels], fold)
    torch.testing.assert_close(renamed, plain[..., names], rtol=0, atol=1e-6)
    assert evidence(plain, labels, resamples=5).bits <= np.log2(3)


@pytest.mark.parametrize("seed", range(3))
def test_a_posterior_that_is_right_has_temperatures_near_one_and_no_error_but_noise(seed):
    s, labels = right_posterior(2000, 2, seed=seed)
    strength, fold = strengths(seed, 2000), torch.arange(2000) % 2
    found, posterior = calibrate_by_strength(s, strength, labels, fold)
    assert (found.middle - 1).abs().max() < 0.15
    assert calibration_error(reliability(posterior, labels)) < 0.03


@pytest.mark.parametrize("seed", range(3))
def test_a_posterior_that_is_too_sure_of_weak_regions_alone_is_put_right(seed):
    s, labels = right_posterior(2000, 2, seed=seed)
    generator, fold = torch.Generator().manual_seed(seed), torch.arange(2000) % 2
    weak = torch.rand(2000, 2, generator=generator) < 0.5
    strength = torch.where(weak, 0.01, 4.0).double()
    distorted = torch.where(weak[..., None], 4 * s, s)
    _, posterior = calibrate_by_strength(distorted, strength, labels, fold)
    one = calibrate(distorted, labels).log_posterior
    errors = [calibration_error(reliability(each, labels)) for each in (posterior, one)]
    assert errors[0] < 0.03 < 0.05 < errors[1]
    assert evidence(posterior, labels, resamples=5).bits > evidence(one, labels, resamples=5).bits


def test_where_nothing_is_known_both_are_infinite():
    _, labels, fold = scores(0)
    against = 3.0 * torch.eye(3)[(labels + 1) % 3][:, None].expand(8, 2, 3)
    for told in (against, torch.zeros(8, 2, 3)):
        for strength in (strengths(0), torch.zeros(8, 2)):
            found, posterior = calibrate_by_strength(told, strength, labels, fold)
            assert found.weak.isinf().all()
            assert found.strong.isinf().all()
            torch.testing.assert_close(posterior, class_shares(labels, 3).log().expand(8, 2, 3))


def test_a_posterior_of_zero_and_one_is_never_nan():
    labels, fold = torch.tensor([0, 1, 2, 0, 1, 2]), torch.arange(6) // 3
    one_hot = torch.eye(3).log()
    for said in (labels, torch.tensor([0, 1, 2, 0, 1, 0]), (labels + 1) % 3):
        for strength in (torch.rand(6, 1), torch.zeros(6, 1)):
            found, posterior = calibrate_by_strength(one_hot[said][:, None], strength, labels, fold)
            assert posterior.isfinite().all()
            assert not found.middle.isnan().any()


def test_strengths_of_another_shape_are_refused():
    s, labels, fold = scores(0)
    with pytest.raises(InputError, match="log_posterior, strength: expected"):
        calibrate_by_strength(s, torch.ones(8, 3), labels, fold)


def test_of_few_images_noise_has_no_points_and_what_is_known_keeps_them():
    """The regions of an image err together: forty images are forty draws, however many regions they have."""
    images, regions, trials = 40, 16, 40
    labels = torch.arange(images) % 2
    prior = class_shares(labels, 2)
    found = {"noise": 0, "noise by the temperature alone": 0, "known": 0}
    for seed in range(trials):
        draw = torch.Generator().manual_seed(seed)
        per_image = torch.randn(images, 1, generator=draw)
        noise = per_image + 0.3 * torch.randn(images, regions, generator=draw)
        fold = torch.randperm(images, generator=draw) % 2
        for name, score in (("noise", noise), ("known", noise.abs() * (1 - 2 * labels)[:, None])):
            s, strength = 2 * torch.stack([score, -score], dim=-1), score.abs()
            temperatures = fold_temperatures(s, strength, labels, fold).rows(fold)
            calibrated = at_temperature(s, temperatures.of(strength), prior)
            told = evidence(calibrated, labels, prior, resamples=200, seed=0).interval

            def points(used: Temperatures, s: torch.Tensor = s, strength: torch.Tensor = strength) -> bool:
                confidence = at_temperature(s, used.of(strength), prior).exp().amax(-1)
                return bool((confidence > 0.6).double().sum(1).mean() > 0.1)

            found[name] += points(temperatures_of_points(temperatures, told))
            if name == "noise":
                found["noise by the temperature alone"] += points(temperatures)
    assert found["noise"] <= 0.05 * trials
    assert found["noise by the temperature alone"] > 0.2 * trials  # so that this test can fail
    assert found["known"] == trials
