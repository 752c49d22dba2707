"""The planted patch: how often, on whom, and where."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from evidence.shortcut.planting import patch_carriers, plant_patch
from patternscope.errors import InputError
from patternscope.images.pictograms import draw_many

CASES = settings(max_examples=25)
LABELS = torch.arange(400) % 4


@CASES
@given(st.integers(0, 3), st.floats(0, 1), st.floats(0.1, 0.9), st.integers(0, 999))
def test_shares_of_carriers_differ_by_the_strength(target, strength, base, seed):
    carries = patch_carriers(LABELS, target, strength, base=base, seed=seed)
    own = carries[target == LABELS].double().mean()
    others = carries[target != LABELS].double().mean()
    assert float(own - others) == pytest.approx(strength, abs=0.011)
    assert torch.equal(carries, patch_carriers(LABELS, target, strength, base=base, seed=seed))


def test_which_images_carry_it_is_drawn():
    first, second = (patch_carriers(LABELS, 0, 0.5, seed=seed) for seed in (0, 1))
    assert not torch.equal(first, second)
    assert first.sum() == second.sum()


@CASES
@given(st.integers(0, 99), st.sampled_from([4, 8, 16]))
def test_patch_lies_beside_the_object_and_changes_nothing_else(seed, side):
    drawn = draw_many(6, size=32, seed=seed)
    images, masks = torch.from_numpy(drawn.images), torch.from_numpy(drawn.masks)
    before = images.clone()
    carries = torch.tensor([True, False] * 3)
    planted, patches = plant_patch(images, masks, carries, side=side, seed=seed)
    assert torch.equal(images, before)
    assert patches.sum(dim=(1, 2)).tolist() == [side**2, 0] * 3
    assert torch.equal(planted.movedim(1, 3)[~patches], images.movedim(1, 3)[~patches])
    # No place is nearer to pure background than the one that was taken.
    for patch, mask in zip(patches[carries], masks[carries], strict=True):
        windows = mask.unfold(0, side, side // 2).unfold(1, side, side // 2).sum(dim=(2, 3))
        assert int((patch & mask).sum()) == int(windows.min())


def test_places_are_drawn_anew_for_each_image_and_seed():
    images, masks = torch.zeros(40, 3, 32, 32, dtype=torch.uint8), torch.zeros(40, 32, 32, dtype=torch.bool)
    carries = torch.ones(40, dtype=torch.bool)
    _, first = plant_patch(images, masks, carries, side=8, seed=0)
    _, second = plant_patch(images, masks, carries, side=8, seed=1)
    assert len(first.flatten(1).unique(dim=0)) > 20
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda: patch_carriers(LABELS, 0, 1.5, seed=0), "strength"),
        (lambda: patch_carriers(LABELS, 7, 0.5, seed=0), "class 7"),
        (lambda: planted(side=5), "side"),
        (lambda: planted(side=18), "side"),
        (lambda: planted(carries=torch.ones(3).bool()), "carries"),
        (lambda: planted(masks=torch.zeros(2, 8, 16).bool()), "masks"),
    ],
)
def test_refuse_what_does_not_fit(call, said):
    with pytest.raises(InputError, match=said):
        call()


def planted(**changed) -> tuple[torch.Tensor, torch.Tensor]:
    arguments = {"masks": torch.zeros(2, 16, 16).bool(), "carries": torch.ones(2).bool(), "side": 4} | changed
    return plant_patch(torch.zeros(2, 3, 16, 16, dtype=torch.uint8), seed=0, **arguments)
