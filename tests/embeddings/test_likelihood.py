"""The likelihood of regions: the naive writing, its gradient, blocks and layouts, turns, and inputs left alone."""

import naive
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from invented import only, region_data

from patternscope.embeddings import RegionEmbedding, likelihood
from patternscope.embeddings.likelihood import RegionalLikelihood, sharpened
from patternscope.errors import InputError

SEEDS = st.integers(0, 99)
FIT = {"objective": "likelihood", "n_step": 12}


def invented(seed: int = 0, n: int = 24, k: int = 8, c: int = 3, e: int = 3, **shape: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    data = only(region_data(seed, n=n, k=k, c=c, **shape), "target_probs", "regional_features")
    directions = torch.nn.functional.normalize(torch.randn(c, e, generator=generator), dim=1)
    return {**data, "mean_directions": directions}


def objective(data, kappa_max: float = 1000.0, wd: float = 5e-4) -> RegionalLikelihood:
    data = {name: each.double() for name, each in data.items()}
    features, scale = data["regional_features"].flatten(2), torch.tensor(1.5, dtype=torch.float64)
    return RegionalLikelihood.of(features, data["target_probs"], data["mean_directions"], scale, kappa_max, wd)


def some_map(e: int = 3, k: int = 8, seed: int = 1, size: float = 1.0) -> torch.Tensor:
    return size * torch.randn(e, k, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def fit(data, e: int = 3, **params) -> RegionEmbedding:
    return RegionEmbedding(data["regional_features"].shape[1], e).fit(data, {**FIT, **params})


@pytest.mark.parametrize(("e", "kappa_max"), [(2, 1000.0), (3, 1000.0), (3, 10.0), (5, 1000.0)])
def test_the_value_is_a_loop_over_regions(e, kappa_max):
    data = invented(n=3, k=4, h=2, w=1, e=e)
    weight = some_map(e, 4)
    found = float(objective(data, kappa_max).evaluate(weight)[0])
    features, probs, mu = (data[name].double() for name in ("regional_features", "target_probs", "mean_directions"))
    wanted = naive.regional_likelihood(
        weight.numpy(), features.flatten(2).numpy(), probs.numpy(), mu.numpy(), 1.5, kappa_max, 5e-4
    )
    assert found == pytest.approx(wanted, rel=1e-4)


@pytest.mark.parametrize(("e", "size", "wd"), [(3, 1.0, 5e-4), (2, 0.1, 0.0), (9, 3.0, 5e-4)])
def test_the_gradient_is_that_of_differences(e, size, wd):
    given_, weight = objective(invented(n=7, e=e), wd=wd), some_map(e, size=size)
    gradient = given_.evaluate(weight)[1]
    for place in ((0, 0), (1, 3), (e - 1, 7)):
        step = torch.zeros_like(weight)
        step[place] = 1e-6
        slope = (given_.evaluate(weight + step)[0] - given_.evaluate(weight - step)[0]) / 2e-6
        # kappa(l) is a table of cubics whose slopes agree with its values to five digits.
        assert float(gradient[place]) == pytest.approx(float(slope), rel=1e-4, abs=1e-7)


@pytest.mark.parametrize(("at_once", "kept"), [(5, 2**28), (5, 0), (256, 0)])
def test_blocks_are_no_matter(monkeypatch, at_once, kept):
    data, weight = invented(), some_map()
    value, gradient = objective(data).evaluate(weight)
    moments = objective(data).moments()
    monkeypatch.setattr(likelihood, "_IMAGES_AT_ONCE", at_once)
    monkeypatch.setattr(likelihood, "_KEPT", kept)
    again, slope = objective(data).evaluate(weight)
    torch.testing.assert_close(again, value)
    torch.testing.assert_close(slope, gradient)
    for one, other in zip(objective(data).moments(), moments, strict=True):
        torch.testing.assert_close(one, other)


def test_the_layout_in_memory_is_no_matter():
    data = invented()
    turned = {**data, "regional_features": data["regional_features"].contiguous(memory_format=torch.channels_last)}
    torch.testing.assert_close(fit(turned).map, fit(data).map, rtol=1e-4, atol=1e-5)


@settings(max_examples=6)
@given(SEEDS)
def test_the_order_of_images_is_no_matter(seed):
    data = {name: each.double() for name, each in invented(seed).items()}
    order = torch.randperm(24, generator=torch.Generator().manual_seed(seed))
    moved = {**data, **{name: data[name][order] for name in ("target_probs", "regional_features")}}
    torch.testing.assert_close(fit(moved).map, fit(data).map, rtol=1e-5, atol=1e-7)


@settings(max_examples=6)
@given(SEEDS, st.integers(2, 5))
def test_a_turn_of_the_mean_directions_turns_the_map(seed, e):
    data = {name: each.double() for name, each in invented(seed, e=e).items()}
    generator = torch.Generator().manual_seed(seed)
    turn, mu = torch.linalg.qr(torch.randn(e, e, generator=generator, dtype=torch.float64))[0], data["mean_directions"]
    # The first step of the solver depends on the axes, its end does not.
    turned, plain = (fit({**data, "mean_directions": each}, e, n_step=400) for each in (mu @ turn, mu))
    assert turned.trace.parts["objective"] == pytest.approx(plain.trace.parts["objective"], rel=1e-6)
    apart = (turned.map - turn.T @ plain.map).norm() / plain.map.norm()
    assert apart < 5e-3


@settings(max_examples=6)
@given(SEEDS)
def test_names_of_classes_are_no_matter(seed):
    data = {name: each.double() for name, each in invented(seed).items()}
    names = torch.tensor([2, 0, 1])
    renamed = {
        **data,
        "target_probs": data["target_probs"][:, names],
        "mean_directions": data["mean_directions"][names],
    }
    torch.testing.assert_close(fit(renamed).map, fit(data).map, rtol=1e-5, atol=1e-7)


def test_the_fit_finds_the_region_that_shows_its_class_and_is_near_the_best():
    data = invented()
    fitted = fit(data, n_step=200)
    short = fit(data)
    assert short.trace.losses[-1] <= short.trace.losses[0]
    assert short.trace.parts["objective"] == pytest.approx(fitted.trace.parts["objective"], rel=0.02)
    assert fitted.trace.parts["objective"] < 0.9 * float(torch.tensor(3.0).log())


def test_the_fit_leaves_its_inputs_as_they_were_and_twice_is_the_same():
    data = invented()
    before = {name: each.clone() for name, each in data.items()}
    state = torch.get_rng_state()
    first, second = fit(data).map, fit(data).map
    assert torch.equal(first, second)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(data[name], before[name]) for name in data)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_modes_of_the_caller_change_nothing(mode):
    plain = fit(invented()).map
    with mode():
        inside = fit(invented()).map
    with torch.autocast("cpu", torch.bfloat16):
        rounded = fit(invented()).map
    assert torch.equal(inside, plain)
    assert torch.equal(rounded, plain)


def test_a_layer_of_zeros_says_nothing():
    data = invented()
    fitted = fit({**data, "regional_features": torch.zeros_like(data["regional_features"])})
    assert fitted.map.isfinite().all()
    assert (fitted(torch.zeros(1, 8, 3, 2)) == 0).all()


def test_probabilities_to_a_power_are_those_of_multiplied_logits():
    logits = torch.randn(6, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(sharpened(logits.softmax(1), 2.5), (2.5 * logits).softmax(1))
    certain = torch.eye(3)
    torch.testing.assert_close(sharpened(certain, 2.0), certain)


@pytest.mark.parametrize(
    ("changed", "params", "said"),
    [
        (
            {"mean_directions": torch.rand(3, 2)},
            {},
            r"mean_directions: expected shape \(c, e\) = \(3, 3\), got \(3, 2\)",
        ),
        ({"mean_directions": torch.full((3, 3), torch.nan)}, {}, "mean_directions: .*NaN"),
        ({"regional_features": torch.full((24, 8, 3, 2), torch.inf)}, {}, "regional_features: "),
        ({}, {"solver": "sgd"}, 'solver: expected "lbfgs" for the likelihood'),
        ({}, {"sharpening": 0.0}, "sharpening"),
        ({}, {"objective": "likelyhood"}, "objective: .*likelihood"),
    ],
)
def test_refuses_bad_input_in_one_line(changed, params, said):
    with pytest.raises(InputError, match=said) as raised:
        fit({**invented(), **changed}, **params)
    assert "\n" not in str(raised.value)
    missing = {name: each for name, each in invented().items() if name != "mean_directions"}
    with pytest.raises(InputError, match="mean_directions"):
        fit(missing)
