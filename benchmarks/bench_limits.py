"""Where the time goes, and how far each stage is from what the processor and the memory allow."""

import bench_features
import torch
from bench_importance import estimated
from measuring import copy_rate, matrix_rate, row, timed
from torch import Tensor

from patternscope.embeddings import ImportanceWeight, anchors


def limits() -> None:
    """Where the time of importance goes, beside the least that operations and bytes allow."""
    data = bench_features.load()
    for name, regional in (
        ("k 512, r 196", data.regional),
        ("k 48, r 49", torch.nn.functional.avg_pool2d(data.earlier, 2)),
    ):
        rates = max(matrix_rate(), matrix_rate()), copy_rate()
        with timed(
            (anchors, "best_matches"), (anchors, "solve_simplex"), (anchors, "channel_scores")
        ) as spent:
            weight = estimated(regional, data.probs)
        _report(name, regional, spent, _regions_kept(weight), rates)
        rest = weight.trace.seconds - sum(map(sum, spent.values()))
        row(f"{name}: everything else", "-", f"{rest:.2f} of {weight.trace.seconds:.2f} s", "")


def _regions_kept(weight: ImportanceWeight) -> float:
    """Regions an anchor that v is learnt from, at the scores' spread of 1."""
    ascending = weight.region_weights.sort(dim=1).values.cumsum(dim=1)
    return float((ascending > 1e-3).sum(dim=1).double().mean())


def _report(
    name: str, regional: Tensor, spent: dict[str, list[float]], kept: float, rates: tuple[float, float]
) -> None:
    n, k = regional.shape[:2]
    r, m, number = regional[0, 0].numel(), min(100, n - 1), 4
    sweeps = 21 * 2
    stages = {
        "match of all regions": (spent["best_matches"][::3], 2 * n * (m + 1) * r * r * k, n * r * (k + 2 * m) * number),
        f"match of {kept:.0f} regions, twice": (
            spent["best_matches"][1::3] + spent["best_matches"][2::3],
            2 * 2 * n * (m + 1) * kept * r * k, 2 * n * kept * (k + 2 * m) * number),
        "w: 20 steps": (spent["solve_simplex"][::3], sweeps * 2 * n * m * r, sweeps * n * m * r * number),
        "channel scores, twice": (spent["channel_scores"], 2 * 2 * n * m * kept * k, 2 * n * m * kept * k * number),
        "v: 20 steps, twice": (spent["solve_simplex"][1::3] + spent["solve_simplex"][2::3],
            2 * sweeps * 2 * n * m * k, 2 * sweeps * n * m * k * number),
    }  # fmt: skip
    for stage, (times, operations, moved) in stages.items():
        least = operations / rates[0], moved / rates[1]
        which = "operations" if least[0] > least[1] else "bytes"
        row(f"{name}: {stage}", f"{sum(times) / max(least):.1f} of its limit ({which})",
            f"{sum(times):.2f} s", f"operations {least[0]:.2f} s, bytes {least[1]:.2f} s")  # fmt: skip
