"""`make bench`: each estimator against a naive loop over pairs, in one process; prints a table of ratios.

python benchmarks/run.py [machine] [importance] [match] [region] [sample] [layer] [growth]
"""

import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parent))
import bench_features
import naive_loops

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding
from patternscope.embeddings.neighbourhood import find_neighbours, unit_rows
from patternscope.knowledge import find_knowledge_points
from patternscope.similarity.matching import best_matches
from patternscope.similarity.probabilities import target_log_similarities

PAIRS_TIMED = 6


def seconds(run: Callable[[], object], repeats: int = 1) -> float:
    """Shortest of some runs."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        times.append(time.perf_counter() - start)
    return min(times)


def row(what: str, ratio: str, ours: str, theirs: str) -> None:
    print(f"| {what} | {ratio} | {ours} | {theirs} |", flush=True)


def matrix_rate(dtype: torch.dtype = torch.float32) -> float:
    """Operations a second of a product of the match's shape, after a warm-up."""
    a, b = torch.rand(101 * 196, 512).to(dtype), torch.rand(512, 196).to(dtype)
    return 2 * 101 * 196 * 512 * 196 / seconds(lambda: a @ b, 8)


def machine() -> None:
    block = torch.rand(1 << 26)
    rate = 2 * block.numel() * 4 / seconds(lambda: block.clone(), 5)
    products = (
        f"float32 {matrix_rate() / 1e9:.0f} Gflop/s, bfloat16 {matrix_rate(torch.bfloat16) / 1e9:.0f} Gflop/s"
    )
    row("machine: matrix product; copy", "-", products, f"{rate / 1e9:.0f} GB/s")


def _weights(data: bench_features.Features) -> ImportanceWeight:
    weight = ImportanceWeight(*data.regional.shape)
    return weight.estimate({"target_probs": data.probs, "regional_features": data.regional})


