"""Bootstrap intervals: a loop over draws, coverage, and what has no interval."""

import tracemalloc

import naive
import numpy as np
import pytest
import torch

from patternscope.errors import InputError
from patternscope.knowledge import bootstrap, bootstrap_counts


def draw(seed: int, n=30, r=6, share=0.5):
    generator = np.random.default_rng(seed)
    mask = torch.from_numpy(generator.random((n, r)) < share)
    return mask, mask & torch.from_numpy(generator.random((n, r)) < 0.5)


def test_agree_with_a_loop_over_draws():
    mask, reliable = draw(0)
    seen = bootstrap_counts(mask, reliable, resamples=80, level=0.9, seed=3)
    total, trusted = (naive.bootstrap_means(each.sum(1).tolist(), 80, 3) for each in (mask, reliable))
    ratios = [b / a for a, b in zip(total, trusted, strict=True)]
    others = [a - b for a, b in zip(total, trusted, strict=True)]
    for name, draws in (("total", total), ("reliable", trusted), ("unreliable", others), ("ratio", ratios)):
        wanted = naive.interval(seen[name].value, draws, 30, 0.9)
        assert (seen[name].low, seen[name].high) == pytest.approx(wanted)
    assert seen["unreliable"].value == pytest.approx(float((mask & ~reliable).sum(1).double().mean()))
    assert seen["ratio"].value == pytest.approx(float(reliable.sum() / mask.sum()))


def test_blocks_of_draws_change_nothing(monkeypatch):
    mask, reliable = draw(1)
    whole = bootstrap_counts(mask, reliable, resamples=50)
    monkeypatch.setattr(bootstrap, "_DRAWS_AT_ONCE", 100)
    assert bootstrap_counts(mask, reliable, resamples=50) == whole


def test_covers_the_truth_about_as_often_as_it_says():
    covered = 0
    for seed in range(200):
        mask, reliable = draw(seed, n=40, r=10, share=0.3)
        interval = bootstrap_counts(mask, reliable, resamples=200, level=0.9, seed=seed)["total"]
        covered += interval.low <= 3.0 <= interval.high
    assert 0.82 <= covered / 200 <= 0.96


@pytest.mark.parametrize("images", [3, 5, 10])
def test_few_images_are_covered_too(images):
    covered = 0
    for seed in range(300):
        generator = np.random.default_rng(seed)
        shares = generator.beta(2, 3, size=images)
        mask = torch.from_numpy(generator.random((images, 16)) < shares[:, None])
        interval = bootstrap_counts(mask, mask, resamples=200, seed=seed)["total"]
        covered += interval.low <= 16 * 2 / 5 <= interval.high
    assert 0.88 <= covered / 300 <= 0.99


def test_one_image_has_no_interval_and_none_leaves_what_is_possible():
    one = bootstrap_counts(torch.ones(1, 4).bool(), torch.ones(1, 4).bool())
    assert (one["total"].value, one["total"].low, one["ratio"].high) == (4.0, None, None)
    mask = torch.tensor([[True] * 4, [True] * 4, [False] * 4])
    few = bootstrap_counts(mask, mask)
    assert 0 <= few["total"].low < few["total"].high <= 4
    assert few["ratio"].high <= 1


def test_same_seed_same_interval_and_no_point_no_ratio():
    mask, reliable = draw(2)
    state = torch.get_rng_state()
    assert bootstrap_counts(mask, reliable, seed=1) == bootstrap_counts(mask, reliable, seed=1)
    assert bootstrap_counts(mask, reliable, seed=1) != bootstrap_counts(mask, reliable, seed=2)
    assert torch.equal(torch.get_rng_state(), state)
    none = bootstrap_counts(torch.zeros(3, 2).bool(), torch.zeros(3, 2).bool())
    assert (none["total"].value, none["ratio"].value, none["ratio"].low) == (0.0, None, None)


@pytest.mark.parametrize(
    ("mask", "reliable", "options", "said"),
    [
        (torch.ones(0, 2), torch.ones(0, 2), {}, "n >= 1"),
        (torch.ones(3, 2), torch.ones(2, 2), {}, "shapes"),
        (torch.ones(3), torch.ones(3), {}, "shapes"),
        (torch.ones(3, 2), torch.ones(3, 2), {"resamples": 0}, "resamples"),
        (torch.ones(3, 2), torch.ones(3, 2), {"level": 1.0}, "level"),
    ],
)
def test_refuse(mask, reliable, options, said):
    with pytest.raises(InputError, match=said):
        bootstrap_counts(mask.bool(), reliable.bool(), **options)


def test_draws_select_the_images_that_rows_of_indices_select():
    counts = np.random.default_rng(1).random((50, 3))
    rows = np.random.default_rng(4).integers(50, size=(200, 50))
    seen = bootstrap._resampled_means([counts], 200, 0.95, 4)
    np.testing.assert_allclose(seen, counts[rows].mean(axis=1), rtol=1e-12)


def test_many_images_bins_and_draws_stay_within_the_memory_promised():
    values = torch.rand(2000, 2, generator=torch.Generator().manual_seed(0))
    edges = torch.linspace(0, 1, 21)
    tracemalloc.start()
    bootstrap.bootstrap_histogram(values, edges, resamples=1000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 32e6
