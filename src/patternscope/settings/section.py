"""What every section of the settings is made of: a strict model, and paths relative to the settings file."""

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, JsonValue, ValidationInfo

ADDED: dict[str, JsonValue] = {"added": True}
"""The `json_schema_extra` of a key that earlier versions did not have, and whose default is what they did."""


def _resolve(path: Path, info: ValidationInfo) -> Path:
    """Make a path absolute, from the folder of the settings file."""
    base = (info.context or {}).get("base", Path.cwd())
    return (Path(base) / path.expanduser()).resolve()


LocatedPath = Annotated[Path, AfterValidator(_resolve)]


class Section(BaseModel):
    """A section of the settings: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)
