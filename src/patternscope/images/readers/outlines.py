"""Outlines of objects in COCO's formats: polygons and run lengths."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from PIL import Image, ImageDraw


def draw_outline(segmentation: Any, size: tuple[int, int]) -> np.ndarray:
    """Return the mask of an object, bool (h, w), in a picture of `size` (w, h).

    `segmentation` is a list of polygons (x, y, x, y, ...), or {"counts", "size"} with the lengths of alternating runs
    of background and object, down the columns: numbers, or their compressed text by pycocotools.

    Raises ValueError for runs that do not fill the picture.

    >>> draw_outline({"counts": [1, 2, 1], "size": [2, 2]}, (2, 2)).tolist()
    [[False, True], [True, False]]
    """
    if isinstance(segmentation, Mapping):
        return _fill_runs(segmentation["counts"], size)
    canvas = Image.new("L", size)
    for polygon in segmentation:
        ImageDraw.Draw(canvas).polygon(list(polygon), fill=255)
    return np.asarray(canvas) > 0


def _fill_runs(counts: Sequence[int] | str, size: tuple[int, int]) -> np.ndarray:
    """Return the mask of run lengths."""
    width, height = size
    runs = np.array(_expand(counts) if isinstance(counts, str) else counts, dtype=np.int64)
    if (runs < 0).any() or runs.sum() != width * height:
        raise ValueError(f"expected runs of {width * height} pixels, {width} x {height}, got {int(runs.sum())}")
    return np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(width, height).T


def _expand(text: str) -> list[int]:
    """Return the run lengths of a compressed text.

    Source: pycocotools, maskApi.c, rleFrString: groups of 5 bits and a sign; from the fourth run on, the difference
    from the last but one.
    """
    runs: list[int] = []
    value = shift = 0
    for code in text.encode("ascii"):
        group = code - 48
        value |= (group & 0x1F) << shift
        shift += 5
        if group & 0x20:
            continue
        if group & 0x10:
            value -= 1 << shift
        runs.append(value + (runs[-2] if len(runs) > 2 else 0))
        value = shift = 0
    return runs
