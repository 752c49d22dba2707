"""Writing the patterns of a layer: the pattern of each region, and a table of measurements."""

import json
from dataclasses import asdict
from typing import Any

import numpy as np

from patternscope.atlas.contents import LayerPatterns, PatternEntry
from patternscope.atlas.store_arrays import StoreWriter

_DIGITS = 4  # significant digits, more than are displayed


def write_patterns(writer: StoreWriter, path: str, patterns: LayerPatterns) -> None:
    """Write the pattern of each region, from 1 on and 0 for none, and the table of all patterns as compressed JSON."""
    owner = patterns.owner.reshape(-1) + 1
    writer.put(f"{path}/pattern", owner, "|u1" if len(patterns.entries) < 256 else "<u2")
    regions = patterns.owner.shape[1]
    table = {
        "field": None if patterns.field is None else list(patterns.field),
        "untested": patterns.untested,
        "patterns": [_attributes(entry, regions) for entry in patterns.entries],
    }
    text = json.dumps(table, ensure_ascii=False, separators=(",", ":")).encode()
    # An array, since zarr writes attributes with line breaks, uncompressed and twice.
    writer.put(f"{path}/pattern_table", np.frombuffer(text, np.uint8), "|u1")


def _attributes(entry: PatternEntry, regions: int) -> dict[str, Any]:
    """A pattern as read by the page, its most typical regions by their point ids."""
    known = {name: value for name, value in asdict(entry).items() if name != "typical"}
    ids = entry.typical[:, 0] * regions + entry.typical[:, 1]
    return {**_rounded(known), "typical": ids.tolist()}


def _rounded(value: Any) -> Any:
    """Nested values rounded to the kept digits."""
    if isinstance(value, float):
        return float(np.format_float_positional(value, precision=_DIGITS, fractional=False))
    if isinstance(value, dict):
        return {name: _rounded(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(each) for each in value]
    return value
