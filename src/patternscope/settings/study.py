"""A study's settings: read from TOML, checked, and any mistake said in one line."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError, field_validator

from patternscope.embeddings.settings import ImportanceSettings, RegionSettings, SampleSettings
from patternscope.errors import InputError, explain
from patternscope.networks.settings import TrainingSettings
from patternscope.settings.core import (
    AtlasSettings,
    CheckpointsSettings,
    FiguresSettings,
    ImagesSettings,
    KnowledgeSettings,
    NetworkSettings,
    Section,
)
from patternscope.settings.optional import (
    AttackSettings,
    DistillationSettings,
    FaithfulnessSettings,
    SpreadSettings,
)

DEMO_FILE = Path(__file__).with_name("demo.toml")


class StudySettings(Section):
    """All settings of a study; every key has a default.

    >>> StudySettings().knowledge.tau
    'auto'
    """

    seed: int = Field(default=0, ge=0, lt=2**62, description="the one seed, from which all randomness comes")
    keep_features: bool = Field(
        default=True, description="keep regional features on the disk when nothing needs them any more"
    )
    images: ImagesSettings = Field(default_factory=ImagesSettings, description="where images come from")
    network: NetworkSettings = Field(default_factory=NetworkSettings, description="which network and layers")
    training: TrainingSettings = Field(
        default_factory=lambda: TrainingSettings.model_validate({}), description="how the network is trained"
    )
    checkpoints: CheckpointsSettings = Field(
        default_factory=CheckpointsSettings, description="networks trained elsewhere"
    )
    sample: SampleSettings = Field(
        default_factory=lambda: SampleSettings.model_validate({}), description="the sample embedding"
    )
    importance: ImportanceSettings = Field(
        default_factory=lambda: ImportanceSettings.model_validate({}), description="the importance weights"
    )
    region: RegionSettings = Field(
        default_factory=lambda: RegionSettings.model_validate({}), description="the regional embedding"
    )
    knowledge: KnowledgeSettings = Field(
        default_factory=KnowledgeSettings, description="the knowledge points"
    )
    spread: SpreadSettings = Field(
        default_factory=SpreadSettings, description="what another draw of the neighbours would change"
    )
    faithfulness: FaithfulnessSettings = Field(
        default_factory=FaithfulnessSettings, description="whether the network depends on what is shown"
    )
    attack: AttackSettings = Field(default_factory=AttackSettings, description="an adversarial attack")
    distillation: DistillationSettings = Field(
        default_factory=DistillationSettings, description="students of the network"
    )
    figures: FiguresSettings = Field(default_factory=FiguresSettings, description="the figures")
    atlas: AtlasSettings = Field(default_factory=AtlasSettings, description="the page for the browser")

    @field_validator("spread", "faithfulness", "attack", "distillation", mode="before")
    @classmethod
    def _on_where_written(cls, section: Any) -> Any:
        """An optional part is on where its section is written, unless the section says it is off."""
        return {"enabled": True, **section} if isinstance(section, Mapping) else section

    @property
    def parts(self) -> dict[str, Section]:
        """The sections of optional parts, by name."""
        sections = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: each
            for name, each in sections.items()
            if isinstance(each, Section) and "enabled" in type(each).model_fields
        }

    def with_all_parts(self) -> "StudySettings":
        """Return these settings with every optional part enabled."""
        return self.model_copy(
            update={name: part.model_copy(update={"enabled": True}) for name, part in self.parts.items()}
        )


def load_settings(path: str | Path) -> StudySettings:
    """Read and check a study's TOML file; paths in it are relative to its folder.

    InputError, in one line: no file, no TOML, an unknown key (with the nearest valid one), a value out of
    range.

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
