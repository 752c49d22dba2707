"""Threads where operations are short: one for each block or fit, so that they do not wait for one another."""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import RLock
from typing import TypeVar

import torch
from torch import Tensor

Result = TypeVar("Result")

_FEW = 2**20  # numbers
_ALONE = RLock()


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
    with _one_thread() as threads, ThreadPoolExecutor(min(threads, len(blocks))) as pool:
        return list(pool.map(run, blocks))


@contextmanager
def threads_for(features: Tensor) -> Iterator[None]:
    """Let torch compute on one thread until the block ends if features on the CPU are few: up to 2^20 numbers.

    A fit of few numbers consists of thousands of short operations as well. On two threads of a machine whose cores are
    busy with other work, it took 30 to 40 s instead of 1 to 4 (100 samples of 512 numbers).

    >>> with threads_for(torch.ones(100, 512)):
    ...     torch.get_num_threads()
    1
    """
    if features.device.type != "cpu" or features.numel() > _FEW:
        yield
        return
    with _one_thread():
        yield


@contextmanager
def _one_thread() -> Iterator[int]:
    """Let torch compute on one thread until the block ends; yields how many it had, which are restored."""
    with _ALONE:  # the number of threads is global to the process: two calls would restore each other's
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        try:
            yield threads
        finally:
            torch.set_num_threads(threads)
