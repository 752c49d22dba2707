"""The whole analysis in memory: any network, images and labels, without a folder or a settings file."""

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, get_args

from torch import Tensor, nn

from patternscope.api.heads import Classes, HeadKind, ReadNetwork, probed_network, read_network, split_classes
from patternscope.api.images_in_memory import Labels, as_bytes, check_labels, isolated_randomness, read_images
from patternscope.api.study import Study
from patternscope.errors import InputError, nearest
from patternscope.images.readers.memory import NAME as IN_MEMORY
from patternscope.networks import (
    Normalised,
    Recording,
    list_layers,
    recompute_batch_statistics,
    record,
    reinitialised,
    resolve_device,
    suggest_layers,
)
from patternscope.networks.models.normalised import head_of
from patternscope.results.controls import ControlsResult
from patternscope.results.features import FeaturesInMemory, FeaturesResult, LayerShape
from patternscope.results.fits import SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.result import Result
from patternscope.results.study import ResultsInMemory
from patternscope.results.training import TrainingResult
from patternscope.settings.core import NetworkSettings
from patternscope.settings.study import StudySettings, make_settings
from patternscope.study.analysed_network import warn_of_order
from patternscope.study.fitted_part import FittedPart
from patternscope.study.run import resolved_settings
from patternscope.study.stages.controls import measure_controls
from patternscope.study.stages.emergence import follow_points
from patternscope.study.stages.evidence import measure_evidence
from patternscope.study.stages.features import soft_probabilities
from patternscope.study.stages.images import describe_images
from patternscope.study.stages.importance import weigh_regions
from patternscope.study.stages.knowledge import count_points
from patternscope.study.stages.region import embed_regions
from patternscope.study.stages.sample import embed_samples
from patternscope.study.stages.summary import summarise
from patternscope.workflow.cache_keys import resampling_seed, unit_seed
from patternscope.workflow.stages import Unit

_CHECKPOINT = 0
# The keys of [network] that apply to a network in memory; the network itself and its normaliser are arguments.
_READ = {"architecture", "grid", "sample_layer", "temperature", "prefix_tokens", "suffix_tokens"}


