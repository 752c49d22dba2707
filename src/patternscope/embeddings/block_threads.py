"""Blocks of anchors on one thread each, so that threads wait for one another once, not in every operation."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")

_ALONE = Lock()


def map_blocks(run: Callable[[Tensor], Result], blocks: Sequence[Tensor]) -> list[Result]:
    """Return `run` of each block, in order, with blocks in parallel on as many threads as torch has.

    Each operation of a block has one thread. An operation that is split among threads ends with the slowest of them,
    and a block consists of thousands of short ones: if other programs use a core, most of the time is waiting. The
    results of two or more blocks do not depend on the number of threads. On a GPU, blocks run one after another.

    Blocks are independent and take no gradients. The number of threads is restored afterwards.

    >>> map_blocks(lambda block: int(block.sum()), torch.arange(6).split(4))
    [6, 9]
    """
    if len(blocks) < 2 or blocks[0].device.type != "cpu":
        return [run(block) for block in blocks]
    with _ALONE:  # the number of threads is global to the process: two calls would restore each other's
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            with ThreadPoolExecutor(min(threads, len(blocks))) as pool:
                return list(pool.map(run, blocks))
        finally:
            torch.set_num_threads(threads)
