"""Capped removal: how many, which, and that the cap of everything is plain deletion."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from evidence.capped.measurement import masked_curves
from evidence.capped.removal import capped_masks, cross_entropy_under_masks
from evidence.capped.section import difference_rows
from evidence.deletion import class_probabilities
from patternscope.errors import InputError
from patternscope.knowledge import deletion_curve

CASES = settings(max_examples=20, deadline=None)


def order_of(seed: int, orders: int = 2, images: int = 3, regions: int = 16) -> torch.Tensor:
    return torch.rand(orders, images, regions, generator=torch.Generator().manual_seed(seed)).argsort(dim=2)


@CASES
@given(st.integers(0, 999), st.sampled_from([0.125, 0.25, 0.5, 1.0]), st.sampled_from([2, 4, 8]))
def test_as_many_as_the_cap_allows_of_those_ranked_first(seed, cap, steps):
    order = order_of(seed)
    masks = capped_masks(order, steps, cap, seed)
    for step in range(steps):
        count = 16 * (step + 1) // steps
        assert (masks[step].sum(dim=-1) == min(count, round(16 * cap))).all()
        for which in range(2):
            for image in range(3):
                first = set(order[which, image, :count].tolist())
                assert set(masks[step, which, image].nonzero().flatten().tolist()) <= first
    assert torch.equal(masks[-1, 0], masks[-1, 1])


def test_a_cap_of_everything_is_the_plain_deletion_test():
    network = nn.Sequential(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(64, 3))
    images, labels, order = torch.rand(3, 1, 16, 16), torch.tensor([0, 1, 2]), order_of(5, regions=64)
    found = masked_curves(network, images, labels, capped_masks(order, 8, 1.0))
    plain = deletion_curve(class_probabilities(network), images, labels, order, (8, 8), steps=8)
    torch.testing.assert_close(found, plain)


def test_the_objective_sees_masked_images():
    network, seen = nn.Flatten(), []
    network.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0].clone()))
    pixels = torch.rand(50, 4, 1, 4)
    cross_entropy_under_masks(0.5, (1, 4))(nn.Sequential(network, nn.Linear(16, 4)), pixels, torch.zeros(50).long())
    changed = (seen[0] != pixels).any(dim=1)[:, 0].sum(dim=1)
    assert 0 < int(changed.max()) <= 2
    assert changed.unique().tolist() == [0, 1, 2]


def test_a_cap_of_nothing_is_refused():
    with pytest.raises(InputError, match="cap: expected"):
        capped_masks(order_of(0), 4, 0.0)


def test_differences_are_paired_over_images():
    def row(order, areas):
        about = {"images": "i", "network": "n", "seed": 0, "layer": "l", "asked": "fine-tuned"}
        return {**about, "order": order, "areas": areas}

    rows = [row("evidence", [0.1, 0.9]), *[row(name, [0.2, 1.0]) for name in ("grad_cam", "w", "strength", "random")]]
    found = difference_rows(rows)
    assert [each["difference"] for each in found] == pytest.approx([-0.1] * 4)
    assert all(each["difference_high"] == pytest.approx(-0.1) for each in found)
