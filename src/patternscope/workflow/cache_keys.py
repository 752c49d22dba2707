"""The inputs of a unit of work as one digest: the same key means the same result, so nothing to do."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar, cast

from pydantic import BaseModel

Settings = TypeVar("Settings", bound=BaseModel)


def canonical_json(value: object) -> str:
    """Return `value` as JSON that is the same text for equal values: sorted keys, shortest exact floats.

    Values are those of JSON; NaN and infinity raise a ValueError, since their text is not JSON.

    >>> canonical_json({"b": 0.1, "a": [1, None]})
    '{"a":[1,null],"b":0.1}'
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def text_digest(text: str) -> str:
    """Return the SHA-256 of a text in hexadecimal.

    >>> text_digest("")[:8]
    'e3b0c442'
    """
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def file_digest(path: Path) -> str:
    """Return the SHA-256 of a file's bytes in hexadecimal, read in blocks (about 1.7 GB per second).

    OSError when the file cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def unit_seed(seed: int, *names: object) -> int:
    """Return the seed of one unit of work: a function of the study's seed and the unit's names alone.

    In [0, 2**63), so that torch's and numpy's generators both accept it; it does not depend on the order in
    which units run.

    >>> unit_seed(0, "sample", 3) == unit_seed(0, "sample", 3) != unit_seed(1, "sample", 3)
    True
    """
    return int(text_digest(canonical_json([seed, *[str(name) for name in names]]))[:16], 16) >> 1


def resampling_seed(seed: int) -> int:
    """Return the seed of the resamples of images behind a study's intervals, the same for all checkpoints and layers.

    Intervals then do not depend on names, and numbers of two layers use the same resamples.

    >>> resampling_seed(0) == resampling_seed(0) != resampling_seed(1)
    True
    """
    return unit_seed(seed, "resamples")


def chosen_settings(settings: BaseModel, paths: Iterable[str]) -> dict[str, Any]:
    """Return the settings named by dotted paths ("seed", "training", "knowledge.tau") as JSON values.

    A setting with `{"later": True}` in its field's `json_schema_extra` is omitted if it has its default, so that
    earlier studies stay up to date. KeyError for a path that is not a setting: a mistake in a stage, not in the user's
    file.
    """
    dumped, omitted = settings.model_dump(mode="json"), set(_later_defaults(settings))
    chosen: dict[str, Any] = {}
    for path in paths:
        value: Any = dumped
        for part in path.split("."):
            value = value[part]
        if path not in omitted:
            chosen[path] = _without(value, path, omitted)
    return chosen


def _later_defaults(settings: BaseModel, prefix: str = "") -> Iterator[str]:
    """Dotted paths of the settings that were added later and have their default."""
    for name, field in type(settings).model_fields.items():
        value, extra = getattr(settings, name), field.json_schema_extra
        if isinstance(value, BaseModel):
            yield from _later_defaults(value, f"{prefix}{name}.")
        elif isinstance(extra, dict) and extra.get("later") and value == field.get_default(call_default_factory=True):
            yield f"{prefix}{name}"


def _without(value: Any, path: str, omitted: set[str]) -> Any:
    """A setting, or a section without those of its settings that are omitted."""
    if not isinstance(value, dict):
        return value
    inside = {name: f"{path}.{name}" for name in value}
    return {name: _without(value[name], inside[name], omitted) for name in value if inside[name] not in omitted}


def only_chosen(settings: Settings, paths: Iterable[str]) -> Settings:
    """Return a view of the settings with only the chosen paths; any other raises an AttributeError.

    A stage that read a setting it does not declare would not run again when that setting changes. This view turns such
    a mistake into an error.
    """
    view = SimpleNamespace()
    for path in paths:
        *parents, last = path.split(".")
        source: Any = settings
        target = view
        for part in parents:
            source = getattr(source, part)
            if not hasattr(target, part):
                setattr(target, part, SimpleNamespace())
            target = getattr(target, part)
        setattr(target, last, getattr(source, last))
    return cast(Settings, view)