def importance() -> None:
    data = bench_features.load()
    n = len(data.regional)
    weight = _weights(data)
    unit = unit_rows(data.regional, torch.arange(n)).transpose(1, 2).contiguous()
    neighbours = find_neighbours(data.regional, data.probs, 100, 0)
    log_target = target_log_similarities(data.probs, torch.arange(n), neighbours.samples)
    a_step = seconds(
        lambda: naive_loops.importance_anchor(
            unit, 0, neighbours.samples[0, :PAIRS_TIMED], log_target[0, :PAIRS_TIMED], 2
        )
    ) / (2 * PAIRS_TIMED)
    theirs = a_step * n * neighbours.count * 20
    row(
        "importance, 500 x 100, against 20 steps", f"{theirs / weight.trace.seconds:.0f} x",
        f"{weight.trace.seconds:.1f} s, loss {weight.trace.losses[-1]:.4f} (start {weight.trace.losses[0]:.4f})",
        f"{theirs / 3600:.1f} h ({a_step * 1e3:.0f} ms a pair and step)",
    )  # fmt: skip
    anchors = range(0, n, n // 2)
    losses = [_naive_loss(unit, anchor, neighbours.samples[anchor], log_target[anchor]) for anchor in anchors]
    row("loss of the naive loop on 2 anchors", "-", "", ", ".join(f"{loss:.4f}" for loss in losses))
    share = (weight.region_weights * data.object_share).sum(1).mean()
    row("share of w on the object (area)", "-", f"{share:.3f}", f"{data.object_share.mean():.3f}")


def _naive_loss(unit: torch.Tensor, anchor: int, neighbours: torch.Tensor, log_target: torch.Tensor) -> float:
    w, v = naive_loops.importance_anchor(unit, anchor, neighbours, log_target, 20)
    scores = torch.stack([naive_loops.match_pair(unit[anchor], unit[j], v)[0] for j in neighbours])
    log_q = torch.log_softmax(torch.log_softmax(naive_loops.KAPPA_V * scores, dim=0) @ w, dim=0)
    return float((log_target.exp() * (log_target - log_q)).sum())


def match() -> None:
    data = bench_features.load()
    unit = unit_rows(data.regional, torch.arange(100))
    v = torch.full((512,), 1 / 512)
    positions = torch.arange(100).repeat(100, 1)
    columns = unit.transpose(1, 2).contiguous()
    a_pair = (
        seconds(lambda: [naive_loops.match_pair(columns[0], columns[j], v) for j in range(PAIRS_TIMED)])
        / PAIRS_TIMED
    )
    ours = seconds(lambda: best_matches(unit * v, unit, positions), 3)
    share = 2 * 196**2 * 512 * 100**2 / ours / matrix_rate()
    row("match, all pairs of 100", f"{a_pair * 100**2 / ours:.0f} x", f"{ours:.2f} s, {share:.0%} of the matrix rate",
        f"{a_pair * 100**2:.0f} s ({a_pair * 1e3:.0f} ms a pair)")  # fmt: skip


def region() -> None:
    data = bench_features.load()
    weight = _weights(data)
    sample = SampleEmbedding(512).fit({"target_probs": data.probs, "sample_features": data.sample})
    given = {
        "target_probs": data.probs, "regional_features": data.regional, "sample_embs": sample,
        "w_k": weight.channel_weights, "w_r": weight.region_weights,
    }  # fmt: skip
    ours = RegionEmbedding(512).fit(given)
    published = RegionEmbedding(512).fit(given, {"solver": "sgd"})
    neighbours = find_neighbours(data.regional, data.probs, 100, 0)
    matches = torch.randint(196, (100, 196), generator=torch.Generator().manual_seed(0))
    flat = data.regional.flatten(2)
    a_step = seconds(
        lambda: naive_loops.region_step(
            ours.map, flat, 0, neighbours.samples[0], matches, weight.region_weights[0], 100.0
        ),
        3,
    )
    theirs = a_step * 500 * 20

    def judged(fitted: RegionEmbedding) -> str:
        points = find_knowledge_points(fitted(data.regional), sample.mean_directions, data.labels)
        return f"objective {fitted.trace.parts['objective']:.4f}, reliable ratio {points.ratio:.3f}"

    mine = f"{ours.trace.seconds:.1f} s, {judged(ours)}"
    row("regional fit, 20 passes", f"{theirs / ours.trace.seconds:.0f} x", mine,
        f"{theirs:.0f} s ({a_step * 1e3:.0f} ms a step), {judged(published)}")  # fmt: skip
    row("published protocol, in batches of our own", f"{theirs / published.trace.seconds:.0f} x",
        f"{published.trace.seconds:.1f} s", "")  # fmt: skip


def sample() -> None:
    data = bench_features.load()
    given = {"target_probs": data.probs, "sample_features": data.sample}
    published = SampleEmbedding(512, scale=40.0).fit(given, {"solver": "sgd"})
    ours = SampleEmbedding(512).fit(given)
    wanted = published.trace.parts["kl"]
    for steps in range(1, 201):
        fitted = SampleEmbedding(512).fit(given, {"n_step": steps})
        if fitted.trace.parts["kl"] <= wanted:
            break
    row("sample fit, to the published protocol's loss", f"{published.trace.seconds / fitted.trace.seconds:.1f} x",
        f"{fitted.trace.seconds:.2f} s ({steps} iterations); to the end {ours.trace.seconds:.2f} s, "
        f"loss {ours.trace.parts['kl']:.2f}", f"{published.trace.seconds:.1f} s, loss {wanted:.2f}")  # fmt: skip


def layer() -> None:
    """The whole layer in a process of its own, so that its peak memory is its own."""
    _in_own_process("one_layer", "500")


def growth() -> None:
    """n = 5,000 (each sample ten times, slightly changed) against n = 500."""
    _in_own_process("one_layer", "5000")


def _in_own_process(function: str, *arguments: str) -> None:
    subprocess.run([sys.executable, __file__, function, *arguments], check=True)


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
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    start = time.perf_counter()
    weight = ImportanceWeight(*regional.shape).estimate(
        {"target_probs": probs, "regional_features": regional}
    )
    region = RegionEmbedding(512).fit(
        {
            "target_probs": probs, "regional_features": regional, "sample_embs": sample,
            "w_k": weight.channel_weights, "w_r": weight.region_weights,
        }
    )  # fmt: skip
    taken = time.perf_counter() - start
    peak = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1e6
    row(f"whole layer, n = {n}", "-", f"{taken:.1f} s (importance {weight.trace.seconds:.1f}, regional "
        f"{region.trace.seconds:.1f}); {peak:.2f} GB beyond the input", "")  # fmt: skip


PARTS = {each.__name__: each for each in (machine, importance, match, region, sample, layer, growth)}

if __name__ == "__main__":
    if sys.argv[1:2] == ["one_layer"]:
        one_layer(int(sys.argv[2]))
        sys.exit()
    bench_features.load()
    where = f"torch {torch.__version__}, {torch.get_num_threads()} threads, {platform.machine()}"
    print(f"{datetime.now(UTC):%Y-%m-%d}, {where}\n")
    print("| what | ratio | ours | naive |\n|---|---|---|---|")
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()
