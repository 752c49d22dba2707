"""The rate of the digest, and what verification adds to a report and to `status`, in seconds of this process.

    python benchmarks/bench_digest.py [STUDY]

runs/demo by default; nothing is written into it. Both ways in turn, the shortest of some.
"""

import contextlib
import io
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from patternscope.cli import main as patternscope
from patternscope.workflow import verification
from patternscope.workflow.cache_keys import file_digest

ROUNDS = 4
MEGABYTES = 512


def seconds(call: Callable[[], object]) -> float:
    """The processor time of a call of which nothing is known beforehand."""
    verification._digest.cache_clear()
    begun = time.process_time()
    call()
    return time.process_time() - begun


def command(*arguments: object) -> None:
    """Run a command of patternscope in silence."""
    silence = io.StringIO()
    with contextlib.redirect_stdout(silence), contextlib.redirect_stderr(silence), contextlib.suppress(SystemExit):
        patternscope([str(argument) for argument in arguments])


def believing(call: Callable[[], object]) -> Callable[[], object]:
    """The same call, which verifies nothing."""

    def run() -> None:
        with patch.object(verification.UnitCheck, "__call__", lambda *_: None):
            call()

    return run


def compared(name: str, checked: Callable[[], object], plain: Callable[[], object]) -> None:
    """Print both times and their ratio; the first of each is for imports and caches."""
    pairs = [(seconds(checked), seconds(plain)) for _ in range(ROUNDS)][1:]
    more, less = (min(times) for times in zip(*pairs, strict=True))
    print(f"{name}: {more:.2f} s, {less:.2f} s without: {more / less:.2f} times", flush=True)


def main(study: str = "runs/demo") -> None:
    with tempfile.TemporaryDirectory() as room:
        block = Path(room, "block")
        block.write_bytes(bytes(range(256)) * (MEGABYTES * 2**12))
        taken = min(seconds(lambda: file_digest(block)) for _ in range(ROUNDS))
        print(f"digest: {block.stat().st_size / taken / 1e9:.2f} GB per second of one processor", flush=True)
        size = sum(path.stat().st_size for path in Path(study).rglob("*") if path.is_file())
        print(f"{study}: {size / 1e6:.0f} MB")
        report = lambda: command("report", study, "--out", Path(room, "report.html"))  # noqa: E731
        compared("report", report, believing(report))
        check = lambda: command("status", study, "--check")  # noqa: E731
        compared("status --check", check, lambda: command("status", study))


if __name__ == "__main__":
    main(*sys.argv[1:])
