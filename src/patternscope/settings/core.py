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
        description="the network's outputs for the classes of the images, by class or in their order: names, numbers "
        "from 0 or synset ids; by default, in a network that is analysed without training, the outputs with the names "
        "of the classes. Nothing is trained",
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
        description="where probabilities come from: softmax over the network's outputs; sigmoid, if each output is a "
        "separate yes or no; probe, a linear probe on the features of a network without a classifier, fitted to the "
        "training images (extra probe). Nothing else is trained",
    )
    layers: tuple[str, ...] = Field(
        default=(), description="layers to analyse, shallow to deep; by default four spread over depth"
    )
    grid: Side | tuple[Side, Side] | None = Field(
        default=PAPER_GRID,
        description="regions (n, or h and w) to which larger maps are averaged; smaller maps are not changed, so a "
        "large number changes none",
    )
    weights: LocatedPath | None = Field(
        default=None,
        description="a .safetensors, .pth, .pt, .ckpt, .bin or .pth.tar file: this network is analysed without "
        "training, or, if training.epochs is set, the training starts from it",
    )
    fine_tune: bool = Field(
        default=False,
        validate_default=True,
        json_schema_extra=LATER,
        description="whether the training starts from weights; by default if training.epochs is set and not 0",
    )
    pretrained: bool = Field(
        default=False,
        description="start from the weights published by torchvision or timm; with training.epochs = 0 they "
        "are analysed without training",
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
        "the network declares, else all that are not patches",
    )
    suffix_tokens: int | None = Field(
        default=None,
        ge=0,
        le=16,
        json_schema_extra=LATER,
        description="register tokens after the patches of a transformer; by default all others that are not patches",
    )
    precision: Literal["float32", "bfloat16", "float16"] = Field(
        default="float32", description="precision of the network while its features are recorded"
    )
    mean: tuple[float, ...] | None = Field(
        default=None,
        min_length=1,
        description="subtracted from pixels in [0, 1]; one number, or one per channel; by default 0.5, or what "
        "published weights expect",
    )
    std: tuple[Annotated[float, Field(gt=0)], ...] | None = Field(
        default=None,
        min_length=1,
        description="divides pixels after that; one positive number, or one per channel; by default 0.25, or "
        "what published weights expect",
    )
    temperature: float = Field(
        default=4.0, gt=0, le=1000, description="T of the target probabilities softmax(logits / T)"
    )

    @field_validator("folder", mode="before")
    @classmethod
    def _beside_the_settings(cls, folder: Any, info: ValidationInfo) -> Any:
        """A factory is looked for next to the settings file; no other architecture needs a folder."""
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
        description="folder of .safetensors, .pth, .pt, .ckpt, .bin or .pth.tar files, one per checkpoint, in the "
        "order of their names",
    )


class KnowledgeSettings(Section):
    """[knowledge]: when a regional feature is a knowledge point.

    Source: Sec. 3.4; calibration and intervals are this project's.

    >>> KnowledgeSettings().tau
    'auto'
    """

    rule: Literal["calibrated", "paper"] = Field(
        default="calibrated",
        description="calibrated: by probabilities that are calibrated on unseen images; paper: the paper's own rule, "
        "with a map of all images and the layer's mean strength",
    )
    tau: Annotated[float, Field(gt=0, lt=1)] | Literal["auto"] = Field(
        default="auto",
        description='smallest class probability of a knowledge point, above 1 / classes; "auto" is 0.4, '
        "or more for fewer than ten classes",
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
        description="images in figures of single images; in knowledge_points, at least one of each class",
    )
    dpi: int = Field(default=200, ge=50, le=1200, description="dots per inch of png files")


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

    seed: int = Field(default=0, ge=0, lt=2**62, description="the seed from which all randomness comes")
    keep_features: bool = Field(default=True, description="keep regional features on disk after their last use")
    deterministic: Literal["machine", "threads"] = Field(
        default="machine",
        json_schema_extra=LATER,
        description="when a run gives the same bytes again: machine, with the same number of threads; threads, with "
        "any number, since each unit of work then uses one thread (more --workers use more)",
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
        """Training starts from the weights if a number of epochs is set as well."""
        if not isinstance(content, Mapping) or not _starts_from_weights(content):
            return content
        return {**content, "network": {"fine_tune": True, **content["network"]}}
