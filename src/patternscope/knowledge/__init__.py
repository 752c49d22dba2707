"""From fitted embeddings to findings: which regions the network knows classes by."""

from patternscope.knowledge.bootstrap import Interval, bootstrap_counts
from patternscope.knowledge.points import KnowledgePoints, find_knowledge_points, reliable_ratio
from patternscope.knowledge.quality import agreement, object_cover, strength_uncertainty_correlation

__all__ = [
    "Interval",
    "KnowledgePoints",
    "agreement",
    "bootstrap_counts",
    "find_knowledge_points",
    "object_cover",
    "reliable_ratio",
    "strength_uncertainty_correlation",
]
