"""The inputs of the stages of a study: results, the device to compute on, and the network of a checkpoint."""

import torch

from patternscope.networks import Normalised, resolve_device
from patternscope.networks.models.heads import load_head
from patternscope.results.images import ImagesResult
from patternscope.results.study import StoredResults, StudyResults
from patternscope.results.training import HEAD_FILE, NETWORK_FILE
from patternscope.settings.core import NetworkSettings
from patternscope.settings.study import StudySettings
from patternscope.study.analysed_network import rebuilt_network
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

    If the unit reads several checkpoints, that of `checkpoint`.

    The unit must declare `network_factory.MODEL_SETTINGS`, the classes and the stage's NETWORK_FILES.
    """
    settings: StudySettings = ctx.settings
    classes = inputs_of(ctx).load(ImagesResult).classes
    file = ctx.path(stage, NETWORK_FILE, checkpoint)
    beside = file.with_name(HEAD_FILE)
    head = load_head(beside) if beside.is_file() else None
    model = rebuilt_network(network or settings.network, settings.images, len(classes), head, file)
    return model.to(device_of(ctx))
