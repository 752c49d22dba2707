"""How alike two samples are: by class probabilities, by regional features, by regional embeddings."""

from patternscope.similarity.matching import match_regions, unit_regions
from patternscope.similarity.neighbours import Neighbours, choose_neighbours
from patternscope.similarity.probabilities import target_log_similarity
from patternscope.similarity.regional import combine_regions, embedding_log_similarity, feature_log_similarity

__all__ = [
    "Neighbours",
    "choose_neighbours",
    "combine_regions",
    "embedding_log_similarity",
    "feature_log_similarity",
    "match_regions",
    "target_log_similarity",
    "unit_regions",
]
