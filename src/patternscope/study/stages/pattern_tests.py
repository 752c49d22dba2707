"""Stage pattern_tests: the network without the regions of each pattern of a layer, and the patterns of a refit."""

import torch
from torch import Tensor

from patternscope.errors import InputError
from patternscope.images import choose_samples
from patternscope.knowledge.pattern_matching import match_patterns
from patternscope.knowledge.pattern_removal import choose_removals
from patternscope.knowledge.patterns import find_patterns, unit_features
from patternscope.results.evidence import EvidenceResult
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import RegionResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.ledger import Draws
from patternscope.results.pattern_tests import PatternTest, PatternTestsResult
from patternscope.results.patterns import PatternsResult
from patternscope.results.result import reads
from patternscope.results.study import StudyResults
from patternscope.results.training import NETWORK_FILES
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import Cost, Facts
from patternscope.study.fitted_part import FittedPart
from patternscope.study.inputs import device_of, inputs_of, trained_network
from patternscope.study.network_factory import MODEL_SETTINGS, factory_digest
from patternscope.study.pattern_dependence import KINDS, AskedLayer, Falls, mean_of_images
from patternscope.study.stages.patterns import clustering_cost, halves_of_images
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext


def run_pattern_tests(ctx: UnitContext) -> None:
    """Write how much the probability of its class falls without each pattern, and its best partner in a refit."""
    settings: StudySettings = ctx.settings
    inputs, layer = inputs_of(ctx), ctx.unit.layer or ""
    images, (height, width) = inputs.images, inputs.region(layer).grid
    part = FittedPart.among(images)  # patterns are of these images alone
    owners = part.of(inputs.load(PatternsResult, layer=layer).owners(len(images.labels), height * width))
    count = int(owners.max()) + 1
    ctx.report(0.0, "patterns of a refit")
    refit, of_refit = _patterns_of_refit(ctx, inputs, part)
    matches = match_patterns(owners, refit, (count, of_refit))
    falls, omitted = _falls_of_patterns(ctx, inputs, part, owners) if count else ([], None)
    names = _names(part.images(images), owners, count)
    known, draws = [each for each in falls if each], Draws(settings.knowledge.bootstrap, ctx.resampling_seed)
    PatternTestsResult(
        tests=tuple(
            PatternTest(*name, refit=overlap, dependence=each and each.dependence(draws))
            for name, overlap, each in zip(names, matches.overlap.tolist(), falls, strict=True)
        ),
        every=mean_of_images(known, len(owners)).dependence(draws) if known else None,
        refit_patterns=of_refit,
        matched=matches.matched,
        omitted=omitted,
    ).save(ctx.folder)


def _names(images: ImagesResult, owners: Tensor, count: int) -> list[tuple[str, int]]:
    """The class of each pattern, and its number within the class."""
    labels = [int(images.labels[(owners == place).any(dim=1)][0]) for place in range(count)]
    return [(images.classes[label], labels[: place + 1].count(label)) for place, label in enumerate(labels)]


def _patterns_of_refit(ctx: UnitContext, inputs: StudyResults, part: FittedPart) -> tuple[Tensor, int]:
    """The index of each region's pattern in a refit of the layer to other images (m, r), and their number."""
    settings: StudySettings = ctx.settings
    layer, device, images = ctx.unit.layer or "", device_of(ctx), part.images(inputs.images)
    told, regional = inputs.evidence(layer), inputs.load(FeaturesResult).regional.open(layer)
    points = part.of(told.refit_confidence[0] > float(settings.knowledge.tau))
    found = find_patterns(
        unit_features(part.read(regional, "cpu")).to(device),
        (points & (part.of(told.refit_category[0]).long() == images.labels[:, None])).to(device),
        images.labels,
        part.of(told.bits).to(device),
        halves_of_images(images, settings.seed),
        classes=len(images.classes),
        most=settings.patterns.most,
        resamples=settings.knowledge.bootstrap,
        seed=ctx.resampling_seed,
    )
    places = torch.full(points.shape, -1)
    for place, pattern in enumerate(found):
        places[pattern.samples, pattern.regions] = place
    return places, len(found)


def _falls_of_patterns(
    ctx: UnitContext, inputs: StudyResults, part: FittedPart, owners: Tensor
) -> tuple[list[Falls | None], str | None]:
    """The falls of each pattern, None without an image to test; and why the layer cannot be changed."""
    settings: StudySettings = ctx.settings
    layer, count, labels = ctx.unit.layer or "", int(owners.max()) + 1, part.images(inputs.images).labels
    reliable, grid = part.of(inputs.knowledge(layer).reliable), inputs.region(layer).grid
    ctx.report(0.5, "mean features")
    try:
        asked = AskedLayer(trained_network(ctx), part.of(inputs.images.images), labels, layer, grid)
    except InputError as error:
        return [None] * count, str(error)
    chosen = choose_samples(labels, settings.patterns.images_per_class, seed=ctx.stage_seed)
    generator = torch.Generator().manual_seed(ctx.stage_seed)
    falls: list[Falls | None] = []
    for place in range(count):
        members = owners == place
        removals = choose_removals(members, reliable, chosen[members[chosen].any(dim=1)], generator)
        falls.append(asked.without(removals) if len(removals.samples) else None)
        ctx.report(0.6 + 0.4 * len(falls) / count, f"pattern {len(falls)} of {count}")
    return falls, None


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Clusters of a refit; a pass of the images fitted to, and three for each pattern and image that has it."""
    clusters, asked = clustering_cost(unit, facts, settings), settings.patterns
    of_classes = min(asked.images_per_class * facts.classes, facts.fitted) * asked.most / 2
    return Cost(
        clusters.seconds + (facts.fitted + KINDS * of_classes) * facts.forward,
        1000 * facts.classes * asked.most / 2,
        clusters.memory,
    )


STAGES = (
    Stage(
        "pattern_tests",
        version=1,
        run=run_pattern_tests,
        settings=(
            "seed",
            "patterns.most",
            "patterns.images_per_class",
            "knowledge.tau",
            "knowledge.bootstrap",
            *MODEL_SETTINGS,
        ),
        outside=factory_digest,
        needs=(
            reads(ImagesResult, "images", "classes", "identity", "fitted"),
            Need("training", NETWORK_FILES, checkpoint="last"),
            reads(FeaturesResult, "regional", checkpoint="last"),
            reads(RegionResult, "grid", checkpoint="last"),
            reads(EvidenceResult, "bits", "refit_category", checkpoint="last"),
            reads(KnowledgeResult, "reliable", checkpoint="last"),
            reads(PatternsResult, "pattern"),
        ),
        per=("layer",),
        weight=8.0,
        part="patterns",
        cost=_cost,
    ),
)
