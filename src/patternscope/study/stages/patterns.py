"""Stage patterns: clusters of the reliable regions of each class in a layer, at the last checkpoint."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.knowledge.emergence import NEVER, first_appearance, lasting_appearance
from patternscope.knowledge.folds import assign_folds
from patternscope.knowledge.patterns import Pattern, find_patterns, presence, unit_features
from patternscope.networks import Normalised, receptive_field
from patternscope.results.emergence import CheckpointName
from patternscope.results.evidence import EvidenceResult
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import RegionResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.noise import networks_of
from patternscope.results.pattern_names import PatternName, names_of_patterns, read_pattern_names
from patternscope.results.patterns import LayerPattern, PatternsResult, SharedClass
from patternscope.results.result import reads
from patternscope.results.study import StudyResults
from patternscope.results.training import NETWORK_FILES, TrainingResult
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import NUMBER, TRAIN_PASSES, Cost, Facts
from patternscope.study.fitted_part import FittedPart
from patternscope.study.inputs import device_of, inputs_of, trained_network
from patternscope.study.network_factory import MODEL_SETTINGS, factory_digest
from patternscope.workflow.cache_keys import file_digest, unit_seed
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext

_DIVISIONS, _FIELD_IMAGES = 3, 16


def run_patterns(ctx: UnitContext) -> None:
    """Write the patterns of a layer, and patterns.csv with a row for each."""
    settings: StudySettings = ctx.settings
    inputs, layer = inputs_of(ctx), ctx.unit.layer or ""
    images, grid, known = inputs.images, inputs.region(layer).grid, inputs.knowledge(layer)
    ctx.report(0.0, "receptive field")
    network = trained_network(ctx)
    field = _field(network, images.images[:: max(1, len(images.images) // _FIELD_IMAGES)], layer, grid)
    ctx.report(0.1, "clusters")
    part, device = FittedPart.among(images), device_of(ctx)
    own = part.images(images)
    found = find_patterns(
        unit_features(part.read(inputs.load(FeaturesResult).regional.open(layer), "cpu")).to(device),
        part.of(known.reliable).to(device),
        own.labels,
        part.of(inputs.evidence(layer).bits).to(device),
        halves_of_images(own, settings.seed),
        classes=len(images.classes),
        most=settings.patterns.most,
        resamples=settings.knowledge.bootstrap,
        seed=ctx.resampling_seed,
    )
    found = [replace(pattern, samples=part.places(pattern.samples)) for pattern in found]
    names = settings.patterns.names
    given = [] if names is None else read_pattern_names(names)
    describe_patterns(inputs, layer, found, field, given).save(ctx.folder)


def describe_patterns(
    results: StudyResults,
    layer: str,
    found: Sequence[Pattern],
    field: tuple[float, float] | None,
    names: Sequence[PatternName] = (),
) -> PatternsResult:
    """Return patterns of a layer with their values over checkpoints, refits and networks, and their names."""
    numbers = results.checkpoints(TrainingResult)
    trained = [results.training(number) for number in numbers]
    checkpoints = tuple(CheckpointName(each.checkpoint, each.name, each.step) for each in trained)
    reliable = torch.stack([results.knowledge(layer, number).reliable for number in numbers])
    grid, images, known = results.region(layer).grid, results.images, results.knowledge(layer)
    members = [_named_regions(pattern, images, grid[1]) for pattern in found]
    given, unknown = names_of_patterns(names, layer, members)
    several = networks_of(results, layer)
    of_class = [sum(other.label == each.label for other in found[:place]) for place, each in enumerate(found)]
    patterns = tuple(
        LayerPattern(
            class_name=images.classes[pattern.label],
            number=before + 1,
            name=name,
            regions=len(pattern.samples),
            images=len(pattern.samples.unique()),
            share=pattern.share,
            stability=pattern.stability,
            chance=pattern.chance,
            within=pattern.within,
            specific=pattern.specific,
            prior=pattern.prior,
            refits=_mean_over(pattern, known.stability),
            networks=None if several is None else _mean_over(pattern, several.stability),
            shared=tuple(SharedClass(images.classes[label], pattern.shared[label]) for label in pattern.shared_with),
            background=pattern.background,
            **_over_training(presence(pattern.samples, pattern.regions, reliable), checkpoints),
        )
        for pattern, before, name in zip(found, of_class, given, strict=True)
    )
    sizes = torch.tensor([len(pattern.samples) for pattern in found], dtype=torch.int64)
    return PatternsResult(
        pattern=torch.arange(len(found)).repeat_interleave(sizes),
        sample=torch.cat([pattern.samples for pattern in found]) if found else sizes,
        region=torch.cat([pattern.regions for pattern in found]) if found else sizes,
        patterns=patterns,
        checkpoints=checkpoints,
        grid=grid,
        field=field,
        unknown_names=tuple(unknown),
    )


def _field(network: Normalised, images: Tensor, layer: str, grid: tuple[int, int]) -> tuple[float, float] | None:
    """The effective receptive field, None for a layer without a gradient with respect to the pixels."""
    try:
        return receptive_field(network, images.float() / 255, layer, grid)
    except InputError:
        return None


def halves_of_images(images: ImagesResult, seed: int) -> Tensor:
    """Return the halves of the images in some divisions (s, n), stratified by class."""
    seeds = [unit_seed(seed, "patterns", division) for division in range(_DIVISIONS)]
    return torch.stack([assign_folds(images.labels, 2, identity=images.identity, seed=each) for each in seeds])


def _named_regions(pattern: Pattern, images: ImagesResult, width: int) -> tuple[str, set[tuple[str, int, int]]]:
    """The class of a pattern, and its regions in the format of the file of names."""
    pairs = zip(pattern.samples.tolist(), pattern.regions.tolist(), strict=True)
    return images.classes[pattern.label], {(images.names[s], region // width, region % width) for s, region in pairs}


def _mean_over(pattern: Pattern, stability: Tensor | None) -> float | None:
    """The mean stability (n, r) of a pattern's regions, None if it was not measured."""
    return None if stability is None else float(stability[pattern.samples, pattern.regions].double().mean())


