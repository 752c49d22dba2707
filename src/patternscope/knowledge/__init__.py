"""From fitted embeddings to findings: which regions the network knows classes by."""

from patternscope.knowledge.bootstrap import Interval, bootstrap_counts
from patternscope.knowledge.points import KnowledgePoints, find_knowledge_points, reliable_ratio

__all__ = ["Interval", "KnowledgePoints", "bootstrap_counts", "find_knowledge_points", "reliable_ratio"]
