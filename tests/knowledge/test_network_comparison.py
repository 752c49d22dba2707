"""Two networks on the same images: every number by loops, and what must not change it."""

import naive
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.knowledge import (
    EmbeddedLayer,
    align_embeddings,
    bootstrap_count_differences,
    bootstrap_histogram,
    channel_agreement,
    compare_layers,
    find_knowledge_points,
)
from patternscope.knowledge.network_comparison import STRENGTH_EDGES, TURN_EDGES

DIRECTIONS = torch.eye(3)


def seen(seed: int, n=12, r=5, unit=1.5) -> EmbeddedLayer:
    source = torch.Generator().manual_seed(seed)
    embedding = 2 * torch.randn(n, r, 3, generator=source)
    embedding[0, 0] = 0
    return EmbeddedLayer(
        embedding, unit, find_knowledge_points(embedding, DIRECTIONS, torch.arange(n) % 3, unit_strength=unit, tau=0.6)
    )


def rotation(seed: int, mirrored=False) -> torch.Tensor:
    source = torch.Generator().manual_seed(seed)
    found, _ = torch.linalg.qr(torch.randn(3, 3, generator=source, dtype=torch.float64))
    if (torch.linalg.det(found) < 0) != mirrored:
        found[:, 0] *= -1
    return found


def test_a_comparison_is_the_loops():
    first, second = seen(0), seen(1, unit=0.7)
    found = compare_layers(first, second, resamples=50, seed=4)
    n, r = first.points.mask.shape
    turns = np.array(
        [[naive.turned(first.embedding[i, j], second.embedding[i, j]) for j in range(r)] for i in range(n)]
    )
    grown = np.array(
        [
            [naive.norm(second.embedding[i, j]) / 0.7 - naive.norm(first.embedding[i, j]) / 1.5 for j in range(r)]
            for i in range(n)
        ]
    )
    at_points = [turns[i, j] for i in range(n) for j in range(r) if first.points.mask[i, j]]
    both = sum(int(a and b) for a, b in zip(first.points.reliable.ravel(), second.points.reliable.ravel(), strict=True))
    assert found.turn.value == pytest.approx(np.nanmean(turns, axis=1).mean(), abs=1e-6)
    assert found.turn_at_points.value == pytest.approx(np.nanmean(at_points), abs=1e-6)
    assert found.strength.value == pytest.approx(grown.mean(), abs=1e-6)
    assert found.strength_apart.value == pytest.approx(np.abs(grown).mean(), abs=1e-6)
    assert found.shared.value == pytest.approx(both / int(first.points.reliable.sum()))
    for histogram, values, edges in ((found.turns, turns, TURN_EDGES), (found.strengths, grown, STRENGTH_EDGES)):
        assert [each.value for each in histogram] == pytest.approx(naive.bin_shares(values, edges))
        assert all(each.low <= each.value <= each.high for each in histogram)
    assert found.counts["total"].value == pytest.approx(second.points.total - first.points.total)
    assert found.counts["ratio"].value == pytest.approx(second.points.ratio - first.points.ratio)


def test_differences_are_paired_draws_of_images():
    first, second = seen(0).points, seen(1).points
    found = bootstrap_count_differences(first, second, resamples=60, level=0.9, seed=2)
    own, other = (
        [np.array(naive.bootstrap_means(each.sum(1).tolist(), 60, 2)) for each in (one.mask, one.reliable)]
        for one in (first, second)
    )
    wanted = {"total": other[0] - own[0], "reliable": other[1] - own[1], "ratio": other[1] / other[0] - own[1] / own[0]}
    for name, draws in wanted.items():
        wanted = naive.interval(found[name].value, draws, len(first.mask), 0.9)
        assert (found[name].low, found[name].high) == pytest.approx(wanted)


def test_a_network_does_not_differ_from_itself_and_differences_change_sign():
    first, second = seen(0), seen(1)
    same = compare_layers(first, first)
    assert all(each.value == each.low == each.high == 0 for each in same.counts.values())
    assert (same.shared.value, same.strength.value) == (1.0, 0.0)
    assert same.turn.value == pytest.approx(0, abs=1e-6)
    there = bootstrap_count_differences(first.points, second.points)
    back = bootstrap_count_differences(second.points, first.points)
    for name, each in there.items():
        assert (-each.value, -each.high, -each.low) == pytest.approx(
            (back[name].value, back[name].low, back[name].high)
        )


