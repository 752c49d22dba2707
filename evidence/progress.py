"""Work on many items in parallel, with a line about the estimated time for each."""

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

    `work` runs in processes of one thread and is sent there by name. The first failure ends everything.
    """
    begun = time.perf_counter()
    with process_pool(min(workers, max(1, len(items)))) as pool:
        pending = {pool.submit(work, item): item for item in items}
        try:
            for done, future in enumerate(as_completed(pending), start=1):
                result = future.result()
                spent = time.perf_counter() - begun
                time_left = _time_left(spent, done, len(items))
                print(f"[{done}/{len(items)}] {name(pending[future])}{time_left}", flush=True)
                yield pending[future], result
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _time_left(spent: float, done: int, count: int) -> str:
    """The estimated time of the rest by that of the items so far; at the end the time of all."""
    return f", {spent:.0f} s" if done == count else f", about {duration(spent / done * (count - done))} left"


def duration(seconds: float) -> str:
    """Return seconds as a person reads them."""
    return f"{seconds:.0f} s" if seconds < 90 else f"{seconds / 60:.0f} min"
