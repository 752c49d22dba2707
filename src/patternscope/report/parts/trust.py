"""Sentences on how much to trust the rest: missing images, the sample embedding, and what the intervals omit."""

from collections import Counter
from collections.abc import Sequence
from math import sqrt
from pathlib import PurePosixPath

from patternscope.report.contents import Contents
from patternscope.report.formatting import counted, listed
from patternscope.report.part import ReportPart, Said
from patternscope.report.tables import sweep_table
from patternscope.results.fits import SampleResult
from patternscope.results.formatting import number, percent
from patternscope.results.images import ImagesResult
from patternscope.results.knowledge import PlainCounts
from patternscope.results.noise import IMAGES, MeasuredNoise

_NAMED = 6  # classes with too few images


def trust_sentences(contents: Contents, resamples: int) -> list[str]:
    """Return the report's findings on the fit and on the noise; `resamples` are the draws of the images."""
    _, known = contents.depth.best
    return [
        agreement(contents.sample),
        correlation(contents.sample),
        meaning_of_noise(known.images, resamples),
        rule_of_noise(contents.noise),
        other_draws(contents.depth.spread),
        other_networks(contents.noise),
        "Each difference is judged on its own: among many, some exceed the noise by chance.",
    ]


def agreement(sample: SampleResult) -> str:
    """Return how often the sample embedding and the network predict the same class."""
    return (
        f"The sample embedding predicts the same class as the network for {percent(sample.agreement)} of the images; "
        "all results on regions depend on its mean directions."
    )


def no_better_than_chance(accuracy: float | None, images: int, classes: int) -> str | None:
    """Return that a network classifies no more images correctly than chance may; None if it does, or is unknown.

    Chance reaches ``1 / c + 1.96 sqrt((1 - 1 / c) / (c n))`` in 97.5 % of the cases, of n images of c equal classes.

    >>> no_better_than_chance(0.14, 100, 10).partition(". ")[0]
    'The network classifies 14 % of the 100 held-out images correctly, no more than chance may (16 %)'
    >>> no_better_than_chance(0.5, 100, 10) is None
    True
    """
    if accuracy is None or not images:
        return None
    most = 1 / classes + 1.96 * sqrt((1 - 1 / classes) / (classes * images))
    if accuracy > most or classes < 2:
        return None
    return (
        f"The network classifies {percent(accuracy)} of the {images:,} held-out images correctly, no more than chance "
        f"may ({percent(most)}). Train it longer, or compare its classes with the labels."
    )


def correlation(sample: SampleResult) -> str:
    """Return how strength and uncertainty are related. The paper reports −0.94 for VGG-16."""
    return (
        "The strength of an image's sample embedding and the uncertainty of the network's prediction have a "
        f"correlation of {number(sample.correlation)}."
    )


def meaning_of_noise(images: int, resamples: int) -> str:
    """Return how the intervals are computed."""
    return (
        f"Intervals are 95 % bootstrap intervals over the {images:,} images ({resamples:,} resamples); differences are "
        "computed on the same images. A difference is within the noise when its interval contains zero."
    )


def rule_of_noise(noise: MeasuredNoise) -> str:
    """Return which noise the verdicts include."""
    return (
        f"Verdicts on counts and evidence include all noise that was measured: {listed(noise.sources)}; those on "
        f"deletion tests and attacks include {IMAGES} alone."
    )


def other_networks(noise: MeasuredNoise) -> str:
    """Return how much another training would change, if that was measured."""
    if not noise.networks:
        return (
            "The effect of another training was not measured; a section [replicates] in the settings trains more "
            "networks from other seeds and measures it."
        )
    last = {layer: several for (layer, checkpoint), several in noise.networks.items() if checkpoint is None}
    shares = [f"{percent(at.consensus)} in {layer} ({percent(at.chance)} by chance)" for layer, at in last.items()]
    spreads = [f"{number(at.spread.evidence)} in {layer}" for layer, at in last.items()]
    return (
        f"{noise.count} networks were trained alike from other seeds: counts and evidence of all images are means over "
        f"them, and their intervals are {noise.over}. The networks differ by standard deviations of {listed(spreads)} "
        f"bits per region. Of the knowledge points of any of them, all have {listed(shares)}: the same region and the "
        "same class. Pictures, classes and thresholds are those of the study's own network."
    )


