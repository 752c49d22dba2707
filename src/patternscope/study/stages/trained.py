"""The network that a stage has trained, for the stages that run it."""

from patternscope.networks import Normalised, load_weights, resolve_device
from patternscope.results.json_csv import read_json
from patternscope.settings.core import NetworkSettings
from patternscope.settings.study import StudySettings
from patternscope.study.network_factory import study_network
from patternscope.workflow.stages import UnitContext


def trained_network(
    ctx: UnitContext, *, stage: str = "training", network: NetworkSettings | None = None
) -> Normalised:
    """Return the network of a stage that the unit reads, on the unit's device; by default the study's own.

    From classes.json and the stage's network.safetensors; needs `models.MODEL_SETTINGS`.
    """
    settings: StudySettings = ctx.settings
    classes = read_json(ctx.path("images", "classes.json"))["classes"]
    found = study_network(network or settings.network, settings.images, len(classes), seed=0)
    load_weights(found, ctx.path(stage, "network.safetensors"))
    return found.to(resolve_device(ctx.device))
