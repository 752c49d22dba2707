"""Stage faithfulness: what the network says as a layer's regions go, in the order of each account of them."""

from typing import Any

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images import choose_samples
from patternscope.knowledge import (
    blurred,
    bootstrap_mean,
    class_log_odds,
    curve_area,
    deletion_curve,
    object_cover,
    removal_order,
    removal_shares,
)
from patternscope.networks import (
    Normalised,
    grad_cam,
    images_at_once,
    record,
)
from patternscope.results.arrays import load_arrays, save_arrays
from patternscope.results.json_csv import flat_interval, read_json, write_json
from patternscope.settings.study import StudySettings
from patternscope.study.network_factory import MODEL_SETTINGS, recording_options
from patternscope.study.stages.trained import trained_network
from patternscope.workflow.stages import Need, Stage, UnitContext

# What the orders, and what is shown instead of a region, are called.
ORDERS = {
    "p": "p of the true class",
    "strength": "strength",
    "w": "importance w",
    "grad_cam": "Grad-CAM",
    "random": "random",
    "mask": "the object's mask",
}
INSTEAD = {"blur": "blurred", "mean": "the image's mean colour"}


def run_faithfulness(ctx: UnitContext) -> None:
    """Write the deletion curve of each image and order, their areas with intervals, and paired differences."""
    settings: StudySettings = ctx.settings
    asked = settings.faithfulness
    samples = load_arrays(ctx.path("images", "samples.safetensors"))
    chosen = choose_samples(samples["labels"], asked.images_per_class, seed=ctx.stage_seed)
    images, labels = samples["images"][chosen].float() / 255, samples["labels"][chosen]
    height, width = read_json(ctx.path("region", "region.json"))["grid"]
    model = trained_network(ctx)
    accounts, left_out = _accounts(ctx, model, samples, chosen, (height, width))
    seen, expected = 0, len(chosen) * (2 + len(accounts) * (min(asked.steps, height * width) - 1))

    def probabilities(shown: Tensor) -> Tensor:
        nonlocal seen
        seen += len(shown)
        ctx.report(seen / expected, f"image {seen} of {expected}")
        logits = record(model, shown, (), **recording_options(settings.network)).logits
        return torch.softmax(logits, dim=1)

    found = deletion_curve(
        probabilities,
        images,
        labels,
        torch.stack([removal_order(each) for each in accounts.values()]),
        (height, width),
        replacement=blurred(images) if asked.replacement == "blur" else None,
        steps=asked.steps,
        at_once=images_at_once(images),
    )
    curves = dict(zip(accounts, found, strict=True))
    save_arrays(ctx.folder / "faithfulness.safetensors", {"samples": chosen, **curves})
    shares = removal_shares(height * width, asked.steps)
    about = {"images": len(chosen), "replacement": asked.replacement, "left_out": left_out}
    measured = {"shares": shares.tolist(), "orders": _measured(ctx, curves, shares)}
    write_json(ctx.folder / "faithfulness.json", {**about, **measured})


def _accounts(
    ctx: UnitContext, model: Normalised, samples: dict[str, Tensor], chosen: Tensor, grid: tuple[int, int]
) -> tuple[dict[str, Tensor], dict[str, str]]:
    """How important each account holds each region (m, r), p first; and why one has nothing to say of this layer."""
    layer, labels = ctx.unit.layer or "", samples["labels"][chosen]
    embedding = load_arrays(ctx.path("region", "region.safetensors"))["embedding"][chosen]
    unit = read_json(ctx.path("region", "strength.json"))["mean_strength"] or 1.0
    directions = load_arrays(ctx.path("sample", "sample.safetensors"))["mean_directions"]
    weights = load_arrays(ctx.path("importance", "importance.safetensors"))["region_weights"]
    found = {
        "p": class_log_odds(embedding / unit, directions, labels, ctx.settings.region.kappa_max),
        "strength": torch.linalg.vector_norm(embedding, dim=-1),
        "w": weights[chosen],
    }
    left_out = {}
    try:
        found["grad_cam"] = grad_cam(model, samples["images"][chosen], labels, [layer], grid)[layer]
    except InputError as error:
        left_out["grad_cam"] = str(error)
    generator = torch.Generator().manual_seed(ctx.stage_seed)
    found["random"] = torch.rand(embedding.shape[:2], generator=generator)
    if "masks" in samples:
        found["mask"] = object_cover(samples["masks"][chosen], grid)
    return found, left_out


def _measured(ctx: UnitContext, curves: dict[str, Tensor], shares: Tensor) -> list[dict[str, Any]]:
    """For each order its area and mean curve, and how much smaller the area of p is on the same images."""
    drawn = {"resamples": ctx.settings.knowledge.bootstrap, "seed": ctx.seed}
    areas = {name: curve_area(curve, shares) for name, curve in curves.items()}
    return [
        {
            "order": name,
            **flat_interval("area", bootstrap_mean(area, **drawn)),
            **flat_interval("difference", bootstrap_mean(areas["p"] - area, **drawn)),
            "curve": curves[name].mean(dim=0).tolist(),
        }
        for name, area in areas.items()
    ]


FAITHFULNESS = Stage(
    "faithfulness",
    version=2,
    run=run_faithfulness,
    settings=(
        "seed",
        "faithfulness",
        "knowledge.bootstrap",
        "region.kappa_max",
        *MODEL_SETTINGS,
        "network.sample_layer",
        "network.precision",
    ),
    needs=(
        Need("images", ("samples.safetensors", "classes.json")),
        Need("training", ("network.safetensors",), checkpoint="last"),
        Need("sample", ("sample.safetensors",), checkpoint="last"),
        Need("importance", ("importance.safetensors",), checkpoint="last"),
        Need("region", ("region.safetensors", "region.json", "strength.json"), checkpoint="last"),
    ),
    per=("layer",),
    weight=10.0,
)
