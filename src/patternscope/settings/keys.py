"""Every key of a study's settings, with its default and its meaning."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pydantic import BaseModel

from patternscope.errors import InputError, nearest
from patternscope.settings.study import StudySettings


class SettingKey(NamedTuple):
    """A key: its section ("" for one outside all), name, default as TOML ("" without one), and meaning."""

    section: str
    name: str
    default: str
    meaning: str


def setting_keys() -> list[SettingKey]:
    """Return all keys, those outside all sections first.

    >>> setting_keys()[0][:3]
    ('', 'seed', '0')
    """
    return [key for section in section_meanings() for key in _keys_of(section)]


def section_meanings() -> dict[str, str]:
    """Return the meaning of each section by name; "" stands for the keys outside all.

    >>> section_meanings()["atlas"]
    'the page for the browser'
    """
    fields = StudySettings.model_fields
    sections = {name: fields[name].description or "" for name in fields if _is_section(name)}
    return {"": "what concerns the whole study", **sections}


def find_keys(name: str) -> list[SettingKey]:
    """Return the keys of a section, or those of a name: "images", "images.resize" and "resize".

    Raises InputError for another name, with the nearest one.

    >>> [key.section for key in find_keys("resize")]
    ['images']
    """
    asked = name.strip("[]")
    keys = setting_keys()
    exact = [key for key in keys if asked == key.section] if asked else []
    found = exact or [key for key in keys if asked in (key.name, f"{key.section}.{key.name}")]
    if not found:
        dotted = [f"{key.section}.{key.name}" for key in keys if key.section]
        known = dotted if "." in asked else dict.fromkeys([*section_meanings(), *(key.name for key in keys)])
        raise InputError(f"settings: expected a section or a key, got {name!r}; {nearest(asked, filter(None, known))}")
    return found


def _is_section(name: str) -> bool:
    """Tell whether a field of the settings is a section."""
    kind = StudySettings.model_fields[name].annotation
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _keys_of(section: str) -> Iterator[SettingKey]:
    """Yield the keys of a section, or those outside all."""
    settings = StudySettings()
    model = getattr(settings, section) if section else settings
    for name, field in type(model).model_fields.items():
        if section or not _is_section(name):
            yield SettingKey(section, name, _toml(getattr(model, name)), field.description or "")


def _toml(value: Any) -> str:
    """Return a default in TOML; empty for one that is determined automatically."""
    if value is None or value in ((), {}):
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return f'"{value}"'
    if isinstance(value, tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
