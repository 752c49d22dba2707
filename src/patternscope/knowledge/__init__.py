"""From fitted embeddings to findings: which regions the network knows classes by."""

from patternscope.knowledge.adversarial import (
    Trajectory,
    orientation_change,
    strength_change,
    trajectory_types,
    weight_on,
)
from patternscope.knowledge.bootstrap import Interval, bootstrap_counts, bootstrap_mean
from patternscope.knowledge.points import (
    KnowledgePoints,
    class_probability,
    find_knowledge_points,
    reliable_ratio,
)
from patternscope.knowledge.quality import agreement, object_cover, strength_uncertainty_correlation

__all__ = [
    "Interval",
    "KnowledgePoints",
    "Trajectory",
    "agreement",
    "bootstrap_counts",
    "bootstrap_mean",
    "class_probability",
    "find_knowledge_points",
    "object_cover",
    "orientation_change",
    "reliable_ratio",
    "strength_change",
    "strength_uncertainty_correlation",
    "trajectory_types",
    "weight_on",
]
