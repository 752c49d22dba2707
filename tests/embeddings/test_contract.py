"""What all three estimators promise: inputs and global state untouched, one clear line for bad input."""

import math

import pytest
import torch
from invented import importance_data, region_data, sample_data

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding
from patternscope.errors import InputError
from patternscope.solvers import Stopwatch, Trace


def sample(data, params=None, folder=None):
    return SampleEmbedding(12).fit(data, params or {"n_step": 5}, folder)


def importance(data, params=None, folder=None):
    return ImportanceWeight(24, 8, 3, 2).estimate(data, params or {"n_step": 3}, folder)


def region(data, params=None, folder=None):
    return RegionEmbedding(8).fit(data, params or {"n_step": 2}, folder)


CASES = {"sample": (sample, sample_data), "importance": (importance, importance_data), "region": (region, region_data)}
EVERY = pytest.mark.parametrize("name", CASES)


def result(fitted) -> torch.Tensor:
    return fitted.region_weights if isinstance(fitted, ImportanceWeight) else fitted.map


@EVERY
def test_inputs_and_global_state_are_left_as_found(name, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    run, make = CASES[name]
    data = make()
    before = {key: each.clone() for key, each in data.items()}
    state, dtype, threads = torch.get_rng_state(), torch.get_default_dtype(), torch.get_num_threads()
    run(data)
    assert data.keys() == before.keys()
    assert all(torch.equal(data[key], before[key]) for key in data)
    assert torch.equal(torch.get_rng_state(), state)
    assert (torch.get_default_dtype(), torch.get_num_threads()) == (dtype, threads)
    assert torch.is_grad_enabled()
    assert list(tmp_path.iterdir()) == []
    assert capsys.readouterr() == ("", "")


@EVERY
def test_works_without_gradients_and_on_inputs_that_want_them(name):
    run, make = CASES[name]
    plain = result(run(make()))
    with torch.no_grad():
        assert torch.equal(result(run(make())), plain)
    wanting = {key: each.requires_grad_() for key, each in make().items()}
    fitted = result(run(wanting))
    assert torch.equal(fitted, plain)
    assert not fitted.requires_grad
    assert all(each.grad is None for each in wanting.values())


@EVERY
@pytest.mark.parametrize("other_solver", [False, True])
def test_modes_of_the_caller_change_nothing(name, other_solver):
    run, make = CASES[name]
    params = {"n_step": 2, "solver": "joint" if name == "importance" else "sgd"} if other_solver else None
    plain = result(run(make(), params))
    with torch.inference_mode():
        made = make()
        assert all(each.is_inference() for each in made.values())
        fitted = result(run(made, params))
    assert torch.equal(fitted, plain)
    assert not fitted.is_inference()
    assert torch.equal(result(run(made, params)), plain)
    data = make()
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(result(run(data, params)), plain)


@EVERY
def test_arrays_serve_as_well_as_tensors(name):
    run, make = CASES[name]
    arrays = {key: each.numpy() for key, each in make().items()}
    assert torch.equal(result(run(arrays)), result(run(make())))


@EVERY
def test_number_of_threads_hardly_matters(name):
    run, make = CASES[name]
    threads, results = torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(result(run(make())))
    finally:
        torch.set_num_threads(threads)
    torch.testing.assert_close(*results, rtol=1e-4, atol=1e-4)


@EVERY
def test_writes_what_it_is_asked_to(name, tmp_path):
    run, make = CASES[name]
    data = make()
    if name == "importance":
        data["images"] = torch.rand(24, 1, 8, 8, generator=torch.Generator().manual_seed(0)) * 3 - 1
    run(data, folder=tmp_path / "new")
    written = sorted(path.name for path in (tmp_path / "new").iterdir())
    assert [path.rsplit("_", 1)[-1] for path in written if "loss" in path] == ["loss.csv", "loss.png"]
    assert ("heatmaps" in written) == (name == "importance")


def spoilt(data, key, change):
    copy = data[key].clone()
    return {**data, key: change(copy)}


def put(place, value):
    def change(tensor):
        tensor[place] = value
        return tensor

    return change


@EVERY
@pytest.mark.parametrize(
    ("change", "said"),
    [
        (put((3, 0), math.nan), "target_probs: expected finite numbers, got NaN or inf in sample 3"),
        (put((2, 1), math.inf), "target_probs: expected finite numbers, got NaN or inf in sample 2"),
        (put((1, 0), -0.5), "target_probs: expected no negative numbers, got -0.5 in row 1"),
        (put((4, 0), 3.0), "target_probs: expected rows that sum to 1, got .* in row 4"),
        (lambda p: p[:1], "target_probs: expected at least 2 samples, got 1"),
        (lambda p: torch.ones_like(p[:, :1]), "target_probs: expected at least 2 classes, got 1"),
        (lambda p: p[0], r"target_probs: expected shape \(n, c\) = .* got"),
        (lambda p: p[:-1], "expected shape"),
        (lambda p: p.to(torch.complex64), "expected real numbers, got torch.complex64"),
        (lambda p: p > 0, "torch.bool"),
        (lambda p: "probabilities", "target_probs: expected a tensor .* got str"),
    ],
)
def test_refuse_bad_probabilities(name, change, said):
    run, make = CASES[name]
    refused(lambda: run(spoilt(make(), "target_probs", change)), said)


def refused(call, said) -> None:
    with pytest.raises(InputError, match=said) as raised:
        call()
    assert "\n" not in str(raised.value)


@EVERY
def test_refuse_bad_features(name):
    run, make = CASES[name]
    key = "sample_features" if name == "sample" else "regional_features"
    refused(
        lambda: run(spoilt(make(), key, put(5, math.nan))),
        f"{key}: expected finite numbers, got NaN or inf in sample 5",
    )
    refused(lambda: run(spoilt(make(), key, lambda f: f[:, :-1])), f"{key}: expected shape .* got")
    refused(lambda: run(spoilt(make(), key, lambda f: f[:0])), "expected shape")


@EVERY
def test_refuse_unknown_names_with_the_nearest(name):
    run, make = CASES[name]
    refused(lambda: run({**make(), "target_prob": 1}), "data: .* got 'target_prob'; did you mean 'target_probs'")
    refused(lambda: run({}), "data: expected 'target_probs', .* got no 'target_probs'")
    refused(lambda: run(make(), {"n_steps": 3}), "n_steps is unknown; did you mean 'n_step'")
    refused(lambda: run(make(), {"n_step": 0}), "n_step")
    refused(lambda: run(make(), {"lr": -1}), "lr")
    refused(lambda: run(make(), {"solver": "adams"}), "solver")


@pytest.mark.parametrize(
    ("key", "change", "said"),
    [
        ("w_k", lambda w: w[:, :-1], r"w_k: expected shape \(n, k\)"),
        ("w_r", lambda w: w[:, :-1], r"w_r: expected shape \(n, r\)"),
        ("w_k", lambda w: 2 * w, "w_k: expected rows that sum to 1, got 2 in row 0"),
        ("w_r", put((0, 0), -1.0), "w_r: expected no negative numbers, got -1 in row 0"),
        ("sample_embs", lambda g: g[:, :2], r"sample_embs: expected shape \(n, e\)"),
        ("sample_embs", put(1, math.nan), "sample_embs: expected finite numbers, got NaN or inf in sample 1"),
        ("sample_embs", lambda g: SampleEmbedding(3), "SampleEmbedding: expected a fitted one"),
    ],
)
def test_region_refuses(key, change, said):
    refused(lambda: region(spoilt(region_data(), key, change)), said)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: SampleEmbedding(0), "in_dim: expected at least 1, got 0"),
        (lambda: SampleEmbedding(3, 1), "out_dim: expected at least 2, got 1"),
        (lambda: SampleEmbedding(3, kappa_max=0), r"kappa_max: expected a number in \(0, 1e\+09\], got 0"),
        (lambda: SampleEmbedding(3, scale=-1.0), "scale: expected a positive finite number or .auto., got -1"),
        (lambda: RegionEmbedding(3, kappa_prob=0), r"kappa_prob: expected a number in \(0, 1e\+09\], got 0"),
        (lambda: ImportanceWeight(0, 1, 1, 1), "n: expected at least 1, got 0"),
        (
            lambda: ImportanceWeight(2, 1, 1, 1, kappa_max=-1),
            r"kappa_max: expected a number in \(0, 1e\+09\] or .auto., got -1",
        ),
        (lambda: ImportanceWeight(2, 1, 1, 1, kappa_prob=0), "kappa_prob"),
        (lambda: SampleEmbedding(3)(torch.ones(2, 3)), "expected a fitted one"),
        (lambda: SampleEmbedding(3).posterior(torch.ones(2, 3)), "expected a fitted one"),
        (lambda: RegionEmbedding(3)(torch.ones(2, 3, 1, 1)), "expected a fitted one"),
        (lambda: RegionEmbedding(3)(torch.ones(2, 4, 1, 1)), "regional_features: expected shape"),
        (lambda: SampleEmbedding(3)(torch.ones(2, 4)), "features: expected shape"),
        (lambda: SampleEmbedding(12).fit(sample_data(), align=torch.ones(2, 3)), "align: expected shape"),
        (lambda: SampleEmbedding(12).fit(sample_data(), start=torch.ones(2, 3)), "start: expected shape"),
        (lambda: importance({**importance_data(), "images": torch.ones(3, 1, 4, 4)}), "images: expected shape"),
    ],
)
def test_refuse_bad_construction_and_use(call, said):
    refused(call, said)


def test_a_rise_of_the_loss_is_told():
    with pytest.warns(UserWarning, match="fit: the loss rose from 1 to 2; a smaller lr may help"):
        Stopwatch().close(Trace(losses=[1.0, 2.0]), "fit")
