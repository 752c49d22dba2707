"""The three scripts: options in, features, one estimator, results and a short summary out."""

import argparse
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from pydantic import BaseModel

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding
from patternscope.embeddings.settings import ImportanceSettings, RegionSettings, SampleSettings
from patternscope.errors import InputError
from patternscope.knowledge import (
    agreement,
    find_knowledge_points,
    object_cover,
    strength_uncertainty_correlation,
    threshold,
)
from patternscope.networks.settings import TrainingSettings
from patternscope.nn_visualizer.features import (
    IMAGE_OPTIONS,
    NETWORK_OPTIONS,
    TRAINING_OPTIONS,
    Features,
    ready_features,
)
from patternscope.nn_visualizer.options import OneLineParser, add_common, add_settings, read_settings
from patternscope.nn_visualizer.results import (
    digest,
    earlier_result,
    write_result,
    write_table,
    written_whole,
)
from patternscope.nn_visualizer.scatter import draw_scatter
from patternscope.settings.core import KnowledgeSettings, NetworkSettings
from patternscope.settings.images import ImagesSettings

SAMPLE, IMPORTANCE, REGION = "sample_embedding", "importance_weight", "region_embedding"
_AXES = "xyzuvw"
Work = Callable[[argparse.Namespace, Any, Features, Path], list[str]]


def train_sample_emb(arguments: Sequence[str] | None = None) -> None:
    """Run `train_sample_emb.py`: fit the sample embeddings and write them.

    Source: reference code; exits with 0, or with 2 and one line for bad input.
    """
    _run("train_sample_emb.py", "Fit the sample embeddings g = M f / s.", SampleSettings, _sample, arguments)


def train_importance_weight(arguments: Sequence[str] | None = None) -> None:
    """Run `train_importance_weight.py`: estimate region and channel weights and write them.

    Source: reference code; exits with 0, or with 2 and one line for bad input.
    """
    about = "Estimate the importance weights of regions and channels."
    _run("train_importance_weight.py", about, ImportanceSettings, _importance, arguments)


def train_region_emb(arguments: Sequence[str] | None = None) -> None:
    """Run `train_region_emb.py`: fit the regional embeddings and write them and their knowledge points.

    Source: reference code; exits with 0, or with 2 and one line for bad input.
    """
    about = "Fit the regional embeddings h = L f / s and count the knowledge points. Run the other two first."
    _run("train_region_emb.py", about, RegionSettings, _region, arguments)


def _run(name: str, about: str, model: type[BaseModel], work: Work, arguments: Sequence[str] | None) -> None:
    """Parse, fit, write, summarise; what the user did wrong becomes one line and exit code 2."""
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _one_line_warning
            given = _parser(name, about, model).parse(arguments)
            settings = read_settings(given, model)
            features = ready_features(given)
            folder = given.save_dir or Path("results") / features.place
            sys.stderr.write(f"{name}: fitting {features.place} ({len(features.labels)} samples)\n")
            lines = work(given, settings, features, folder)
    except InputError as error:
        sys.stderr.write(f"error: {' '.join(str(error).split())}\n")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.stderr.write("\nstopped; finished features are kept: run again to go on\n")
        sys.exit(130)
    sys.stdout.write("\n".join([*lines, f"written to {folder}"]) + "\n")


def _parser(name: str, about: str, model: type[BaseModel]) -> OneLineParser:
    """All options of a script."""
    parser = OneLineParser(prog=name, description=about, allow_abbrev=False)
    add_common(parser)
    add_settings(parser, model, "hyperparameters")
    if model is RegionSettings:
        add_settings(parser, KnowledgeSettings, "knowledge points", ("tau",))
    made = "features made on first use (a change makes them again)"
    add_settings(parser, NetworkSettings, made, NETWORK_OPTIONS)
    add_settings(parser, ImagesSettings, "images, when features are made", IMAGE_OPTIONS)
    add_settings(parser, TrainingSettings, "training, when features are made", TRAINING_OPTIONS)
    return parser


def _one_line_warning(message: Warning | str, *_: object, **__: object) -> None:
    """Say a warning without the place in the code."""
    sys.stderr.write(f"warning: {' '.join(str(message).split())}\n")


def _sample_digest(features: Features) -> str:
    """What the sample embedding depends on."""
    return digest(features.target_probs, features.sample_features)


def _layer_digest(features: Features) -> str:
    """What the importance weights depend on."""
    return digest(features.target_probs, features.regional_features)


def _sample(_: argparse.Namespace, settings: SampleSettings, features: Features, folder: Path) -> list[str]:
    """Fit and write the sample embedding."""
    constructor, params = settings.constructor(), settings.params().model_dump()
    data = {"target_probs": features.target_probs, "sample_features": features.sample_features}
    with written_whole(folder) as into:
        fitted = SampleEmbedding(features.sample_features.shape[-1], **constructor).fit(data, params, into)
        posterior = fitted.posterior(features.sample_features)
        probs = features.target_probs.double()
        alike = agreement(posterior, probs)
        strength = torch.linalg.vector_norm(fitted.embedding.double(), dim=1)
        correlation = strength_uncertainty_correlation(fitted.embedding, probs)
        arrays = {
            "map": fitted.map,
            "scale": fitted.scale,
            "embedding": fitted.embedding,
            "mean_directions": fitted.mean_directions,
            "class_prior": fitted.class_prior,
            "posterior": posterior,
        }
        trace = fitted.trace.summary()
        record = {"agreement": alike, "correlation": correlation, "trace": trace}
        write_result(into, SAMPLE, arrays, record, _sample_digest(features))
        axes = _axis_names(fitted.out_dim)
        columns = [features.labels, fitted.embedding, strength]
        write_table(into / f"{SAMPLE}.csv", ["label", *axes, "strength"], columns)
        numbers = torch.arange(len(fitted.mean_directions))
        write_table(into / "mean_directions.csv", ["class", *axes], [numbers, fitted.mean_directions])
        _draw(fitted.embedding, features.labels, fitted.mean_directions, features, into / f"{SAMPLE}.png")
    said = "-" if correlation is None else f"{correlation:.3f}"
    return [
        f"loss {trace['final_loss']:.4g} (from {trace['start_loss']:.4g}); agreement with the network "
        f"{alike:.3f}; correlation of strength and entropy {said}"
    ]


