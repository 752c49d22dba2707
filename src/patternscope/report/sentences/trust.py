"""Sentences on how far to trust the rest: the sample embedding's fit, and what the intervals do not cover."""

from collections.abc import Mapping

from patternscope.report.contents import Contents, Record
from patternscope.report.formatting import listed, number, percent


def trust_sentences(contents: Contents) -> list[str]:
    """Return what is said of the fit and of the noise."""
    return [
        agreement(contents.sample),
        correlation(contents.sample),
        what_noise_means(contents.depth.layers[-1]["images"], contents.resamples),
        other_draws(contents.depth.spread),
        "The spread over seeds of the network is not in these intervals: one study has one network. Other seeds are "
        "other studies, which patternscope compare sets side by side.",
        "Each difference is judged for itself: among many some seem beyond the noise by chance.",
    ]


def agreement(sample: Record) -> str:
    """Return how often the sample embedding and the network decide for the same class."""
    return (
        f"The sample embedding decides for the same class as the network on {percent(sample['agreement'])} of the "
        "images; what is said of regions rests on its directions."
    )


def correlation(sample: Record) -> str:
    """Return how strength and uncertainty are related. The paper reports −0.94 for VGG-16."""
    return (
        f"The strength of sample features and the uncertainty of the network's decision have the correlation "
        f"{number(sample['correlation'])}."
    )


def other_draws(spread: Mapping[str, float]) -> str:
    """Return what another draw of the neighbours would change, where that was measured."""
    if not spread:
        return (
            "What another draw of the images that each is compared with would change is not in these intervals, and "
            "may be as much as they say; a section [spread] in the settings measures it."
        )
    said = listed([f"{name} by {number(spread[key])}" for key, name in _SAID.items() if key in spread])
    return (
        "Another draw of the images that each is compared with changes a layer's numbers, in standard deviations: "
        f"{said}. The intervals of differences between layers and checkpoints hold this as well."
    )


_SAID = {"total": "all points", "reliable": "the reliable ones", "ratio": "the ratio"}


def what_noise_means(images: int, resamples: int) -> str:
    """Return what the intervals are."""
    return (
        f"Intervals are 95 % bootstrap intervals over the {images:,} images ({resamples:,} draws); differences "
        "are taken on the same images. A difference is within the noise when its interval holds zero."
    )
