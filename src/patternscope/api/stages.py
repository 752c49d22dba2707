"""All stages of a study: its own, its figures and its page."""

from collections.abc import Sequence

from patternscope.api.figure_stages import figure_stages
from patternscope.atlas.stage import atlas_stage
from patternscope.settings.study import StudySettings
from patternscope.workflow.stages import Stage


def pages_of(settings: StudySettings) -> Sequence[Stage]:
    """Return the figures and the atlas of a study, which the study itself does not know."""
    attack = settings.attack.enabled
    students = settings.distillation.students if settings.distillation.enabled else ()
    figures = figure_stages(attack=attack, faithfulness=settings.faithfulness.enabled, students=students)
    return (*figures, atlas_stage(attack=attack, students=students))
