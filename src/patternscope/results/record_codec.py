"""Dataclasses as JSON and back: an interval is three flat entries, so that a record reads like a row of a table."""

from collections.abc import Iterable, Mapping
from dataclasses import Field, fields, is_dataclass
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

from patternscope.errors import InputError
from patternscope.knowledge.intervals import Interval

_ENDS = ("", "_low", "_high")


def encode(value: Any) -> Any:
    """Return a value as JSON types: dataclasses as objects, sequences as lists.

    >>> encode({"total": (1, 2)})
    {'total': [1, 2]}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return encode_fields(type(value), {entry.name: getattr(value, entry.name) for entry in fields(value)})
    if isinstance(value, Mapping):
        return {str(key): encode(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [encode(inner) for inner in value]
    return value


def encode_fields(kind: type, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return some fields of a dataclass as the entries of an object.

    An Interval becomes NAME, NAME_low and NAME_high, and nothing if it is None; a field declared with `inline` becomes
    the entries of its own object, `key` is its name in the file, and one declared with `omit_none` has no entry if it
    is None.
    """
    flat: dict[str, Any] = {}
    for entry in fields(kind):
        if entry.name not in values:
            continue
        value, key = values[entry.name], entry.metadata.get("key", entry.name)
        if isinstance(value, Interval):
            flat |= flat_interval(key, value)
        elif value is None and Interval in get_args(_hints(kind)[entry.name]):
            continue
        elif entry.metadata.get("inline"):
            flat |= {} if value is None else encode(value)
        elif value is not None or not entry.metadata.get("omit_none"):
            flat[key] = encode(value)
    return flat


def flat_interval(name: str, interval: Interval) -> dict[str, float | None]:
    """Return a value and the ends of its interval under separate names.

    >>> flat_interval("total", Interval(2.0, 1.5, 2.5))
    {'total': 2.0, 'total_low': 1.5, 'total_high': 2.5}
    """
    return dict(zip((f"{name}{end}" for end in _ENDS), (interval.value, interval.low, interval.high), strict=True))


def decode(kind: Any, value: Any) -> Any:
    """Decode what `encode` wrote into the type `kind`; KeyError or TypeError if it does not fit."""
    origin, arguments = get_origin(kind), get_args(kind)
    if origin in (Union, UnionType):
        inner = [argument for argument in arguments if argument is not NoneType]
        return None if value is None else decode(inner[0], value)
    if is_dataclass(kind) and isinstance(kind, type):
        return kind(**{entry.name: _decode_field(kind, entry, value) for entry in fields(kind)})
    if origin is tuple and isinstance(value, list):
        types = arguments[:1] * len(value) if arguments[-1] is Ellipsis else arguments
        return tuple(decode(inner, part) for inner, part in zip(types, value, strict=True))
    if origin is list:
        return [decode(arguments[0], part) for part in value]
    if isinstance(value, dict) and origin is not None and len(arguments) == 2:
        return {key: decode(arguments[1], part) for key, part in value.items()}
    return value


def decode_fields(kind: type, entries: Iterable[Field[Any]], content: Any, path: Path) -> dict[str, Any]:
    """Return the values of some fields of a dataclass from the object in a file; InputError if one is missing."""
    try:
        return {entry.name: _decode_field(kind, entry, content) for entry in entries}
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{path}: expected a {kind.__name__} of this version ({type(error).__name__}: {error}); run the study again"
        ) from error


def _decode_field(kind: type, entry: Field[Any], content: Mapping[str, Any]) -> Any:
    """The value of one field."""
    hint, key = _hints(kind)[entry.name], entry.metadata.get("key", entry.name)
    if hint is Interval or (Interval in get_args(hint) and key in content):
        return Interval(*(content[f"{key}{end}"] for end in _ENDS))
    if Interval in get_args(hint):
        return None
    if entry.metadata.get("inline"):
        optional = NoneType in get_args(hint)
        return None if optional and not _has_entries(hint, content) else decode(hint, content)
    if entry.metadata.get("omit_none"):
        return decode(hint, content.get(key))
    return decode(hint, content[key])


def _has_entries(hint: Any, content: Mapping[str, Any]) -> bool:
    """Tell whether an object contains the first entry of an optional inline dataclass."""
    inner = next(argument for argument in get_args(hint) if argument is not NoneType)
    return fields(inner)[0].name in content


@cache
def _hints(kind: type) -> dict[str, Any]:
    """Types of the fields of a dataclass."""
    return get_type_hints(kind)
