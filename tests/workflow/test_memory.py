"""Memory that was freed goes back to the system, whatever still lies above it in the heap."""

import platform
from pathlib import Path

import pytest

from patternscope.workflow.memory import give_back_memory

BLOCKS, BYTES = 3000, 100_000  # too small for the allocator to give each back by itself


def resident() -> int:
    """Bytes of this process that are in memory."""
    status = Path("/proc/self/status").read_text()
    return 1024 * next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc keeps what was freed")
def test_what_was_freed_goes_back():
    held = [bytes([1]) * BYTES for _ in range(BLOCKS)]
    above = bytes([1]) * BYTES
    del held
    before = resident()
    give_back_memory()
    assert before - resident() > BLOCKS * BYTES / 2
    assert above[0] == 1
