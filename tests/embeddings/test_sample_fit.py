"""The sample embedding: its loss, its laws, its frame, its corner cases."""

import warnings

import naive
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import sample_data
from safetensors.torch import load, save

from patternscope.embeddings import SampleEmbedding
from patternscope.embeddings.sample import sample_loss
from patternscope.radial import procrustes


def fit(data, dim=3, params=None, **options) -> SampleEmbedding:
    kappa_max = options.pop("kappa_max", 10.0)
    return SampleEmbedding(data["sample_features"].shape[1], dim, kappa_max=kappa_max).fit(data, params, **options)


def test_fit_improves_the_loss_and_reports_it_as_it_is():
    data = sample_data(n=12, d=5, c=3, dtype=torch.float64)
    fitted = fit(data)
    assert fitted.trace.losses[-1] < 0.7 * fitted.trace.losses[0]
    wanted = naive.sample_loss(
        fitted.map.numpy(), data["sample_features"].numpy(), data["target_probs"].numpy(), float(fitted.scale), 10.0
    )
    assert fitted.trace.parts["kl"] == pytest.approx(wanted, rel=1e-5)


def test_lbfgs_is_no_worse_than_the_published_protocol():
    data = sample_data()
    ours, published = fit(data), fit(data, params={"solver": "sgd", "n_step": 400})
    assert ours.trace.parts["kl"] <= published.trace.parts["kl"] * 1.001
    assert (ours.posterior(data["sample_features"]).argmax(1) == data["target_probs"].argmax(1)).float().mean() > 0.7


def test_order_of_samples_does_not_matter():
    data = sample_data(dtype=torch.float64)
    order = torch.randperm(60, generator=torch.Generator().manual_seed(0))
    plain, moved = fit(data), fit({name: each[order] for name, each in data.items()})
    torch.testing.assert_close(moved.embedding, plain.embedding[order], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("solver", ["lbfgs", "sgd"])
def test_same_seed_same_bytes(solver):
    data, params = sample_data(), {"solver": solver, "n_step": 20}
    assert torch.equal(fit(data, params=params).map, fit(data, params=params).map)
    other = fit(data, params={**params, "seed": 1})
    assert torch.equal(other.map, fit(data, params=params).map) == (solver == "lbfgs")


def test_align_brings_another_fit_into_the_frame():
    data = sample_data()
    first = fit(data)
    turn = procrustes(torch.eye(3), torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, 1, 0]]))
    target = first.embedding @ turn
    apart = (first.embedding - target).norm()
    for align in (target, fit(data, align=target)):
        aligned = fit(data, align=align)
        assert (aligned.embedding - target).norm() < 0.05 * apart
        assert aligned.trace.parts["kl"] == pytest.approx(first.trace.parts["kl"], rel=1e-4)


@given(st.integers(0, 200))
@settings(max_examples=6)
def test_a_planted_turn_is_undone_and_none_is_left(seed):
    generator = torch.Generator().manual_seed(seed)
    data = sample_data(dtype=torch.float64)
    first = fit(data)
    turn = procrustes(*torch.randn(2, 3, 3, generator=generator, dtype=torch.float64))
    # The same network again: a fit that begins in another frame ends in that of the one before.
    same = fit(data, start=turn @ first.map, align=first)
    assert (same.embedding - first.embedding).norm() < 1e-3 * first.embedding.norm()
    # A network that went on learning: what is left between the two is no rotation.
    noise = torch.randn(60, 5, generator=generator, dtype=torch.float64)
    moved = {**data, "target_probs": (data["target_probs"].log() + noise / 2).softmax(1)}
    later = fit(moved, start=turn @ first.map, align=first)
    assert naive.best_turn(later.embedding.numpy(), first.embedding.numpy()) < 2
    assert (later.embedding - first.embedding).norm() > 1e-2 * first.embedding.norm()