def other_draws(spread: PlainCounts | None) -> str:
    """Return how much another draw of folds and neighbours would change, if that was measured."""
    names = {"total": "all points", "reliable": "reliable points", "ratio": "ratio"}
    deviations = {name: getattr(spread, key, None) for key, name in names.items()}
    known = [f"{number(value)} ({name})" for name, value in deviations.items() if value is not None]
    if not known:
        return (
            "The intervals do not include what another division of the images into folds would change; a section "
            "[spread] in the settings measures it."
        )
    return (
        "Another division of the images into folds (and other neighbours, where the objective compares images) changes "
        f"the counts of a layer by standard deviations of {listed(known)}; the intervals of differences between layers "
        "and between checkpoints include this."
    )


def omitted_images(images: ImagesResult, samples_per_class: int) -> list[str]:
    """Return which of the requested `samples_per_class` images are missing; nothing if all exist."""
    sentences = []
    if skipped := images.skipped:
        sentences.append(
            f"{counted(len(skipped), 'image file')} could not be read and {'is' if len(skipped) == 1 else 'are'} "
            f"omitted{_by_suffix(skipped)}, first {skipped[0]}; images/images.json lists all."
        )
    # Those without any first: they are not analysed at all.
    short = [f"{name} ({count})" for name, count in sorted(images.short.items(), key=lambda item: item[1] > 0)]
    if short:
        more = [f"{len(short) - _NAMED} more"] if len(short) > _NAMED else []
        sentences.append(
            f"Fewer held-out images exist than the {samples_per_class} per class requested: "
            f"{listed([*short[:_NAMED], *more])}."
        )
    return sentences


def fitted_images(images: ImagesResult) -> list[str]:
    """Return which images maps are fitted to, and how the others are judged; nothing if they are all."""
    rows = images.fitted_rows
    if rows is None:
        return []
    return [
        f"Maps are fitted to {len(rows):,} of the {sum(images.counts.values()):,} images, chosen by content and "
        "stratified by class. Every image, fitted to or not, belongs to a fold and is judged by a map and temperatures "
        "that were fitted without this fold. Intervals are over all images and hold for these maps: they do not "
        "include what another choice of the fitted images would change. Chance levels, patterns and the atlas are of "
        "the fitted images."
    ]


def _by_suffix(skipped: Sequence[str]) -> str:
    """Return how many of the skipped files have each suffix; nothing if all have the same."""
    names = [line.partition(": ")[0] for line in skipped]
    suffixes = Counter(PurePosixPath(name).suffix.lower().partition(" ")[0] or "no suffix" for name in names)
    listing = ", ".join(f"{count} {suffix}" for suffix, count in suffixes.most_common())
    return f" ({listing})" if len(suffixes) > 1 else ""


def _read(contents: Contents) -> Said | None:
    """Return the sentences and tables of a study."""
    setup = contents.setup
    read = contents.trained.head_sentence
    sentences = (
        [] if read is None else [read],
        omitted_images(contents.images, setup.samples_per_class),
        fitted_images(contents.images),
        trust_sentences(contents, setup.resamples),
    )
    return [sentence for own in sentences for sentence in own], [sweep_table(contents.depth)]


PART = ReportPart(
    "trust",
    "Reliability",
    60,
    _read,
    captions={
        "sample_embedding": "The sample embedding: the direction of an image shows its class, its strength the "
        "network's certainty.",
        "losses": "Losses of the training and of the fits.",
    },
    shown=0,
)
