"""The linear probe: scikit-learn's with the same penalty, features that tell nothing, units, layouts, odd input."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.knowledge.calibration import calibrate_folds
from patternscope.knowledge.folds import assign_folds
from patternscope.knowledge.probe import probe_evidence
from patternscope.knowledge.region_evidence import evidence

DECAY = 1e-3


def draw(seed: int = 0, n: int = 60, k: int = 5, side: int = 2, c: int = 3, told: float = 1.0):
    """Features (n, k, side, side) of which the first c tell the class as much as is asked for, and labels."""
    generator = torch.Generator().manual_seed(seed)
    labels = torch.arange(n) % c
    features = torch.randn(n, k, side, side, generator=generator)
    features[torch.arange(n), labels] += told
    return features, labels


def by_scikit_learn(features, labels, fold, classes: int) -> torch.Tensor:
    """Scores (n, r, c) of each fold by a regression on the others, whose offset is penalised like a weight."""
    linear_model = pytest.importorskip("sklearn.linear_model", reason="needs scikit-learn")

    n, k, h, w = features.shape
    rows, regions = features.double().permute(0, 2, 3, 1).reshape(n, h * w, k), h * w
    scores = torch.zeros(n, regions, classes, dtype=torch.float64)
    for own in (0, 1):
        seen = rows[fold != own].reshape(-1, k)
        mean, spread = seen.mean(0), seen.std(0, correction=0)

        def standard(values, mean=mean, spread=spread):
            values = ((values - mean) / spread).reshape(-1, k)
            return torch.cat([values, torch.ones(len(values), 1)], dim=1).numpy()

        model = linear_model.LogisticRegression(C=1 / (len(seen) * DECAY), fit_intercept=False, tol=1e-8, max_iter=1000)
        model.fit(standard(seen), labels[fold != own].repeat_interleave(regions).numpy())
        told = torch.from_numpy(model.decision_function(standard(rows[fold == own])))
        scores[fold == own] = told.reshape(-1, regions, classes)
    return scores


@pytest.mark.parametrize(("seed", "told"), [(0, 1.0), (1, 2.0), (2, 0.5)])
def test_agrees_with_scikit_learn(seed, told):
    features, labels = draw(seed, told=told)
    features = features * torch.tensor([1.0, 30.0, 0.01, 1.0, 1.0])[:, None, None] + 5  # standardised anyway
    fold = assign_folds(labels)
    found = probe_evidence(features, labels, fold, resamples=10)
    _, posterior = calibrate_folds(by_scikit_learn(features, labels, fold, 3), labels, fold)
    wanted = evidence(posterior, labels, resamples=10)
    torch.testing.assert_close(found.per_region, wanted.per_region, rtol=0, atol=0.02)
    assert found.bits == pytest.approx(wanted.bits, abs=2e-3)
    assert wanted.bits > 0.05


@pytest.mark.parametrize("seed", range(4))
def test_features_that_tell_nothing_are_told_from_those_that_do(seed):
    features, labels = draw(seed, n=120, told=0.0)
    nothing = probe_evidence(features, labels, resamples=300)
    assert abs(nothing.bits) < 0.02
    assert nothing.low <= 0.01
    all_of_it = draw(seed, n=120, told=12.0)
    assert probe_evidence(*all_of_it, resamples=10).bits == pytest.approx(1.585, abs=0.02)


@settings(max_examples=6)
@given(st.integers(0, 99), st.floats(0.01, 100), st.floats(-5, 5))
def test_units_layouts_and_names_of_classes_are_no_matter(seed, unit, offset):
    features, labels = draw(seed, n=24)
    features, fold = features.double(), assign_folds(labels)
    plain = probe_evidence(features, labels, fold, resamples=10).per_region
    for other in (unit * features + offset, features.contiguous(memory_format=torch.channels_last)):
        torch.testing.assert_close(
            probe_evidence(other, labels, fold, resamples=10).per_region, plain, rtol=0, atol=1e-2
        )
    renamed = probe_evidence(features, (labels + 1) % 3, fold, resamples=10).per_region
    torch.testing.assert_close(renamed, plain, rtol=0, atol=1e-2)


def test_features_are_left_as_they_were():
    features, labels = draw()
    before = features.clone()
    probe_evidence(features, labels, resamples=10)
    assert torch.equal(features, before)


def test_odd_input_has_a_defined_value():
    features, labels = draw(n=12)
    zero = probe_evidence(torch.zeros(12, 3, 2, 2), labels, resamples=10)
    assert zero.bits == pytest.approx(0, abs=1e-6)
    one_class = probe_evidence(features, torch.zeros(12, dtype=torch.long), classes=3, resamples=10)
    assert one_class.bits == 0
    alone = probe_evidence(features[:3], torch.arange(3), resamples=10)
    absent = probe_evidence(features[:4], torch.tensor([0, 0, 1, 1]), torch.tensor([0, 0, 1, 1]), resamples=10)
    for told in (zero, one_class, alone, absent):
        assert told.per_region.isfinite().all()


@pytest.mark.parametrize(
    ("features", "labels", "said"),
    [
        (torch.rand(4, 3, 2), torch.arange(4), r"regional_features: expected shape \(n, k, h, w\) .*, got \(4, 3, 2\)"),
        (torch.rand(4, 3, 2, 2), torch.arange(3), "labels: expected 4 integers"),
        (torch.full((4, 3, 2, 2), torch.nan), torch.arange(4), "regional_features: .*NaN"),
        (torch.rand(1, 3, 2, 2), torch.tensor([0]), "images: expected at least 2, one per fold, got 1"),
    ],
)
def test_refuses_bad_input_in_one_line(features, labels, said):
    with pytest.raises(InputError, match=said) as raised:
        probe_evidence(features, labels)
    assert "\n" not in str(raised.value)
