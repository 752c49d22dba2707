"""A study's settings: read from TOML and checked, with one-line errors."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from patternscope.errors import InputError, explain
from patternscope.settings.optional import OptionalParts

DEMO_FILE = Path(__file__).with_name("demo.toml")


class StudySettings(OptionalParts):
    """All settings of a study; every key has a default.

    >>> StudySettings().knowledge.tau
    'auto'
    """


def load_settings(path: str | Path) -> StudySettings:
    """Read and check a study's TOML file; paths in it are relative to its folder.

    InputError, in one line: no file, no TOML, an unknown key (with the nearest valid one), a value out of
    range, images that were only in memory.

    >>> load_settings(DEMO_FILE).images.source
    'pictograms'
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: expected a study's settings in TOML, but it does not exist") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: expected TOML, got: {error}") from error
    settings = make_settings(content, str(path), path.resolve().parent)
    if settings.images.in_memory:
        # Said before the network, which has no name either.
        raise InputError(
            f'{path}: images.source: expected a source on disk, got "{settings.images.source}"; ps.analyze made this '
            "study from a network and images in memory: call it again, or set images.source and network.architecture"
        )
    return settings


def make_settings(content: Mapping[str, Any], name: str, base: Path) -> StudySettings:
    """Check settings that were read from `name`; relative paths start at `base`.

    InputError as `load_settings`.

    >>> make_settings({"training": {"epoch": 3}}, "study.toml", Path())
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: study.toml: training.epoch is unknown; did you mean 'epochs'?
    """
    try:
        return StudySettings.model_validate(content, context={"base": base})
    except ValidationError as error:
        raise InputError(f"{name}: {explain(error, StudySettings)}") from error
