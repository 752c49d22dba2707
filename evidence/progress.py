"""Doing many things at once, and saying how far that is and how long it will still take."""

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import as_completed
from typing import TypeVar

from patternscope.workflow.executors import process_pool

Item = TypeVar("Item")
Result = TypeVar("Result")
WORKERS = 2


def in_parallel(
    work: Callable[[Item], Result], items: Sequence[Item], name: Callable[[Item], str], workers: int = WORKERS
) -> Iterator[tuple[Item, Result]]:
    """Yield each item with work(item) as they are finished, and print a line for each.

    Processes of one thread do the work, so `work` is a function of a module. The first failure ends it.
    """
    begun = time.perf_counter()
    with process_pool(min(workers, max(1, len(items)))) as pool:
        pending = {pool.submit(work, item): item for item in items}
        try:
            for done, future in enumerate(as_completed(pending), start=1):
                result = future.result()
                spent = time.perf_counter() - begun
                print(
                    f"[{done}/{len(items)}] {name(pending[future])}{_left(spent, done, len(items))}",
                    flush=True,
                )
                yield pending[future], result
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _left(spent: float, done: int, count: int) -> str:
    """How long the rest takes, if it goes on as it began."""
    return f", {spent:.0f} s" if done == count else f", about {duration(spent / done * (count - done))} left"


def duration(seconds: float) -> str:
    """Seconds as one says them."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
