"""Stage controls: what a layer has by chance, with targets permuted over images and with an untrained network."""

from dataclasses import dataclass

import torch
from torch import Tensor

from patternscope.knowledge.bootstrap import bootstrap_counts
from patternscope.knowledge.point_rule import PointRule
from patternscope.knowledge.region_evidence import evidence
from patternscope.knowledge.temperatures import temperatures_of_points
from patternscope.networks import Normalised, recompute_batch_statistics, record, reinitialised
from patternscope.results.controls import Control, ControlsResult, Untrained
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import Counts
from patternscope.results.result import reads
from patternscope.results.training import NETWORK_FILES, TrainingResult
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import Cost, Facts
from patternscope.study.fitted_part import FittedPart, SampleFrame
from patternscope.study.fitting import embed_by_all
from patternscope.study.inputs import device_of, inputs_of, trained_network
from patternscope.study.network_factory import MODEL_SETTINGS, RECORDING_SETTINGS, factory_digest, recording_options
from patternscope.study.refitting import refit_layer, refitting_cost
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext


def run_controls(ctx: UnitContext) -> None:
    """Write evidence and knowledge points of the layer for permuted targets and for an untrained network."""
    settings: StudySettings = ctx.settings
    inputs, layer, device = inputs_of(ctx), ctx.unit.layer or "", device_of(ctx)
    images, features, options = inputs.images, inputs.load(FeaturesResult), recording_options(settings.network)
    part, (network, origin) = FittedPart.among(images), _untrained_network(ctx)
    seen = part.of(images.images)
    untrained = record(network, seen, [layer], settings.network.grid, **options).regional_features[layer]
    ctx.report(0.3, "untrained network recorded")
    measure_controls(
        settings,
        part.images(images),
        part.of(features.target_probs),
        part.frame(inputs.sample()),
        part.read(features.regional.open(layer), device),
        untrained.float().to(device),
        origin,
        ctx.resampling_seed,
    ).save(ctx.folder)


def measure_controls(
    settings: StudySettings,
    images: ImagesResult,
    target_probs: Tensor,
    sample: SampleFrame,
    regional: Tensor,
    untrained: Tensor,
    untrained_from: Untrained,
    seed: int,
) -> ControlsResult:
    """Return the chance levels of a layer, from its features and those of an untrained network (n, k, h, w).

    In a study of many images, only those that maps are fitted to: chance is that of such maps.
    """
    labels = images.labels
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(seed))
    chance = _Chance(settings, images, sample, seed)
    return ControlsResult(
        permuted=chance.measure(regional, target_probs[order], labels[order]),
        untrained=chance.measure(untrained, target_probs, labels),
        untrained_from=untrained_from,
    )


@dataclass(frozen=True)
class _Chance:
    """A layer measured like those of a study, with any targets."""

    settings: StudySettings
    images: ImagesResult
    sample: SampleFrame
    seed: int

    def measure(self, regional: Tensor, probs: Tensor, labels: Tensor) -> Control:
        """Evidence and points of features (n, k, h, w) for target probabilities (n, c) and labels (n,)."""
        known, kappa_max = self.settings.knowledge, self.settings.region.kappa_max
        region, judged = refit_layer(self.settings, "calibrated", regional, probs, labels, self.sample, self.images)
        told = evidence(judged.log_posterior, labels.to(regional.device), resamples=known.bootstrap, seed=self.seed)
        temperatures = temperatures_of_points(judged.temperatures.cpu(), told.interval)
        calibrated = PointRule(float(known.tau), kappa_max, region.mean_strength or None, temperatures)
        paper = PointRule(float(known.tau), kappa_max, region.mean_strength_of_all or None)
        by_all = embed_by_all(region, regional, regional.device)
        return Control(
            told.interval, self._counted(calibrated, region.embedding, labels), self._counted(paper, by_all, labels)
        )

    def _counted(self, rule: PointRule, embedding: Tensor, labels: Tensor) -> Counts:
        """The points of an embedding by a rule, with intervals."""
        points = rule.points(embedding, self.sample.mean_directions, labels)
        draws = {"resamples": self.settings.knowledge.bootstrap, "seed": self.seed}
        return Counts.of(bootstrap_counts(points.mask, points.reliable, **draws))


def _untrained_network(ctx: UnitContext) -> tuple[Normalised, Untrained]:
    """The untrained network: that of training step 0, or the last one with reinitialised weights.

    A training that started from weights has no untrained network among its checkpoints.
    """
    inputs = inputs_of(ctx)
    images, checkpoints = inputs.images.images, inputs.checkpoints(TrainingResult)
    begun = inputs.training(checkpoints[0])
    if begun.step == 0 and begun.start is None:
        first = trained_network(ctx, checkpoint=checkpoints[0])
        return recompute_batch_statistics(first, images), "first checkpoint"
    drawn_anew = reinitialised(trained_network(ctx, checkpoint=checkpoints[-1]), ctx.stage_seed)
    return recompute_batch_statistics(drawn_anew, images), "re-initialised"


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """A forward pass, and two measurements of the layer."""
    once = refitting_cost(unit, facts, settings)
    return Cost(facts.samples * 2 * facts.forward + 2 * once.seconds, 2000.0, once.memory)


STAGES = (
    Stage(
        "controls",
        version=3,
        run=run_controls,
        settings=(
            "seed",
            *MODEL_SETTINGS,
            *RECORDING_SETTINGS,
            "importance",
            "region",
            "knowledge.tau",
            "knowledge.bootstrap",
        ),
        outside=factory_digest,
        needs=(
            reads(ImagesResult, "images", "identity", "classes", "fitted"),
            reads(TrainingResult, "step", checkpoint="all"),
            Need("training", NETWORK_FILES, checkpoint="all"),
            reads(FeaturesResult, "target_probs", "regional", checkpoint="last"),
            reads(SampleResult, "embedding", "mean_directions", checkpoint="last"),
        ),
        per=("layer",),
        weight=12.0,
        part="controls",
        cost=_cost,
    ),
)