def test_a_nearly_constant_network_has_hardly_any_strength():
    data = sample_data(dtype=torch.float64)
    logs = data["target_probs"].log()
    strengths = [
        float(fit({**data, "target_probs": (logs * sure).softmax(1)}).embedding.norm(dim=1).mean())
        for sure in (1e-3, 1e-2, 1e-1, 1.0)
    ]
    assert strengths == sorted(strengths)
    assert strengths[0] < 1e-2 < 0.5 < strengths[-1]
    same = {**data, "target_probs": torch.full_like(logs, 0.2)}
    assert fit(same).embedding.norm() == 0


def test_starts_where_it_is_told():
    data = sample_data()
    fitted = fit(data)
    again = fit(data, params={"n_step": 5}, start=fitted.map)
    assert again.trace.losses[0] <= fitted.trace.losses[-1] * (1 + 1e-4)


def test_state_dict_round_trip_through_safetensors():
    data = sample_data()
    fitted = fit(data)
    loaded = SampleEmbedding(12)
    loaded.load_state_dict(load(save(dict(fitted.state_dict()))))
    assert torch.equal(loaded(data["sample_features"]), fitted(data["sample_features"]))
    assert torch.equal(loaded.posterior(data["sample_features"]), fitted.posterior(data["sample_features"]))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_types_end_near_float32(dtype):
    data = sample_data()
    same = {name: each.to(dtype) for name, each in data.items()}
    wanted = fit(data).trace.parts["kl"]
    fitted = fit(same)
    assert torch.isfinite(fitted.embedding).all()
    assert fitted.trace.parts["kl"] == pytest.approx(wanted, rel=0.15)
    assert fitted.map.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)


def corner(name: str) -> dict[str, torch.Tensor]:
    data = sample_data(n=20)
    changes = {
        "duplicates": {key: each[:1].repeat(20, 1) for key, each in data.items()},
        "zeros": {"sample_features": torch.zeros(20, 12)},
        "constant": {"sample_features": torch.ones(20, 12)},
        "one-hot": {"target_probs": torch.eye(5)[data["target_probs"].argmax(1)]},
        "uniform": {"target_probs": torch.full((20, 5), 0.2)},
        "two classes": {"target_probs": sample_data(n=20, c=2)["target_probs"]},
        "two samples": {key: each[:2] for key, each in data.items()},
        "a class nobody has": {"target_probs": torch.nn.functional.pad(data["target_probs"], (0, 1))},
        "huge": {"sample_features": 1e6 * data["sample_features"]},
    }
    return data | changes[name]


@pytest.mark.parametrize("solver", ["lbfgs", "sgd"])
@pytest.mark.parametrize(
    "name",
    [
        "duplicates",
        "zeros",
        "constant",
        "one-hot",
        "uniform",
        "two classes",
        "two samples",
        "a class nobody has",
        "huge",
    ],
)
def test_corner_cases_stay_finite(name, solver):
    data = corner(name)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        fitted = fit(data, params={"solver": solver, "n_step": 25})
    assert torch.isfinite(fitted.embedding).all()
    posterior = fitted.posterior(data["sample_features"])
    torch.testing.assert_close(posterior.sum(1), torch.ones(len(posterior)))
    losses = fitted.trace.losses
    assert losses[-1] <= losses[0] + 1e-5 * (1 + losses[0]) or any("the loss rose" in str(w.message) for w in told)


@settings(max_examples=8)
@given(st.integers(2, 8), st.sampled_from([0.1, 1.0, 100.0, 1e5]), st.integers(2, 6), st.integers(0, 99))
def test_any_dimension_and_concentration(dim, kappa_max, classes, seed):
    data = sample_data(seed, n=15, c=classes)
    fitted = fit(data, dim, {"n_step": 15}, kappa_max=kappa_max)
    assert torch.isfinite(fitted.embedding).all()
    assert fitted.trace.losses[-1] <= fitted.trace.losses[0]


def test_gradient_of_the_exact_loss():
    data = sample_data(n=6, d=4, c=3, dtype=torch.float64)
    weight = torch.randn(3, 4, generator=torch.Generator().manual_seed(1), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(
        lambda m: sample_loss(m, data["sample_features"] / 3, data["target_probs"], 10.0, exact_gradient=True),
        weight,
        rtol=1e-3,
        atol=1e-5,
    )
