"""Where images come from: drawn pictograms and readers of files; and which samples are analysed."""

from patternscope.images.identity import identities
from patternscope.images.readers import (
    SOURCES,
    ImageSet,
    SourceOptions,
    Splits,
    check_source,
    fingerprint,
    layout_hint,
    open_images,
    source_kind,
)
from patternscope.images.selection import choose_samples, short_classes

__all__ = [
    "SOURCES",
    "ImageSet",
    "SourceOptions",
    "Splits",
    "check_source",
    "choose_samples",
    "fingerprint",
    "identities",
    "layout_hint",
    "open_images",
    "short_classes",
    "source_kind",
]
