"""The three scripts: options in, features, one estimator, results and a short summary out."""

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel

from patternscope.cli import one_line_warnings, write_error, write_stopped
from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding
from patternscope.embeddings.settings import ImportanceSettings
from patternscope.errors import InputError
from patternscope.knowledge.knowledge_points import KnowledgePoints
from patternscope.knowledge.points import find_knowledge_points, threshold
from patternscope.knowledge.quality import agreement, object_cover, strength_uncertainty_correlation
from patternscope.networks.settings import TrainingSettings
from patternscope.nn_visualizer.features import (
    DRAWN_PER_CLASS,
    EPOCHS,
    IMAGE_OPTIONS,
    NETWORK_OPTIONS,
    TRAINING_OPTIONS,
    Features,
    ready_features,
)
from patternscope.nn_visualizer.options import OneLineParser, add_common, add_settings, read_settings
from patternscope.nn_visualizer.results import digest, earlier_result, replaced_content, write_result, write_table
from patternscope.nn_visualizer.scatter import draw_scatter
from patternscope.nn_visualizer.settings import REGION_OPTIONS, ScriptRegionSettings, ScriptSampleSettings
from patternscope.settings.core import KnowledgeSettings, NetworkSettings
from patternscope.settings.images import ImagesSettings

SAMPLE, IMPORTANCE, REGION = "sample_embedding", "importance_weight", "region_embedding"
_AXES = "xyzuvw"
Work = Callable[[argparse.Namespace, Any, Features, Path], list[str]]


def train_sample_emb(arguments: Sequence[str] | None = None) -> None:
    """Run `train_sample_emb.py`: fit the sample embeddings and write them. Source: reference code."""
    _run("train_sample_emb.py", "Fit the sample embeddings g = M f / s.", ScriptSampleSettings, _sample, arguments)


def train_importance_weight(arguments: Sequence[str] | None = None) -> None:
    """Run `train_importance_weight.py`: estimate region and channel weights and write them. Source: reference code."""
    about = "Estimate the importance weights of regions and channels."
    _run("train_importance_weight.py", about, ImportanceSettings, _importance, arguments)


def train_region_emb(arguments: Sequence[str] | None = None) -> None:
    """Run `train_region_emb.py`: fit regional embeddings, find knowledge points, write both. Source: reference code."""
    about = "Fit the regional embeddings h = L f / s and count the knowledge points. Run the other two first."
    _run("train_region_emb.py", about, ScriptRegionSettings, _region, arguments)


def _run(name: str, about: str, model: type[BaseModel], work: Work, arguments: Sequence[str] | None) -> None:
    """Parse, fit, write, summarise; bad input becomes one line and exit code 2."""
    try:
        with one_line_warnings():
            given = _parser(name, about, model).parse(arguments)
            settings = read_settings(given, model)
            features = ready_features(given)
            folder = given.save_dir or Path("results") / features.place
            sys.stderr.write(f"{name}: fitting {features.place} ({len(features.labels)} samples)\n")
            lines = work(given, settings, features, folder)
    except InputError as error:
        sys.exit(write_error(str(error)))
    except KeyboardInterrupt:
        sys.exit(write_stopped("features"))
    sys.stdout.write("\n".join([*lines, f"written to {folder}"]) + "\n")


def _parser(name: str, about: str, model: type[BaseModel]) -> OneLineParser:
    """All options of a script."""
    parser = OneLineParser(prog=name, description=about, allow_abbrev=False)
    add_common(parser)
    region = model is ScriptRegionSettings
    add_settings(parser, model, "hyperparameters", REGION_OPTIONS if region else ())
    if region:
        add_settings(parser, KnowledgeSettings, "knowledge points", ("tau",))
    made = "features made on first use (a change makes them again)"
    add_settings(parser, NetworkSettings, made, NETWORK_OPTIONS)
    defaults = {"epochs": EPOCHS, "train_per_class": f"{DRAWN_PER_CLASS} pictograms, all of a folder"}
    add_settings(parser, ImagesSettings, "images, when features are made", IMAGE_OPTIONS, defaults)
    add_settings(parser, TrainingSettings, "training, when features are made", TRAINING_OPTIONS, defaults)
    return parser


def _sample_digest(features: Features) -> str:
    """What the sample embedding depends on."""
    return digest(features.target_probs, features.sample_features)


def _layer_digest(features: Features) -> str:
    """What the importance weights depend on."""
    return digest(features.target_probs, features.regional_features)


def _sample(_: argparse.Namespace, settings: ScriptSampleSettings, features: Features, folder: Path) -> list[str]:
    """Fit and write the sample embedding."""
    data = {"target_probs": features.target_probs, "sample_features": features.sample_features}
    estimator = SampleEmbedding(features.sample_features.shape[-1], **settings.constructor())
    with replaced_content(folder) as into:
        fitted = estimator.fit(data, settings.params().model_dump(), into)
        tensors = {
            name: getattr(fitted, name) for name in ("map", "scale", "embedding", "mean_directions", "class_prior")
        }
        posterior, probs = fitted.posterior(features.sample_features), features.target_probs.double()
        numbers = {
            "agreement": agreement(posterior, probs),
            "correlation": strength_uncertainty_correlation(fitted.embedding, probs),
            "trace": fitted.trace.summary(),
        }
        write_result(into, SAMPLE, {**tensors, "posterior": posterior}, numbers, _sample_digest(features))
        axes = _axis_names(fitted.out_dim)
        strength = torch.linalg.vector_norm(fitted.embedding.double(), dim=1)
        columns = [features.labels, fitted.embedding, strength]
        write_table(into / f"{SAMPLE}.csv", ["label", *axes, "strength"], columns)
        classes = torch.arange(len(fitted.mean_directions))
        write_table(into / "mean_directions.csv", ["class", *axes], [classes, fitted.mean_directions])
        shown = (fitted.embedding, features.labels, fitted.mean_directions, features.classes)
        draw_scatter(*shown, into / f"{SAMPLE}.png")
    correlation = "-" if numbers["correlation"] is None else f"{numbers['correlation']:.3f}"
    return [
        f"{_losses(fitted)}; agreement with the network {numbers['agreement']:.3f}; "
        f"correlation of strength and entropy {correlation}"
    ]


