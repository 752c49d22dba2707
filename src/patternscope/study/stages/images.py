"""Stage images: the samples to analyse, the held-out images, and those to train on, in their final form."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from patternscope.images import (
    ImageSet,
    choose_by_identity,
    choose_samples,
    fingerprint,
    identities,
    open_images,
    short_classes,
)
from patternscope.results.images import LABELLED_PARTS, FittedImages, ImagesResult, LabelledImages
from patternscope.settings.study import StudySettings
from patternscope.study.cost_model import Cost, Facts
from patternscope.workflow.cache_keys import unit_seed
from patternscope.workflow.stages import Stage, Unit, UnitContext

_BATCH = 256
_DRAW_SECONDS = 0.005  # of a pictogram of up to 96 pixels, which are drawn larger


def run_images(ctx: UnitContext) -> None:
    """Write the samples (a stratified choice of held-out images), all held-out images, images to train on."""
    _write_images(ctx, with_training=trains_here(ctx.settings))


def run_images_to_train_on(ctx: UnitContext) -> None:
    """Write the result of `run_images`, with images to train on although the network itself is not trained here."""
    _write_images(ctx, with_training=True)


def trains_here(settings: StudySettings) -> bool:
    """Tell whether the study trains its network, rather than take it from files."""
    network = settings.network
    return (network.weights is None or network.fine_tune) and settings.checkpoints.folder is None


def _write_images(ctx: UnitContext, *, with_training: bool) -> None:
    settings: StudySettings = ctx.settings
    asked = settings.images
    seed = settings.seed if asked.seed is None else asked.seed
    splits = open_images(
        asked.source,
        folder=asked.folder,
        image_size=asked.image_size,
        channels=asked.channels,
        resize=asked.resize,
        white=asked.white,
        pixel_limit=asked.pixel_limit,
        seed=seed,
        train_per_class=asked.train_per_class,
        test_per_class=asked.test_per_class,
        class_names=asked.class_names,
        progress=lambda done, total: ctx.report(0.5 * done / max(1, total), "reading images"),
        **asked.options,
    )
    held_out, train = splits.test, splits.train
    samples = held_out.subset(choose_samples(held_out.labels, asked.samples_per_class, seed=seed))
    short = short_classes(held_out.labels, asked.samples_per_class, classes=range(len(held_out.classes)))
    describe_images(
        samples.batch(range(len(samples))),
        samples.labels,
        samples.classes,
        samples.names,
        masks=_masks(samples),
        source=asked.source,
        short={samples.classes[label]: count for label, count in short.items()},
        held_out_count=len(held_out),
        train_count=len(train),
        skipped=tuple(sorted({*train.skipped, *held_out.skipped})),
        fit_samples=asked.fit_samples,
        seed=seed,
    ).save(ctx.folder)
    for name, part in zip(LABELLED_PARTS, (held_out, train if with_training else None), strict=True):
        if part is not None:
            LabelledImages.write(ctx.folder / name, _batches(part), part.labels)


def describe_images(
    pixels: Tensor,
    labels: Tensor,
    classes: Sequence[str],
    names: Sequence[str],
    *,
    source: str,
    masks: Tensor | None = None,
    short: Mapping[str, int] | None = None,
    held_out_count: int = 0,
    train_count: int = 0,
    skipped: tuple[str, ...] = (),
    labelled: bool = True,
    fit_samples: int | None = None,
    seed: int = 0,
) -> ImagesResult:
    """Return samples (n, channels, h, w) uint8 and the record of the images that they were chosen from.

    Maps will be fitted to `fit_samples` of them at most, by default to all; `seed` is that of the choice.
    """
    identity = identities(pixels)
    counts = torch.bincount(labels, minlength=len(classes)).tolist()
    return ImagesResult(
        images=pixels,
        labels=labels,
        masks=masks,
        # A separate file: comparisons of samples need their identities, not their pixels.
        identity=identity,
        identity_labels=labels,
        classes=tuple(classes),
        source=source,
        names=tuple(names),
        counts=dict(zip(classes, counts, strict=True)),
        short=dict(short or {}),
        held_out_count=held_out_count,
        train_count=train_count,
        has_masks=masks is not None,
        labelled=labelled,
        skipped=skipped,
        held_out=None,
        train=None,
        fitted=_fitted(labels, identity, fit_samples, seed),
    )


def _fitted(labels: Tensor, identity: Tensor, most: int | None, seed: int) -> FittedImages | None:
    """The images that maps are fitted to, None for all of them."""
    if most is None or most >= len(labels):
        return None
    return FittedImages(choose_by_identity(labels, identity, most, seed=unit_seed(seed, "fitted")))


def _masks(samples: ImageSet) -> Tensor | None:
    """The masks of all samples, None if the source has none."""
    masks = [samples.mask(index) for index in range(len(samples))] if samples.has_masks else []
    present = [mask for mask in masks if mask is not None]
    return torch.stack(present) if present else None


def _batches(images: ImageSet) -> Iterator[Tensor]:
    """A set of images, some at a time."""
    return (images.batch(indices) for indices in torch.arange(len(images)).split(_BATCH))


def source_digest(settings: StudySettings, unit: Unit) -> str:
    """Return the fingerprint of the image source, which changes when files do."""
    return fingerprint(settings.images.source, settings.images.folder, settings.images.options)


def _cost(unit: Unit, facts: Facts, settings: StudySettings) -> Cost:
    """Drawing, and the bytes of all images and masks."""
    probed = settings.network.head == "probe"
    trained = facts.train if trains_here(settings) or settings.distillation.enabled or probed else 0
    count = facts.samples + facts.held_out + trained
    drawn = _DRAW_SECONDS * (facts.held_out + trained) * max(1.0, settings.images.image_size / 96) ** 2
    masks = facts.samples * facts.numbers / settings.images.channels
    return Cost(drawn, count * facts.numbers + masks, 2 * count * facts.numbers)


_IMAGES = Stage(
    "images",
    version=2,
    run=run_images,
    settings=("seed", "images", "network.weights", "network.fine_tune", "checkpoints.folder"),
    external=source_digest,
    weight=3.0,
    cost=_cost,
)
IMAGES_FOR_STUDENTS = replace(_IMAGES, run=run_images_to_train_on, settings=(*_IMAGES.settings, "distillation.enabled"))
IMAGES_FOR_A_PROBE = replace(_IMAGES, run=run_images_to_train_on, settings=(*_IMAGES.settings, "network.head"))
STAGES = (_IMAGES,)
