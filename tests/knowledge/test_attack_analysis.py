"""What an attack does to regions, against loops, laws and ways made for each of the four types."""

import math

import naive
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.knowledge import (
    Trajectory,
    bootstrap_mean,
    class_probability,
    orientation_change,
    strength_change,
    trajectory_types,
    weight_on,
)

SEEDS = st.integers(0, 100_000)


def directions(classes: int, dim: int, generator) -> torch.Tensor:
    drawn = torch.randn(classes, dim, generator=generator, dtype=torch.float64)
    return torch.nn.functional.normalize(drawn, dim=1)


def invented_way(seed: int, *, n=4, r=6, t=5, classes=3, dim=3):
    """Ways that begin near the own direction or at the origin, end near the target, and dip now and then."""
    generator = torch.Generator().manual_seed(seed)
    mu = directions(classes, dim, generator)
    labels = torch.randint(classes, (n,), generator=generator)
    targets = (labels + torch.randint(1, classes, (n,), generator=generator)) % classes
    strength = torch.rand(2, n, r, 1, generator=generator, dtype=torch.float64) * torch.tensor([1.7, 4.0]).reshape(
        2, 1, 1, 1
    )
    ends = strength * mu[torch.stack([labels, targets])][:, :, None]
    along = torch.linspace(0, 1, t, dtype=torch.float64)[:, None, None, None]
    way = (1 - along) * ends[0] + along * ends[1]
    way[1:-1] *= 2 * torch.rand(1, n, r, 1, generator=generator, dtype=torch.float64)
    way += 0.05 * torch.randn(way.shape, generator=generator, dtype=torch.float64)
    return way, labels, targets, mu


@given(SEEDS, st.sampled_from([2, 3, 5]), st.floats(0.3, 3.0))
@settings(max_examples=10)
def test_types_are_those_of_the_rules_one_region_at_a_time(seed, dim, unit):
    way, labels, targets, mu = invented_way(seed, dim=dim, n=2, r=4)
    way = way * unit
    found = trajectory_types(way, labels, targets, mu, unit_strength=unit, kappa_max=50.0)
    assert found.dtype == torch.uint8
    for image, region in np.ndindex(*found.shape):
        wanted = naive.trajectory(
            way[:, image, region].numpy(), int(labels[image]), int(targets[image]), mu.numpy(), unit, 50.0
        )
        assert found[image, region] == wanted


def test_invented_ways_are_of_every_type():
    kinds = [trajectory_types(*invented_way(seed), unit_strength=1.0, kappa_max=50.0) for seed in range(10)]
    assert set(torch.cat(kinds).flatten().tolist()) == {0, 1, 2, 3, 4}


X, Y = torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 1.0, 0.0])


@pytest.mark.parametrize(
    ("way", "kind"),
    [
        ([1.3 * X, 1.3 * (X + Y), 5 * Y], Trajectory.PAST_ORIGIN),
        ([1.3 * X, 0.5 * (X + Y), 5 * Y], Trajectory.THROUGH_ORIGIN),
        ([1.3 * X, 0.75 * (X + Y), 5 * Y], Trajectory.NONE),  # 1.06: neither past nor through
        ([1.6 * X, 1.3 * (X + Y), 5 * Y], Trajectory.NONE),  # too strong a start
        ([1.3 * (X + Y), 1.3 * (X + Y), 5 * Y], Trajectory.NONE),  # not of the original class
        ([0.4 * X, X, 5 * Y], Trajectory.FROM_NOTHING),
        ([0 * X, X, 5 * Y], Trajectory.FROM_NOTHING),
        ([0.6 * X, X, 5 * Y], Trajectory.NONE),
        ([2 * X, X, 0.9 * X], Trajectory.TO_NOTHING),
        ([2 * X, X, 0 * X], Trajectory.TO_NOTHING),
        ([2 * X, 2 * X, 2 * X], Trajectory.NONE),
        ([0.4 * X, X, 5 * X], Trajectory.NONE),  # ends at another class than the target
    ],
)
def test_ways_made_for_a_type(way, kind):
    mu = torch.stack([X, Y, torch.tensor([0.0, 0.0, 1.0]), -X, -Y])
    path = 2.5 * torch.stack(way)[:, None, None]
    found = trajectory_types(path, torch.tensor([0]), torch.tensor([1]), mu, unit_strength=2.5)
    assert found.item() == kind


@given(SEEDS)
@settings(max_examples=25)
def test_a_rotation_of_everything_changes_no_finding(seed):
    way, labels, targets, mu = invented_way(seed)
    turn = torch.linalg.qr(torch.randn(3, 3, generator=torch.Generator().manual_seed(seed), dtype=torch.float64))[0]
    assert torch.allclose(
        orientation_change(way[0], way[-1]), orientation_change(way[0] @ turn, way[-1] @ turn), atol=1e-9
    )
    assert torch.allclose(strength_change(way[0], way[-1]), strength_change(way[0] @ turn, way[-1] @ turn))
    options = {"unit_strength": 1.0, "kappa_max": 50.0}
    assert torch.equal(
        trajectory_types(way, labels, targets, mu, **options),
        trajectory_types(way @ turn, labels, targets, mu @ turn, **options),
    )


