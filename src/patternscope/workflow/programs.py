"""The environment of a computation: the versions of the programs, the processor and its threads."""

import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path

from patternscope import __version__

_PROGRAMS = ("torch", "torchvision", "numpy", "safetensors")
_CPU_FILE = Path("/proc/cpuinfo")  # where Linux names the processor


def program_versions() -> dict[str, str]:
    """Return the versions of the programs on which a study's bytes depend."""
    return {"python": platform.python_version(), "patternscope": __version__, **_installed()}


@cache
def _installed() -> dict[str, str]:
    """The versions of other packages, read once: each unit's manifest holds them."""
    return {name: version(name) for name in _PROGRAMS}


@dataclass(frozen=True)
class Machine:
    """The name of the processor, with that of the GPU in use, if any, and the number of threads that torch uses.

    `threads` is None if torch is not used.
    """

    processor: str
    threads: int | None

    def __str__(self) -> str:
        """Name both.

        >>> print(Machine("AMD EPYC", 2))
        AMD EPYC, 2 threads
        """
        return self.processor if self.threads is None else f"{self.processor}, {threads_text(self.threads)}"


def threads_text(threads: int) -> str:
    """Return a number of threads in words.

    >>> threads_text(1)
    '1 thread'
    """
    return f"{threads} thread{'s' * (threads != 1)}"


def this_machine(device: str = "cpu") -> Machine:
    """Return the machine of this process, as it computes on `device`: "cpu", "auto", "cuda" or "cuda:N".

    Torch is not imported for this: a process that has not imported it does not compute with it.
    """
    torch = sys.modules.get("torch")
    if torch is None:
        return Machine(_processor(), None)
    names = [_processor()]
    if device != "cpu" and torch.cuda.is_available():
        names.append(torch.cuda.get_device_name(device if ":" in device else None))
    return Machine(" and ".join(names), torch.get_num_threads())


@contextmanager
def limited_threads(threads: int | None) -> Iterator[None]:
    """Let torch compute on a number of threads until the block ends; None changes nothing.

    >>> import torch
    >>> before = torch.get_num_threads()
    >>> with limited_threads(1):
    ...     torch.get_num_threads()
    1
    >>> torch.get_num_threads() == before
    True
    """
    if threads is None:
        yield
        return
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@cache
def _processor() -> str:
    """The processor's name, as reported by the system."""
    try:
        lines = _CPU_FILE.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, "") or platform.processor() or platform.machine() or os.name
