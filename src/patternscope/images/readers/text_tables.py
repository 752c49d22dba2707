"""The small text tables that data sets ship with their pictures."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from patternscope.errors import InputError


def read_rows(
    path: Path, columns: int, separator: str | None = None, parse: Callable[[list[str]], Any] = list
) -> list[Any]:
    """Return the rows of a text table that are not blank, each a list of `columns` texts passed through `parse`.

    `separator` None is any white space. The last column keeps the rest of the row, so that names may contain spaces. A
    row that is too short, or for which `parse` raises ValueError, gives an InputError with its number.
    """
    rows = []
    for number, line in _lines(path):
        parts = [part.strip() for part in line.strip().split(separator, columns - 1)]
        try:
            if len(parts) < columns:
                raise ValueError(f"{len(parts)} columns")
            rows.append(parse(parts))
        except ValueError as error:
            raise InputError(
                f"{path}, line {number}: expected {columns} columns, got {line.strip()!r:.60} ({error})"
            ) from error
    if not rows:
        raise InputError(f"{path}: expected rows of {columns} columns, got an empty file")
    return rows


def _lines(path: Path) -> Iterator[tuple[int, str]]:
    """Return the lines of a file that are not blank, with their numbers."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InputError(f"{path}: expected the data set's own file, got {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InputError(f"{path}: expected text, got other bytes ({error.reason})") from error
    return ((number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip())
