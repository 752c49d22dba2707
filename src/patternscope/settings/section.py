"""The base of all sections of the settings: a strict model, and paths relative to the settings file."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue, ValidationInfo


def _resolve(path: Path, info: ValidationInfo) -> Path:
    """Make a path absolute, from the folder of the settings file."""
    base = (info.context or {}).get("base", Path.cwd())
    return (Path(base) / path.expanduser()).resolve()


LocatedPath = Annotated[Path, AfterValidator(_resolve)]
LATER: dict[str, JsonValue] = {"later": True}
"""For a setting that earlier studies did not have: its default does not enter the keys of their units."""


class Section(BaseModel):
    """A section of the settings: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
