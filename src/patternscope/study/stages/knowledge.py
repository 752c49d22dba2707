"""Stage knowledge: the knowledge points of each layer and checkpoint, counted, with intervals."""

from typing import Any

import torch
from torch import Tensor

from patternscope.knowledge import (
    KnowledgePoints,
    bootstrap_counts,
    find_knowledge_points,
    object_cover,
    threshold,
)
from patternscope.results.arrays import load_arrays, save_arrays
from patternscope.results.json_csv import flat_intervals, read_json, write_json
from patternscope.settings.study import StudySettings
from patternscope.workflow.stages import Need, Stage, UnitContext


def run_knowledge(ctx: UnitContext) -> None:
    """Write mask, reliability, category, confidence and strength of each region, and their counts."""
    settings: StudySettings = ctx.settings
    asked = settings.knowledge
    samples = load_arrays(ctx.path("images", "samples.safetensors"))
    classes = read_json(ctx.path("images", "classes.json"))["classes"]
    embedding = load_arrays(ctx.path("region", "region.safetensors"))["embedding"]
    directions = load_arrays(ctx.path("sample", "sample.safetensors"))["mean_directions"]
    # None where the layer says nothing at all at the last checkpoint; another is then measured by its own strength.
    unit_strength = read_json(ctx.path("region", "strength.json"))["mean_strength"] or None
    tau = threshold(asked.tau, len(classes))
    kappa_max = settings.region.kappa_max

    def found(tau: float) -> KnowledgePoints:
        return find_knowledge_points(
            embedding,
            directions,
            samples["labels"],
            tau=tau,
            kappa_max=kappa_max,
            unit_strength=unit_strength,
        )

    points = found(tau)
    save_arrays(
        ctx.folder / "knowledge.safetensors",
        {
            "mask": points.mask,
            "reliable": points.reliable,
            "category": points.category,
            "confidence": points.confidence,
            "strength": points.strength,
        },
    )
    grid = read_json(ctx.path("region", "region.json"))["grid"]
    write_json(
        ctx.folder / "knowledge.json",
        {
            "images": len(embedding),
            "tau": tau,
            "unit_strength": unit_strength,
            "kappa_max": kappa_max,
            **_counts(ctx, points.mask, points.reliable),
            **_on_object(points.reliable, samples.get("masks"), grid),
            "classes": [
                {"class": name, **_counts(ctx, points.mask[chosen], points.reliable[chosen])}
                for name, chosen in zip(classes, _members(samples["labels"], len(classes)), strict=True)
                if chosen.any()
            ],
            "sweep": [
                {"tau": each, **_counts(ctx, swept.mask, swept.reliable)}
                for each, swept in ((each, found(each)) for each in asked.taus if each > 1 / len(classes))
            ],
        },
    )


def _members(labels: Tensor, count: int) -> list[Tensor]:
    """For each class, which samples are of it."""
    return [labels == label for label in range(count)]


def _counts(ctx: UnitContext, mask: Tensor, reliable: Tensor) -> dict[str, Any]:
    """Total, reliable and unreliable points an image and the ratio, each with its interval over images."""
    return flat_intervals(
        bootstrap_counts(mask, reliable, resamples=ctx.settings.knowledge.bootstrap, seed=ctx.seed)
    )


def _on_object(reliable: Tensor, masks: Tensor | None, grid: list[int]) -> dict[str, float | None]:
    """Share of the reliable points that lies on the object, and of the picture that the object covers."""
    if masks is None:
        return {"on_object": None, "object_area": None}
    cover = object_cover(masks, (grid[0], grid[1]))
    on_object = float(cover[reliable].mean()) if reliable.any() else None
    return {"on_object": on_object, "object_area": float(torch.mean(cover))}


KNOWLEDGE = Stage(
    "knowledge",
    version=4,
    run=run_knowledge,
    settings=("seed", "knowledge", "region.kappa_max"),
    needs=(
        Need("images", ("samples.safetensors", "classes.json")),
        Need("sample", ("sample.safetensors",)),
        Need("region", ("region.safetensors", "region.json")),
        Need("region", ("strength.json",), checkpoint="last"),
    ),
    per=("checkpoint", "layer"),
    weight=1.0,
)
