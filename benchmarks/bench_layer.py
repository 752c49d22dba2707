"""A whole layer, importance and regional fit: time and memory, at 500 and at 5,000 samples."""

import subprocess
import sys
import time
from pathlib import Path

import bench_features
import torch
from measuring import forget_peak, peak_memory, row

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding


def layer() -> None:
    """The whole layer in a process of its own, so that its peak memory is its own."""
    _in_own_process(500)


def growth() -> None:
    """n = 5,000 (each sample ten times, slightly changed) against n = 500."""
    _in_own_process(5000)


def _in_own_process(n: int) -> None:
    subprocess.run([sys.executable, str(Path(__file__)), str(n)], check=True)


def one_layer(n: int) -> None:
    data = bench_features.load()
    generator = torch.Generator().manual_seed(0)
    copies = n // len(data.regional)
    regional = data.regional.repeat(copies, 1, 1, 1)
    if copies > 1:
        for block in regional.split(256):
            block.mul_(1 + 0.1 * torch.rand(block.shape, generator=generator))
    probs, sample_features = data.probs.repeat(copies, 1), data.sample.repeat(copies, 1)
    sample = SampleEmbedding(512).fit({"target_probs": probs, "sample_features": sample_features})
    before = forget_peak()
    start = time.perf_counter()
    weight = ImportanceWeight(*regional.shape).estimate({"target_probs": probs, "regional_features": regional})
    region = RegionEmbedding(512).fit(
        {
            "target_probs": probs, "regional_features": regional, "sample_embs": sample,
            "w_k": weight.channel_weights, "w_r": weight.region_weights,
        }
    )  # fmt: skip
    taken = time.perf_counter() - start
    peak = peak_memory() - before
    row(f"whole layer, n = {n}", "-", f"{taken:.1f} s (importance {weight.trace.seconds:.1f}, regional "
        f"{region.trace.seconds:.1f}); {peak:.2f} GB beyond the input", "")  # fmt: skip


if __name__ == "__main__":
    one_layer(int(sys.argv[1]))
