"""Stage sample: the sample embedding of each checkpoint, all in one frame."""

from collections.abc import Sequence

import torch
from torch import Tensor

from patternscope.embeddings.settings import SampleSettings
from patternscope.knowledge.quality import agreement, strength_uncertainty_correlation
from patternscope.radial import procrustes
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import Alignment, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.result import reads
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import CALL, NUMBER, Cost, Facts
from patternscope.study.fitted_part import EVERYONE, FittedPart
from patternscope.study.fitting import fit_sample, fit_trace
from patternscope.study.inputs import device_of, inputs_of
from patternscope.workflow.stages import Stage, Unit, UnitContext

MAPS_BEFORE = 3
FAR_SHARE = 0.1
_EVALUATIONS = 250


def run_sample(ctx: UnitContext) -> None:
    """Fit M from the mean of the maps before it, in the frame of the last one, and measure how well it fits."""
    settings: StudySettings = ctx.settings
    inputs, checkpoint = inputs_of(ctx), ctx.unit.checkpoint
    features = inputs.load(FeaturesResult, checkpoint)
    before = [inputs.sample(earlier) for earlier in inputs.checkpoints(SampleResult)]
    part = FittedPart.among(inputs.images)
    embed_samples(settings.sample, features, ctx.seed, before, device_of(ctx), part).save(ctx.folder)


def embed_samples(
    settings: SampleSettings,
    features: FeaturesResult,
    seed: int,
    before: Sequence[SampleResult] = (),
    device: torch.device | str = "cpu",
    part: FittedPart = EVERYONE,
) -> SampleResult:
    """Return the sample embedding of recorded features, in the frame of the last of those before it.

    Its map is fitted to a part of the images and applied to all of them.
    """
    probs, sample_features = features.target_probs.to(device), features.sample_features.to(device)
    start = torch.stack([earlier.map for earlier in before]).mean(0) if before else None
    frame = part.of(before[-1].embedding.to(device)) if before else None
    fitted = fit_sample(settings, part.of(sample_features), part.of(probs), seed, align=frame, start=start)
    posterior = fitted.posterior(sample_features)
    embedding = fitted.embedding if part.rows is None else fitted(sample_features)
    return SampleResult(
        map=fitted.map.cpu(),
        embedding=embedding.cpu(),
        mean_directions=fitted.mean_directions.cpu(),
        class_prior=fitted.class_prior.cpu(),
        posterior=posterior.cpu(),
        scale=float(fitted.scale),
        agreement=agreement(posterior, features.logits.to(device)),
        correlation=strength_uncertainty_correlation(embedding, probs),
        alignment=None if frame is None else alignment(fitted.embedding, frame),
        trace=fit_trace(fitted.trace),
    )


def alignment(embedding: Tensor, before: Tensor) -> Alignment:
    """Return the distance of an embedding from the one before it, and the turn that would bring them nearer."""
    own, other = embedding.double(), before.double()
    cosine = torch.nn.functional.cosine_similarity(own.flatten(), other.flatten(), dim=0)
    by_orientation = procrustes(own, other, trim=FAR_SHARE, metric="cosine")
    return Alignment(
        residual=float((1 - cosine.square()).clamp_min(0).sqrt()),
        angle_degrees=_turn(own, procrustes(own, other)),
        orientation_angle_degrees=_turn(torch.nn.functional.normalize(own, dim=1), by_orientation),
    )


def _turn(points: Tensor, rotation: Tensor) -> float:
    """Degrees by which a rotation turns points (n, e) as one long vector: a plane without points does not count."""
    cosine = torch.nn.functional.cosine_similarity(points.flatten(), (points @ rotation).flatten(), dim=0)
    return float(torch.rad2deg(cosine.clamp(-1, 1).acos()))


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Passes over the sample features, of which there are few."""
    e, n = facts.dimensions, facts.samples
    read = 8 * n * (facts.features + 3 * facts.classes)
    kept = NUMBER * (e * facts.features + n * (e + facts.classes) + facts.classes * (e + 1))
    evaluations = settings.sample.n_step or _EVALUATIONS
    return Cost(evaluations * (4 * CALL + 3 * read / facts.copies), kept, 6 * read)


STAGES = (
    Stage(
        "sample",
        version=3,
        run=run_sample,
        settings=("seed", "sample"),
        needs=(
            reads(ImagesResult, "fitted"),
            reads(FeaturesResult, "sample_features", "logits", "target_probs"),
            reads(SampleResult, "map", "embedding", checkpoint="before", back=MAPS_BEFORE),
        ),
        per=("checkpoint",),
        weight=1.0,
        cost=_cost,
    ),
)
