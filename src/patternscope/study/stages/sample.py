"""Stage sample: the sample embedding of each checkpoint, all in one frame."""

import torch
from torch import Tensor

from patternscope.knowledge import agreement, strength_uncertainty_correlation
from patternscope.radial import procrustes, rotation_angle
from patternscope.results.arrays import load_arrays, save_arrays
from patternscope.results.json_csv import write_json
from patternscope.settings.study import StudySettings
from patternscope.study.stages.fitting import fit_sample, on_device
from patternscope.workflow.stages import Need, Stage, UnitContext

MAPS_BEFORE = 3
FAR_SHARE = 0.1


def run_sample(ctx: UnitContext) -> None:
    """Fit M from the mean of the maps before it, in the frame of the last one, and say how well it fits."""
    settings: StudySettings = ctx.settings
    data = on_device(ctx, "features", "sample.safetensors")
    before = [load_arrays(path) for path in ctx.paths("sample", "sample.safetensors")]
    start = torch.stack([each["map"] for each in before]).mean(0) if before else None
    aligned_to = before[-1]["embedding"].to(data["logits"].device) if before else None
    fitted = fit_sample(settings.sample, data, ctx.seed, align=aligned_to, start=start)
    posterior = fitted.posterior(data["sample_features"])
    arrays = {
        "map": fitted.map,
        "embedding": fitted.embedding,
        "mean_directions": fitted.mean_directions,
        "class_prior": fitted.class_prior,
        "posterior": posterior,
    }
    save_arrays(ctx.folder / "sample.safetensors", arrays)
    write_json(
        ctx.folder / "sample.json",
        {
            "scale": float(fitted.scale),
            "agreement": agreement(posterior, data["logits"]),
            "correlation": strength_uncertainty_correlation(fitted.embedding, data["target_probs"]),
            "alignment": _alignment(fitted.embedding, aligned_to),
            "trace": fitted.trace.summary(),
        },
    )


def _alignment(embedding: Tensor, before: Tensor | None) -> dict[str, float] | None:
    """How far an embedding is from the one before it, and the turn by which they could still come nearer.

    The residual sqrt(1 - cos^2) of the two as long vectors, in [0, 1], is what no common factor of strength
    explains. The second angle is the turn that orientations alone would ask for, without the farthest tenth.
    """
    if before is None:
        return None
    alike = torch.nn.functional.cosine_similarity(
        embedding.flatten().double(), before.flatten().double(), dim=0
    )
    left = procrustes(embedding, before)
    by_orientation = procrustes(embedding, before, trim=FAR_SHARE, metric="cosine")
    return {
        "residual": float((1 - alike.square()).clamp_min(0).sqrt()),
        "angle_degrees": rotation_angle(left),
        "orientation_angle_degrees": rotation_angle(by_orientation),
    }


SAMPLE = Stage(
    "sample",
    version=2,
    run=run_sample,
    settings=("seed", "sample"),
    needs=(
        Need("features", ("sample.safetensors",)),
        Need("sample", ("sample.safetensors",), checkpoint="before", back=MAPS_BEFORE),
    ),
    per=("checkpoint",),
    weight=1.0,
)
