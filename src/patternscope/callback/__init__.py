"""Checkpoints and evidence recorded while a network is trained in your own loop or in Lightning."""

from typing import TYPE_CHECKING

from patternscope.lazy import lazy_exports

if TYPE_CHECKING:
    from patternscope.callback.evidence_logger import EvidenceLogger
    from patternscope.callback.lightning import lightning_callback, lightning_evidence_callback
    from patternscope.callback.readings import Reading
    from patternscope.callback.recorder import CheckpointRecorder
    from patternscope.callback.signs import EarlyWarning, early_warnings
    from patternscope.callback.transformers import transformers_evidence_callback
else:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "signs": ("EarlyWarning", "early_warnings"),
            "evidence_logger": ("EvidenceLogger",),
            "lightning": ("lightning_callback", "lightning_evidence_callback"),
            "readings": ("Reading",),
            "recorder": ("CheckpointRecorder",),
            "transformers": ("transformers_evidence_callback",),
        },
    )
