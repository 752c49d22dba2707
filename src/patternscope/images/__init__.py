"""Where images come from: drawn pictograms and readers of files; and which samples are analysed."""

from patternscope.images.selection import choose_samples, short_classes
from patternscope.images.sources import SOURCES, ImageSet, Splits, fingerprint, open_images

__all__ = ["SOURCES", "ImageSet", "Splits", "choose_samples", "fingerprint", "open_images", "short_classes"]
