"""The stages of a study, in the order of the theory, and those that its settings add."""

from patternscope.settings.study import StudySettings
from patternscope.study.stages.attack import ATTACK
from patternscope.study.stages.attack_analysis import ADVERSARIAL
from patternscope.study.stages.distillation import FEATURES_STUDENT, LOGITS_STUDENT
from patternscope.study.stages.emergence import EMERGENCE
from patternscope.study.stages.faithfulness import FAITHFULNESS
from patternscope.study.stages.features import FEATURES
from patternscope.study.stages.images import IMAGES, IMAGES_FOR_STUDENTS, trains_here
from patternscope.study.stages.importance import IMPORTANCE
from patternscope.study.stages.knowledge import KNOWLEDGE
from patternscope.study.stages.region import REGION
from patternscope.study.stages.sample import SAMPLE
from patternscope.study.stages.spread import SPREAD
from patternscope.study.stages.student_analysis import FEATURES_DISTILLED, LOGITS_DISTILLED
from patternscope.study.stages.summary import SUMMARY
from patternscope.study.stages.training import TRAINING
from patternscope.workflow.stages import Stage

STAGES: tuple[Stage, ...] = (
    IMAGES,
    TRAINING,
    FEATURES,
    SAMPLE,
    IMPORTANCE,
    REGION,
    KNOWLEDGE,
    EMERGENCE,
    SUMMARY,
)
ATTACK_STAGES: tuple[Stage, ...] = (ATTACK, ADVERSARIAL)
STUDENT_STAGES: dict[str, tuple[Stage, Stage]] = {
    "logits": (LOGITS_STUDENT, LOGITS_DISTILLED),
    "features": (FEATURES_STUDENT, FEATURES_DISTILLED),
}


def study_stages(settings: StudySettings) -> tuple[Stage, ...]:
    """Return the stages of a study: those that every study has, then those of the parts that are enabled.

    >>> study_stages(StudySettings()) == STAGES
    True
    """
    stages = STAGES + ((SPREAD,) if settings.spread.enabled else ())
    stages += (FAITHFULNESS,) if settings.faithfulness.enabled else ()
    stages += ATTACK_STAGES if settings.attack.enabled else ()
    if not settings.distillation.enabled:
        return stages
    if not trains_here(settings):
        stages = (IMAGES_FOR_STUDENTS, *stages[1:])
    return stages + tuple(stage for name in settings.distillation.students for stage in STUDENT_STAGES[name])
