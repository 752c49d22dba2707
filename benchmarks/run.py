"""`make bench`: the estimators against naive loops over pairs, in one process; prints a table of ratios.

python benchmarks/run.py [PART ...]     all parts, or those named; --help lists them

Of their own: bench_study.py (cost model against finished studies), bench_kills.py, bench_atlas.py.
"""

import argparse
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
import bench_features
from bench_fits import region, sample
from bench_importance import growth_importance, importance, match, meaning
from bench_layer import growth, layer
from bench_limits import limits
from bench_memory import memory
from bench_recording import recording
from bench_workers import workers
from measuring import copy_rate, matrix_rate, row

from patternscope.errors import nearest


def machine() -> None:
    products = f"float32 {matrix_rate() / 1e9:.0f} Gflop/s, bfloat16 {matrix_rate(torch.bfloat16) / 1e9:.0f} Gflop/s"
    row("machine: matrix product; copy", "-", products, f"{copy_rate() / 1e9:.0f} GB/s")


PARTS = {
    part.__name__: part
    for part in (
        machine, importance, match, meaning, region, sample, layer, growth, growth_importance, limits,
        workers, memory, recording,
    )
}  # fmt: skip

WITHOUT_FEATURES = {"machine", "workers", "memory", "recording"}


def main() -> None:
    parser = argparse.ArgumentParser(description="The estimators against naive loops over pairs.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"by default all: {', '.join(PARTS)}")
    parts = parser.parse_args().parts or list(PARTS)
    for name in parts:
        if name not in PARTS:
            parser.error(f"part: expected one of {', '.join(PARTS)}, got {name!r}; {nearest(name, list(PARTS))}")
    if set(parts) - WITHOUT_FEATURES:
        bench_features.load()
    where = f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {where}\n")
    print("| what | ratio | ours | naive |\n|---|---|---|---|")
    for name in parts:
        PARTS[name]()


if __name__ == "__main__":
    main()
