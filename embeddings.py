"""The three estimators, importable as `from embeddings import SampleEmbedding`."""

# Stands for the module of this name in the reference code, whose README imports from it.
from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding

__all__ = ["ImportanceWeight", "RegionEmbedding", "SampleEmbedding"]