@given(SEEDS)
@settings(max_examples=8)
def test_changes_are_those_of_the_loops(seed):
    way, _, targets, mu = invented_way(seed, n=3, r=4)
    before, after = way[0], way[-1]
    before[0, 0] = 0
    after[1, 1] = 0
    before[2] = 0
    turned, changed = orientation_change(before, after), strength_change(before, after)
    for image in range(3):
        wanted = [naive.turned(before[image, r].numpy(), after[image, r].numpy()) for r in range(4)]
        assert np.allclose(turned[image].numpy(), wanted, atol=1e-12, equal_nan=True)
        ratio = naive.relative_strength_change(before[image].numpy(), after[image].numpy())
        assert changed[image].item() == pytest.approx(ratio, nan_ok=True)
    probability = class_probability(after, mu, targets, 50.0)
    for image, region in np.ndindex(3, 4):
        wanted = naive.posterior(after[image, region].numpy(), mu.numpy(), 50.0)[targets[image]]
        assert probability[image, region].item() == pytest.approx(wanted, rel=1e-5)


def test_nothing_changes_where_nothing_happens_and_strength_alone_turns_nothing():
    way, *_ = invented_way(0)
    assert orientation_change(way[0], way[0]).abs().max() < 1e-12
    assert strength_change(way[0], way[0]).tolist() == [0.0] * 4
    assert orientation_change(way[0], 3 * way[0]).abs().max() < 1e-12
    assert torch.allclose(strength_change(way[0], 3 * way[0]), torch.tensor(2.0, dtype=torch.float64))
    assert torch.allclose(orientation_change(way[0], -way[0]), torch.tensor(2.0, dtype=torch.float64))


def test_weight_on_regions():
    weights = torch.tensor([[0.5, 0.3, 0.2, 0.0], [0.25] * 4, [1.0, 0.0, 0.0, 0.0]])
    chosen = torch.tensor([[1, 0, 1, 0], [1, 1, 1, 0], [0, 0, 0, 0]]).bool()
    weight, share = weight_on(weights, chosen)
    assert weight[:2].tolist() == pytest.approx([0.7, 0.75])
    assert share[:2].tolist() == [0.5, 0.75]
    assert weight[2].isnan()
    assert share[2].isnan()


@given(SEEDS, st.integers(2, 9))
@settings(max_examples=20)
def test_the_interval_of_a_mean_is_that_of_the_loop(seed, count):
    values = torch.rand(count, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    found = bootstrap_mean(torch.cat([values, torch.tensor([math.nan])]), resamples=50, seed=seed)
    drawn = naive.bootstrap_means(values.tolist(), 50, seed)
    assert found.value == pytest.approx(values.mean().item())
    if count == 1:
        assert (found.low, found.high) == (None, None)
    else:
        wanted = naive.interval(values.mean().item(), drawn, count, 0.95)
        assert (found.low, found.high) == pytest.approx(wanted)


def test_no_number_at_all_has_no_interval():
    found = bootstrap_mean(torch.tensor([math.nan, math.nan]))
    assert (found.value, found.low, found.high) == (None, None, None)


def test_inputs_are_left_as_found():
    way, labels, targets, mu = invented_way(1)
    kept = [each.clone() for each in (way, labels, targets, mu)]
    trajectory_types(way, labels, targets, mu, unit_strength=1.0)
    orientation_change(way[0], way[-1])
    strength_change(way[0], way[-1])
    class_probability(way[0], mu, targets)
    assert all(torch.equal(a, b) for a, b in zip(kept, (way, labels, targets, mu), strict=True))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda w, y, t, m: trajectory_types(w[0], y, t, m, unit_strength=1), r"path: expected .* got \(4, 6, 3\)"),
        (
            lambda w, y, t, m: trajectory_types(w, y, y, m, unit_strength=1),
            r"targets: expected classes other than the labels, got image 0",
        ),
        (
            lambda w, y, t, m: orientation_change(w[0], w[1, :2]),
            r"before, after: expected .* got shapes \(4, 6, 3\) and",
        ),
        (lambda w, y, t, m: strength_change(w[0, 0], w[1, 0]), r"expected equal shapes \(n, r, e\)"),
        (lambda w, y, t, m: class_probability(w[0], m, y[:2]), r"classes: expected shape \(4,\), got \(2,\)"),
        (lambda w, y, t, m: weight_on(w[0, 0], y > 0), r"region_weights, chosen: expected .* got shapes"),
        (lambda w, y, t, m: bootstrap_mean(w[0, 0]), r"values: expected .* got shape \(6, 3\)"),
        (lambda w, y, t, m: bootstrap_mean(w[0, 0, 0], resamples=0), r"resamples, level: expected .* got 0"),
    ],
)
def test_bad_input_is_one_line(call, said):
    with pytest.raises(InputError, match=said):
        call(*invented_way(0))
