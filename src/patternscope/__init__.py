"""See when and where an image classifier learns the patterns that distinguish classes.

>>> import patternscope as ps
>>> "analyze" in dir(ps)
True
"""

from typing import TYPE_CHECKING

from patternscope.lazy import lazy_exports

__version__ = "0.2.0"

if TYPE_CHECKING:
    from patternscope.api.analysis import analyze
    from patternscope.api.running import run_study
    from patternscope.api.study import Study, open_study
    from patternscope.embeddings.importance import ImportanceWeight
    from patternscope.embeddings.region import RegionEmbedding
    from patternscope.embeddings.sample import SampleEmbedding
    from patternscope.networks.capture.record import record

    __all__ = [
        "ImportanceWeight",
        "RegionEmbedding",
        "SampleEmbedding",
        "Study",
        "analyze",
        "open_study",
        "record",
        "run_study",
    ]
else:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "api.analysis": ("analyze",),
            "api.running": ("run_study",),
            "api.study": ("Study", "open_study"),
            "embeddings.importance": ("ImportanceWeight",),
            "embeddings.region": ("RegionEmbedding",),
            "embeddings.sample": ("SampleEmbedding",),
            "networks.capture.record": ("record",),
        },
    )
