"""study.json as an earlier version wrote it: without a digest, so that tests can change it."""

from pathlib import Path
from typing import Any

from patternscope.results.json_csv import read_json, write_json

FILE = "study.json"


def read(folder: Path) -> dict[str, Any]:
    content = read_json(folder / FILE)
    content.pop("digest", None)
    return content


def write(folder: Path, content: dict[str, Any]) -> None:
    write_json(folder / FILE, content)
