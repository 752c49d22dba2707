"""The three estimators of the paper: sample embedding, importance weights, regional embedding."""

from typing import TYPE_CHECKING

from patternscope.lazy import lazy_exports

if TYPE_CHECKING:
    from patternscope.embeddings.importance import ImportanceWeight
    from patternscope.embeddings.region import RegionEmbedding
    from patternscope.embeddings.sample import SampleEmbedding
else:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__, {"importance": ("ImportanceWeight",), "region": ("RegionEmbedding",), "sample": ("SampleEmbedding",)}
    )
