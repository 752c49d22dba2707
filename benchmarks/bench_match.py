"""The search for the best match, and all of importance, beside what they were: in one process, in turn.

    python benchmarks/bench_match.py search              ways to search a block of scores, on one thread
    python benchmarks/bench_match.py importance [K SIDE ...]    importance now and before, on all threads

Features are invented. Before: four passes over each block of scores, and each operation shared among all threads. Each
number is the minimum, median and maximum of three; matrix and copy rates are of the same process.
"""

import argparse
import importlib.util
import shutil
import statistics
import sys
import time
from collections.abc import Callable, Iterable
from typing import Any
from unittest.mock import patch

import torch
from gpu_check import Size, planted
from measuring import copy_rate, matrix_rate, row
from torch import Tensor

from patternscope.embeddings import ImportanceWeight, importance, importance_solver
from patternscope.similarity import matching

Search = Callable[[Tensor], tuple[Tensor, Tensor]]
# k and the side of the grid: products of 16 to 2,048 channels, 49 to 784 regions.
SIZES = ((16, 7), (64, 8), (512, 7), (512, 14), (2048, 7), (64, 28))
OPERATIONS = 1.5e11  # of a match of all anchors, which decides how many there are
NEIGHBOURS = 100
REPEATS = 3


def four_passes(scores: Tensor) -> tuple[Tensor, Tensor]:
    """The maximum, then its place by comparing with it: the search before; overwrites the scores."""
    regions = scores.shape[1]
    best = scores.amax(dim=1)
    countdown = torch.arange(regions, 0, -1, dtype=scores.dtype)[:, None]
    from_end = scores.eq_(best[:, None]).mul_(countdown).amax(dim=1)
    return best, (regions - from_end).to(matching.index_type(regions))


def packed(scores: Tensor) -> tuple[Tensor, Tensor]:
    """The place in the low bits of the score, so that one maximum has both; scores lose as many bits."""
    regions = scores.shape[1]
    bits = (regions - 1).bit_length()
    countdown = torch.arange(regions - 1, -1, -1, dtype=torch.int32)[:, None]
    scores.view(torch.int32).bitwise_and_(-(1 << bits)).bitwise_or_(countdown)
    best = scores.amax(dim=1)
    place = regions - 1 - (best.view(torch.int32) & ((1 << bits) - 1))
    return best, place.to(matching.index_type(regions))


def with_indices(scores: Tensor) -> tuple[Tensor, Tensor]:
    best, place = scores.max(dim=1)
    return best, place.to(matching.index_type(scores.shape[1]))


def _by_numba() -> Search:
    import numba
    import numpy as np

    @numba.njit(fastmath={"nnan", "ninf"})
    def kernel(scores: Any, best: Any, place: Any) -> None:
        for c in range(scores.shape[0]):
            for a in range(scores.shape[2]):
                best[c, a], place[c, a] = scores[c, 0, a], 0
            for r in range(1, scores.shape[1]):
                for a in range(scores.shape[2]):
                    larger = scores[c, r, a] > best[c, a]
                    place[c, a] = np.int32(r) if larger else place[c, a]
                    best[c, a] = max(best[c, a], scores[c, r, a])

    def search(scores: Tensor) -> tuple[Tensor, Tensor]:
        best, place = (torch.empty(scores.shape[::2], dtype=dtype) for dtype in (scores.dtype, torch.int32))
        kernel(scores.numpy(), best.numpy(), place.numpy())
        return best, place.to(matching.index_type(scores.shape[1]))

    return search


_SOURCE = """
void kernel(const at::Tensor& scores, at::Tensor& best, at::Tensor& place) {
  const float* s = scores.data_ptr<float>(); float* b = best.data_ptr<float>(); int* p = place.data_ptr<int>();
  const long regions = scores.size(1), anchors = scores.size(2);
  for (long c = 0; c < scores.size(0); ++c, b += anchors, p += anchors)
    for (long first = 0; first < anchors; first += 64) {
      const long count = std::min(64l, anchors - first);
      float top[64]; int where[64];
      for (long a = 0; a < count; ++a) { top[a] = s[c * regions * anchors + first + a]; where[a] = 0; }
      for (long r = 1; r < regions; ++r) {
        const float* line = s + (c * regions + r) * anchors + first;
        for (long a = 0; a < count; ++a) {
          where[a] = line[a] > top[a] ? (int)r : where[a];
          top[a] = line[a] > top[a] ? line[a] : top[a];
        }
      }
      for (long a = 0; a < count; ++a) { b[first + a] = top[a]; p[first + a] = where[a]; }
    }
}
"""


def _by_compiler() -> Search:
    from torch.utils.cpp_extension import load_inline

    flags = ["-O3", "-march=native", "-ffast-math"]
    built = load_inline("match_search", _SOURCE, functions=["kernel"], extra_cflags=flags)

    def search(scores: Tensor) -> tuple[Tensor, Tensor]:
        best, place = (torch.empty(scores.shape[::2], dtype=dtype) for dtype in (scores.dtype, torch.int32))
        built.kernel(scores, best, place)
        return best, place.to(matching.index_type(scores.shape[1]))

    return search


