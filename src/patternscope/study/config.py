"""A study's settings: read from TOML, checked, and any mistake said in one line."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from patternscope.embeddings.settings import ImportanceSettings, RegionSettings, SampleSettings
from patternscope.errors import InputError, nearest
from patternscope.networks.settings import TrainingSettings
from patternscope.study.sections import (
    CheckpointsSettings,
    FiguresSettings,
    ImagesSettings,
    KnowledgeSettings,
    NetworkSettings,
    Section,
)

DEMO_FILE = Path(__file__).with_name("demo.toml")


class StudySettings(Section):
    """All settings of a study; every key has a default. Source: this project.

    >>> StudySettings().knowledge.tau
    0.4
    """

    seed: int = Field(default=0, ge=0, lt=2**62, description="the one seed, from which all randomness comes")
    images: ImagesSettings = Field(default_factory=ImagesSettings, description="where images come from")
    network: NetworkSettings = Field(default_factory=NetworkSettings, description="which network and layers")
    training: TrainingSettings = Field(
        default_factory=lambda: TrainingSettings.model_validate({}), description="how the network is trained"
    )
    checkpoints: CheckpointsSettings = Field(
        default_factory=CheckpointsSettings, description="networks trained elsewhere"
    )
    sample: SampleSettings = Field(default_factory=SampleSettings, description="the sample embedding")
    importance: ImportanceSettings = Field(
        default_factory=ImportanceSettings, description="the importance weights"
    )
    region: RegionSettings = Field(default_factory=RegionSettings, description="the regional embedding")
    knowledge: KnowledgeSettings = Field(
        default_factory=KnowledgeSettings, description="the knowledge points"
    )
    figures: FiguresSettings = Field(default_factory=FiguresSettings, description="the figures")


def load_settings(path: str | Path) -> StudySettings:
    """Read and check a study's TOML file; paths in it are relative to its folder.

    Source: this project. InputError, in one line: no file, no TOML, an unknown key (with the nearest valid
    one), a value out of range.

    >>> load_settings(DEMO_FILE).images.source
    'pictograms'
    """
    path = Path(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; wanted a study's settings in TOML") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise InputError(f"{path}: not readable as TOML: {error}") from error
    return make_settings(content, str(path), path.resolve().parent)


def make_settings(content: Mapping[str, Any], name: str, base: Path) -> StudySettings:
    """Check settings that were read from `name`; relative paths start at `base`.

    Source: this project. InputError as `load_settings`.

    >>> make_settings({"training": {"epoch": 3}}, "study.toml", Path())
    Traceback (most recent call last):
        ...
    patternscope.errors.InputError: study.toml: training.epoch is no setting; did you mean 'epochs'?
    """
    try:
        return StudySettings.model_validate(content, context={"base": base})
    except ValidationError as error:
        raise InputError(f"{name}: {_one_line(error)}") from error


def _one_line(error: ValidationError) -> str:
    """The first thing wrong, and how many more there are."""
    problems = error.errors(include_url=False)
    more = f" (and {len(problems) - 1} more)" if len(problems) > 1 else ""
    return _said(problems[0]) + more


def _said(problem: Any) -> str:
    """One problem: key path, what was seen, what is wanted, the nearest valid name."""
    keys = [str(key) for key in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        names = list(_field_at(keys[:-1])[1].model_fields)
        return f"{'.'.join(keys)} is no setting; {nearest(keys[-1], names)}"
    path, _, description = _field_at(keys)
    if problem["type"] == "value_error":
        return f"{path}: {problem['ctx']['error']}"
    if problem["type"] in {"model_type", "model_attributes_type"}:
        return f"{path}: saw {problem['input']!r:.60}, wanted a section [{path}]"
    wanted = str(problem["msg"]).removeprefix("Input should be ")
    hint = ""
    if problem["type"] == "literal_error":
        choices = [part.strip("'") for part in wanted.replace(" or ", ", ").split(", ")]
        hint = f"; {nearest(str(problem['input']), choices)}"
    return f"{path}: saw {problem['input']!r:.60}, wanted {wanted} ({description}){hint}"


def _field_at(keys: list[str]) -> tuple[str, type[BaseModel], str]:
    """The setting that a key path leads to: its path, the model of it or around it, its description."""
    model: type[BaseModel] = StudySettings
    known, description = [], "a study's settings"
    for key in keys:
        # Beyond a setting the path names members of unions and places in lists.
        if key not in model.model_fields or (known and model is StudySettings):
            break
        known.append(key)
        field = model.model_fields[key]
        description = field.description or ""
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            model = field.annotation
    return ".".join(known) or "settings", model, description