def _importance(
    _: argparse.Namespace, settings: ImportanceSettings, features: Features, folder: Path
) -> list[str]:
    """Estimate and write the importance weights."""
    constructor, params = settings.constructor(), settings.params().model_dump()
    data = {"target_probs": features.target_probs, "regional_features": features.regional_features}
    if features.images is not None:
        data["images"] = features.images
    with written_whole(folder) as into:
        shape = tuple(features.regional_features.shape)
        fitted = ImportanceWeight(*shape, **constructor).estimate(data, params, into)
        trace = fitted.trace.summary()
        share = _share_on_object(fitted.region_weights, features)
        arrays = {"region_weights": fitted.region_weights, "channel_weights": fitted.channel_weights}
        record = {"grid": list(shape[2:]), "trace": trace, **share}
        write_result(into, IMPORTANCE, arrays, record, _layer_digest(features))
    lines = [f"loss {trace['final_loss']:.4g} (from {trace['start_loss']:.4g})"]
    if share:
        lines.append(
            f"share of the region weights on the object {share['share']:.3f}, which covers "
            f"{share['object_area']:.3f} of the image"
        )
    return lines


def _region(
    given: argparse.Namespace, settings: RegionSettings, features: Features, folder: Path
) -> list[str]:
    """Fit and write the regional embedding and its knowledge points."""
    samples = earlier_result(folder, SAMPLE, "train_sample_emb.py", _sample_digest(features))
    weights = earlier_result(folder, IMPORTANCE, "train_importance_weight.py", _layer_digest(features))
    tau = threshold(read_settings(given, KnowledgeSettings, ("tau",)).tau, len(samples["mean_directions"]))
    constructor, params = settings.constructor(), settings.params().model_dump()
    data = {
        "target_probs": features.target_probs,
        "regional_features": features.regional_features,
        "sample_embs": samples["embedding"].to(features.target_probs.device),
        "w_k": weights["channel_weights"].to(features.target_probs.device),
        "w_r": weights["region_weights"].to(features.target_probs.device),
    }
    channels, dim = features.regional_features.shape[1], samples["embedding"].shape[1]
    with written_whole(folder) as into:
        fitted = RegionEmbedding(channels, dim, **constructor).fit(data, params, into)
        embedding = fitted(features.regional_features).detach().cpu()
        points = find_knowledge_points(
            embedding, samples["mean_directions"], features.labels, tau, kappa_max=settings.kappa_max
        )
        trace = fitted.trace.summary()
        counts = {"total": points.total, "reliable": points.total_reliable, "ratio": points.ratio}
        arrays = {"map": fitted.map, "scale": fitted.scale, "embedding": embedding}
        write_result(into, REGION, arrays, {"trace": trace}, _layer_digest(features))
        write_result(into, "knowledge_points", vars(points), {"tau": tau, **counts}, _layer_digest(features))
        rows = embedding.shape[1]
        labels = features.labels.repeat_interleave(rows)
        flat = embedding.flatten(0, 1)
        names = ["sample", "region", *_axis_names(dim), "category", "confidence", "point", "reliable"]
        places = torch.cartesian_prod(torch.arange(len(embedding)), torch.arange(rows)).reshape(-1, 2)
        found = [points.category, points.confidence, points.mask.long(), points.reliable.long()]
        write_table(into / f"{REGION}.csv", names, [places, flat, *(each.flatten() for each in found)])
        _draw(flat, labels, samples["mean_directions"], features, into / f"{REGION}.png")
    ratio = "none" if points.ratio is None else f"{points.ratio:.3f}"
    noted = "" if features.labelled else " (no labels given: the network's own decisions stand for them)"
    return [
        f"loss {trace['final_loss']:.4g} (from {trace['start_loss']:.4g})",
        f"knowledge points an image: total {points.total:.2f}, reliable {points.total_reliable:.2f}, "
        f"ratio {ratio}{noted}",
    ]


def _share_on_object(region_weights: torch.Tensor, features: Features) -> dict[str, float]:
    """How much of w lies on the object, beside the object's area; nothing without masks."""
    if features.masks is None:
        return {}
    height, width = features.regional_features.shape[2:]
    cover = object_cover(features.masks, (height, width))
    share = (region_weights.cpu().double() * cover).sum(1).mean()
    return {"share": float(share), "object_area": float(torch.mean(cover))}


def _axis_names(count: int) -> list[str]:
    """Names for the columns of an embedding."""
    return list(_AXES[:count]) if count <= len(_AXES) else [f"x{axis}" for axis in range(count)]


def _draw(
    embedding: torch.Tensor, labels: torch.Tensor, directions: torch.Tensor, features: Features, path: Path
) -> None:
    """Draw the scatter picture of an embedding."""
    draw_scatter(embedding, labels, directions, features.classes, path, path.stem.replace("_", " "))
