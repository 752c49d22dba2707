"""The built-in images: ten classes of pictograms, drawn by code, with the exact mask of the object."""

from patternscope.images.pictograms.drawing import (
    CLASSES,
    DRAWING_VERSION,
    PartMap,
    Pictogram,
    Pictograms,
    draw,
    draw_many,
    draw_mask,
    draw_parts,
)

__all__ = [
    "CLASSES",
    "DRAWING_VERSION",
    "PartMap",
    "Pictogram",
    "Pictograms",
    "draw",
    "draw_many",
    "draw_mask",
    "draw_parts",
]
