"""From fitted embeddings to findings: which regions the network knows classes by."""

from patternscope.knowledge.adversarial import (
    Trajectory,
    orientation_change,
    strength_change,
    trajectory_types,
    weight_on,
)
from patternscope.knowledge.bootstrap import (
    Interval,
    bootstrap_count_differences,
    bootstrap_counts,
    bootstrap_histogram,
    bootstrap_mean,
)
from patternscope.knowledge.distilled import (
    LayerDifference,
    Seen,
    align_embeddings,
    channel_agreement,
    compare_layers,
)
from patternscope.knowledge.emergence import (
    ClassAppearance,
    class_appearance,
    corresponding_regions,
    first_appearance,
    lasting_appearance,
)
from patternscope.knowledge.faithfulness import curve_area, deletion_curve, removal_order
from patternscope.knowledge.points import (
    KnowledgePoints,
    class_probability,
    find_knowledge_points,
    reliable_ratio,
)
from patternscope.knowledge.quality import agreement, object_cover, strength_uncertainty_correlation

__all__ = [
    "ClassAppearance",
    "Interval",
    "KnowledgePoints",
    "LayerDifference",
    "Seen",
    "Trajectory",
    "agreement",
    "align_embeddings",
    "bootstrap_count_differences",
    "bootstrap_counts",
    "bootstrap_histogram",
    "bootstrap_mean",
    "channel_agreement",
    "class_appearance",
    "class_probability",
    "compare_layers",
    "corresponding_regions",
    "curve_area",
    "deletion_curve",
    "find_knowledge_points",
    "first_appearance",
    "lasting_appearance",
    "object_cover",
    "orientation_change",
    "reliable_ratio",
    "removal_order",
    "strength_change",
    "strength_uncertainty_correlation",
    "trajectory_types",
    "weight_on",
]
