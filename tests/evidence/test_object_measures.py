"""Points and importance on an object: loops, and what chance scores."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from evidence.object_measures import pointing_game, points_on
from patternscope.errors import InputError


@given(st.integers(0, 100))
def test_points_on_a_thing_agree_with_a_loop(seed):
    generator = torch.Generator().manual_seed(seed)
    points = torch.rand(5, 7, generator=generator) < 0.5
    cover = torch.rand(5, 7, generator=generator).double()
    part, whole = points_on(points, cover)
    for i in range(5):
        chosen = [float(cover[i, r]) for r in range(7) if points[i, r]]
        assert float(part[i]) == pytest.approx(sum(chosen))
        assert int(whole[i]) == len(chosen)
    with pytest.raises(InputError, match="points, cover"):
        points_on(points, cover[:4])


def test_pointing_of_random_maps_scores_the_objects_share():
    cover = torch.rand(2000, 9, generator=torch.Generator().manual_seed(0)).double()
    chance = pointing_game(torch.rand(2000, 9, generator=torch.Generator().manual_seed(1)), cover)
    assert float(chance.mean()) == pytest.approx(float(cover.mean()), abs=0.03)
    assert torch.equal(pointing_game(cover, cover), cover.max(dim=1).values)
    with pytest.raises(InputError, match="importance, cover"):
        pointing_game(torch.ones(2, 3), torch.ones(2, 4))
