"""Stages student_analysis/<student>: a student's evidence compared with its teacher's, layer by layer."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

from torch import Tensor

from patternscope.knowledge.network_comparison import channel_agreement
from patternscope.knowledge.point_rule import PointRule
from patternscope.knowledge.quality import agreement, strength_uncertainty_correlation
from patternscope.results.evidence import EvidenceResult
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.networks import (
    STUDENTS,
    ComparedLayer,
    DistillationResult,
    LayerComparison,
    StudentAnalysisResult,
    StudentSample,
)
from patternscope.results.result import reads, stage_name
from patternscope.results.training import NETWORK_FILE
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import Cost, Facts
from patternscope.study.fitting import embed_as_judged, fit_sample, fitted_sample, sample_start
from patternscope.study.inputs import device_of, inputs_of, trained_network
from patternscope.study.layer_comparison import (
    compare_layer,
    compared_layer,
    embedded_layer,
    layer_of,
    recalibrated,
    uses_first_maps,
)
from patternscope.study.network_factory import MODEL_SETTINGS, RECORDING_SETTINGS, student_digest, student_settings
from patternscope.study.refitting import weigh_if_read
from patternscope.study.stages.evidence import evidence_cost, measure_evidence
from patternscope.study.stages.features import features_cost, record_into
from patternscope.study.stages.importance import importance_cost
from patternscope.study.stages.knowledge import knowledge_cost, point_rule
from patternscope.study.stages.region import embed_regions, region_cost
from patternscope.workflow.stages import Need, Stage, Unit, UnitContext


def run_student_analysis(ctx: UnitContext) -> None:
    """Write the student's embeddings and knowledge points, and the differences from its teacher."""
    with TemporaryDirectory(dir=ctx.folder) as place:
        result = _Student(ctx, Path(place)).analyse()
    result.save(ctx.folder)


@dataclass(frozen=True)
class _Samples:
    """The student's sample embedding and mean directions in the teacher's frame: (n, e), (c, e)."""

    embedding: Tensor
    mean_directions: Tensor
    about: StudentSample


