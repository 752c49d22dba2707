"""The loops that estimators are timed against compute what the formulas say."""

import importlib
import re
import sys
from pathlib import Path

import naive
import numpy as np
import pytest
import torch

from patternscope.similarity import embedding_log_similarity, target_log_similarity

BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks"
KAPPA = 5.0


@pytest.fixture
def loops(monkeypatch):
    if not BENCHMARKS.is_dir():
        pytest.skip("the benchmarks are not part of the package")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("naive_loops")
    del sys.modules["naive_loops"]


def drawn(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64) + 0.1


def on_simplex(*shape, seed=0):
    weights = drawn(*shape, seed=seed)
    return weights / weights.sum(dim=-1, keepdim=True)


def test_the_loss_of_importance_is_that_of_the_naive_formulas(loops):
    features, probs = drawn(4, 3, 5), on_simplex(4, 2, seed=1)  # (n, r, k), (n, c)
    w, v, neighbours = on_simplex(4, 3, seed=2), on_simplex(4, 5, seed=3), torch.tensor([2, 0, 3])
    unit = torch.nn.functional.normalize(features, dim=2).transpose(1, 2)
    log_target = target_log_similarity(probs, torch.tensor([1]), neighbours[None])[0]
    found = loops.importance_loss(unit, 1, neighbours, log_target, w[1], v[1], KAPPA)
    arrays = features.numpy(), v.numpy()
    matches = naive.match(*arrays, 1, neighbours.tolist())
    similarity = naive.feature_similarity(*arrays, w.numpy(), matches, 1, neighbours.tolist(), KAPPA)
    target = naive.target_similarity(probs.numpy(), 1, neighbours.tolist())
    assert found == pytest.approx(naive.divergence(target, similarity))


def test_the_weights_of_an_anchor_stay_on_their_simplices(loops):
    unit = torch.nn.functional.normalize(drawn(4, 5, 3), dim=1).float()
    log_target = torch.log(on_simplex(3, seed=4)).float()
    for weights in loops.importance_anchor(unit, 1, torch.tensor([2, 0, 3]), log_target, 3):
        assert float(weights.sum()) == pytest.approx(1)
        assert float(weights.min()) >= 0


def test_a_step_of_the_regional_fit_descends_the_published_loss(loops):
    features, weight = drawn(4, 5, 3), drawn(3, 5, seed=5) - 0.5  # (n, k, r), (e, k)
    w, neighbours = on_simplex(4, 3, seed=2), torch.tensor([2, 0, 3])
    matches = torch.tensor([[0, 1, 2], [2, 2, 0], [1, 0, 1]])
    log_target, sample, scale = torch.log(on_simplex(3, seed=4)), drawn(3, seed=6), torch.tensor(2.0).double()
    found = loops.region_step(weight, features, 1, neighbours, matches, w[1], log_target, sample, scale)
    moved = weight.clone().requires_grad_()
    h = (moved @ features / scale).transpose(1, 2)
    log_q = embedding_log_similarity(h, w, matches, 1, neighbours, loops.KAPPA_V)
    similarity = naive.embedding_similarity(
        h.detach().numpy(), w.numpy(), matches.tolist(), 1, neighbours.tolist(), loops.KAPPA_V
    )
    np.testing.assert_allclose(log_q.exp().detach(), similarity, rtol=1e-6)
    align = -(w[1] * torch.nn.functional.cosine_similarity(h[1], sample[None], dim=1)).sum()
    (expected,) = torch.autograd.grad((log_target.exp() * (log_target - log_q)).sum() + align, moved)
    torch.testing.assert_close(found, expected)


TIMED = [
    (path.stem, module, name)
    for path in sorted(BENCHMARKS.glob("bench_*.py"))
    for call in re.findall(r"timed\((.*?)\) as", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    for module, name in re.findall(r'\((\w+), "(\w+)"\)', call)
]


@pytest.mark.parametrize(("benchmark", "module", "name"), TIMED)
def test_what_a_benchmark_times_exists(loops, benchmark, module, name):
    """A function that moved to another module would stop a benchmark of half an hour in its middle."""
    assert callable(getattr(getattr(importlib.import_module(benchmark), module), name))


@pytest.fixture
def gpu_check(monkeypatch):
    if not BENCHMARKS.is_dir():
        pytest.skip("the benchmarks are not part of the package")
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    yield importlib.import_module("gpu_check")
    del sys.modules["gpu_check"]


def test_the_check_of_a_gpu_runs_small_on_the_processor_and_agrees_with_itself(gpu_check, capsys, monkeypatch):
    monkeypatch.setattr(gpu_check, "TIMED", {True: gpu_check.TIMED[True][:1]})
    assert gpu_check.main(["--device", "cpu"]) == 0
    told = capsys.readouterr().out
    rows = [line for line in told.splitlines() if line.startswith("| ")][1:]
    assert "no GPU, small sizes" in told
    assert all(line.count("|") == 5 for line in rows)
    for what in ("sample embedding", "importance", "regional embedding, likelihood", "regional embedding, paper"):
        assert f"| {what}, n 60" in told
        assert f"| {what}: difference of the loss at the end" in told
        assert len([line for line in rows if line.startswith(f"| {what}, n 60")]) >= 2  # float32 and bfloat16
        assert f"| {what}: numbers that the host waits for" in told
    assert "| plain forward pass of resnet18 |" in told
    assert "share of the plain pass's rate" in told
    # On one device float64 repeats itself to the last bit.
    assert all("0.0e+00" in row for row in rows if "largest difference" in row)


def test_the_check_of_a_gpu_fails_where_a_result_differs(gpu_check, capsys, monkeypatch):
    fit_all, calls = gpu_check.fit_all, []

    def another(layer, m, match="full", **counted):
        found = fit_all(layer, m, match, **counted)
        calls.append(found)
        if len(calls) == 2:  # the device's, in float64
            found.values["region weights"][0, 0] += 1e-3
        return found

    monkeypatch.setattr(gpu_check, "fit_all", another)
    monkeypatch.setattr(gpu_check, "TIMED", {True: ()})
    monkeypatch.setattr(gpu_check, "time_recording", lambda device, small: ())
    assert gpu_check.main(["--device", "cpu"]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.endswith("| NO |")]
    assert len(failed) == 1
    assert failed[0].startswith("| region weights: largest difference | cpu, float64")