def _importance(_: argparse.Namespace, settings: ImportanceSettings, features: Features, folder: Path) -> list[str]:
    """Estimate and write the importance weights."""
    data = {"target_probs": features.target_probs, "regional_features": features.regional_features}
    if features.images is not None:
        data["images"] = features.images
    estimator = ImportanceWeight(*features.regional_features.shape, **settings.constructor())
    with replaced_content(folder) as into:
        fitted = estimator.estimate(data, settings.params().model_dump(), into)
        share = _share_on_object(fitted.region_weights, features)
        weights = {"region_weights": fitted.region_weights, "channel_weights": fitted.channel_weights}
        grid = list(features.regional_features.shape[2:])
        numbers = {"grid": grid, "trace": fitted.trace.summary(), **share}
        write_result(into, IMPORTANCE, weights, numbers, _layer_digest(features))
    lines = [_losses(fitted)]
    if share:
        lines.append(
            f"share of the region weights on the object {share['share']:.3f}, which covers "
            f"{share['object_area']:.3f} of the image"
        )
    return lines


def _region(given: argparse.Namespace, settings: ScriptRegionSettings, features: Features, folder: Path) -> list[str]:
    """Fit and write the regional embedding and its knowledge points."""
    samples = earlier_result(folder, SAMPLE, "train_sample_emb.py", _sample_digest(features))
    weights = earlier_result(folder, IMPORTANCE, "train_importance_weight.py", _layer_digest(features))
    directions, device = samples["mean_directions"], features.target_probs.device
    tau = threshold(read_settings(given, KnowledgeSettings, ("tau",)).tau, len(directions))
    data = {
        "target_probs": features.target_probs,
        "regional_features": features.regional_features,
        "sample_embs": samples["embedding"].to(device),
        "w_k": weights["channel_weights"].to(device),
        "w_r": weights["region_weights"].to(device),
    }
    estimator = RegionEmbedding(features.regional_features.shape[1], directions.shape[1], **settings.constructor())
    with replaced_content(folder) as into:
        fitted = estimator.fit(data, settings.params().model_dump(), into)
        embedding = fitted(features.regional_features).detach().cpu()
        points = find_knowledge_points(embedding, directions, features.labels, tau, kappa_max=settings.kappa_max)
        counts = {"tau": tau, "total": points.total, "reliable": points.total_reliable, "ratio": points.ratio}
        tensors = {"map": fitted.map, "scale": fitted.scale, "embedding": embedding}
        write_result(into, REGION, tensors, {"trace": fitted.trace.summary()}, _layer_digest(features))
        write_result(into, "knowledge_points", vars(points), counts, _layer_digest(features))
        _write_regions(into / f"{REGION}.csv", embedding, points)
        labels = features.labels.repeat_interleave(embedding.shape[1])
        shown = (embedding.flatten(0, 1), labels, directions, features.classes)
        draw_scatter(*shown, into / f"{REGION}.png")
    ratio = "–" if points.ratio is None else f"{points.ratio:.3f}"
    note = "" if features.labelled else " (no labels given: the network's predictions are used)"
    return [
        _losses(fitted),
        f"knowledge points per image: total {points.total:.2f}, reliable {points.total_reliable:.2f}, "
        f"ratio {ratio}{note}",
    ]


def _write_regions(path: Path, embedding: torch.Tensor, points: KnowledgePoints) -> None:
    """Write a row per region: where it is, its embedding (n, r, e), and whether it is a knowledge point."""
    n, r, e = embedding.shape
    names = ["sample", "region", *_axis_names(e), "category", "confidence", "point", "reliable"]
    places = torch.cartesian_prod(torch.arange(n), torch.arange(r)).reshape(-1, 2)
    columns = (points.category, points.confidence, points.mask.long(), points.reliable.long())
    write_table(path, names, [places, embedding.flatten(0, 1), *(column.flatten() for column in columns)])


def _share_on_object(region_weights: torch.Tensor, features: Features) -> dict[str, float]:
    """The share of w on the object, with the object's area; empty without masks."""
    if features.masks is None:
        return {}
    height, width = features.regional_features.shape[2:]
    cover = object_cover(features.masks, (height, width))
    share = (region_weights.cpu().double() * cover).sum(1).mean()
    return {"share": float(share), "object_area": float(torch.mean(cover))}


def _losses(fitted: SampleEmbedding | ImportanceWeight | RegionEmbedding) -> str:
    """The loss at the end and at the start of a fit."""
    return f"loss {fitted.trace.losses[-1]:.4g} (from {fitted.trace.losses[0]:.4g})"


def _axis_names(count: int) -> list[str]:
    """Names for the columns of an embedding."""
    return list(_AXES[:count]) if count <= len(_AXES) else [f"x{axis}" for axis in range(count)]
