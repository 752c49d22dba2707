"""Stages distilled/<student>: what a student knows of the samples, beside its teacher, layer by layer."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from torch import Tensor

from patternscope.embeddings import RegionEmbedding
from patternscope.knowledge import (
    Seen,
    agreement,
    channel_agreement,
    strength_uncertainty_correlation,
    threshold,
)
from patternscope.results.arrays import ShardedArray, load_arrays, save_arrays
from patternscope.results.json_csv import write_json
from patternscope.settings.study import StudySettings
from patternscope.study.compared_layers import (
    layer_record,
    save_layer,
    saved_layer,
    seen_layer,
    through_first,
)
from patternscope.study.network_factory import MODEL_SETTINGS, RECORDING_SETTINGS, student_settings
from patternscope.study.stages.features import Recorded, record_into
from patternscope.study.stages.fitting import (
    fit_importance,
    fit_region,
    fit_sample,
    fitted_regions,
    fitted_sample,
    on_device,
    sample_start,
)
from patternscope.study.stages.trained import trained_network
from patternscope.workflow.stages import Need, Stage, UnitContext, layer_folder

WHOSE = {True: "teacher", False: "own"}


@dataclass(frozen=True)
class _Samples:
    """The samples as the student sees them, in the teacher's frame."""

    embedding: Tensor  # (n, e)
    mean_directions: Tensor  # (c, e)
    target_probs: Tensor  # (n, c)
    record: dict[str, Any]


def run_distilled(ctx: UnitContext) -> None:
    """Write the student's sample and regional embeddings and knowledge points, and how they differ."""
    settings: StudySettings = ctx.settings
    with TemporaryDirectory(dir=ctx.folder) as place:
        recorded = _record(ctx, Path(place))
        samples = _embed_samples(ctx, recorded)
        rows = []
        for row, seen in _layers(ctx, Path(place), samples):
            save_layer(ctx.folder / f"{layer_folder(row['layer'])}.safetensors", seen)
            rows.append(row)
            ctx.report(len(rows) / len(settings.network.layers), f"{row['layer']} compared")
    arrays = {name: getattr(samples, name) for name in ("embedding", "mean_directions", "target_probs")}
    save_arrays(ctx.folder / "sample.safetensors", {**arrays, "logits": recorded.logits})
    teacher = load_arrays(ctx.path("features", "sample.safetensors"))["logits"]
    write_json(
        ctx.folder / "distilled.json",
        {
            "student": _student(ctx),
            "images": len(recorded.logits),
            "tau": threshold(settings.knowledge.tau, len(samples.mean_directions)),
            "agreement": agreement(recorded.logits, teacher),
            "sample": samples.record,
            "layers": rows,
        },
    )


def _student(ctx: UnitContext) -> str:
    """Name of the student: the end of the stage's."""
    return ctx.unit.stage.rpartition("/")[2]


def _record(ctx: UnitContext, folder: Path) -> Recorded:
    """Record the student on the samples; regional features go into `folder`."""
    settings: StudySettings = ctx.settings
    network = student_settings(settings, settings.distillation.layers)
    model = trained_network(ctx, stage=f"distillation/{_student(ctx)}", network=network)
    images = load_arrays(ctx.path("images", "samples.safetensors"))["images"]
    return record_into(folder, model, images, network, ctx.report)


def _embed_samples(ctx: UnitContext, recorded: Recorded) -> _Samples:
    """Embed the samples by the teacher's map where it fits, else by one of the student's own, near the teacher's."""
    settings: StudySettings = ctx.settings
    teacher = fitted_sample(ctx)
    wanted = on_device(ctx, "sample", "sample.safetensors")["embedding"]
    features = recorded.sample_features.to(wanted.device)
    probs = recorded.target_probs(settings.network.temperature).to(wanted.device)
    alike = channel_agreement(on_device(ctx, "features", "sample.safetensors")["sample_features"], features)
    by_teacher = through_first(settings.distillation.maps, alike, features.shape[1] == teacher.in_dim)
    fitted = teacher
    if not by_teacher:
        start = sample_start(settings.sample, features, wanted)
        data = {"target_probs": probs, "sample_features": features}
        fitted = fit_sample(settings.sample, data, ctx.seed, align=wanted, start=start)
    embedding = fitted(features)
    record = {
        "maps": WHOSE[by_teacher],
        "channel_agreement": alike,
        "agreement": agreement(fitted.posterior(features).cpu(), recorded.logits),
        "correlation": strength_uncertainty_correlation(embedding, probs),
    }
    return _Samples(embedding, fitted.mean_directions, probs, record)


