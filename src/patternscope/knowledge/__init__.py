"""From fitted embeddings to findings: which regions the network knows classes by."""

from patternscope.knowledge.attack_analysis import (
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
    bootstrap_ratio,
)
from patternscope.knowledge.emergence import (
    ClassAppearance,
    class_appearance,
    corresponding_regions,
    first_appearance,
    lasting_appearance,
)
from patternscope.knowledge.faithfulness import (
    blurred,
    curve_area,
    deletion_curve,
    insertion_curve,
    removal_order,
    removal_shares,
)
from patternscope.knowledge.network_comparison import (
    LayerDifference,
    Seen,
    align_embeddings,
    channel_agreement,
    compare_layers,
)
from patternscope.knowledge.points import (
    KnowledgePoints,
    class_log_odds,
    class_probability,
    find_knowledge_points,
    reliable_ratio,
    threshold,
)
from patternscope.knowledge.quality import (
    agreement,
    object_cover,
    pointing_game,
    points_on,
    strength_uncertainty_correlation,
)
from patternscope.knowledge.uncertainty import (
    Stability,
    seed_spread,
    verdict_stability,
    with_seed_spread,
    within_noise,
)

__all__ = [
    "ClassAppearance",
    "Interval",
    "KnowledgePoints",
    "LayerDifference",
    "Seen",
    "Stability",
    "Trajectory",
    "agreement",
    "align_embeddings",
    "blurred",
    "bootstrap_count_differences",
    "bootstrap_counts",
    "bootstrap_histogram",
    "bootstrap_mean",
    "bootstrap_ratio",
    "channel_agreement",
    "class_appearance",
    "class_log_odds",
    "class_probability",
    "compare_layers",
    "corresponding_regions",
    "curve_area",
    "deletion_curve",
    "find_knowledge_points",
    "first_appearance",
    "insertion_curve",
    "lasting_appearance",
    "object_cover",
    "orientation_change",
    "pointing_game",
    "points_on",
    "reliable_ratio",
    "removal_order",
    "removal_shares",
    "seed_spread",
    "strength_change",
    "strength_uncertainty_correlation",
    "threshold",
    "trajectory_types",
    "verdict_stability",
    "weight_on",
    "with_seed_spread",
    "within_noise",
]
