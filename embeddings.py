"""The three estimators under the name that the reference's README imports them by."""

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding

__all__ = ["ImportanceWeight", "RegionEmbedding", "SampleEmbedding"]
