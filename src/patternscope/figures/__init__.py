"""Figures of a study: each is a file with `data` (what to show), `draw` (how) and `table` (the csv behind it)."""

from patternscope.figures import (
    counts,
    importance,
    knowledge_points,
    losses,
    regional_embedding,
    sample_embedding,
)
from patternscope.figures.findings import Findings, open_findings

FIGURE_STAGES = (
    sample_embedding.STAGE,
    regional_embedding.STAGE,
    knowledge_points.STAGE,
    importance.STAGE,
    counts.STAGE,
    losses.STAGE,
)

__all__ = [
    "FIGURE_STAGES",
    "Findings",
    "counts",
    "importance",
    "knowledge_points",
    "losses",
    "open_findings",
    "regional_embedding",
    "sample_embedding",
]
