"""Removing and matching patterns: equally many regions of each kind, and partners by a second writing."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.knowledge.pattern_matching import match_patterns
from patternscope.knowledge.pattern_removal import choose_removals, draw_regions

PLACES = st.lists(st.integers(-1, 2), min_size=12, max_size=12)


def sets_of(places):
    return [{at for at, place in enumerate(places) if place == each} for each in range(3)]


@given(PLACES, PLACES)
def test_partners_are_those_of_sets(first, second):
    found = match_patterns(torch.tensor(first).view(3, 4), torch.tensor(second).view(3, 4), (3, 3))
    for place, own in enumerate(sets_of(first)):
        indices = [len(own & other) / max(1, len(own | other)) for other in sets_of(second)]
        assert float(found.overlap[place]) == pytest.approx(max(indices))
        above = [at for at, index in enumerate(indices) if index > 0.5]
        assert len(above) <= 1
        assert [int(found.partner[place])] == (above or [-1])
    back = match_patterns(torch.tensor(second).view(3, 4), torch.tensor(first).view(3, 4), (3, 3))
    assert back.matched == found.matched
    for place, partner in enumerate(found.partner.tolist()):
        assert partner == -1 or back.partner[partner] == place


def test_patterns_are_their_own_partners_and_none_has_none():
    places = torch.tensor([[0, 0, 1, -1]])
    assert match_patterns(places, places, (2, 2)).partner.tolist() == [0, 1]
    assert match_patterns(places, places * 0 - 1, (2, 0)).overlap.tolist() == [0, 0]
    assert match_patterns(places * 0 - 1, places, (0, 2)).matched == 0
    with pytest.raises(InputError, match="places from -1 to 0, got -1 to 1"):
        match_patterns(places, places, (1, 2))
    with pytest.raises(InputError, match="first, second"):
        match_patterns(places, places[:, :2], (2, 2))


@given(st.integers(0, 2**31))
def test_equally_many_of_each_kind_are_removed(seed):
    generator = torch.Generator().manual_seed(seed)
    reliable = torch.rand(6, 9, generator=generator) < 0.6
    members = reliable & (torch.rand(6, 9, generator=generator) < 0.5)
    asked = torch.tensor([0, 1, 3, 5])
    chosen = choose_removals(members, reliable, asked, generator)
    kinds = {"own": members, "others": reliable & ~members, "rest": ~reliable}
    expected = {
        sample: min(int(kind[sample].sum()) for kind in kinds.values())
        for sample in asked.tolist()
        if all(kind[sample].any() for kind in kinds.values())
    }
    assert chosen.samples.tolist() == list(expected)
    for name, kind in kinds.items():
        regions = getattr(chosen, name)
        assert not (regions & ~kind[chosen.samples]).any()
        assert regions.sum(dim=1).tolist() == list(expected.values())


def test_all_allowed_regions_are_equally_likely():
    allowed = torch.tensor([[True, True, False, True, True]]).expand(4000, 5)
    drawn = draw_regions(allowed, torch.full((4000,), 2), torch.Generator().manual_seed(0))
    assert not drawn[:, 2].any()
    # A share of one half, with a standard error of 0.008.
    assert (drawn.double().mean(dim=0)[[0, 1, 3, 4]] - 0.5).abs().max() < 0.04


def test_a_pattern_is_of_reliable_regions():
    yes, no = torch.ones(1, 2).bool(), torch.zeros(1, 2).bool()
    with pytest.raises(InputError, match="reliable"):
        choose_removals(yes, no, torch.tensor([0]), torch.Generator())
