"""Fits of any shapes, types, strides, values and options, for as long as is asked: does anything fail?

    python benchmarks/bench_fuzz.py [MINUTES [FIRST SEED]]

60 minutes by default. Each fourth is repeated and fitted on two threads. Prints each seed that fails; exit code 1 where
one does. The first 1,000 seeds are in the suite (tests/embeddings/test_odd_fits.py).
"""

import sys
import time
from collections import Counter
from pathlib import Path

import torch

sys.path.append(str(Path(__file__).parents[1] / "tests/embeddings"))
from odd_fits import Case, complaint


def main(minutes: str = "60", first: str = "1000") -> int:
    torch.set_num_threads(1)
    end, seed, counts = time.monotonic() + 60 * float(minutes), int(first), Counter[str]()
    while time.monotonic() < end:
        case = Case(seed)
        found = complaint(case, thoroughly=seed % 4 == 0)
        counts["refused" if found.refused else "fitted"] += 1
        if found.wrong:
            counts["failed"] += 1
            print(f"seed {seed}, {case.kind}: {found.wrong}", flush=True)
        seed += 1
    print(f"{counts.total() - counts['failed']} cases from seed {first}: {dict(counts)}")
    return int(counts["failed"] > 0)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
