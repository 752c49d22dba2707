"""[images]: where images come from; options of single sources come from their records."""

from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, create_model, model_validator

from patternscope.errors import InputError
from patternscope.images.readers.decoding import PIXEL_LIMIT, Resize
from patternscope.images.readers.layout_detection import layout_hint
from patternscope.images.readers.memory import NAME as IN_MEMORY
from patternscope.images.readers.registry import SOURCES, check_source, offered_forms, source_options, sources_with
from patternscope.images.readers.source import Option
from patternscope.settings.section import LATER, LocatedPath, Section

_FORMS = offered_forms()


class _SourceSettings(Section):
    """The keys that every source has before its options."""

    source: str = Field(default="pictograms", description=f"{', '.join(_FORMS[:-1])}, or {_FORMS[-1]}")
    folder: LocatedPath | None = Field(default=None, description="where the images are; relative to the settings file")


def _beside_settings(option: str, value: Any, info: ValidationInfo) -> Any:
    """Return the settings file's folder for an unset folder that the source searches."""
    name = str(info.data.get("source", ""))
    source = next((source for source in SOURCES.values() if source.accepts(name)), None)
    return "." if value is None and source is not None and source.has(option) else value


def _option_field(option: Option[Any]) -> tuple[Any, Any]:
    """Return the type and the pydantic field of an option."""
    kind: Any = LocatedPath if option.kind is Path else option.kind
    kind = kind | None
    if option.kind is Path:
        kind = Annotated[kind, BeforeValidator(partial(_beside_settings, option.name))]
    default = "" if option.default in (None, False, {}) else f"; {option.default} by default"
    owners = ", ".join(sources_with(option.name))
    description = f"{option.description}{default} ({owners})"
    return kind, Field(default=None, validate_default=True, description=description)


_fields: dict[str, Any] = {option.name: _option_field(option) for option in source_options()}
_OptionSettings = create_model("_OptionSettings", __base__=_SourceSettings, __module__=__name__, **_fields)


class ImagesSettings(_OptionSettings):
    """[images]: where images come from, and how many are analysed.

    >>> ImagesSettings().samples_per_class
    50
    """

    image_size: int = Field(default=64, ge=16, le=4096, description="height and width in pixels of the network's input")
    channels: Literal[1, 2, 3, 4] = Field(
        default=3,
        description="1 for grey, 3 for colour; 2 and 4 with alpha, or the number of channels that arrays have",
    )
    resize: Resize = Field(
        default="crop",
        description="how images are made square: crop keeps the centre, pad adds black bars, stretch changes their "
        "proportions",
        json_schema_extra=LATER,
    )
    white: float | None = Field(
        default=None,
        gt=0,
        description="the value to show as white, for pixels that are not bytes (4095 for 12 bits); by default 1 for "
        "floats and 65535 for 16 bits",
        json_schema_extra=LATER,
    )
    pixel_limit: int = Field(
        default=PIXEL_LIMIT,
        ge=1,
        le=10**12,
        description="largest number of pixels of a picture file: larger ones are listed as unreadable, since a small "
        "file can decode to gigabytes",
        json_schema_extra=LATER,
    )
    samples_per_class: int = Field(default=50, ge=1, le=100_000, description="held-out images of each class to analyse")
    fit_samples: int = Field(
        default=2000,
        ge=4,
        json_schema_extra=LATER,
        description="largest number of images that maps are fitted to, chosen by content and stratified by class; the "
        "others are judged by maps and temperatures that were fitted without them",
    )
    train_per_class: int | None = Field(
        default=None, ge=2, description="images of each class to train on; all by default (pictograms: 500)"
    )
    test_per_class: int | None = Field(
        default=None, ge=2, description="held-out images of each class; all by default (pictograms: 100)"
    )
    seed: int | None = Field(
        default=None, ge=0, lt=2**62, description="seed of drawing and choosing images; the study's own by default"
    )
    class_names: tuple[str, ...] | None = Field(
        default=None, description="the classes to select; if the source has no names, those of the labels in order"
    )

    @property
    def in_memory(self) -> bool:
        """Whether `ps.analyze` was given the images, so that no run can read them again."""
        return self.source == IN_MEMORY

    @property
    def options(self) -> dict[str, Any]:
        """Return the options of single sources by name, None where unset."""
        return {option.name: getattr(self, option.name) for option in source_options()}

    @model_validator(mode="after")
    def _fit_the_source(self) -> "ImagesSettings":
        """Refuse a missing or superfluous folder, and options of another source."""
        try:
            check_source(self.source, self.folder, self.options)
        except InputError as error:
            hint = layout_hint(self.source, self.folder) if self.source == "pictograms" else None
            raise ValueError(f"{error}; {hint}" if hint else str(error)) from error
        return self
