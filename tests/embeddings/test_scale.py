"""Results do not depend on the unit of features, over the whole range of their type."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding
from patternscope.errors import InputError
from patternscope.knowledge import probe_evidence, unit_features

N, K, SIDE, CLASSES = 12, 6, 2, 3
LABELS = torch.arange(N) % CLASSES
PROBS = 0.1 + 0.7 * torch.eye(CLASSES)[LABELS]


def features(dtype: torch.dtype = torch.float32) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    centres = torch.rand(CLASSES, K, generator=generator, dtype=torch.float64)
    regions = centres[LABELS][:, :, None, None] + 0.2 * torch.rand(N, K, SIDE, SIDE, generator=generator)
    return regions.to(dtype)


def found(regional: torch.Tensor) -> dict[str, torch.Tensor]:
    sample = SampleEmbedding(K).fit({"target_probs": PROBS, "sample_features": regional[:, :, 0, 0]})
    weight = ImportanceWeight(*regional.shape).estimate({"target_probs": PROBS, "regional_features": regional})
    data = {
        "target_probs": PROBS,
        "regional_features": regional,
        "mean_directions": sample.mean_directions,
        "sample_embs": sample.embedding,
        "w_r": weight.region_weights,
        "w_k": weight.channel_weights,
    }
    region = RegionEmbedding(K).fit(data, {"objective": "likelihood"})
    paper = RegionEmbedding(K).fit(data, {"objective": "paper"})
    told = probe_evidence(regional, LABELS, torch.arange(N) // CLASSES % 2, classes=CLASSES)
    return {
        "sample": sample.embedding,
        "posterior": sample.posterior(regional[:, :, 0, 0]),
        "directions": sample.mean_directions,
        "region weights": weight.region_weights,
        "channel weights": weight.channel_weights,
        "region": region(regional),
        "paper": paper(regional),
        "evidence": told.per_region.float(),
        "patterns": unit_features(regional),
    }


TRUTH = {dtype: found(features(dtype)) for dtype in (torch.float32, torch.float64)}


def assert_same(one: dict[str, torch.Tensor], other: dict[str, torch.Tensor], dtype: torch.dtype) -> None:
    # Of least squares in float32; the paper's objective takes its steps by differences of losses.
    slack = {"rtol": 1e-2, "atol": 2e-3} if dtype == torch.float32 else {"rtol": 1e-5, "atol": 1e-6}
    for name, value in one.items():
        assert torch.isfinite(value).all(), name
        torch.testing.assert_close(value, other[name], msg=lambda text, name=name: f"{name}: {text}", **slack)


@settings(max_examples=4, derandomize=True)
@given(st.floats(-300, 300))
def test_any_unit_of_float64_gives_the_same(power):
    assert_same(found(features(torch.float64) * 10**power), TRUTH[torch.float64], torch.float64)


@settings(max_examples=4, derandomize=True)
@given(st.floats(-36, 38))
def test_any_unit_of_float32_gives_the_same(power):
    assert_same(found(features() * 10**power), TRUTH[torch.float32], torch.float32)


@pytest.mark.parametrize("power", [-1000, 1000])
def test_a_power_of_two_changes_no_digit_beyond_the_usual_range(power):
    one, other = (found(features(torch.float64) * 2.0**p) for p in (power, power + 7))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("factor", [2.0**-8, 2.0**15])
def test_the_whole_range_of_float16(factor):
    half = (features() / 2).half()
    assert_same(found((half.float() * factor).half()), found(half), torch.float32)


def test_numbers_at_the_ends_of_a_type_give_finite_fits():
    for value in (torch.finfo(torch.float32).max, torch.finfo(torch.float32).tiny, 2.0**-149):
        regional = (features() > 0.6).float() * value
        assert all(torch.isfinite(result).all() for result in found(regional).values())


def test_a_fit_beyond_float32_can_be_saved_and_goes_on():
    given_features = features()[:, :, 0, 0] * 1e38
    fitted = SampleEmbedding(K).fit({"target_probs": PROBS, "sample_features": given_features})
    again = SampleEmbedding(K)
    again.load_state_dict(fitted.state_dict())
    assert torch.equal(again(given_features), fitted(given_features))
    assert fitted.scale > 1e37


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1e12, 1e300])
def test_a_scale_far_from_the_features_is_one_line(scale):
    with pytest.raises(InputError, match=r'scale: expected "auto", or a number within a factor of 1e\+08'):
        SampleEmbedding(K, scale=scale).fit({"target_probs": PROBS, "sample_features": features()[:, :, 0, 0]})
    # The same in another unit.
    fitted = SampleEmbedding(K, scale=scale)
    fitted.fit({"target_probs": PROBS, "sample_features": features(torch.float64)[:, :, 0, 0] * scale})
    assert torch.isfinite(fitted.embedding).all()
