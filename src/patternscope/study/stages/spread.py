"""Stage spread: the last layers fitted again with other neighbours, to know what a draw of them changes."""

from typing import Any

from torch import Tensor

from patternscope.knowledge import KnowledgePoints, find_knowledge_points, seed_spread
from patternscope.results.arrays import load_arrays
from patternscope.results.json_csv import read_json, write_json
from patternscope.settings.study import StudySettings
from patternscope.study.stages.fitting import fit_importance, fit_region, on_device, regional_features
from patternscope.workflow.stages import Need, Stage, UnitContext

COUNTS = ("total", "reliable", "ratio")


def run_spread(ctx: UnitContext) -> None:
    """Write the counts of the study's own draw and of more, and the standard deviation of each over the draws."""
    first = read_json(ctx.path("knowledge", "knowledge.json"))
    draws: list[dict[str, Any]] = [{name: first[name] for name in COUNTS}]
    more = ctx.settings.spread.draws
    features = regional_features(ctx)
    for draw in range(1, more + 1):
        ctx.report((draw - 1) / more, f"draw {draw} of {more}")
        points = _drawn_again(ctx, features, draw)
        draws.append({"total": points.total, "reliable": points.total_reliable, "ratio": points.ratio})
    spread = {name: seed_spread([each[name] for each in draws]) for name in COUNTS}
    write_json(ctx.folder / "spread.json", {"draws": draws, "spread": spread})


def _drawn_again(ctx: UnitContext, features: Tensor, draw: int) -> KnowledgePoints:
    """The knowledge points of the layer by maps of another draw of neighbours, in their own unit of strength."""
    settings: StudySettings = ctx.settings
    importance = settings.importance.model_copy(update={"seed": settings.importance.seed + draw})
    region = settings.region.model_copy(update={"seed": settings.region.seed + draw})
    who = load_arrays(ctx.path("images", "identity.safetensors"))
    samples = on_device(ctx, "sample", "sample.safetensors")
    probs = on_device(ctx, "features", "sample.safetensors")["target_probs"]
    data = {"target_probs": probs, "regional_features": features}
    weights = fit_importance(importance, data, who, settings.seed)
    fitted = fit_region(region, {**data, "sample_embs": samples["embedding"]}, weights, who, settings.seed)
    return find_knowledge_points(
        fitted(features),
        samples["mean_directions"],
        who["labels"],
        settings.knowledge.tau,
        kappa_max=settings.region.kappa_max,
    )


SPREAD = Stage(
    "spread",
    version=1,
    run=run_spread,
    settings=("seed", "spread", "importance", "region", "knowledge.tau"),
    needs=(
        Need("images", ("identity.safetensors",)),
        Need("features", ("sample.safetensors", "{layer}/"), checkpoint="last"),
        Need("sample", ("sample.safetensors",), checkpoint="last"),
        Need("knowledge", ("knowledge.json",), checkpoint="last"),
    ),
    per=("layer",),
    weight=16.0,
)
