"""What the stages that fit something share: settings to arguments, data from disk, a trace without times."""

from typing import Any

import torch
from torch import Tensor

from patternscope.embeddings.settings import ImportanceSettings, RegionSettings, SampleSettings
from patternscope.networks import resolve_device
from patternscope.study.arrays import ShardedArray, load_arrays
from patternscope.study.keys import unit_seed
from patternscope.study.stage import UnitContext, layer_folder


def fit_arguments(
    settings: SampleSettings | ImportanceSettings | RegionSettings, seed: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an estimator's constructor arguments and the `params` of its fit, from its section of settings.

    Source: this project. The fit's seed comes from the unit's `seed` and from the section's, so that a
    section's seed alone varies the fit.
    """
    params = settings.params().model_dump()
    return settings.constructor(), {**params, "seed": unit_seed(seed, settings.seed)}


def regional_features(ctx: UnitContext) -> Tensor:
    """Return the regional features (n, k, h, w) of the unit's layer and checkpoint, on the unit's device.

    Source: this project.
    """
    folder = ctx.sources("features")[0].folder / layer_folder(ctx.unit.layer or "")
    return ShardedArray(folder, "regional").load().to(resolve_device(ctx.device))


def on_device(ctx: UnitContext, stage: str, file: str) -> dict[str, Tensor]:
    """Return the arrays of an input file on the unit's device.

    Source: this project.
    """
    device: torch.device = resolve_device(ctx.device)
    return {name: array.to(device) for name, array in load_arrays(ctx.path(stage, file)).items()}