class _Student:
    """A student, recorded on the samples, while it is compared with its teacher."""

    def __init__(self, ctx: UnitContext, folder: Path) -> None:
        self.ctx, self.inputs = ctx, inputs_of(ctx)
        self.settings: StudySettings = ctx.settings
        self.device = device_of(ctx)
        self.name = ctx.unit.stage.rpartition("/")[2]
        network = student_settings(self.settings, self.settings.distillation.layers)
        model = trained_network(ctx, stage=stage_name(DistillationResult, self.name), network=network)
        self.recorded = record_into(folder, model, self.inputs.images.images, network, ctx.report)

    @cached_property
    def teacher(self) -> FeaturesResult:
        """The teacher's recording."""
        return self.inputs.load(FeaturesResult)

    def analyse(self) -> StudentAnalysisResult:
        """Compare the student with its teacher, layer by layer."""
        samples = self.embed_samples()
        teachers, own = self.settings.network.layers, self.settings.distillation.layers
        comparisons, layers = [], {}
        for layer, own_layer in zip(teachers, own, strict=True):
            comparison, layers[layer] = self.compare(layer, own_layer, samples)
            comparisons.append(comparison)
            self.ctx.report(len(layers) / len(teachers), f"{layer} compared")
        return StudentAnalysisResult(
            embedding=samples.embedding.cpu(),
            mean_directions=samples.mean_directions.cpu(),
            target_probs=self.recorded.target_probs,
            logits=self.recorded.logits,
            student=self.name,
            images=len(self.recorded.logits),
            tau=float(self.settings.knowledge.tau),
            agreement=agreement(self.recorded.logits, self.teacher.logits),
            sample=samples.about,
            comparisons=tuple(comparisons),
            layers=layers,
        )

    def embed_samples(self) -> _Samples:
        """Embed the samples by the teacher's map if it fits, else by one of the student's own, close to it."""
        asked, teacher = self.settings.sample, self.inputs.sample()
        features, probs = (
            tensor.to(self.device) for tensor in (self.recorded.sample_features, self.recorded.target_probs)
        )
        fitted = fitted_sample(teacher, asked.kappa_max, self.device)
        alike = channel_agreement(self.teacher.sample_features.to(self.device), features)
        by_teacher = uses_first_maps(self.maps, alike, features.shape[1] == fitted.in_dim)
        if not by_teacher:
            frame = teacher.embedding.to(self.device)
            start = sample_start(asked, features, frame)
            fitted = fit_sample(asked, features, probs, self.ctx.seed, align=frame, start=start)
        embedding = fitted(features)
        about = StudentSample(
            "first" if by_teacher else "own",
            alike,
            agreement(fitted.posterior(features).cpu(), self.recorded.logits),
            strength_uncertainty_correlation(embedding, probs),
        )
        return _Samples(embedding, fitted.mean_directions, about)

    @property
    def maps(self) -> str:
        """The maps that the settings request for a layer."""
        asked = self.settings.distillation.maps
        return "first" if asked == "teacher" else asked

    def compare(self, layer: str, own_layer: str, samples: _Samples) -> tuple[LayerComparison, ComparedLayer]:
        """Compare one of the teacher's layers with the student's; return the comparison and the student's layer."""
        region, told = self.inputs.region(layer), self.inputs.evidence(layer)
        first = layer_of(region, self.inputs.knowledge(layer), told)
        features = self.recorded.regional.read(own_layer).to(self.device)
        alike = channel_agreement(self.teacher.regional.read(layer).to(self.device), features)
        by_teacher = uses_first_maps(self.maps, alike, features.shape[1] == region.map.shape[1])
        if by_teacher:
            embedding, directions = embed_as_judged(region, features).cpu(), self.inputs.sample().mean_directions
            labels = self.inputs.images.labels
            rule = recalibrated(self._rule(region, told), region, embedding, directions, labels)
        else:
            embedding, rule = self._own_embedding(samples, features)
            directions = samples.mean_directions
        second = embedded_layer(embedding.cpu(), directions.cpu(), self.inputs.images.labels, rule)
        comparison = compare_layer(
            (layer, own_layer),
            first,
            second,
            maps="first" if by_teacher else "own",
            channel_agreement=alike,
            grid=(features.shape[2], features.shape[3]),
            resamples=self.settings.knowledge.bootstrap,
            seed=self.ctx.resampling_seed,
        )
        return comparison, compared_layer(second, rule.temperatures)

    def _own_embedding(self, samples: _Samples, features: Tensor) -> tuple[Tensor, PointRule]:
        """The regional embedding by the student's own maps, fitted like those of a study, and its rule."""
        settings, images, probs = self.settings, self.inputs.images, self.recorded.target_probs
        weights = weigh_if_read(settings.importance, settings.region, features, probs, images, settings.seed)
        rule = settings.knowledge.rule
        seed, device = settings.seed, features.device
        fitted = embed_regions(settings.region, rule, features, probs, samples, weights, images, seed, device)
        told = measure_evidence(
            settings.knowledge,
            images,
            samples.mean_directions.cpu(),
            fitted,
            features,
            fitted.mean_strength_of_all,
            settings.region.kappa_max,
            self.ctx.resampling_seed,
            device,
        )
        return fitted.embedding, self._rule(fitted, told)

    def _rule(self, region: RegionResult, told: EvidenceResult) -> PointRule:
        """The rule for the knowledge points of a layer."""
        asked = self.settings.knowledge
        return point_rule(asked.rule, float(asked.tau), self.settings.region.kappa_max, region.mean_strength, told)


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """A student's layers are recorded, and fitted like the teacher's unless they are embedded by its maps."""
    recorded = features_cost(unit, facts, settings)
    total = Cost(recorded.seconds, 0.0, recorded.memory)
    read = [importance_cost] if settings.region.objective == "paper" else []
    formulas = [*read, region_cost, evidence_cost, knowledge_cost]
    for layer in facts.layers:
        own = Unit(unit.stage, None, layer)
        for formula in formulas:
            once = formula(own, facts, settings)
            total += Cost(once.seconds, 0.0, 2 * once.memory)
        total += knowledge_cost(own, facts, settings)
        # A layer of each network is in memory as a whole.
        total += Cost(0.0, 0.0, 2 * facts.regional_bytes(layer))
    return total


def _stage(student: str) -> Stage:
    """The stage of one student."""
    return Stage(
        stage_name(StudentAnalysisResult, student),
        version=6,
        run=run_student_analysis,
        settings=(
            "seed",
            *MODEL_SETTINGS,
            *RECORDING_SETTINGS,
            "network.temperature",
            "sample",
            "importance",
            "region",
            "knowledge.rule",
            "knowledge.tau",
            "knowledge.bootstrap",
            *(f"distillation.{name}" for name in ("architecture", "arguments", "layers", "maps")),
        ),
        outside=student_digest,
        needs=(
            reads(ImagesResult, "images", "identity", "classes", "labelled", "fitted"),
            reads(FeaturesResult, checkpoint="last"),
            reads(SampleResult, "map", "scale", checkpoint="last"),
            reads(RegionResult, "map", "scale", "mean_strength", "unseen", checkpoint="last", layer="all"),
            reads(EvidenceResult, "bits", "evidence", checkpoint="last", layer="all"),
            reads(KnowledgeResult, "mask", checkpoint="last", layer="all"),
            Need(stage_name(DistillationResult, student), (NETWORK_FILE,)),
        ),
        weight=40.0,
        part="distillation",
        cost=_cost,
    )


STAGES = tuple(_stage(student) for student in STUDENTS)