@given(seed=st.integers(0, 20))
def test_turning_both_networks_changes_nothing(seed):
    first, second = seen(0), seen(1)
    turn = rotation(seed).float()

    def turned(one: EmbeddedLayer) -> EmbeddedLayer:
        return EmbeddedLayer(one.embedding @ turn, one.unit_strength, one.points)

    before, after = (
        compare_layers(first, second, resamples=20),
        compare_layers(turned(first), turned(second), resamples=20),
    )
    assert after.turn.value == pytest.approx(before.turn.value, abs=1e-5)
    assert after.strength.value == pytest.approx(before.strength.value, abs=1e-5)
    assert after.counts == before.counts


@given(values=st.lists(st.floats(-3, 3) | st.just(float("nan")), min_size=6, max_size=6))
def test_a_histogram_is_the_loops_and_its_shares_sum_to_one(values):
    array = torch.tensor(values).reshape(2, 3)
    edges = torch.tensor([-1.0, 0.0, 0.5, 2.0])
    found = [each.value for each in bootstrap_histogram(array, edges, resamples=5)]
    if array.isnan().all():
        assert found == [None] * 3
    else:
        assert found == pytest.approx(naive.bin_shares(array.numpy(), edges.tolist()))
        assert sum(found) == pytest.approx(1)


def test_channels_mean_the_same_in_a_copy_and_nothing_in_networks_apart():
    source = torch.Generator().manual_seed(0)
    first, second = (torch.randn(40, 6, 3, 4, generator=source) for _ in range(2))
    assert channel_agreement(first, second) == pytest.approx(naive.channel_agreement(first, second))
    assert channel_agreement(first, 3 * first - 2) == pytest.approx(1)
    assert abs(channel_agreement(first, second)) < 0.1
    shuffled = first[:, torch.tensor([1, 2, 3, 4, 5, 0])]
    assert abs(channel_agreement(first, shuffled)) < 0.1
    still = first.clone()
    still[:, 0] = 1.0  # a channel that says nothing is left out
    assert channel_agreement(first, still) == pytest.approx(1)
    assert channel_agreement(first, first[:, :3]) is None
    assert channel_agreement(torch.ones(4, 2), torch.ones(4, 2)) is None


@given(seed=st.integers(0, 30), mirrored=st.booleans())
def test_a_planted_turn_is_undone_mirrored_or_not(seed, mirrored):
    source = torch.Generator().manual_seed(seed)
    target = torch.randn(30, 3, generator=source, dtype=torch.float64)
    planted = rotation(seed, mirrored)
    found = align_embeddings(2 * target @ planted.T, target)
    torch.testing.assert_close(found.rotation, planted)
    assert found.mirrored == mirrored
    assert found.residual < 1e-6
    torch.testing.assert_close(found.rotation @ found.rotation.T, torch.eye(3, dtype=torch.float64))


def test_inputs_are_left_as_they_are():
    first, second = seen(0), seen(1)
    kept = [each.embedding.clone() for each in (first, second)]
    state = torch.get_rng_state()
    compare_layers(first, second, resamples=10)
    align_embeddings(first.embedding[:, 0], second.embedding[:, 0])
    channel_agreement(first.embedding, second.embedding)
    assert all(torch.equal(a.embedding, b) for a, b in zip((first, second), kept, strict=True))
    assert torch.equal(torch.get_rng_state(), state)


def test_what_cannot_be_compared_is_one_line():
    first, other = seen(0), seen(1, r=4)
    with pytest.raises(InputError, match=r"got shapes \(12, 5, 3\) and \(12, 4, 3\)"):
        compare_layers(first, other)
    with pytest.raises(InputError, match="the same n >= 1 images"):
        bootstrap_count_differences(first.points, seen(1, n=9).points)
    with pytest.raises(InputError, match="values: expected shape \\(n, r\\), n >= 1"):
        bootstrap_histogram(torch.zeros(3), torch.tensor([0.0, 1.0]))
    with pytest.raises(InputError, match="edges: expected at least two, increasing"):
        bootstrap_histogram(torch.zeros(3, 1), torch.tensor([1.0, 1.0]))
    with pytest.raises(InputError, match="resamples"):
        bootstrap_histogram(torch.zeros(3, 1), torch.tensor([0.0, 1.0]), resamples=0)
    with pytest.raises(InputError, match="source, target"):
        align_embeddings(torch.zeros(3, 2), torch.zeros(3, 3))
    # Counts need no common grid.
    assert bootstrap_count_differences(first.points, other.points)["total"].value is not None
