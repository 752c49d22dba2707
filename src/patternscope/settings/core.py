"""The sections of a study's settings that belong to no estimator and that every study has."""

from pathlib import Path
from typing import Annotated, Any, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from patternscope.errors import InputError
from patternscope.images import SourceOptions, check_source, layout_hint


def _located(path: Path, info: ValidationInfo) -> Path:
    """Make a path absolute, from the folder of the settings file."""
    base = (info.context or {}).get("base", Path.cwd())
    return (Path(base) / path.expanduser()).resolve()


LocatedPath = Annotated[Path, AfterValidator(_located)]
Side = Annotated[int, Field(ge=1, le=4096)]
# Time grows with the square of the number of regions: an early layer at its own size may take hours.
PAPER_GRID = 14


class Section(BaseModel):
    """A section of the settings: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ImagesSettings(Section):
    """[images]: where images come from, and how many are analysed.

    >>> ImagesSettings().samples_per_class
    50
    """

    source: str = Field(
        default="pictograms",
        description="pictograms, folder, idx, arrays, tiny_imagenet, imagenet, cub, coco, cifar, parquet, "
        "torchvision:NAME, or package.module:factory",
    )
    folder: LocatedPath | None = Field(
        default=None, description="where the images are; relative to the settings file"
    )
    factory_folder: LocatedPath | None = Field(
        default=None,
        validate_default=True,
        description="where a factory's package.module is looked for first; by default the settings file's folder",
    )
    arguments: dict[str, Any] | None = Field(
        default=None, description="of a factory, or of a torchvision data set"
    )
    preset: str | None = Field(
        default=None, description='"paper": the ten classes of the paper (tiny_imagenet, imagenet)'
    )
    crop: bool | None = Field(
        default=None, description="cut out the objects by their boxes (cub; coco always does)"
    )
    margin: float | None = Field(
        default=None, ge=0, le=10, description="share of a box added on each side (cub, coco); 0.1 by default"
    )
    smallest_box: int | None = Field(
        default=None, ge=1, description="least pixels of a box's shorter side (coco); 32 by default"
    )
    image_column: str | None = Field(
        default=None, description="column of the images (parquet); found by itself where there is one"
    )
    label_column: str | None = Field(
        default=None, description="column of the labels (parquet); found by itself where there is one"
    )
    image_size: int = Field(default=64, ge=16, le=4096, description="pixels a side that the network sees")
    channels: Literal[1, 3] = Field(default=3, description="1 for grey, 3 for colour")
    samples_per_class: int = Field(
        default=50, ge=1, le=100_000, description="held-out images of each class to analyse"
    )
    train_per_class: int | None = Field(
        default=None, ge=2, description="images of each class to train on; all by default (pictograms: 500)"
    )
    test_per_class: int | None = Field(
        default=None, ge=2, description="held-out images of each class; all by default (pictograms: 100)"
    )
    seed: int | None = Field(
        default=None, ge=0, lt=2**62, description="of drawing and choosing images; the study's own by default"
    )
    class_names: tuple[str, ...] | None = Field(
        default=None, description="the classes to take; names by label where the source has none of its own"
    )

    @field_validator("factory_folder", mode="before")
    @classmethod
    def _beside_the_settings(cls, folder: Any, info: ValidationInfo) -> Any:
        """A factory is looked for beside the settings file; no other source needs that folder."""
        source = str(info.data.get("source", ""))
        is_factory = ":" in source and not source.startswith("torchvision:")
        return "." if folder is None and is_factory else folder

    @property
    def options(self) -> SourceOptions:
        """What single sources take besides, as `open_images` wants it."""
        return cast(SourceOptions, {name: getattr(self, name) for name in SourceOptions.__annotations__})

    @model_validator(mode="after")
    def _source_has_what_it_needs(self) -> "ImagesSettings":
        """A source on disk needs a place, drawn images have none, and settings of another source are mistakes."""
        try:
            check_source(self.source, self.folder, self.options)
        except InputError as error:
            hint = layout_hint(self.source, self.folder) if self.source == "pictograms" else None
            raise ValueError(f"{error}; {hint}" if hint else str(error)) from error
        return self


class NetworkSettings(Section):
    """[network]: which network, and which of its layers are analysed.

    >>> NetworkSettings().temperature
    4.0
    """

    architecture: str = Field(
        default="vgg16_slim", description="vgg16_slim, a torchvision or timm name, or package.module:factory"
    )
    folder: LocatedPath | None = Field(
        default=None,
        validate_default=True,
        description="where package.module is looked for first; by default the settings file's folder",
    )
    arguments: dict[str, Any] = Field(default={}, description="further arguments of the architecture")
    layers: tuple[str, ...] = Field(
        default=(), description="layers to analyse, shallow to deep; by default four spread over depth"
    )
    grid: Side | tuple[Side, Side] | None = Field(
        default=PAPER_GRID,
        description="regions (n, or h and w) to which larger maps are averaged; smaller ones stay as they are, and "
        "all do with a large number",
    )
    weights: LocatedPath | None = Field(
        default=None,
        description="a .safetensors, .pth, .pt or .ckpt file: this network is analysed, nothing is trained",
    )
    pretrained: bool = Field(
        default=False,
        description="start from the weights that torchvision or timm publish; with training.epochs = 0 they "
        "are analysed as they are",
    )
    sample_layer: str | None = Field(
        default=None, description="layer whose input is the sample feature; the last linear one by default"
    )
    precision: Literal["float32", "bfloat16", "float16"] = Field(
        default="float32", description="of the network's arithmetic while it is recorded"
    )
    mean: tuple[float, ...] | None = Field(
        default=None,
        min_length=1,
        description="subtracted from pixels in [0, 1]; one number or one a channel; by default 0.5, or what "
        "published weights expect",
    )
    std: tuple[Annotated[float, Field(gt=0)], ...] | None = Field(
        default=None,
        min_length=1,
        description="divides pixels after that; one positive number or one a channel; by default 0.25, or "
        "what published weights expect",
    )
    temperature: float = Field(
        default=4.0, gt=0, le=1000, description="T of the target probabilities softmax(logits / T)"
    )

    @field_validator("folder", mode="before")
    @classmethod
    def _beside_the_settings(cls, folder: Any, info: ValidationInfo) -> Any:
        """A factory is looked for beside the settings file; no other architecture needs a folder."""
        name, colon, _ = info.data.get("architecture", "").partition(":")
        return "." if folder is None and colon and name != "timm" else folder


class CheckpointsSettings(Section):
    """[checkpoints]: networks that were trained elsewhere, in the order of training.

    >>> CheckpointsSettings().folder is None
    True
    """

    folder: LocatedPath | None = Field(
        default=None,
        description="folder of .safetensors, .pth, .pt or .ckpt files, one a checkpoint, in the order of their names",
    )


class KnowledgeSettings(Section):
    """[knowledge]: when a regional feature is a knowledge point.

    Source: Sec. 3.4; intervals are this project's.

    >>> KnowledgeSettings().tau
    'auto'
    """

    tau: Annotated[float, Field(gt=0, lt=1)] | Literal["auto"] = Field(
        default="auto",
        description='least class probability of a knowledge point, more than 1 / classes; "auto" is 0.4, '
        "and more where there are fewer than ten classes",
    )
    bootstrap: int = Field(
        default=1000, ge=10, le=1_000_000, description="resamples of images behind each interval"
    )
    taus: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=(0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        description="thresholds of the sweep, each in (0, 1); those that every region passes are left out",
    )


class FiguresSettings(Section):
    """[figures]: how pictures are made.

    >>> FiguresSettings().examples
    8
    """

    examples: int = Field(
        default=8, ge=1, le=64, description="images shown where a figure shows single images"
    )
    dpi: int = Field(default=200, ge=50, le=1200, description="dots an inch of png files")


class AtlasSettings(Section):
    """[atlas]: the page that shows a study in a browser.

    >>> AtlasSettings().max_mb
    100.0
    """

    max_mb: float = Field(
        default=100.0,
        gt=0,
        description="largest atlas.html in millions of bytes; what is left out of a larger one is said",
    )
