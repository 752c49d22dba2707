"""Figures of a study: each is a file with `data` (what to show), `draw` (how) and `table` (the csv behind it)."""

from patternscope.figures import (
    attack_change,
    attack_histogram,
    attack_regions,
    attack_trajectories,
    counts,
    distilled_counts,
    distilled_histograms,
    emergence,
    faithfulness,
    importance,
    knowledge_points,
    losses,
    region_paths,
    regional_embedding,
    sample_embedding,
    training_animation,
    training_strip,
)
from patternscope.figures.findings import Findings, open_findings
from patternscope.settings.study import StudySettings
from patternscope.workflow.stages import Stage

FIGURE_STAGES: tuple[Stage, ...] = (
    sample_embedding.STAGE,
    regional_embedding.STAGE,
    knowledge_points.STAGE,
    importance.STAGE,
    counts.STAGE,
    emergence.STAGE,
    training_strip.STAGE,
    region_paths.STAGE,
    losses.STAGE,
    training_animation.STAGE,
)

ATTACK_FIGURE_STAGES: tuple[Stage, ...] = (
    attack_regions.STAGE,
    attack_trajectories.STAGE,
    attack_change.STAGE,
    attack_histogram.STAGE,
)


def figure_stages(settings: StudySettings) -> tuple[Stage, ...]:
    """Return the figures of a study: those of every study, then those of the parts that are enabled.

    >>> figure_stages(StudySettings()) == FIGURE_STAGES
    True
    """
    stages = FIGURE_STAGES + ((faithfulness.STAGE,) if settings.faithfulness.enabled else ())
    stages += ATTACK_FIGURE_STAGES if settings.attack.enabled else ()
    students = settings.distillation.students if settings.distillation.enabled else ()
    return stages + tuple(
        each.stage(students) for each in (distilled_counts, distilled_histograms) if students
    )


__all__ = [
    "FIGURE_STAGES",
    "Findings",
    "attack_change",
    "attack_histogram",
    "attack_regions",
    "attack_trajectories",
    "counts",
    "distilled_counts",
    "distilled_histograms",
    "emergence",
    "faithfulness",
    "figure_stages",
    "importance",
    "knowledge_points",
    "losses",
    "open_findings",
    "region_paths",
    "regional_embedding",
    "sample_embedding",
    "training_animation",
    "training_strip",
]
