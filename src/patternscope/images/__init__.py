"""Where images come from (drawn pictograms and readers of files), and which samples are analysed."""

from typing import TYPE_CHECKING

from patternscope.lazy import lazy_exports

if TYPE_CHECKING:
    from patternscope.images.identity import identities
    from patternscope.images.readers.image_set import ImageSet
    from patternscope.images.readers.layout_detection import layout_hint
    from patternscope.images.readers.opening import fingerprint, open_images
    from patternscope.images.readers.registry import SOURCES, check_source, count_classes, source_kind
    from patternscope.images.readers.source import Source, SourceOptions, Splits
    from patternscope.images.selection import choose_by_identity, choose_samples, short_classes
else:
    __getattr__, __dir__, __all__ = lazy_exports(
        __name__,
        {
            "identity": ("identities",),
            "pictograms": (),
            "readers.image_set": ("ImageSet",),
            "readers.layout_detection": ("layout_hint",),
            "readers.opening": ("fingerprint", "open_images"),
            "readers.registry": ("SOURCES", "check_source", "count_classes", "source_kind"),
            "readers.source": ("Source", "SourceOptions", "Splits"),
            "selection": ("choose_by_identity", "choose_samples", "short_classes"),
        },
    )
