"""User-defined names of patterns, in a JSON file next to a study: given to a region, so that they survive a rerun."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patternscope.errors import InputError
from patternscope.results.json_csv import read_json

_KEYS = {"layer": str, "class": str, "image": str, "region": list, "name": str}
_EXAMPLE = '{"layer": "conv_53", "class": "cat", "image": "cat_17.png", "region": [2, 5], "name": "ears"}'


@dataclass(frozen=True)
class PatternName:
    """The name of the pattern that a region of an image belongs to, in a layer and for a class.

    `image` is the image's name in the study, `row` and `column` are the region's in the grid, from 0 on.
    """

    layer: str
    class_name: str
    image: str
    row: int
    column: int
    name: str


def read_pattern_names(path: Path) -> list[PatternName]:
    """Read a JSON list of names, each with layer, class, image, region [row, column] and name.

    InputError for a file that does not exist or is not such a list.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = Path(folder) / "names.json"
    ...     _ = file.write_text(f"[{_EXAMPLE}]")
    ...     read_pattern_names(file)[0].name
    'ears'
    """
    content = read_json(path)
    if not isinstance(content, list):
        raise InputError(f"{path}: expected a list of names such as {_EXAMPLE}, got a {type(content).__name__}")
    return [_parsed(path, place, entry) for place, entry in enumerate(content, start=1)]


def names_of_patterns(
    names: Sequence[PatternName], layer: str, members: Sequence[tuple[str, set[tuple[str, int, int]]]]
) -> tuple[list[str | None], list[str]]:
    """Return the name of each pattern of a layer, or None, and the names that no pattern has.

    `members` are the class of each pattern and its regions, as image, row and column. Several names of one pattern are
    joined by " / ".

    >>> ears = PatternName("a", "cat", "1.png", 0, 2, "ears")
    >>> names_of_patterns([ears], "a", [("dog", {("1.png", 0, 2)}), ("cat", {("1.png", 0, 2)})])
    ([None, 'ears'], [])
    """
    given = [name for name in names if name.layer == layer]

    def has(own: tuple[str, set[tuple[str, int, int]]], name: PatternName) -> bool:
        return own[0] == name.class_name and (name.image, name.row, name.column) in own[1]

    named = [" / ".join(dict.fromkeys(name.name for name in given if has(own, name))) or None for own in members]
    return named, [name.name for name in given if not any(has(own, name) for own in members)]


def _parsed(path: Path, place: int, entry: Any) -> PatternName:
    """One entry of the file."""
    fits = isinstance(entry, dict) and all(isinstance(entry.get(key), kind) for key, kind in _KEYS.items())
    region = entry["region"] if fits else []
    if len(region) != 2 or not all(type(each) is int for each in region):
        raise InputError(f"{path}: entry {place}: expected one such as {_EXAMPLE}, got {entry!s:.100}")
    row, column = region
    name = entry["name"]
    if not name.strip() or name.encode("utf-8", "ignore").decode() != name:
        raise InputError(f"{path}: entry {place}: expected a name that can be written, got {name!a:.100}")
    return PatternName(entry["layer"], entry["class"], entry["image"], row, column, entry["name"])
