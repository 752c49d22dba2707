"""`make bench`: the estimators against naive loops over pairs, in one process; prints a table of ratios.

python benchmarks/run.py [machine] [importance] [match] [meaning] [region] [sample] [layer] [growth]
[growth_importance] [limits] [workers] [memory] [recording]

Of their own: bench_study.py (cost model against finished studies), bench_kills.py, bench_atlas.py.
"""

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


def machine() -> None:
    products = (
        f"float32 {matrix_rate() / 1e9:.0f} Gflop/s, bfloat16 {matrix_rate(torch.bfloat16) / 1e9:.0f} Gflop/s"
    )
    row("machine: matrix product; copy", "-", products, f"{copy_rate() / 1e9:.0f} GB/s")


PARTS = {
    each.__name__: each
    for each in (
        machine, importance, match, meaning, region, sample, layer, growth, growth_importance, limits,
        workers, memory, recording,
    )
}  # fmt: skip

WITHOUT_FEATURES = {"machine", "workers", "memory", "recording"}

if __name__ == "__main__":
    if set(sys.argv[1:] or PARTS) - WITHOUT_FEATURES:
        bench_features.load()
    where = f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {where}\n")
    print("| what | ratio | ours | naive |\n|---|---|---|---|")
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()
