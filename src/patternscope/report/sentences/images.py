"""Sentences on the images that a study lacks: those that could not be read, and classes with too few."""

from patternscope.report.formatting import counted, listed
from patternscope.results.images import ImagesResult

_NAMED = 6


def omitted_images(images: ImagesResult, samples_per_class: int) -> list[str]:
    """Return which images are missing of the `samples_per_class` that were asked for; nothing where none are."""
    sentences = []
    if skipped := images.skipped:
        sentences.append(
            f"{counted(len(skipped), 'image file')} could not be read and {'is' if len(skipped) == 1 else 'are'} "
            f"omitted, first {skipped[0]}; images/images.json lists all."
        )
    short = [f"{name} ({count})" for name, count in images.short.items()]
    if short:
        more = [f"{len(short) - _NAMED} more"] if len(short) > _NAMED else []
        sentences.append(
            f"Fewer held-out images exist than the {samples_per_class} per class asked for: "
            f"{listed([*short[:_NAMED], *more])}."
        )
    return sentences
