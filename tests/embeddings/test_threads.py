"""Blocks on threads of their own: the same results by any number of threads, and torch's number as it was."""

import threading

import pytest
import torch
from invented import importance_data

from patternscope.embeddings import ImportanceWeight, importance_solver
from patternscope.embeddings.threads import map_blocks


@pytest.fixture(params=[1, 2, 3])
def threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


def test_results_come_in_order_and_the_number_of_threads_stays(threads):
    blocks = torch.arange(20).split(3)
    assert map_blocks(lambda block: block.tolist(), blocks) == [block.tolist() for block in blocks]
    assert torch.get_num_threads() == threads


def test_blocks_run_side_by_side_and_each_alone():
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        together = threading.Barrier(2, timeout=20)

        def run(_):
            together.wait()  # passes only if two blocks are at work
            return torch.get_num_threads()

        assert map_blocks(run, torch.arange(4).split(1)) == [1, 1, 1, 1]
    finally:
        torch.set_num_threads(before)


def test_an_error_in_a_block_is_the_callers_and_the_number_of_threads_stays(threads):
    def run(block):
        if 7 in block:
            raise ValueError("seven")
        return block

    with pytest.raises(ValueError, match="seven"):
        map_blocks(run, torch.arange(20).split(3))
    assert torch.get_num_threads() == threads


@pytest.mark.parametrize("solver", ["separate", "joint"])
def test_importance_is_the_same_to_the_last_bit_by_any_number_of_threads(solver, monkeypatch):
    monkeypatch.setattr(importance_solver, "_NUMBERS_AT_ONCE", 1 << 12)
    data, before, found = importance_data(n=20, k=24, h=5, w=5), torch.get_num_threads(), []
    try:
        for count in (1, 2):
            torch.set_num_threads(count)
            found.append(ImportanceWeight(20, 24, 5, 5).estimate(data, {"solver": solver}))
    finally:
        torch.set_num_threads(before)
    assert torch.equal(found[0].region_weights, found[1].region_weights)
    assert torch.equal(found[0].channel_weights, found[1].channel_weights)
