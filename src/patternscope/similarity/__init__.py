"""How similar two samples are: by class probabilities, by regional features, by regional embeddings."""

from typing import TYPE_CHECKING

from patternscope.lazy import lazy_exports

if TYPE_CHECKING:
    from patternscope.similarity.matching import match_regions, unit_regions
    from patternscope.similarity.neighbours import Neighbours, choose_neighbours
    from patternscope.similarity.regional import combine_regions, embedding_log_similarity, feature_log_similarity
    from patternscope.similarity.targets import target_log_similarity
else:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "matching": ("match_regions", "unit_regions"),
            "neighbours": ("Neighbours", "choose_neighbours"),
            "regional": ("combine_regions", "embedding_log_similarity", "feature_log_similarity"),
            "targets": ("target_log_similarity",),
        },
    )
