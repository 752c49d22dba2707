"""The ledger: each region in one flow, flows that sum to the counts, a second writing region by region."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from patternscope.errors import InputError
from patternscope.knowledge import Flow, KnowledgePoints, flow_of_regions, keep_ledger, lasting_share, on_common_grid
from patternscope.knowledge.ledger import MOVES

N, R, C = 5, 7, 3


def drawn(seed: int, points: float = 0.5) -> KnowledgePoints:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(N, R, generator=generator) < points
    category = torch.randint(C, (N, R), generator=generator)
    return KnowledgePoints(mask, mask & (category == 0), category, mask.double(), mask.double())


def naive(before, after, earlier) -> list[list[str]]:
    def one(i, r):
        was, is_now = bool(before.mask[i, r]), bool(after.mask[i, r])
        if was and is_now:
            return "KEPT" if before.category[i, r] == after.category[i, r] else "CHANGED"
        if is_now:
            return "RELEARNT" if earlier[i, r] else "LEARNT"
        return "FORGOTTEN" if was else "NONE"

    return [[one(i, r) for r in range(R)] for i in range(N)]


@given(st.integers(0, 999), st.sampled_from([0.0, 0.3, 1.0]))
def test_flows_are_those_of_the_regions_one_by_one_and_sum_to_the_counts(seed, points):
    before, after, earlier = drawn(seed, points), drawn(seed + 1), drawn(seed + 2).mask
    kept = keep_ledger(before, after, C, earlier=earlier, resamples=5)
    assert [[Flow(flow).name for flow in row] for row in kept.regions.tolist()] == naive(before, after, earlier)
    value = {flow: kept.points[flow].value for flow in MOVES}
    assert value[Flow.KEPT] + value[Flow.CHANGED] + value[Flow.FORGOTTEN] == pytest.approx(before.total)
    gained = value[Flow.LEARNT] + value[Flow.RELEARNT]
    assert value[Flow.KEPT] + value[Flow.CHANGED] + gained == pytest.approx(after.total)


@given(st.integers(0, 999))
def test_moves_sum_to_the_points_of_each_class(seed):
    before, after, earlier = drawn(seed), drawn(seed + 1), drawn(seed + 2).mask
    kept = keep_ledger(before, after, C, earlier=earlier, resamples=5)
    for points, sums in ((before, kept.moves.sum(dim=1)), (after, kept.moves.sum(dim=0))):
        assert sums[:C].tolist() == torch.bincount(points.category[points.mask], minlength=C).tolist()
        assert int(sums.sum()) == N * R
    assert (kept.relearnt <= kept.moves[C, :C]).all()
    assert int(kept.relearnt.sum()) == int((kept.regions == Flow.RELEARNT).sum())


@given(st.integers(0, 999))
def test_backwards_what_was_learnt_is_forgotten_and_classes_change_the_other_way(seed):
    before, after = drawn(seed), drawn(seed + 1)
    there, back = (keep_ledger(*pair, C, resamples=5) for pair in ((before, after), (after, before)))
    assert torch.equal(there.moves, back.moves.T)
    assert torch.equal(there.regions == Flow.LEARNT, back.regions == Flow.FORGOTTEN)


@given(st.integers(0, 999))
def test_the_growth_of_evidence_is_the_sum_of_the_flows(seed):
    generator = torch.Generator().manual_seed(seed)
    first, second = (torch.randn(N, R, generator=generator, dtype=torch.float64) for _ in range(2))
    kept = keep_ledger(drawn(seed), drawn(seed + 1), C, bits=(first, second), resamples=5)
    assert kept.bits is not None
    grown = float((second - first).mean())
    assert sum(kept.bits[flow].value for flow in Flow) == pytest.approx(grown, abs=1e-12)


def test_nothing_moves_between_a_moment_and_itself():
    points = drawn(0)
    kept = keep_ledger(points, points, C, earlier=points.mask)
    assert set(kept.regions.unique().tolist()) == {Flow.NONE, Flow.KEPT}
    assert kept.points[Flow.KEPT].value == pytest.approx(points.total)


def test_the_lasting_share_counts_regions_that_ever_were_points():
    present = torch.stack([drawn(seed).mask for seed in range(4)])
    ever = sum(bool(present[:, i, r].any()) for i in range(N) for r in range(R))
    assert lasting_share(present).value == pytest.approx(int(present[-1].sum()) / ever)
    assert lasting_share(torch.zeros(2, N, R).bool()).value is None


def test_bad_input_is_one_error():
    points = drawn(0)
    with pytest.raises(InputError, match="before, after: expected"):
        keep_ledger(points, KnowledgePoints(*[torch.ones(N, R + 1).bool()] * 5), C)
    with pytest.raises(InputError, match=r"category: expected classes of points in 0 to 0, got 0 to 2"):
        keep_ledger(points, points, 1)
    with pytest.raises(InputError, match="present: expected bool"):
        lasting_share(torch.ones(2, N, R))
    assert flow_of_regions(torch.tensor([[1]]), torch.tensor([[1]]), torch.tensor([[True]]), none=1).item() == Flow.NONE


@given(st.integers(0, 999))
def test_flows_of_a_class_are_counted_region_by_region_and_sum_to_its_points(seed):
    before, after, earlier = drawn(seed), drawn(seed + 1), drawn(seed + 2).mask
    kept = keep_ledger(before, after, C, earlier=earlier, resamples=5)
    flows = naive(before, after, earlier)
    for label, row in enumerate(kept.by_class):
        was, now = (points.mask & (points.category == label) for points in (before, after))
        here = [(flows[i][r], bool(was[i, r]), bool(now[i, r])) for i in range(N) for r in range(R)]
        assert row.before == row.kept + row.left + row.forgotten == int(was.sum())
        assert row.after == row.kept + row.came + row.learnt + row.relearnt == int(now.sum())
        assert row.kept == sum(flow == "KEPT" and is_now for flow, _, is_now in here)
        assert row.came == sum(flow == "CHANGED" and is_now for flow, _, is_now in here)
        assert row.left == sum(flow == "CHANGED" and had for flow, had, _ in here)
        assert row.relearnt == sum(flow == "RELEARNT" and is_now for flow, _, is_now in here)


@given(*[st.integers(1, 5)] * 4)
def test_the_regions_of_two_grids_correspond_on_the_finer_one(height, width, other_height, other_width):
    first, second = on_common_grid((height, width), (other_height, other_width))
    assert len(first) == len(second) == max(height * width, other_height * other_width)
    if (height, width) == (other_height, other_width):
        assert torch.equal(first, second)
    finer = first if height * width >= other_height * other_width else second
    assert torch.equal(finer, torch.arange(len(finer)))