def searches() -> dict[str, Search]:
    """The ways to search that this machine has."""
    ways = {
        "pooling (now)": matching._best_of,
        "four passes (before)": four_passes,
        "place in the low bits": packed,
        "max with indices": with_indices,
    }
    if shutil.which("g++"):
        ways["torch.compile of max"] = torch.compile(with_indices)
        ways["C++ for this processor"] = _by_compiler()
    if importlib.util.find_spec("numba"):
        ways["numba"] = _by_numba()
    return ways


def search() -> None:
    """Time each way on the scores of a block, beside the product that makes them."""
    torch.set_num_threads(1)
    ways, generator = searches(), torch.Generator().manual_seed(0)
    for regions in (49, 196, 784):
        candidates, anchors = max(1, matching._SCORES_AT_ONCE // (400 * regions)), 400
        scores = torch.rand(candidates, regions, anchors, generator=generator)
        best, place = four_passes(scores.clone())
        times = {name: [] for name in ways}
        for _ in range(REPEATS):
            for name, way in ways.items():
                times[name].append(min(_once(way, scores.clone()) for _ in range(40)))
        before = statistics.median(times["four passes (before)"])
        for name, way in ways.items():
            found = way(scores.clone())
            others = int((found[1] != place).sum())
            what = f"search of {candidates} x {regions} x {anchors} scores: {name}"
            micro = spread([1e6 * value for value in times[name]], "{:.0f}")
            row(what, f"{before / statistics.median(times[name]):.1f} x", f"{micro} us, {others} places differ", "")
            assert name.startswith("place in") or torch.equal(found[0], best)
        for channels in (16, 64, 512):
            a, b = torch.rand(candidates * regions, channels), torch.rand(channels, anchors)
            product = [min(_once(torch.matmul, a, b) for _ in range(20)) * 1e6 for _ in range(REPEATS)]
            row(f"the product of {channels} channels", "-", f"{spread(product, '{:.0f}')} us", "")


def _once(run: Callable[..., object], *arguments: object) -> float:
    begun = time.perf_counter()
    run(*arguments)
    return time.perf_counter() - begun


def spread(values: Iterable[float], form: str = "{:.2f}") -> str:
    ordered = sorted(values)
    return " / ".join(form.format(value) for value in (ordered[0], statistics.median(ordered), ordered[-1]))


def before(estimate: Callable[[], ImportanceWeight]) -> ImportanceWeight:
    """Estimate with the search and the threads of before."""
    with (
        patch.object(matching, "_best_of", four_passes),
        patch.object(importance, "map_blocks", lambda run, blocks: [run(block) for block in blocks]),
        patch.object(importance_solver, "_NUMBERS_AT_ONCE", 1 << 24),
    ):
        return estimate()


def compare(k: int, side: int, anchors: int) -> None:
    """Importance of some anchors, now and before in turn: seconds, share of the matrix rate, and what differs."""
    r, m = side**2, NEIGHBOURS
    layer = planted(Size(max(m + 1, anchors), k, side, m))
    features = (layer.regional - 0.5).clamp_min(0)
    kept: list[int] = []

    def estimate() -> ImportanceWeight:
        weight = ImportanceWeight(*features.shape)
        return weight.estimate({"target_probs": layer.probs, "regional_features": features})

    heaviest = importance_solver._heaviest_regions

    def counted(*arguments: Any) -> Any:
        regions = heaviest(*arguments)
        kept.extend(regions.counts)
        return regions

    with patch.object(importance_solver, "_heaviest_regions", counted):
        estimate()
    operations = 2.0 * len(features) * (m + 1) * r * k * (r + 2 * statistics.mean(kept))
    runs = []
    for _ in range(REPEATS):
        rate = max(matrix_rate(rows=(m + 1) * r, k=k) for _ in range(2))
        now, then = estimate(), before(estimate)
        runs.append((now.trace.seconds, then.trace.seconds, operations / rate))
    differ = [int((getattr(now, name) != getattr(then, name)).sum()) for name in ("region_weights", "channel_weights")]
    times, shares = zip(*(((now, then), (least / now, least / then)) for now, then, least in runs), strict=True)
    now, then = (
        f"{spread(seconds)} s, {spread(share)} of the matrix rate"
        for seconds, share in zip(zip(*times, strict=True), zip(*shares, strict=True), strict=True)
    )
    what = f"importance, n {len(features)}, k {k}, r {r}, {statistics.mean(kept):.0f} regions kept, {differ} differ"
    row(what, f"{spread(before / after for after, before in times)} x", now, then)


def anchors_of(k: int, side: int) -> int:
    """So many anchors that the match has about OPERATIONS, but a hundred at least."""
    return int(min(500, max(NEIGHBOURS + 1, OPERATIONS / (2 * NEIGHBOURS * side**4 * k))))


def main() -> None:
    parser = argparse.ArgumentParser(description="The search for the best match, now and before.")
    parser.add_argument("part", choices=["search", "importance"])
    parser.add_argument("sizes", nargs="*", type=int, metavar="K SIDE")
    asked = parser.parse_args()
    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads; float32 {matrix_rate() / 1e9:.0f} Gflop/s, "
          f"copies {copy_rate() / 1e9:.0f} GB/s\n", file=sys.stdout, flush=True)  # fmt: skip
    print("| what | ratio | now | before |\n|---|---|---|---|")
    if asked.part == "search":
        search()
    for k, side in zip(asked.sizes[::2], asked.sizes[1::2], strict=True) if asked.sizes else SIZES:
        if asked.part == "importance":
            compare(k, side, anchors_of(k, side))


if __name__ == "__main__":
    main()
