"""The time of each stage of the fits beside the least that the processor and the memory allow."""

import bench_features
import torch
from bench_importance import estimated
from measuring import copy_rate, matrix_rate, row, timed
from torch import Tensor

from patternscope.embeddings import (
    ImportanceWeight,
    RegionEmbedding,
    SampleEmbedding,
    importance_solver,
    regional_objective,
    regional_solver,
)
from patternscope.embeddings.matched_regions import kept_counts
from patternscope.workflow.programs import limited_threads


def limits() -> None:
    """Time of the stages of importance and of the regional fit, beside the least that operations and bytes allow.

    On one thread, and so are the rates: blocks of anchors run side by side, so that the times of their stages would
    add up to more than the whole.
    """
    with limited_threads(1):
        _limits()


def _limits() -> None:
    data = bench_features.load()
    for name, regional in (
        ("k 512, r 196", data.regional),
        ("k 48, r 49", torch.nn.functional.avg_pool2d(data.earlier, 2)),
    ):
        rates = max(matrix_rate(), matrix_rate()), copy_rate()
        with timed(
            (importance_solver, "best_matches"),
            (importance_solver, "solve_simplex"),
            (importance_solver, "channel_scores"),
        ) as spent:
            weight = estimated(regional, data.probs)
        _report(name, regional, spent, _regions_kept(weight), rates)
        rest = weight.trace.seconds - sum(map(sum, spent.values()))
        row(f"{name}: everything else", "-", f"{rest:.2f} of {weight.trace.seconds:.2f} s", "")
    _limits_of_the_regional_fit(data)


def _limits_of_the_regional_fit(data: bench_features.Features) -> None:
    weight = estimated(data.regional, data.probs)
    sample = SampleEmbedding(512).fit({"target_probs": data.probs, "sample_features": data.sample})
    rates = max(matrix_rate(), matrix_rate()), copy_rate()
    parts = ("embed_regions", "_pull_back", "similarity_loss", "align_loss")
    with timed((regional_solver, "match_anchors"), *((regional_objective, name) for name in parts)) as spent:
        fitted = RegionEmbedding(512).fit({
            "target_probs": data.probs, "regional_features": data.regional, "sample_embs": sample,
            "w_k": weight.channel_weights, "w_r": weight.region_weights,
        })  # fmt: skip
    n, k = data.regional.shape[:2]
    r, m, number, dims = data.regional[0, 0].numel(), 100, 4, 3
    kept = float(kept_counts(weight.region_weights, 1e-3).double().mean())
    times = {name: sum(calls) for name, calls in spent.items()}
    passes, slopes = len(spent["embed_regions"]), len(spent["_pull_back"])
    rest = fitted.trace.seconds - sum(times.values())
    a_pass = 2 * n * r * k * dims
    features, lookups = n * k * r * number, n * m * kept * dims * number
    # Forward a look-up reads an index and a number and writes one; the rest, mostly backward, reads and adds.
    stages = {
        "match": (times["match_anchors"], 2 * n * m * kept * r * k, 2 * features),
        f"maps of features, {passes} passes": (times["embed_regions"], passes * a_pass, passes * features),
        f"gradients of maps, {slopes} passes": (times["_pull_back"], slopes * a_pass, slopes * features),
        "look-ups forward": (times["similarity_loss"] + times["align_loss"], 0.0, passes * 3 * lookups),
        "sums backward and the rest": (rest, 0.0, slopes * 3 * lookups),
    }
    for stage, (taken, operations, moved) in stages.items():
        _row(f"regional fit: {stage}", taken, operations / rates[0], moved / rates[1])


def _regions_kept(weight: ImportanceWeight) -> float:
    """Regions per anchor that v is learnt from, where scores have a spread of 1."""
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
        _row(f"{name}: {stage}", sum(times), operations / rates[0], moved / rates[1])


def _row(what: str, taken: float, by_operations: float, by_bytes: float) -> None:
    which = "operations" if by_operations > by_bytes else "bytes"
    row(what, f"{taken / max(by_operations, by_bytes):.1f} of its limit ({which})",
        f"{taken:.2f} s", f"operations {by_operations:.2f} s, bytes {by_bytes:.2f} s")  # fmt: skip
