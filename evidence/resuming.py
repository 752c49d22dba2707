"""Results that are kept: read again as long as nothing they were made from has changed."""

from collections.abc import Callable, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from patternscope.results.json_csv import read_json, replaced_file, write_json
from patternscope.workflow.cache_keys import file_digest, text_digest
from patternscope.workflow.executors import program_versions

Source = Path | ModuleType | str


def kept(path: Path, sources: Sequence[Source], make: Callable[[], Any]) -> Any:
    """What `make` returned when it was called with these sources: the files, modules and settings it depends on.

    A module counts by its own file; versions of the programs count too. What is kept is plain JSON.
    """
    key = text_digest("\n".join([*map(_digest, sources), str(sorted(program_versions().items()))]))
    if path.exists() and (found := read_json(path))["key"] == key:
        return found["value"]
    value = make()
    path.parent.mkdir(parents=True, exist_ok=True)
    with replaced_file(path) as partial:
        write_json(partial, {"key": key, "value": value})
    return read_json(path)["value"]


def _digest(source: Source) -> str:
    if isinstance(source, str):
        return source
    return file_digest(source if isinstance(source, Path) else Path(str(source.__file__)))
