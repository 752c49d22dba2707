"""When knowledge points appear, in loops; laws of first and lasting appearance; regions of different grids."""

import naive
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patternscope.errors import InputError
from patternscope.knowledge import class_appearance, corresponding_regions, first_appearance, lasting_appearance

HISTORIES = arrays(bool, st.tuples(st.integers(1, 6), st.integers(1, 5), st.integers(1, 4)))
GRIDS = st.tuples(st.integers(1, 9), st.integers(1, 9))


@given(HISTORIES)
def test_appearances_agree_with_loops(history):
    present = torch.from_numpy(history)
    first, lasting = first_appearance(present), lasting_appearance(present)
    for image in range(history.shape[1]):
        for region in range(history.shape[2]):
            own = history[:, image, region].tolist()
            assert int(first[image, region]) == naive.first_appearance(own)
            assert int(lasting[image, region]) == naive.lasting_appearance(own)


@given(HISTORIES)
def test_an_image_has_its_first_point_when_its_first_region_does(history):
    present = torch.from_numpy(history)
    regions = first_appearance(present)
    earliest = torch.where(regions < 0, len(history), regions).min(dim=1).values
    images = first_appearance(present.any(dim=-1))
    assert torch.equal(torch.where(images < 0, len(history), images), earliest)


@given(HISTORIES)
def test_what_lasts_appeared_before_and_nothing_is_later_with_more_points(history):
    present = torch.from_numpy(history)
    first, lasting = first_appearance(present), lasting_appearance(present)
    stays = lasting >= 0
    assert (lasting[stays] >= first[stays]).all()
    assert torch.equal(stays, present[-1])
    more = present.clone()
    more[0] |= present[-1]
    both = (first_appearance(more) >= 0) & (first >= 0)
    assert (first_appearance(more)[both] <= first[both]).all()


@given(arrays(int, st.integers(1, 12), elements=st.integers(-1, 3)), st.integers(0, 9))
def test_classes_agree_with_loops_whatever_the_order_of_images(first, seed):
    labels = torch.arange(len(first)) % 3
    found = class_appearance(torch.from_numpy(first), labels, checkpoints=4)
    for record in found:
        own = [int(value) for value, label in zip(first, labels.tolist(), strict=True) if label == record.label]
        assert (record.share, record.median, record.mean) == pytest.approx(naive.class_appearance(own, 4))
        assert record.images == len(own)
    assert [each.mean for each in found] == sorted(each.mean for each in found)
    order = torch.randperm(len(first), generator=torch.Generator().manual_seed(seed))
    assert class_appearance(torch.from_numpy(first)[order], labels[order], checkpoints=4) == found


@given(GRIDS, GRIDS)
def test_the_centre_of_a_region_lies_in_its_counterpart(grid, other):
    found = corresponding_regions(grid, other)
    assert found.tolist() == naive.corresponding_regions(grid, other)
    assert torch.equal(corresponding_regions(grid, grid), torch.arange(grid[0] * grid[1]))


@given(GRIDS, st.integers(1, 4), st.integers(1, 4))
def test_a_finer_grid_comes_back_to_where_it_started(grid, down, across):
    fine = (grid[0] * down, grid[1] * across)
    there = corresponding_regions(grid, fine)
    assert torch.equal(corresponding_regions(fine, grid)[there], torch.arange(grid[0] * grid[1]))


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: first_appearance(torch.zeros(2, 3)), "present: expected bool .* got torch.float32"),
        (lambda: lasting_appearance(torch.zeros(0, 3).bool()), "present: expected bool"),
        (
            lambda: class_appearance(torch.zeros(2).long(), torch.zeros(3).long(), 1),
            "first, labels: expected equal shapes .* got shapes",
        ),
        (lambda: class_appearance(torch.tensor([2]), torch.tensor([0]), 2), "first: expected -1 to 1, got 2 to 2"),
        (lambda: corresponding_regions((0, 2), (1, 1)), "grid, other"),
    ],
)
def test_bad_input_is_one_line(call, said):
    with pytest.raises(InputError, match=said) as seen:
        call()
    assert "\n" not in str(seen.value)