def analyze(
    network: nn.Module,
    images: Any,
    labels: Labels | None = None,
    layers: Sequence[str] = (),
    *,
    classes: Classes | None = None,
    head: HeadKind = "softmax",
    mean: float | Sequence[float] | None = None,
    std: float | Sequence[float] | None = None,
    samples_per_class: int = 50,
    image_size: int = 224,
    device: str = "auto",
    seed: int = 0,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> Study:
    """Analyse a network on some images in memory: embeddings, evidence and knowledge points of its layers.

    Nothing is written, and the network, its flags and the global random state are left as found. Chance levels are
    measured with a copy of the network with reinitialised weights, unless [controls] is off.

    Args:
        network: any module that returns logits (n, c), or features with head="probe".
        images: (n, channels, h, w) with pixels in [0, 1], or uint8; a data set or loader of (image, label) pairs; or a
            folder of class folders, of which `samples_per_class` images per class are used, `image_size` pixels per
            side.
        labels: the class of each image (n,), its index among the logits. A data set, a loader and a folder have labels;
            with None for a tensor of images, the classes that the network predicts are used.
        layers: by default a few, spread over depth; `networks.list_layers` lists them.
        classes: names of the classes, by label; by default those of the folder, or their numbers. For a network with
            more outputs, those with these names are used; or `classes` selects them, as {class: name or number of an
            output}, or as a list of numbers.
        head: "sigmoid" where each output is a separate yes or no; "probe" for a network without a classifier: a
            linear probe on its features (extra `probe`) gives the probabilities. It is fitted to the images of a folder
            that are not analysed, else to the analysed ones.
        mean, std: subtracted from the pixels, and their divisor; by default, the network normalises its input itself.
        device: of the fits; the network runs on its own device.
        settings: sections of a study's settings, such as {"knowledge": {"bootstrap": 100}} or
            {"controls": {"enabled": False}}.

    Raises:
        InputError: images, labels, layers or settings that cannot be used, and outputs that the network does not have.

    Warns:
        UserWarning: if the outputs are likely in another order than the classes.

    Cost: two or three forward passes, and the fits of a study's checkpoint: seconds for a hundred images.
    """
    resolve_device(device)
    if not isinstance(network, nn.Module):
        raise InputError(f"network: expected a torch.nn.Module, got {type(network).__name__}")
    if isinstance(layers, str) or not isinstance(layers, Iterable):
        raise InputError(f"layers: expected a list of names, got {layers!r}")
    if head not in get_args(HeadKind):
        raise InputError(f"head: expected a head, got {head!r}; {nearest(str(head), get_args(HeadKind))}")
    selected, outputs = split_classes(classes)
    with isolated_randomness():
        how = _section(settings, "images")
        pixels, truth, names, train = read_images(images, labels, selected, samples_per_class, image_size, seed, how)
    asked = _settings(network, pixels, tuple(layers), head, seed, settings or {})
    bare = _normalised(network, mean, std, asked.network)
    if head == "probe":
        if outputs is not None:
            raise InputError('classes: expected names of the classes with head="probe", which has no named outputs')
        read = probed_network(bare, pixels, truth, names, train, seed)
    else:
        read = read_network(bare, pixels, names, outputs, head)
    model, names = read.network, read.classes
    chosen = asked.network.layers or tuple(suggest_layers(list_layers(model, pixels[:2])))
    asked = asked.model_copy(update={"network": asked.network.model_copy(update={"layers": chosen})})
    recorded = partial(record, layers=chosen, grid=asked.network.grid, sample_layer=asked.network.sample_layer)
    recording = recorded(model, pixels)
    labelled = truth is not None
    truth, names = check_labels(truth, names, recording.logits)
    untrained = {}
    if asked.controls.enabled:
        untrained = recorded(_untrained(model, pixels, seed), pixels).regional_features
    if labelled and read.probe is None:
        own = record(bare, pixels, []).logits if read.outputs else recording.logits
        warn_of_order(own, truth, head_of(model), names, read.names)
    study = _Analysis(resolved_settings(asked, len(names)), device, untrained, read)
    return Study(study.run(as_bytes(pixels), truth, names, recording, labelled), settings=asked)


def _untrained(network: nn.Module, pixels: Tensor, seed: int) -> nn.Module:
    """An untrained copy of the network, with the batch statistics of the images."""
    try:
        copy = reinitialised(network, unit_seed(seed, "controls"))
    except Exception as error:
        raise InputError(
            f"network: expected one that can be copied, for [controls], got {type(error).__name__}: {error}; "
            'settings={"controls": {"enabled": False}} does without'
        ) from error
    return recompute_batch_statistics(copy, pixels)


def _normalised(
    network: nn.Module,
    mean: float | Sequence[float] | None,
    std: float | Sequence[float] | None,
    asked: NetworkSettings,
) -> nn.Module:
    """The network behind its normaliser, if requested, which records the tokens other than patches."""
    tokens = {"prefix_tokens": asked.prefix_tokens, "suffix_tokens": asked.suffix_tokens}
    if mean is None and std is None and not any(count is not None for count in tokens.values()):
        return network
    return Normalised(network, 0.0 if mean is None else mean, 1.0 if std is None else std, **tokens)


class _Analysis:
    """The stages of a study at one checkpoint, one after another."""

    def __init__(
        self, settings: StudySettings, device: str, untrained: Mapping[str, Tensor], read: ReadNetwork
    ) -> None:
        self.read, self.settings, self.device = read, settings, resolve_device(device)
        # Regional features of an untrained network, by layer; empty if [controls] is off.
        self.untrained = untrained
        self.results: dict[Unit, Result] = {}

    def run(
        self, pixels: Tensor, labels: Tensor, classes: Sequence[str], recording: Recording, labelled: bool
    ) -> ResultsInMemory:
        """Return the results of all stages; unknown labels are replaced by the network's decision."""
        settings = self.settings
        names = [str(index) for index in range(len(labels))]
        images = describe_images(
            pixels,
            labels,
            classes,
            names,
            source=IN_MEMORY,
            held_out_count=len(labels),
            labelled=labelled,
            fit_samples=settings.images.fit_samples,
            seed=settings.seed,
        )
        features = _features(recording, settings.network.temperature)
        correct = (recording.logits.argmax(dim=1) == labels).double().mean().item()
        trained = TrainingResult(
            checkpoint=_CHECKPOINT,
            name="as given",
            step=None,
            losses=[],
            held_out_accuracy=correct if labelled else None,
            held_out_images=len(labels),
            total_steps=None,
            outputs=self.read.outputs,
            probe=self.read.probe,
            start=None,
        )
        self._keep(images)
        self._keep(trained, _CHECKPOINT)
        self._keep(features, _CHECKPOINT)
        seed = unit_seed(settings.seed, "sample", _CHECKPOINT, None)
        part = FittedPart.among(images)
        sample = embed_samples(settings.sample, features, seed, device=self.device, part=part)
        self._keep(sample, _CHECKPOINT)
        for layer in recording.regional_features:
            self._fit(layer, images, features, sample)
        knowledge = settings.knowledge
        draws = resampling_seed(settings.seed)
        self._keep(follow_points(self._stored, float(knowledge.tau), knowledge.bootstrap, draws))
        self._keep(summarise(self._stored))
        return self._stored

    @property
    def _stored(self) -> ResultsInMemory:
        """The results so far."""
        return ResultsInMemory(dict(self.results), self.settings.seed)

    def _fit(self, layer: str, images: ImagesResult, features: FeaturesResult, sample: SampleResult) -> None:
        """Weigh, embed and count the regions of one layer."""
        settings, probs, draws = self.settings, features.target_probs, resampling_seed(self.settings.seed)
        regional = features.regional.read(layer).to(self.device)
        weights = weigh_regions(settings.importance, regional, probs, images, settings.seed, self.device)
        rule = settings.knowledge.rule
        seed, device, part = settings.seed, self.device, FittedPart.among(images)
        region = embed_regions(settings.region, rule, regional, probs, sample, weights, images, seed, device)
        directions, kappa_max = sample.mean_directions, settings.region.kappa_max
        unit = region.mean_strength_of_all
        told = measure_evidence(
            settings.knowledge, images, directions, region, regional, unit, kappa_max, draws, device
        )
        points = count_points(
            settings.knowledge, images, directions, region, told, region.mean_strength, kappa_max, draws
        )
        for result in (weights, region, told, points):
            self._keep(result, _CHECKPOINT, layer)
        if layer in self.untrained:
            chance = measure_controls(
                settings,
                part.images(images),
                part.of(probs),
                part.frame(sample),
                part.of(regional),
                part.of(self.untrained[layer]).float().to(device),
                "re-initialised",
                draws,
            )
            self._keep(chance, None, layer)

    def _keep(self, result: Result, checkpoint: int | None = None, layer: str | None = None) -> None:
        self.results[Unit(result.STAGE, checkpoint, layer)] = result


def _features(recording: Recording, temperature: float) -> FeaturesResult:
    """The recording, in the form of the stage features."""
    regional = recording.regional_features
    return FeaturesResult(
        sample_features=recording.sample_features.float(),
        logits=recording.logits.float(),
        target_probs=soft_probabilities(recording.logits, temperature),
        layers=tuple(LayerShape(name, f.shape[1], (f.shape[2], f.shape[3])) for name, f in regional.items()),
        samples=len(recording.logits),
        regional=FeaturesInMemory(regional),
    )


def _section(settings: Any, name: str) -> Mapping[str, Any]:
    """A section of the given settings, which are checked later."""
    found = settings.get(name) if isinstance(settings, Mapping) else None
    return found if isinstance(found, Mapping) else {}


def _settings(
    network: nn.Module,
    pixels: Tensor,
    layers: Sequence[str],
    head: HeadKind,
    seed: int,
    sections: Mapping[str, Mapping[str, Any]],
) -> StudySettings:
    """The settings of the corresponding study, with the given sections."""
    own = {
        "images": {"source": IN_MEMORY, "image_size": pixels.shape[-1], "channels": pixels.shape[1]},
        "network": {"architecture": type(network).__name__, "layers": layers, "head": head, "classes": None},
    }
    if not isinstance(sections, Mapping) or not all(isinstance(section, Mapping) for section in sections.values()):
        raise InputError(f"settings: expected sections such as {{'knowledge': {{'bootstrap': 100}}}}, got {sections!r}")
    for name, known in own.items():
        if given := [key for key in sections.get(name, {}) if key in known and key != "architecture"]:
            raise InputError(f"settings: expected no {name}.{given[0]}, given by images and arguments, got one")
    for name, told in (("training", "nothing is trained"), ("checkpoints", "the network is given")):
        if sections.get(name):
            raise InputError(f"settings: expected no [{name}] in memory, where {told}, got one")
    if unused := [key for key in sections.get("network", {}) if key not in _READ]:
        raise InputError(f"settings: expected no network.{unused[0]} in memory, where it has no effect, got one")
    content = {name: {**own.get(name, {}), **sections.get(name, {})} for name in {**own, **sections}}
    asked = make_settings({"seed": seed, **content}, "settings", Path())
    on = [name for name, part in asked.parts.items() if getattr(part, "enabled", False)]
    if enabled := [name for name in on if name != ControlsResult.PART]:
        raise InputError(f"settings: expected no [{enabled[0]}] in memory, got one; a study on disk has such parts")
    return asked
