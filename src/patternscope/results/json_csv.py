"""Small results as JSON and csv: readable, and the same text for equal values."""

import csv
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from patternscope.errors import InputError

_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def write_json(path: Path, value: Any) -> None:
    """Write a value as `json_text`."""
    path.write_text(json_text(value), encoding="utf-8")


def json_text(value: Any) -> str:
    """Return indented JSON with sorted keys; NaN and infinity, which JSON lacks, become null.

    >>> json_text([float("inf")])
    '[\\n null\\n]\\n'
    """
    return json.dumps(_finite(value), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote; InputError if the file cannot be read as JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected a JSON file ({error})") from error


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as csv; floats with six significant digits, empty cells for missing values and keys."""
    names = dict.fromkeys(name for row in rows for name in row)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([_cell(name) for name in names])
        writer.writerows([_cell(row.get(name, "")) for name in names] for row in rows)


def _cell(value: Any) -> Any:
    """A value as a csv cell; a name that a spreadsheet would compute as a formula gets an apostrophe.

    >>> _cell(0.5), _cell("cat"), _cell("=cmd|x"), _cell("-1")
    ('0.5', 'cat', "'=cmd|x", "'-1")
    """
    if isinstance(value, str) and value.startswith(_FORMULAS):
        return f"'{value}"
    return f"{value:.6g}" if isinstance(value, float) else value


def _finite(value: Any) -> Any:
    """The value with every float that is not finite replaced by None."""
    if isinstance(value, dict):
        return {str(key): _finite(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(inner) for inner in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
