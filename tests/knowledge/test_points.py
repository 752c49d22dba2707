"""Knowledge points: known answers, the naive writing, the unit of strength, errors."""

from itertools import pairwise

import naive
import numpy as np
import pytest
import torch

from patternscope.errors import InputError
from patternscope.knowledge import class_log_odds, class_probability, find_knowledge_points, reliable_ratio, threshold


def draw(seed: int = 0, n=4, r=5, e=3):
    generator = torch.Generator().manual_seed(seed)
    directions = torch.nn.functional.normalize(torch.randn(4, e, generator=generator).double(), dim=1)
    return 2 * torch.randn(n, r, e, generator=generator).double(), directions, torch.tensor([0, 1, 2, 3])


@pytest.mark.parametrize(("tau", "unit"), [(0.4, None), (0.7, 1.0), (0.95, 0.5)])
def test_agree_with_the_naive_writing(tau, unit):
    h, directions, labels = draw()
    found = find_knowledge_points(h, directions, labels, tau, kappa_max=100.0, unit_strength=unit)
    mask, reliable, category = naive.knowledge_points(h.numpy(), directions.numpy(), labels.tolist(), tau, 100.0, unit)
    np.testing.assert_array_equal(found.mask, mask)
    np.testing.assert_array_equal(found.reliable, reliable)
    np.testing.assert_array_equal(found.category, category)
    assert found.total == pytest.approx(mask.sum() / 4)
    assert found.total_reliable == pytest.approx(reliable.sum() / 4)
    assert found.ratio == pytest.approx(reliable.sum() / mask.sum())


def test_known_answer():
    h = torch.tensor([[[9.0, 0.0], [0.0, 9.0], [0.0, 0.0]], [[0.0, 9.0], [0.0, 9.0], [-9.0, -9.0]]])
    found = find_knowledge_points(h, torch.eye(2), torch.tensor([0, 1]), tau=0.9, unit_strength=1.0)
    # The last region points away from both classes alike, the third says nothing.
    assert found.mask.tolist() == [[True, True, False], [True, True, False]]
    assert found.reliable.tolist() == [[True, False, False], [True, True, False]]
    assert (found.total, found.total_reliable, found.ratio) == (2.0, 1.5, 0.75)


def test_a_higher_tau_takes_points_away_and_never_adds_one():
    h, directions, labels = draw(1)
    masks = [find_knowledge_points(h, directions, labels, tau).mask for tau in (0.3, 0.5, 0.7, 0.9)]
    assert all((b <= a).all() for a, b in pairwise(masks))
    assert masks[0].sum() > masks[-1].sum()


def test_own_unit_makes_the_size_of_the_embedding_irrelevant():
    h, directions, labels = draw(2)
    small, large = (find_knowledge_points(f * h, directions, labels) for f in (1.0, 40.0))
    assert torch.equal(small.mask, large.mask)
    torch.testing.assert_close(small.confidence, large.confidence)
    assert float(small.strength.mean()) == pytest.approx(1.0)
    given = find_knowledge_points(h, directions, labels, unit_strength=float(h.norm(dim=-1).mean()))
    torch.testing.assert_close(given.confidence, small.confidence)


def test_an_embedding_at_the_origin_has_no_points():
    found = find_knowledge_points(torch.zeros(2, 3, 3), draw()[1].float(), torch.tensor([0, 1]))
    assert found.total == 0
    assert found.ratio is None
    assert reliable_ratio(0, 0) is None


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"region_embedding": torch.zeros(4, 3)}, r"region_embedding: expected shape \(n, r, e\)"),
        ({"region_embedding": torch.full((4, 5, 3), torch.nan).double()}, "NaN"),
        ({"labels": torch.tensor([0, 1, 2])}, "labels: expected 4 integers"),
        ({"labels": torch.ones(4)}, "labels"),
        ({"labels": torch.tensor([0, 1, 2, 4])}, "labels: expected 0 to 3, got 0 to 4"),
        ({"labels": torch.tensor([0, 1, 2, -1])}, "labels: expected 0 to 3, got -1"),
        ({"tau": 0.0}, "tau: expected .* got 0"),
        ({"tau": 1.0}, "tau"),
        ({"unit_strength": 0.0}, "unit_strength"),
        ({"unit_strength": float("nan")}, "unit_strength"),
        ({"kappa_max": -1.0}, "kappa_max"),
        ({"mean_directions": torch.eye(2).double()}, "mean_directions"),
    ],
)
def test_refuse_bad_input_in_one_line(changed, said):
    h, directions, labels = draw()
    given = {"region_embedding": h, "mean_directions": directions, "labels": labels} | changed
    if "mean_directions" in changed:
        given["labels"] = torch.zeros(4).long()
    with pytest.raises(InputError, match=said) as raised:
        find_knowledge_points(**given)
    assert "\n" not in str(raised.value)


def test_log_odds_are_those_of_the_probability_and_keep_its_order_where_it_is_one():
    h, directions, labels = draw()
    p = class_probability(h, directions, labels, 20.0)
    torch.testing.assert_close(class_log_odds(h, directions, labels, 20.0), (p / (1 - p)).log())
    sure = class_log_odds(h.float() * 50, directions.float(), labels)
    assert sure.dtype == torch.float64
    assert sure.isfinite().all()
    with pytest.raises(InputError, match="classes"):
        class_log_odds(h, directions, labels[:2])


@pytest.mark.parametrize("classes", [2, 3, 5, 10, 40])
def test_a_region_that_says_nothing_is_no_point_at_the_default_threshold(classes):
    directions = torch.nn.functional.normalize(torch.randn(classes, 3), dim=1)
    found = find_knowledge_points(
        torch.zeros(3, 4, 3), directions, torch.zeros(3).long(), unit_strength=1.0, tau=threshold("auto", classes)
    )
    assert not found.mask.any()
    assert threshold("auto", classes) > 1 / classes
    assert (threshold("auto", classes) == 0.4) == (classes >= 10)


def test_a_threshold_that_every_region_passes_is_refused():
    h, labels = torch.rand(3, 4, 3), torch.zeros(3).long()
    with pytest.raises(InputError, match=r"tau: expected a number in \(0.5, 1\) for 2 classes, got 0.4"):
        find_knowledge_points(h, torch.eye(3)[:2], labels, tau=0.4)
    with pytest.raises(InputError, match="classes"):
        threshold("auto", 1)
