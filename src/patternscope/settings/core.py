"""The settings that every study has: its own sections, and those of estimators and training."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import Field, StrictInt, ValidationInfo, field_validator, model_validator

from patternscope.embeddings.settings import ImportanceSettings, RegionSettings, SampleSettings
from patternscope.networks.settings import TrainingSettings
from patternscope.settings.images import ImagesSettings
from patternscope.settings.section import LATER, LocatedPath, Section

Side = Annotated[int, Field(ge=1, le=4096)]
Output = StrictInt | str
# Time grows with the square of the number of regions: an early layer at its own size may take hours.
PAPER_GRID = 14


class NetworkSettings(Section):
    """[network]: which network, and which of its layers are analysed.

    >>> NetworkSettings().temperature
    4.0
    """

    architecture: str = Field(
        default="vgg16_slim",
        description="vgg16_slim, a torchvision or timm name, package.module:factory, or huggingface:FOLDER",
    )
    folder: LocatedPath | None = Field(
        default=None,
        validate_default=True,
        description="where package.module is looked for first; by default the settings file's folder",
    )
    arguments: dict[str, Any] = Field(default={}, description="further arguments of the architecture")
    classes: dict[str, Output] | tuple[Output, ...] | None = Field(
        default=None,
        json_schema_extra=LATER,
        description="which of the network's outputs the classes of the images are, by class or in their order: names, "
        "numbers from 0 or synset ids; by default those that bear the names of the classes, where the network is "
        "analysed as it is. Nothing is trained",
    )
    class_file: LocatedPath | None = Field(
        default=None,
        json_schema_extra=LATER,
        description="JSON or text file that names the network's outputs; by default the network, or the records of "
        "torchvision and timm, name them",
    )
    head: Literal["softmax", "sigmoid", "probe"] = Field(
        default="softmax",
        json_schema_extra=LATER,
        description="what gives probabilities: softmax over the network's outputs; sigmoid, where each output is a yes "
        "or no of its own; probe, a linear probe on the features of a network without a classifier, fitted to the "
        "training images (extra probe). Nothing else is trained",
    )
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
        description="a .safetensors, .pth, .pt, .ckpt, .bin or .pth.tar file: this network is analysed as it is; with "
        "training.epochs written, the training starts from it",
    )
    fine_tune: bool = Field(
        default=False,
        validate_default=True,
        json_schema_extra=LATER,
        description="whether the training starts from weights; by default where training.epochs is written and not 0",
    )
    pretrained: bool = Field(
        default=False,
        description="start from the weights that torchvision or timm publish; with training.epochs = 0 they "
        "are analysed as they are",
    )
    sample_layer: str | None = Field(
        default=None, description="layer whose input is the sample feature; the last linear one by default"
    )
    prefix_tokens: int | None = Field(
        default=None,
        ge=0,
        le=16,
        json_schema_extra=LATER,
        description="class and register tokens before the patches of a transformer; by default those that "
        "the network declares, else all that are no patches",
    )
    suffix_tokens: int | None = Field(
        default=None,
        ge=0,
        le=16,
        json_schema_extra=LATER,
        description="register tokens behind the patches of a transformer; by default what is left beside those before",
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

    @model_validator(mode="after")
    def _probe_alone(self) -> Self:
        """Refuse what a probe makes meaningless."""
        for key in ("classes", "class_file", "sample_layer"):
            if self.head == "probe" and getattr(self, key) is not None:
                raise ValueError(f'expected no {key} with head = "probe", which is fitted to the network\'s features')
        return self

    @field_validator("fine_tune")
    @classmethod
    def _from_weights(cls, fine_tune: bool, info: ValidationInfo) -> bool:
        """Only weights can be a start."""
        if fine_tune and info.data.get("weights") is None:
            raise ValueError("expected network.weights, from which the training starts, got none")
        return fine_tune


class CheckpointsSettings(Section):
    """[checkpoints]: networks that were trained elsewhere, in the order of training.

    >>> CheckpointsSettings().folder is None
    True
    """

    folder: LocatedPath | None = Field(
        default=None,
        description="folder of .safetensors, .pth, .pt, .ckpt, .bin or .pth.tar files, one a checkpoint, in the order "
        "of their names",
    )


class KnowledgeSettings(Section):
    """[knowledge]: when a regional feature is a knowledge point.

    Source: Sec. 3.4; calibration and intervals are this project's.

    >>> KnowledgeSettings().tau
    'auto'
    """

    rule: Literal["calibrated", "paper"] = Field(
        default="calibrated",
        description="calibrated: by probabilities that hold on images which no map has seen; paper: its own count, by "
        "the map of all images and the layer's mean strength",
    )
    tau: Annotated[float, Field(gt=0, lt=1)] | Literal["auto"] = Field(
        default="auto",
        description='least class probability of a knowledge point, more than 1 / classes; "auto" is 0.4, '
        "and more where there are fewer than ten classes",
    )
    bootstrap: int = Field(default=1000, ge=10, le=1_000_000, description="resamples of images behind each interval")
    taus: tuple[Annotated[float, Field(gt=0, lt=1)], ...] = Field(
        default=(0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9),
        description="thresholds of the sweep, each in (0, 1); those that every region passes are omitted",
    )


class FiguresSettings(Section):
    """[figures]: how pictures are made.

    >>> FiguresSettings().examples
    8
    """

    examples: int = Field(
        default=8,
        ge=1,
        le=64,
        description="images shown where a figure shows single images; in knowledge_points, one of each class at least",
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
        description="largest atlas.html in millions of bytes; a larger one is reduced, and lists what it omits",
    )


def asks_for_no_training(network: Any) -> bool:
    """Whether a [network] as it was written asks for a network that is not trained."""
    if not isinstance(network, Mapping):
        return False
    chosen = any(network.get(key) is not None for key in ("classes", "class_file"))
    asked = chosen or network.get("head", "softmax") != "softmax"
    return asked or str(network.get("architecture")).startswith("huggingface:")


def _starts_from_weights(content: Mapping[str, Any]) -> bool:
    """Whether settings as they were written name weights, and how long to train on from them."""
    network, training = content.get("network"), content.get("training")
    if not isinstance(network, Mapping) or not isinstance(training, Mapping):
        return False
    epochs = training.get("epochs")
    return bool(network.get("weights")) and isinstance(epochs, int) and epochs > 0


class CoreSettings(Section):
    """The settings that every study has; every key has a default."""

    seed: int = Field(default=0, ge=0, lt=2**62, description="the one seed, from which all randomness comes")
    keep_features: bool = Field(
        default=True, description="keep regional features on the disk when nothing needs them any more"
    )
    deterministic: Literal["machine", "threads"] = Field(
        default="machine",
        json_schema_extra=LATER,
        description="what repeats the same bytes: machine, on as many threads; threads, on any number of them, since "
        "each unit of work then computes on one (more --workers use more)",
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
    knowledge: KnowledgeSettings = Field(default_factory=KnowledgeSettings, description="the knowledge points")
    figures: FiguresSettings = Field(default_factory=FiguresSettings, description="the figures")
    atlas: AtlasSettings = Field(default_factory=AtlasSettings, description="the page for the browser")

    @model_validator(mode="before")
    @classmethod
    def _nothing_is_trained(cls, content: Any) -> Any:
        """Without a number of epochs, a network whose outputs or features are chosen is analysed as it is."""
        if not isinstance(content, Mapping) or not asks_for_no_training(content.get("network")):
            return content
        training = content.get("training", {})
        return {**content, "training": {"epochs": 0, **training}} if isinstance(training, Mapping) else content

    @model_validator(mode="before")
    @classmethod
    def _train_on(cls, content: Any) -> Any:
        """Weights are a start where a number of epochs is written beside them."""
        if not isinstance(content, Mapping) or not _starts_from_weights(content):
            return content
        return {**content, "network": {"fine_tune": True, **content["network"]}}