def _layers(ctx: UnitContext, folder: Path, samples: _Samples) -> Iterator[tuple[dict[str, Any], Seen]]:
    """Compare each of the teacher's layers with the student's: what is said of it, and the student's layer."""
    settings: StudySettings = ctx.settings
    maps = fitted_regions(ctx)
    region = {source.unit.layer: source.folder for source in ctx.sources("region")}
    knowledge = {source.unit.layer: source.folder for source in ctx.sources("knowledge")}
    teachers = ctx.path("features", "sample.safetensors").parent
    for layer, own_layer in zip(settings.network.layers, settings.distillation.layers, strict=True):
        teacher = saved_layer(region[layer], knowledge[layer], region[layer] / "strength.json")
        features = _shards(folder, own_layer).to(samples.embedding.device)
        alike = channel_agreement(_shards(teachers, layer).to(features.device), features)
        by_teacher = through_first(settings.distillation.maps, alike, features.shape[1] == maps[layer].in_dim)
        seen = (
            _by_teacher(ctx, maps[layer], features, teacher.unit_strength)
            if by_teacher
            else _by_itself(ctx, samples, features)
        )
        about = {
            "layer": layer,
            "student_layer": own_layer,
            "maps": WHOSE[by_teacher],
            "channel_agreement": alike,
        }
        found = layer_record(teacher, seen, resamples=settings.knowledge.bootstrap, seed=ctx.seed)
        yield {**about, "grid": list(features.shape[-2:]), **found}, seen


def _shards(folder: Path, layer: str) -> Tensor:
    """Regional features (n, k, h, w) of a layer."""
    return ShardedArray(folder / layer_folder(layer), "regional").load()


def _by_teacher(ctx: UnitContext, regional: RegionEmbedding, features: Tensor, unit: float) -> Seen:
    """See a layer through the teacher's map and mean directions, in the teacher's unit of strength."""
    directions = load_arrays(ctx.path("sample", "sample.safetensors"))["mean_directions"]
    return _seen(ctx, regional(features), directions, unit)


def _by_itself(ctx: UnitContext, samples: _Samples, features: Tensor) -> Seen:
    """See a layer through a map of the student's own, fitted as those of a study are, in a unit of its own."""
    settings: StudySettings = ctx.settings
    who = load_arrays(ctx.path("images", "identity.safetensors"))
    data = {"target_probs": samples.target_probs, "regional_features": features}
    weights = fit_importance(settings.importance, data, who, settings.seed)
    fitted = fit_region(
        settings.region, {**data, "sample_embs": samples.embedding}, weights, who, settings.seed
    )
    return _seen(ctx, fitted(features), samples.mean_directions, None)


def _seen(ctx: UnitContext, embedding: Tensor, directions: Tensor, unit: float | None) -> Seen:
    """Find the knowledge points of an embedding."""
    settings: StudySettings = ctx.settings
    return seen_layer(
        embedding.cpu(),
        directions.cpu(),
        load_arrays(ctx.path("images", "samples.safetensors"))["labels"],
        tau=threshold(settings.knowledge.tau, len(directions)),
        kappa_max=settings.region.kappa_max,
        unit_strength=unit,
    )


def _distilled_stage(student: str) -> Stage:
    """The stage of one student."""
    return Stage(
        f"distilled/{student}",
        version=2,
        run=run_distilled,
        settings=(
            "seed",
            *MODEL_SETTINGS,
            *RECORDING_SETTINGS,
            "network.temperature",
            "sample",
            "importance",
            "region",
            "knowledge.tau",
            "knowledge.bootstrap",
            "distillation.architecture",
            "distillation.arguments",
            "distillation.layers",
            "distillation.maps",
        ),
        needs=(
            Need("images", ("samples.safetensors", "identity.safetensors", "classes.json")),
            Need("features", checkpoint="last"),
            Need("sample", ("sample.safetensors", "sample.json"), checkpoint="last"),
            Need(
                "region",
                ("region.safetensors", "region.json", "strength.json"),
                checkpoint="last",
                layer="all",
            ),
            Need("knowledge", ("knowledge.safetensors",), checkpoint="last", layer="all"),
            Need(f"distillation/{student}", ("network.safetensors",)),
        ),
        weight=40.0,
    )


LOGITS_DISTILLED = _distilled_stage("logits")
FEATURES_DISTILLED = _distilled_stage("features")
