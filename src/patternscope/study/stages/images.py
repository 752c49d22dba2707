"""Stage images: the samples to analyse, the held-out images, and those to train on, as they will be seen."""

from dataclasses import replace
from pathlib import Path

import torch

from patternscope.images import (
    ImageSet,
    choose_samples,
    fingerprint,
    identities,
    open_images,
    short_classes,
)
from patternscope.results.arrays import ShardWriter, save_arrays
from patternscope.results.json_csv import write_json
from patternscope.settings.study import StudySettings
from patternscope.workflow.stages import Stage, Unit, UnitContext

_BATCH = 256


def run_images(ctx: UnitContext) -> None:
    """Write the samples (a stratified choice of held-out images), all held-out images, images to train on."""
    _write_images(ctx, with_training=trains_here(ctx.settings))


def run_images_for_students(ctx: UnitContext) -> None:
    """Write what `run_images` does, and images to train on although the network itself is not trained here."""
    _write_images(ctx, with_training=True)


def trains_here(settings: StudySettings) -> bool:
    """Tell whether the study trains its network, rather than take it from files."""
    return settings.network.weights is None and settings.checkpoints.folder is None


def _write_images(ctx: UnitContext, *, with_training: bool) -> None:
    settings: StudySettings = ctx.settings
    asked = settings.images
    seed = settings.seed if asked.seed is None else asked.seed
    splits = open_images(
        asked.source,
        folder=asked.folder,
        image_size=asked.image_size,
        channels=asked.channels,
        seed=seed,
        train_per_class=asked.train_per_class,
        test_per_class=asked.test_per_class,
        class_names=asked.class_names,
        progress=lambda done, total: ctx.report(0.5 * done / max(1, total), "reading images"),
        **asked.options,
    )
    samples = splits.test.subset(choose_samples(splits.test.labels, asked.samples_per_class, seed=seed))
    _write_samples(ctx.folder, samples)
    _write_set(ctx.folder / "held_out", splits.test)
    if with_training:
        _write_set(ctx.folder / "train", splits.train)
    write_json(ctx.folder / "classes.json", {"classes": splits.test.classes})
    counts = torch.bincount(samples.labels, minlength=len(samples.classes)).tolist()
    short = short_classes(splits.test.labels, asked.samples_per_class)
    write_json(
        ctx.folder / "images.json",
        {
            "source": asked.source,
            "samples": samples.names,
            "counts": dict(zip(samples.classes, counts, strict=True)),
            "short": {samples.classes[label]: count for label, count in short.items()},
            "held_out": len(splits.test),
            "train": len(splits.train),
            "has_masks": samples.has_masks,
            "skipped": sorted({*splits.train.skipped, *splits.test.skipped}),
        },
    )


def _write_samples(folder: Path, samples: ImageSet) -> None:
    """Write the images to analyse, with masks where the source has them."""
    arrays = {"images": samples.batch(range(len(samples))), "labels": samples.labels}
    masks = [samples.mask(index) for index in range(len(samples))] if samples.has_masks else []
    found = [mask for mask in masks if mask is not None]
    if found:
        arrays["masks"] = torch.stack(found)
    save_arrays(folder / "samples.safetensors", arrays)
    # A file of its own: what compares samples asks who they are, and not for their pixels.
    who = {"identity": identities(arrays["images"]), "labels": samples.labels}
    save_arrays(folder / "identity.safetensors", who)


def _write_set(folder: Path, images: ImageSet) -> None:
    """Write a set of images in shards, and its labels."""
    writer = ShardWriter(folder, "images")
    for indices in torch.arange(len(images)).split(_BATCH):
        writer.append(images.batch(indices))
    writer.close()
    save_arrays(folder / "labels.safetensors", {"labels": images.labels})


def source_digest(settings: StudySettings, unit: Unit) -> str:
    """Return the fingerprint of the image source: it changes when files do."""
    return fingerprint(settings.images.source, settings.images.folder, settings.images.factory_folder)


IMAGES = Stage(
    "images",
    version=2,
    run=run_images,
    settings=("seed", "images", "network.weights", "checkpoints.folder"),
    external=source_digest,
    weight=3.0,
)

IMAGES_FOR_STUDENTS = replace(
    IMAGES, run=run_images_for_students, settings=(*IMAGES.settings, "distillation.enabled")
)
