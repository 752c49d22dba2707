"""Stage importance: the weights of regions and channels of each layer and checkpoint."""

from patternscope.results.arrays import load_arrays, save_arrays
from patternscope.results.json_csv import write_json
from patternscope.settings.study import StudySettings
from patternscope.study.stages.fitting import fit_importance, on_device, regional_features
from patternscope.workflow.stages import Need, Stage, UnitContext


def run_importance(ctx: UnitContext) -> None:
    """Write region weights (n, r) and channel weights (n, k) of all samples."""
    settings: StudySettings = ctx.settings
    features = regional_features(ctx)
    probs = on_device(ctx, "features", "sample.safetensors")["target_probs"]
    data = {"regional_features": features, "target_probs": probs}
    who = load_arrays(ctx.path("images", "identity.safetensors"))
    fitted = fit_importance(settings.importance, data, who, settings.seed)
    save_arrays(
        ctx.folder / "importance.safetensors",
        {"region_weights": fitted.region_weights, "channel_weights": fitted.channel_weights},
    )
    record = {"grid": list(features.shape[-2:]), "trace": fitted.trace.summary()}
    write_json(ctx.folder / "importance.json", record)


IMPORTANCE = Stage(
    "importance",
    version=3,
    run=run_importance,
    settings=("seed", "importance"),
    needs=(
        Need("images", ("identity.safetensors",)),
        Need("features", ("sample.safetensors", "{layer}/")),
    ),
    per=("checkpoint", "layer"),
    weight=8.0,
)
