"""What the stages that fit something share: settings to arguments, data from disk, a trace without times."""

import inspect
from typing import Any

import torch
from pydantic import BaseModel
from torch import Tensor

from patternscope.networks import resolve_device
from patternscope.study.arrays import ShardedArray, load_arrays
from patternscope.study.stage import UnitContext, layer_folder


def fit_arguments(settings: BaseModel, estimator: type, seed: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return an estimator's constructor arguments and the `params` of its fit, from one section of settings.

    Source: this project. What the constructor names is for the constructor; the rest and the seed are params.
    """
    named = inspect.signature(estimator).parameters
    given = settings.model_dump()
    constructor = {name: value for name, value in given.items() if name in named}
    params = {name: value for name, value in given.items() if name not in named}
    return constructor, {**params, "seed": seed}


def trace_record(trace: Any) -> dict[str, Any]:
    """Return a fit's trace as JSON values; seconds stay out, since the bytes of a unit must repeat.

    Source: this project.
    """
    return {
        "losses": [float(loss) for loss in trace.losses],
        "steps": int(trace.steps),
        "converged": bool(trace.converged),
    }


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
