"""What the stages of a study read: results, the device they compute on, and the network of a checkpoint."""

import torch

from patternscope.networks import Normalised, load_weights, resolve_device
from patternscope.results.images import ImagesResult
from patternscope.results.study import StoredResults, StudyResults
from patternscope.results.training import NETWORK_FILE
from patternscope.settings.core import NetworkSettings
from patternscope.settings.study import StudySettings
from patternscope.study.network_factory import study_network
from patternscope.workflow.stages import UnitContext


def inputs_of(ctx: UnitContext) -> StudyResults:
    """Return the results that a unit has declared."""
    return StoredResults.of(ctx)


def device_of(ctx: UnitContext) -> torch.device:
    """Return the device on which a unit computes."""
    return resolve_device(ctx.device)


def trained_network(
    ctx: UnitContext, *, stage: str = "training", network: NetworkSettings | None = None, checkpoint: int | None = None
) -> Normalised:
    """Return the network of a stage that the unit reads, on the unit's device; by default the study's own.

    Where the unit reads several checkpoints, that of `checkpoint`.

    The unit has to declare `network_factory.MODEL_SETTINGS`, the classes and the stage's NETWORK_FILE.
    """
    settings: StudySettings = ctx.settings
    classes = inputs_of(ctx).load(ImagesResult).classes
    model = study_network(network or settings.network, settings.images, len(classes), seed=0)
    load_weights(model, ctx.path(stage, NETWORK_FILE, checkpoint))
    return model.to(device_of(ctx))
