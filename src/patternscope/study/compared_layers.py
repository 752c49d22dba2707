"""What a comparison of two networks on the same images leaves on disk, layer by layer."""

from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from patternscope.knowledge import (
    Interval,
    KnowledgePoints,
    Seen,
    bootstrap_counts,
    compare_layers,
    find_knowledge_points,
)
from patternscope.knowledge.network_comparison import STRENGTH_EDGES, TURN_EDGES
from patternscope.results.arrays import load_arrays, save_arrays
from patternscope.results.json_csv import flat_interval, flat_intervals, read_json

# Channels that correlate more than this on average mean the same in both networks (docs/decisions.md).
ALIKE = 0.5


def through_first(asked: str, alike: float | None, possible: bool) -> bool:
    """Tell whether the second network is seen through the first's maps rather than through its own.

    `asked` "own" never does, "auto" where channels mean the same in both, by their mean correlation `alike`,
    and anything else does where it is `possible`: no map fits other channels.

    >>> through_first("auto", 0.97, True), through_first("auto", 0.1, True), through_first("teacher", 0.1, True)
    (True, False, True)
    """
    if asked == "auto":
        return possible and alike is not None and alike > ALIKE
    return possible and asked != "own"


def saved_layer(region: Path, knowledge: Path, strength: Path) -> Seen:
    """Return a layer of a study from the folders of its units region and knowledge, and its strength.json."""
    return Seen(
        load_arrays(region / "region.safetensors")["embedding"],
        read_json(strength)["mean_strength"] or 1.0,
        KnowledgePoints(**load_arrays(knowledge / "knowledge.safetensors")),
    )


def seen_layer(
    embedding: Tensor,
    mean_directions: Tensor,
    labels: Tensor,
    *,
    tau: float,
    kappa_max: float,
    unit_strength: float | None = None,
) -> Seen:
    """Return a layer as its regional embedding (n, r, e) shows it; arguments as `find_knowledge_points`.

    Source: Sec. 3.4.
    """
    own = float(torch.linalg.vector_norm(embedding, dim=-1).double().mean())
    unit = unit_strength or own or 1.0
    points = find_knowledge_points(
        embedding, mean_directions, labels, tau, kappa_max=kappa_max, unit_strength=unit
    )
    return Seen(embedding, unit, points)


def save_layer(path: Path, seen: Seen) -> None:
    """Write a layer's embedding and knowledge points as safetensors."""
    points = {name: getattr(seen.points, name) for name in KnowledgePoints.__dataclass_fields__}
    save_arrays(path, {"embedding": seen.embedding, **points})


def layer_record(first: Seen, second: Seen, *, resamples: int, seed: int) -> dict[str, Any]:
    """Return the second network's counts, the first's, their differences, and how regions differ, as JSON values.

    Regions are compared where the grids are the same; otherwise counts alone. Source: METHOD section 9.
    """
    draws = {"resamples": resamples, "seed": seed}
    counts = [bootstrap_counts(each.points.mask, each.points.reliable, **draws) for each in (first, second)]
    record: dict[str, Any] = {
        **flat_intervals(counts[1]),
        "unit_strength": second.unit_strength,
        "first": {**flat_intervals(counts[0]), "unit_strength": first.unit_strength},
    }
    return record | _differences(first, second, **draws)


def _differences(first: Seen, second: Seen, *, resamples: int, seed: int) -> dict[str, Any]:
    """What can be said of the two together."""
    if first.embedding.shape != second.embedding.shape:
        return {"same_grid": False}
    found = compare_layers(first, second, resamples=resamples, seed=seed)
    means = ("shared", "turn", "turn_at_points", "strength", "strength_apart")
    return {
        "same_grid": True,
        "difference": flat_intervals(found.counts),
        **{key: end for name in means for key, end in flat_interval(name, getattr(found, name)).items()},
        "turn_histogram": _histogram(TURN_EDGES, found.turns),
        "strength_histogram": _histogram(STRENGTH_EDGES, found.strengths),
    }


def _histogram(edges: tuple[float, ...], shares: list[Interval]) -> dict[str, Any]:
    """Bins and the share of regions in each, with intervals."""
    return {
        "edges": list(edges),
        "share": [each.value for each in shares],
        "low": [each.low for each in shares],
        "high": [each.high for each in shares],
    }
