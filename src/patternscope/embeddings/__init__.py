"""The three estimators of the paper: sample embedding, importance weights, regional embedding."""

from patternscope.embeddings.importance import ImportanceWeight
from patternscope.embeddings.region import RegionEmbedding
from patternscope.embeddings.sample import SampleEmbedding

__all__ = ["ImportanceWeight", "RegionEmbedding", "SampleEmbedding"]
