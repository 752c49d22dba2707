"""Removing a direction: what the map reads afterwards, that no shorter change does it, and lengths of others."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.knowledge import class_directions, of_length, without_direction


def drawn(seed, n=3, e=4, k=7, grid=(2, 3)):
    made = torch.Generator().manual_seed(seed)
    shapes = ((n, e, k), (n, e), (n, k, *grid))
    return tuple(torch.randn(shape, generator=made, dtype=torch.float64) for shape in shapes)


@given(st.integers(0, 10_000))
def test_the_map_reads_nothing_of_the_class_and_the_rest_as_before(seed):
    maps, mu, features = drawn(seed)
    changed = without_direction(features, *class_directions(maps, mu))
    for place in range(len(maps)):
        unit = mu[place] / mu[place].norm()
        before, after = (maps[place] @ each[place].flatten(1) for each in (features, changed))
        assert (unit @ after).abs().max() < 1e-9
        # A second writing: h without its part along mu.
        assert (after - (before - unit[:, None] * (unit @ before))).abs().max() < 1e-9
        # The change lies in the rows of the map, so that none shorter reads the same.
        change = (features - changed)[place].flatten(1)
        assert (torch.linalg.pinv(maps[place]) @ maps[place] @ change - change).abs().max() < 1e-9


@given(st.integers(0, 10_000), st.floats(0.1, 50))
def test_lengths_of_maps_and_directions_do_not_matter_and_twice_is_once(seed, factor):
    maps, mu, features = drawn(seed)
    once = without_direction(features, *class_directions(maps, mu))
    assert torch.allclose(without_direction(features, *class_directions(factor * maps, factor * mu)), once)
    assert torch.allclose(without_direction(once, *class_directions(maps, mu)), once)
    assert torch.allclose(without_direction(features, *class_directions(maps[:1].expand_as(maps), mu)),
                          without_direction(features, *class_directions(maps[0], mu)))  # fmt: skip


def test_other_directions_take_away_as_much():
    maps, mu, features = drawn(1)
    readout, own = class_directions(maps, mu)
    other = of_length(torch.randn(5, *own.shape, dtype=torch.float64), own)
    lengths = [(features - without_direction(features, readout, each)).norm(dim=1) for each in (own, *other)]
    for length in lengths[1:]:
        assert torch.allclose(length, lengths[0])


def test_shapes_that_disagree_are_one_line():
    with pytest.raises(InputError, match=r"maps, directions: expected \(n, e, k\) or \(e, k\) and \(n, e\)"):
        class_directions(torch.ones(3, 5), torch.ones(2, 4))
