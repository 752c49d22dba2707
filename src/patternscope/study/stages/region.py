"""Stage region: the regional embedding of each layer and checkpoint, in the frame of the sample embedding."""

from patternscope.results.arrays import load_arrays, save_arrays
from patternscope.results.json_csv import write_json
from patternscope.settings.study import StudySettings
from patternscope.study.stages.fitting import fit_region, on_device, regional_features
from patternscope.workflow.stages import Need, Stage, UnitContext


def run_region(ctx: UnitContext) -> None:
    """Write L, the regional embedding (n, r, e) and the layer's mean strength."""
    settings: StudySettings = ctx.settings
    features = regional_features(ctx)
    weights = on_device(ctx, "importance", "importance.safetensors")
    samples = on_device(ctx, "sample", "sample.safetensors")["embedding"]
    data = {
        "target_probs": on_device(ctx, "features", "sample.safetensors")["target_probs"],
        "regional_features": features,
        "sample_embs": samples,
    }
    who = load_arrays(ctx.path("images", "identity.safetensors"))
    fitted = fit_region(settings.region, data, weights, who, settings.seed)
    embedding = fitted(features)
    save_arrays(ctx.folder / "region.safetensors", {"map": fitted.map, "embedding": embedding})
    # A file of its own: every checkpoint reads the last one's strength, and nothing else of it.
    write_json(ctx.folder / "strength.json", {"mean_strength": float(embedding.norm(dim=-1).double().mean())})
    record = {"scale": float(fitted.scale), "trace": fitted.trace.summary()}
    write_json(ctx.folder / "region.json", {**record, "grid": list(features.shape[-2:])})


REGION = Stage(
    "region",
    version=3,
    run=run_region,
    settings=("seed", "region"),
    needs=(
        Need("images", ("identity.safetensors",)),
        Need("features", ("sample.safetensors", "{layer}/")),
        Need("sample", ("sample.safetensors",)),
        Need("importance", ("importance.safetensors",)),
    ),
    per=("checkpoint", "layer"),
    weight=8.0,
)
