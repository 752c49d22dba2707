"""Similarities and matches against the naive writing, and the laws they obey."""

import naive
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from patternscope.radial.posterior import orientation
from patternscope.similarity import (
    combine_regions,
    embedding_log_similarity,
    feature_log_similarity,
    feature_scores,
    match_regions,
    matching,
    target_log_similarity,
    unit_regions,
)
from patternscope.similarity.feature_scores import channel_scores, flat_rows, matched_scores
from patternscope.similarity.matching import best_matches, index_type

SEEDS = st.integers(0, 10_000)
CASES = settings(max_examples=10)
ANCHOR, OTHERS = 1, torch.tensor([0, 2, 4])


def draw(seed: int, n=5, r=4, k=6):
    """Features (n, r, k), channel weights, region weights, probabilities."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    return normal(n, r, k).relu(), normal(n, k).softmax(1), normal(n, r).softmax(1), normal(n, 3).softmax(1)


@CASES
@given(SEEDS)
def test_agree_with_the_naive_writing(seed):
    features, v, w, probs = draw(seed)
    np.testing.assert_allclose(
        target_log_similarity(probs, ANCHOR, OTHERS, 5.0).exp(),
        naive.target_similarity(probs.numpy(), ANCHOR, OTHERS.tolist()),
        rtol=1e-9,
    )
    matches = match_regions(features, v, ANCHOR, OTHERS)
    assert matches.dtype == torch.int64
    np.testing.assert_array_equal(matches, naive.match(features.numpy(), v.numpy(), ANCHOR, OTHERS.tolist()))
    np.testing.assert_allclose(
        feature_log_similarity(features, v, w, matches, ANCHOR, OTHERS, 30.0).exp(),
        naive.feature_similarity(
            features.numpy(), v.numpy(), w.numpy(), matches.numpy(), ANCHOR, OTHERS.tolist(), 30.0
        ),
        rtol=1e-8,
    )
    h = features[..., :3] - features[..., 3:]
    np.testing.assert_allclose(
        embedding_log_similarity(h, w, matches, ANCHOR, OTHERS, 100.0).exp(),
        naive.embedding_similarity(h.numpy(), w.numpy(), matches.numpy(), ANCHOR, OTHERS.tolist(), 100.0),
        rtol=1e-4,
    )


@CASES
@given(SEEDS, st.floats(0.1, 100))
def test_one_softmax_equals_the_definition_with_two(seed, sharpness):
    generator = torch.Generator().manual_seed(seed)
    scores = sharpness * torch.randn(6, 5, generator=generator, dtype=torch.float64)
    weights = torch.randn(5, generator=generator, dtype=torch.float64).softmax(0)
    by_region = torch.log_softmax(scores, dim=0)
    wanted = torch.log_softmax(by_region @ weights, dim=0)
    torch.testing.assert_close(combine_regions(scores, weights), wanted)
    if sharpness < 20:
        np.testing.assert_allclose(
            combine_regions(scores, weights).exp(), naive.combine(scores.tolist(), weights.tolist()), rtol=1e-9
        )


@CASES
@given(SEEDS)
def test_order_of_neighbours_channels_and_regions_does_not_matter(seed):
    features, v, w, probs = draw(seed)
    turn = torch.tensor([2, 0, 1])
    matches = match_regions(features, v, ANCHOR, OTHERS)
    assert torch.equal(match_regions(features, v, ANCHOR, OTHERS[turn]), matches[turn])
    q = feature_log_similarity(features, v, w, matches, ANCHOR, OTHERS, 30.0)
    torch.testing.assert_close(
        feature_log_similarity(features, v, w, matches[turn], ANCHOR, OTHERS[turn], 30.0), q[turn]
    )
    torch.testing.assert_close(
        target_log_similarity(probs, ANCHOR, OTHERS[turn]), target_log_similarity(probs, ANCHOR, OTHERS)[turn]
    )
    channels = torch.randperm(6, generator=torch.Generator().manual_seed(seed))
    torch.testing.assert_close(
        feature_log_similarity(features[..., channels], v[:, channels], w, matches, ANCHOR, OTHERS, 30.0), q
    )
    regions = torch.randperm(4, generator=torch.Generator().manual_seed(seed))
    moved = match_regions(features[:, regions], v, ANCHOR, OTHERS)
    torch.testing.assert_close(
        feature_log_similarity(features[:, regions], v, w[:, regions], moved, ANCHOR, OTHERS, 30.0), q
    )


@CASES
@given(SEEDS, st.floats(0.01, 100))
def test_strength_of_regional_features_does_not_matter(seed, factor):
    features, v, w, _ = draw(seed)
    matches = match_regions(features, v, ANCHOR, OTHERS)
    assert torch.equal(match_regions(factor * features, v, ANCHOR, OTHERS), matches)
    torch.testing.assert_close(
        feature_log_similarity(factor * features, v, w, matches, ANCHOR, OTHERS, 30.0),
        feature_log_similarity(features, v, w, matches, ANCHOR, OTHERS, 30.0),
    )


def test_classes_may_be_relabelled_and_rows_sum_to_one():
    _, _, _, probs = draw(0)
    log_p = target_log_similarity(probs, ANCHOR, OTHERS)
    torch.testing.assert_close(target_log_similarity(probs[:, [2, 0, 1]], ANCHOR, OTHERS), log_p)
    assert float(log_p.exp().sum()) == pytest.approx(1)
    both = target_log_similarity(probs, torch.tensor([ANCHOR, 0]), torch.stack([OTHERS, OTHERS + 0]))
    torch.testing.assert_close(both[0], log_p)


@CASES
@given(SEEDS)
def test_many_anchors_at_once_are_each_on_its_own(seed):
    _, _, _, probs = draw(seed, n=8)
    generator = torch.Generator().manual_seed(seed)
    neighbours = torch.stack([torch.randperm(8, generator=generator)[:3] for _ in range(4)])
    together = target_log_similarity(probs, torch.arange(4), neighbours)
    alone = [target_log_similarity(probs, anchor, each) for anchor, each in enumerate(neighbours)]
    torch.testing.assert_close(together, torch.stack(alone))


def test_probabilities_of_neighbours_are_not_copied_for_each_anchor():
    probs = torch.rand(600, 400, generator=torch.Generator().manual_seed(0)).softmax(1)
    neighbours = torch.arange(50).expand(600, 50)
    largest = 0

    class Sizes(TorchDispatchMode):
        """Notes the most numbers that any result has."""

        def __torch_dispatch__(self, func, types, args=(), kwargs=None):
            nonlocal largest
            found = func(*args, **(kwargs or {}))
            for each in found if isinstance(found, tuple) else (found,):
                largest = max(largest, each.numel())
            return found

    with Sizes():
        target_log_similarity(probs, torch.arange(600), neighbours)
    assert largest <= probs.numel()


def test_scores_far_beyond_the_linear_domain_stay_finite():
    scores = torch.tensor([[1e5, -1e5], [-1e5, 1e5]])
    torch.testing.assert_close(combine_regions(scores, torch.tensor([0.5, 0.5])).exp(), torch.tensor([0.5, 0.5]))
    assert torch.isfinite(combine_regions(scores, torch.tensor([1.0, 0.0]))).all()


def test_all_zero_regions_stay_zero_and_match_the_first():
    features, v, w, _ = draw(2)
    features[ANCHOR, 0] = 0
    assert unit_regions(features)[ANCHOR, 0].abs().max() == 0
    matches = match_regions(features, v, ANCHOR, OTHERS)
    assert matches[:, 0].tolist() == [0, 0, 0]
    assert torch.isfinite(feature_log_similarity(features, v, w, matches, ANCHOR, OTHERS, 30.0)).all()
    assert orientation(torch.zeros(1, 3)).tolist() == [[0, 0, 0]]


@pytest.mark.parametrize("budget", [1, 40, 1 << 20])
def test_blocks_of_any_size_match_alike(monkeypatch, budget):
    features, v, _, _ = draw(3)
    unit = unit_regions(features)
    weighted = unit * v[:, None]
    positions = torch.tensor([[j for j in range(5) if j != i] for i in range(5)])
    monkeypatch.setattr(matching, "_SCORES_AT_ONCE", budget)
    score, index = best_matches(weighted, unit, positions)
    assert index.dtype == torch.uint8
    for i in range(5):
        wanted = naive.match(features.numpy(), v.numpy(), i, positions[i].tolist())
        np.testing.assert_array_equal(index[i], wanted)
        for row, j in enumerate(positions[i].tolist()):
            for r in range(4):
                best = naive.weighted_score(features.numpy(), v.numpy(), i, r, j, int(wanted[row, r]))
                assert float(score[i, row, r]) == pytest.approx(best)


@CASES
@given(SEEDS)
def test_match_in_bfloat16_is_nearly_the_best_and_its_score_exact(seed):
    features, v, _, _ = draw(seed)
    weighted, unit = unit_regions(features) * v[:, None], unit_regions(features)
    positions = torch.tensor([[j for j in range(5) if j != i] for i in range(5)])
    exact, _ = best_matches(weighted, unit, positions)
    score, index = best_matches(weighted, unit, positions, torch.bfloat16)
    products = torch.einsum("brk,bmsk->bmrs", weighted, unit[positions])
    taken = products.gather(3, index.long()[..., None])[..., 0]
    torch.testing.assert_close(score, taken)
    # Features are never negative here, so that the sum of |v f f'| is the score.
    assert (exact - taken <= exact / 80 + 1e-12).all()


@CASES
@given(SEEDS, st.sampled_from([torch.float32, torch.float64, torch.bfloat16]))
def test_first_of_equals_whatever_the_type(seed, dtype):
    generator = torch.Generator().manual_seed(seed)
    # Few different features, so that equals abound; 300 regions need more than eight bits.
    unit = torch.eye(3)[torch.randint(3, (2, 300), generator=generator)].to(torch.float32)
    _, index = best_matches(unit[:1, :5], unit, torch.tensor([[0, 1]]), dtype)
    for row in range(2):
        products = (unit[0, :5] @ unit[row].T).numpy()
        np.testing.assert_array_equal(index[0, row], products.argmax(axis=1))


@pytest.mark.parametrize(
    ("regions", "wanted"), [(1, torch.uint8), (256, torch.uint8), (257, torch.int16), (1 << 16, torch.int32)]
)
def test_smallest_index_type_holds_the_last_region(regions, wanted):
    assert index_type(regions) == wanted
    assert regions - 1 <= torch.iinfo(wanted).max


@pytest.mark.parametrize("cached", [1, 1 << 19])
def test_sums_over_matches_are_those_of_loops(monkeypatch, cached):
    features, v, w, _ = draw(5)
    unit = unit_regions(features)
    positions = torch.tensor([1, 2, 4])
    matches = torch.randint(0, 4, (3, 4), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    rows = flat_rows(positions, matches, 4).T
    monkeypatch.setattr(feature_scores, "_CACHED_NUMBERS", cached)
    by_channel = channel_scores(unit[0] * w[0][:, None], unit, rows)
    by_region = matched_scores(unit[0] * v[0], unit, rows)
    for row, j in enumerate(positions.tolist()):
        other = [unit[j, int(matches[row, r])] for r in range(4)]
        for k in range(6):
            wanted = sum(w[0, r] * unit[0, r, k] * other[r][k] for r in range(4))
            assert float(by_channel[row, k]) == pytest.approx(float(wanted))
        for r in range(4):
            wanted = sum(v[0, k] * unit[0, r, k] * other[r][k] for k in range(6))
            assert float(by_region[r, row]) == pytest.approx(float(wanted))


def test_inputs_are_left_as_they_are():
    inputs = draw(6)
    before = [each.clone() for each in inputs]
    features, v, w, probs = inputs
    matches = match_regions(features, v, ANCHOR, OTHERS)
    feature_log_similarity(features, v, w, matches, ANCHOR, OTHERS, 30.0)
    embedding_log_similarity(features, w, matches, ANCHOR, OTHERS, 30.0)
    target_log_similarity(probs, ANCHOR, OTHERS)
    assert all(torch.equal(a, b) for a, b in zip(inputs, before, strict=True))