def _over_training(present: Tensor, checkpoints: Sequence[CheckpointName]) -> dict[str, Any]:
    """Presence at each checkpoint, and when at least half of a pattern's regions are reliable."""
    whens = [int(find(present >= 0.5)) for find in (first_appearance, lasting_appearance)]
    appears, stays = (None if when == NEVER else checkpoints[when] for when in whens)
    return {"presence": tuple(present.tolist()), "appears": appears, "stays": stays}


def names_digest(settings: StudySettings, unit: Unit) -> str:
    """Return the digest of the file of names, so that a new name is shown by the next run; InputError without it."""
    names = settings.patterns.names
    if names is None:
        return ""
    if not names.is_file():
        raise InputError(f"patterns.names: {str(names)!r} does not exist; write it, or omit the setting")
    return file_digest(names)


def clustering_cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Return the cost of k-means of a tenth to a third of the regions, and of distances to the mean of each pattern."""
    k, r = facts.layers[unit.layer or ""]
    n, patterns = facts.fitted, facts.classes * settings.patterns.most / 2
    seconds = 1e-5 * n * r * _DIVISIONS * settings.patterns.most + 12 * n * r * k * patterns / facts.products
    resampled = 5e-8 * patterns * (facts.classes + 2) * settings.knowledge.bootstrap * n / facts.classes
    return Cost(0.2 + seconds + resampled, 24 * n * r * 0.3 + 600 * patterns, 4 * NUMBER * facts.fitted * r * (k + 2))


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Clusters, and the gradients of a receptive field."""
    clusters, passes = clustering_cost(unit, facts, settings), min(facts.samples, _FIELD_IMAGES) * TRAIN_PASSES
    return Cost(clusters.seconds + passes * facts.forward, clusters.disk, clusters.memory)


STAGES = (
    Stage(
        "patterns",
        version=1,
        run=run_patterns,
        settings=("seed", "patterns.most", "patterns.names", "knowledge.bootstrap", *MODEL_SETTINGS),
        needs=(
            reads(ImagesResult, "images", "classes", "identity", "names", "fitted"),
            Need("training", NETWORK_FILES, checkpoint="last"),
            reads(TrainingResult, "name", checkpoint="all"),
            reads(FeaturesResult, "regional", checkpoint="last"),
            reads(RegionResult, "grid", checkpoint="last"),
            reads(EvidenceResult, "bits", checkpoint="last"),
            reads(KnowledgeResult, "reliable", "stability", checkpoint="all"),
        ),
        per=("layer",),
        external=names_digest,
        outside=factory_digest,
        weight=4.0,
        part="patterns",
        cost=_cost,
    ),
)
