"""Measuring time, rates and memory, and printing rows of a table."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

import torch


def seconds(run: Callable[[], object], repeats: int = 1) -> float:
    """Return the seconds of the shortest of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def row(what: str, ratio: str, ours: str, theirs: str) -> None:
    print(f"| {what} | {ratio} | {ours} | {theirs} |", flush=True)


def matrix_rate(dtype: torch.dtype = torch.float32, rows: int = 101 * 196, k: int = 512) -> float:
    """Return operations per second of a product of the match's shape, the best of some."""
    a, b = torch.rand(rows, k).to(dtype), torch.rand(k, 392).to(dtype)
    a @ b
    return 2 * rows * k * 392 / seconds(lambda: a @ b, 8)


def copy_rate() -> float:
    """Return the bytes per second read and written by a copy far larger than the caches."""
    block = torch.rand(1 << 26)
    other = torch.empty_like(block)
    other.copy_(block)
    return 2 * block.numel() * 4 / seconds(lambda: other.copy_(block), 5)


def forget_peak() -> float:
    """Start a new peak of this process's memory, and return what it holds now, in GB (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak_memory()


def peak_memory() -> float:
    """Return the largest memory of this process since the last `forget_peak`, in GB (Linux)."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM")) / 1e6


@contextmanager
def timed(*functions: tuple[ModuleType, str]) -> Iterator[dict[str, list[float]]]:
    """Time functions of modules while the block runs: name -> seconds of each call."""
    spent: dict[str, list[float]] = {name: [] for _, name in functions}

    def watched(name: str, call: Callable[..., object]) -> Callable[..., object]:
        def run(*arguments: object, **named: object) -> object:
            start = time.perf_counter()
            result = call(*arguments, **named)
            spent[name].append(time.perf_counter() - start)
            return result

        return run

    with ExitStack() as stack:
        for module, name in functions:
            stack.enter_context(patch.object(module, name, watched(name, getattr(module, name))))
        yield spent
