"""Small results as JSON and csv: the same text for equal values, readable by a person."""

import csv
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from patternscope.errors import InputError
from patternscope.knowledge import Interval


@contextmanager
def replaced_file(file: Path) -> Iterator[Path]:
    """Give a place beside `file` to write to, which takes its name at the end of the block.

    After an error `file` is as it was, and nothing is left beside it.
    """
    partial = file.with_name(f".{file.name}.partial")
    try:
        yield partial
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON with sorted keys.

    NaN and infinity, which JSON does not know, become null.
    """
    text = json.dumps(_finite(value), sort_keys=True, indent=1, ensure_ascii=False, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def flat_interval(name: str, interval: Interval) -> dict[str, float | None]:
    """Return a value and the ends of its interval under names of their own.

    >>> flat_interval("total", Interval(2.0, 1.5, 2.5))
    {'total': 2.0, 'total_low': 1.5, 'total_high': 2.5}
    """
    return {name: interval.value, f"{name}_low": interval.low, f"{name}_high": interval.high}


def flat_intervals(intervals: Mapping[str, Interval]) -> dict[str, float | None]:
    """Return several named intervals as `flat_interval` does one."""
    return {key: end for name, each in intervals.items() for key, end in flat_interval(name, each).items()}


def interval_of(record: Mapping[str, Any], name: str) -> Interval:
    """Return the interval that `flat_interval` wrote into a record.

    >>> interval_of({"total": 2.0, "total_low": 1.5, "total_high": 2.5}, "total")
    Interval(value=2.0, low=1.5, high=2.5)
    """
    return Interval(record[name], record[f"{name}_low"], record[f"{name}_high"])


def read_json(path: Path) -> Any:
    """Read what `write_json` wrote; InputError when the file cannot be read as JSON."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"{path}: not readable as JSON ({error})") from error


def write_rows(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as csv; floats with six significant digits, nothing where a row has no value or lacks a key."""
    names = dict.fromkeys(name for row in rows for name in row)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(names), lineterminator="\n")
        writer.writeheader()
        writer.writerows({name: _cell(value) for name, value in row.items()} for row in rows)


def _cell(value: Any) -> Any:
    """A value as csv shows it."""
    return f"{value:.6g}" if isinstance(value, float) else value


def _finite(value: Any) -> Any:
    """The value with every float that is not finite replaced by None."""
    if isinstance(value, dict):
        return {str(key): _finite(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
