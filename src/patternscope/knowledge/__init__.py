"""From fitted embeddings to findings: the regions with which the network distinguishes classes."""

from typing import TYPE_CHECKING

from patternscope.lazy import lazy_exports

if TYPE_CHECKING:
    from patternscope.knowledge.attack_analysis import (
        Trajectory,
        orientation_change,
        strength_change,
        trajectory_types,
        weight_on,
    )
    from patternscope.knowledge.bootstrap import (
        bootstrap_count_differences,
        bootstrap_counts,
        bootstrap_histogram,
        bootstrap_mean,
        bootstrap_means,
        bootstrap_ratio,
    )
    from patternscope.knowledge.calibration import (
        Calibration,
        ReliabilityBin,
        at_temperature,
        calibrate,
        calibrate_by_strength,
        calibrate_folds,
        calibration_error,
        class_shares,
        fold_temperatures,
        reliability,
    )
    from patternscope.knowledge.direction_removal import class_directions, of_length, without_direction
    from patternscope.knowledge.emergence import (
        ClassAppearance,
        class_appearance,
        corresponding_regions,
        first_appearance,
        lasting_appearance,
    )
    from patternscope.knowledge.faithfulness import blurred, curve_area, deletion_curve, removal_order, removal_shares
    from patternscope.knowledge.folds import assign_folds
    from patternscope.knowledge.intervals import (
        Interval,
        above_zero,
        seed_spread,
        share_difference,
        share_interval,
        with_seed_spread,
        within_noise,
    )
    from patternscope.knowledge.knowledge_points import KnowledgePoints, reliable_ratio
    from patternscope.knowledge.ledger import (
        ClassFlows,
        Flow,
        Ledger,
        flow_of_regions,
        growth_by_flow,
        keep_ledger,
        lasting_share,
        on_common_grid,
    )
    from patternscope.knowledge.network_comparison import (
        EmbeddedLayer,
        LayerDifference,
        align_embeddings,
        channel_agreement,
        compare_layers,
    )
    from patternscope.knowledge.noise import Noise, with_noise
    from patternscope.knowledge.pattern_matching import Matches, match_patterns
    from patternscope.knowledge.pattern_removal import Removals, choose_removals, draw_regions
    from patternscope.knowledge.patterns import Pattern, find_patterns, presence, regions_like, unit_features
    from patternscope.knowledge.points import class_log_odds, class_probability, find_knowledge_points, threshold
    from patternscope.knowledge.probe import probe_evidence
    from patternscope.knowledge.quality import agreement, object_cover, strength_uncertainty_correlation
    from patternscope.knowledge.region_evidence import Evidence, evidence, region_bits, shared_points, stability
    from patternscope.knowledge.replicates import (
        difference_over_networks,
        over_networks,
        shared_by_all,
        shared_by_chance,
    )
    from patternscope.knowledge.temperatures import Temperatures, temperatures_of_points
else:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "attack_analysis": (
                "Trajectory", "orientation_change", "strength_change", "trajectory_types", "weight_on",
            ),
            "bootstrap": (
                "bootstrap_count_differences", "bootstrap_counts", "bootstrap_histogram", "bootstrap_mean",
                "bootstrap_means", "bootstrap_ratio",
            ),
            "calibration": (
                "Calibration", "ReliabilityBin", "at_temperature", "calibrate", "calibrate_by_strength",
                "calibrate_folds", "calibration_error", "class_shares", "fold_temperatures", "reliability",
            ),
            "direction_removal": ("class_directions", "of_length", "without_direction"),
            "emergence": (
                "ClassAppearance", "class_appearance", "corresponding_regions", "first_appearance",
                "lasting_appearance",
            ),
            "region_evidence": ("Evidence", "evidence", "region_bits", "shared_points", "stability"),
            "faithfulness": (
                "blurred", "curve_area", "deletion_curve", "removal_order", "removal_shares",
            ),
            "folds": ("assign_folds",),
            "intervals": (
                "Interval", "above_zero", "seed_spread", "share_difference", "share_interval", "with_seed_spread",
                "within_noise",
            ),
            "ledger": (
                "ClassFlows", "Flow", "Ledger", "flow_of_regions", "growth_by_flow", "keep_ledger", "lasting_share",
                "on_common_grid",
            ),
            "network_comparison": (
                "EmbeddedLayer", "LayerDifference", "align_embeddings", "channel_agreement", "compare_layers",
            ),
            "noise": ("Noise", "with_noise"),
            "knowledge_points": ("KnowledgePoints", "reliable_ratio"),
            "pattern_matching": ("Matches", "match_patterns"),
            "pattern_removal": ("Removals", "choose_removals", "draw_regions"),
            "patterns": ("Pattern", "find_patterns", "presence", "regions_like", "unit_features"),
            "points": (
                "class_log_odds", "class_probability", "find_knowledge_points", "threshold",
            ),
            "probe": ("probe_evidence",),
            "quality": ("agreement", "object_cover", "strength_uncertainty_correlation"),
            "temperatures": ("Temperatures", "temperatures_of_points"),
            "replicates": ("difference_over_networks", "over_networks", "shared_by_all", "shared_by_chance"),
        },
    )  # fmt: skip
