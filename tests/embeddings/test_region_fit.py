"""The regional embedding: both solvers, the losses it reports, shapes and corner cases."""

import itertools
import warnings

import naive
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import only, region_data, sample_data
from safetensors.torch import load, save

from patternscope.embeddings import RegionEmbedding, SampleEmbedding
from patternscope.similarity import embedding_log_similarity, match_regions, target_log_similarity
from patternscope.similarity.targets import divergence

SOLVERS = pytest.mark.parametrize("solver", ["lbfgs", "sgd"])


def fit(data, solver="lbfgs", kappa_max=1000.0, **params) -> RegionEmbedding:
    embedding = RegionEmbedding(data["regional_features"].shape[1], data["sample_embs"].shape[1], kappa_max=kappa_max)
    return embedding.fit(data, {"solver": solver, **params})


@SOLVERS
def test_fit_improves_the_objective(solver):
    fitted = fit(region_data(), solver)
    assert fitted.trace.losses[-1] < fitted.trace.losses[0] - 0.05


@SOLVERS
def test_reported_losses_are_those_of_the_naive_writing(solver):
    data = region_data(n=6, k=4, h=2, w=2)
    fitted = fit(data, solver, n_step=3)
    features = data["regional_features"].flatten(2).transpose(1, 2).double().numpy()
    h = fitted(data["regional_features"]).double().numpy()
    v, w = data["w_k"].double().numpy(), data["w_r"].double().numpy()
    total = 0.0
    for i in range(6):
        others = [j for j in range(6) if j != i]
        q = naive.embedding_similarity(h, w, naive.match(features, v, i, others), i, others, 1000.0)
        total += naive.divergence(naive.target_similarity(data["target_probs"].numpy(), i, others), q)
    assert fitted.trace.parts["similarity"] == pytest.approx(total / 6, rel=1e-3)
    align = naive.align_loss(h, w, data["sample_embs"].numpy())
    assert fitted.trace.parts["align"] == pytest.approx(align, rel=1e-4)


@SOLVERS
def test_reported_similarity_loss_is_that_of_the_public_similarities(solver):
    data = {name: each.double() for name, each in region_data(n=6, k=4, h=2, w=2).items()}
    fitted = fit(data, solver, n_step=3)
    features = data["regional_features"].flatten(2).transpose(1, 2)
    h, losses = fitted(data["regional_features"]), []
    for i in range(6):
        others = torch.tensor([j for j in range(6) if j != i])
        matches = match_regions(features, data["w_k"], i, others)
        log_q = embedding_log_similarity(h, data["w_r"], matches, i, others, 1000.0)
        losses.append(divergence(target_log_similarity(data["target_probs"], i, others), log_q))
    assert fitted.trace.parts["similarity"] == pytest.approx(float(torch.stack(losses).mean()), rel=1e-12)


@SOLVERS
def test_same_seed_same_bytes_other_seed_other_bytes(solver):
    data = region_data(seed=2)
    params = {"n_step": 5, "kl_sample_num": 10}
    first, again, other = (fit(data, solver, seed=seed, **params).map for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("shape", [{"n": 4}, {"n": 54}, {"h": 1, "w": 1}, {"k": 2, "c": 2}])
def test_default_fit_always_improves_on_its_start(seed, shape):
    trace = fit(region_data(seed=seed, **shape), n_step=2).trace
    assert trace.steps > 0
    assert all(later < earlier for earlier, later in itertools.pairwise(trace.losses))


def test_default_fit_is_better_than_the_published_protocol():
    data = region_data()
    ours, published = (fit(data, solver).trace.parts["objective"] for solver in ("lbfgs", "sgd"))
    assert ours < published


def test_fitted_sample_embedding_serves_as_frame():
    data = region_data()
    samples = SampleEmbedding(8).fit(
        {"target_probs": data["target_probs"], "sample_features": data["regional_features"].mean((2, 3))}
    )
    by_object = fit({**data, "sample_embs": samples.embedding}).map
    embedding = RegionEmbedding(8).fit({**data, "sample_embs": samples})
    assert torch.equal(embedding.map, by_object)


def test_state_dict_round_trip_through_safetensors():
    data = region_data()
    fitted, loaded = fit(data, n_step=2), RegionEmbedding(8)
    loaded.load_state_dict(load(save(dict(fitted.state_dict()))))
    assert torch.equal(loaded(data["regional_features"]), fitted(data["regional_features"]))


def check(data, solver, **options) -> None:
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fitted = fit(data, solver, n_step=3, **options)
    losses = fitted.trace.losses
    assert torch.isfinite(fitted(data["regional_features"])).all()
    assert losses[-1] <= losses[0] + 1e-5 * (1 + abs(losses[0])) or any(
        "the loss rose" in str(each.message) for each in told
    )


@SOLVERS
@pytest.mark.parametrize("name", ["zeros", "some zero", "constant", "duplicates", "uniform", "one-hot", "origin"])
def test_corner_cases(name, solver):
    data = region_data(n=8)
    features, probs = data["regional_features"], data["target_probs"]
    changed = {
        "zeros": {"regional_features": torch.zeros_like(features)},
        "some zero": {"regional_features": features * (torch.arange(2) > 0)},
        "constant": {"regional_features": torch.ones_like(features)},
        "duplicates": {"regional_features": features[:1].expand_as(features).contiguous()},
        "uniform": {"target_probs": torch.full_like(probs, 1 / 3)},
        "one-hot": {"target_probs": torch.eye(3)[probs.argmax(1)]},
        "origin": {"sample_embs": torch.zeros(8, 3)},
    }
    check(data | changed[name], solver)


@settings(max_examples=10)
@given(
    st.integers(2, 9),
    st.sampled_from([3, 40, 200]),
    st.sampled_from([(1, 1), (2, 3), (5, 4)]),
    st.integers(2, 8),
    st.sampled_from([0.1, 10.0, 1e5]),
    st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float64]),
)
def test_any_shape_type_and_concentration(n, k, grid, dim, kappa_max, dtype):
    data = region_data(n=n, k=k, h=grid[0], w=grid[1])
    data["sample_embs"] = torch.randn(n, dim, generator=torch.Generator().manual_seed(n))
    check({name: each.to(dtype) for name, each in data.items()}, "lbfgs", kappa_max=kappa_max)


def test_sample_data_alone_is_not_enough():
    with pytest.raises(ValueError, match="regional_features"):
        RegionEmbedding(8).fit(only(sample_data(), "target_probs"))
