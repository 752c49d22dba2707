"""All stages of a study: its own, its page and its figures."""

from collections.abc import Sequence

from patternscope.api.figure_stages import figure_stages
from patternscope.atlas.stage import atlas_stage
from patternscope.settings.study import StudySettings
from patternscope.study.stages import study_stages
from patternscope.workflow.stages import Stage


def pages_of(settings: StudySettings) -> Sequence[Stage]:
    """Return the stages of the figures and the atlas, which are not among those of `study`."""
    students = settings.distillation.students if settings.distillation.enabled else ()
    atlas = atlas_stage(
        attack=settings.attack.enabled,
        controls=settings.controls.enabled,
        patterns=settings.patterns.enabled,
        replicates=settings.replicates.enabled,
        students=students,
    )
    # The atlas takes longest, and would run alone at the end.
    return (atlas, *figure_stages(study_stages(settings)))
