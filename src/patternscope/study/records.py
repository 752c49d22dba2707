"""Small results as JSON: the same text for equal values, readable by a person."""

import json
import math
from pathlib import Path
from typing import Any

from patternscope.errors import InputError


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON with sorted keys.

    Source: this project. NaN and infinity, which JSON does not know, become null.
    """
    text = json.dumps(_finite(value), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote; InputError when the file cannot be read as JSON.

    Source: this project.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error})") from error


def _finite(value: Any) -> Any:
    """The value with every float that is not finite replaced by None."""
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
