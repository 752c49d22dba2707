"""The stages of a study: one file each, discovered here; the settings decide which of them a study has."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from patternscope.settings.study import StudySettings
from patternscope.study.stages.images import IMAGES_FOR_A_PROBE, IMAGES_FOR_STUDENTS, trains_here
from patternscope.study.stages.networks import with_networks
from patternscope.workflow.stages import Stage


def study_stages(settings: StudySettings) -> tuple[Stage, ...]:
    """Return the stages of a study, each after those it reads: those of every study and of its optional parts.

    >>> [stage.name for stage in study_stages(StudySettings())][:4]
    ['images', 'training', 'features', 'importance']
    """
    stages = [stage for stage in all_stages() if _is_asked_for(stage, settings)]
    probed = settings.network.head == "probe"
    if (probed or settings.distillation.enabled) and not trains_here(settings):
        images = IMAGES_FOR_A_PROBE if probed else IMAGES_FOR_STUDENTS
        stages = [images if stage.name == images.name else stage for stage in stages]
    return in_order(with_networks(stages, settings)) if settings.replicates.enabled else tuple(stages)


def on_threads(stages: Sequence[Stage], settings: StudySettings) -> tuple[Stage, ...]:
    """Return stages with their threads: one each if the number of threads must not matter.

    The setting is then in their keys, so that results of many threads are computed again.
    """
    if settings.deterministic == "machine":
        return tuple(stages)
    return tuple(replace(stage, settings=(*stage.settings, "deterministic"), threads=1) for stage in stages)


@cache
def all_stages() -> tuple[Stage, ...]:
    """Return every stage that the modules of this folder declare as `STAGES`, each after those it reads."""
    modules = [import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__)]
    stages = [stage for module in modules for stage in getattr(module, "STAGES", ())]
    # Optional parts come last if possible.
    return in_order(sorted(stages, key=lambda stage: stage.part is not None))


def in_order(stages: Iterable[Stage]) -> tuple[Stage, ...]:
    """Return stages so that each follows those it reads; KeyError if one reads what no stage writes."""
    waiting, ordered = list(stages), []
    while waiting:
        known = {stage.name for stage in ordered}
        ready = next((s for s in waiting if {need.stage for need in s.needs} <= known | {s.name}), None)
        if ready is None:
            raise KeyError(f"stages {[stage.name for stage in waiting]} read what no stage writes")
        waiting.remove(ready)
        ordered.append(ready)
    return tuple(ordered)


def _is_asked_for(stage: Stage, settings: StudySettings) -> bool:
    """Tell whether a study has a stage: always, or if its part is enabled and its variant, if any, requested."""
    if stage.part is None:
        return True
    part = getattr(settings, stage.part)
    _, _, variant = stage.name.partition("/")
    return part.enabled and (not variant or variant in part.variants)
