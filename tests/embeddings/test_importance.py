"""Importance weights: each anchor its own problem, whatever the order, batch or shape."""

import naive
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import importance_data

from patternscope.embeddings import ImportanceWeight, importance_solver
from patternscope.embeddings.neighbourhood import find_neighbours
from patternscope.similarity import feature_log_similarity, match_regions, target_log_similarity
from patternscope.similarity.targets import divergence

SOLVERS = pytest.mark.parametrize("solver", ["separate", "joint"])


def estimate(data, solver="separate", **params) -> ImportanceWeight:
    weight = ImportanceWeight(*data["regional_features"].shape)
    return weight.estimate(data, {"solver": solver, **params})


def check(weight: ImportanceWeight) -> None:
    for rows in (weight.region_weights, weight.channel_weights):
        assert torch.isfinite(rows).all()
        assert (rows >= 0).all()
        torch.testing.assert_close(rows.sum(1).double(), torch.ones(len(rows)).double(), rtol=0, atol=1e-5)
    losses = weight.trace.losses
    assert losses[-1] <= losses[0] + 1e-5


@SOLVERS
def test_fit_improves_the_loss(solver):
    weight = estimate(importance_data(), solver)
    check(weight)
    assert weight.trace.losses[-1] < 0.8 * weight.trace.losses[0]


@pytest.mark.parametrize(("negligible", "tolerance"), [(0.0, 1e-6), (1e-3, 2e-3)])
def test_final_loss_is_that_of_the_naive_writing(monkeypatch, negligible, tolerance):
    monkeypatch.setattr(importance_solver, "_NEGLIGIBLE", negligible)
    data = {name: each.double() for name, each in importance_data(n=6, k=4, h=2, w=2).items()}
    weight = estimate(data)
    features = data["regional_features"].flatten(2).transpose(1, 2).double().numpy()
    v, w = weight.channel_weights.double().numpy(), weight.region_weights.double().numpy()
    total = 0.0
    for i in range(6):
        others = [j for j in range(6) if j != i]
        matches = naive.match(features, v, i, others)
        q = naive.feature_similarity(features, v, w, matches, i, others, weight.kappa_max)
        total += naive.divergence(naive.target_similarity(data["target_probs"].numpy(), i, others), q)
    assert weight.trace.losses[-1] == pytest.approx(total / 6, abs=tolerance)


def test_final_loss_is_that_of_the_public_similarities(monkeypatch):
    monkeypatch.setattr(importance_solver, "_NEGLIGIBLE", 0.0)
    data = {name: each.double() for name, each in importance_data(n=6, k=4, h=2, w=2).items()}
    weight, features = estimate(data), data["regional_features"].flatten(2).transpose(1, 2)
    v, w = weight.channel_weights, weight.region_weights
    losses = []
    for i in range(6):
        others = torch.tensor([j for j in range(6) if j != i])
        matches = match_regions(features, v, i, others)
        log_q = feature_log_similarity(features, v, w, matches, i, others, weight.kappa_max)
        losses.append(divergence(target_log_similarity(data["target_probs"], i, others), log_q))
    assert weight.trace.losses[-1] == pytest.approx(float(torch.stack(losses).mean()), rel=1e-12)


@SOLVERS
def test_order_of_anchors_does_not_matter(solver):
    data = {name: each.double() for name, each in importance_data().items()}
    order = torch.randperm(24, generator=torch.Generator().manual_seed(1))
    plain = estimate(data, solver, kl_sample_num=10)
    moved = estimate({name: each[order] for name, each in data.items()}, solver, kl_sample_num=10)
    torch.testing.assert_close(moved.region_weights, plain.region_weights[order], rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(moved.channel_weights, plain.channel_weights[order], rtol=1e-4, atol=1e-6)


@SOLVERS
def test_batch_of_anchors_does_not_matter(solver, monkeypatch):
    data = {name: each.double() for name, each in importance_data().items()}
    whole = estimate(data, solver)
    for budget in (1, 2000):
        monkeypatch.setattr(importance_solver, "_NUMBERS_AT_ONCE", budget)
        part = estimate(data, solver)
        torch.testing.assert_close(part.region_weights, whole.region_weights, rtol=1e-6, atol=1e-9)
        torch.testing.assert_close(part.channel_weights, whole.channel_weights, rtol=1e-6, atol=1e-9)


def test_two_solvers_are_two_answers_and_a_seed_is_one():
    data = importance_data()
    first, again, joint = estimate(data), estimate(data), estimate(data, "joint")
    assert torch.equal(first.region_weights, again.region_weights)
    assert torch.equal(first.channel_weights, again.channel_weights)
    assert (first.region_weights - joint.region_weights).abs().max() > 1e-3


def test_one_decisive_region_gets_the_weight():
    data = importance_data(n=30, k=6, h=2, w=3)
    found = data["regional_features"].flatten(2).amax(1).argmax(1)
    weight = estimate(data)
    share = weight.region_weights[torch.arange(30), found].mean()
    assert share > 2 / 6


@SOLVERS
@pytest.mark.parametrize("name", ["zeros", "some zero", "constant", "duplicates", "uniform", "one-hot", "two"])
def test_corner_cases(name, solver):
    data = importance_data(n=8)
    features, probs = data["regional_features"], data["target_probs"]
    changed = {
        "zeros": {"regional_features": torch.zeros_like(features)},
        "some zero": {"regional_features": features * (torch.arange(2) > 0)},
        "constant": {"regional_features": torch.ones_like(features)},
        "duplicates": {"regional_features": features[:1].expand_as(features).contiguous()},
        "uniform": {"target_probs": torch.full_like(probs, 1 / 3)},
        "one-hot": {"target_probs": torch.eye(3)[probs.argmax(1)]},
        "two": {"regional_features": features[:2], "target_probs": probs[:2]},
    }
    check(estimate(data | changed[name], solver))


@settings(max_examples=8)
@given(
    st.integers(2, 12),
    st.sampled_from([3, 40, 300]),
    st.sampled_from([(1, 1), (2, 3), (5, 4)]),
    st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
)
def test_any_shape_and_type(n, k, grid, dtype):
    data = importance_data(n=n, k=k, h=grid[0], w=grid[1])
    check(estimate({name: each.to(dtype) for name, each in data.items()}))


def test_neighbours_are_clipped_and_found_alike_in_any_order():
    data = importance_data(n=9)
    features, probs = data["regional_features"].double(), data["target_probs"].double()
    order = torch.tensor([3, 1, 8, 0, 2, 7, 6, 5, 4])
    plain = find_neighbours(features, probs, 4, 0).samples
    assert torch.equal(order[find_neighbours(features[order], probs[order], 4, 0).samples], plain[order])
    assert find_neighbours(features, probs, 100, 0).count == 8
