"""Sentences on the images that a study lacks: those that could not be read, and classes with too few."""

from patternscope.report.contents import Record
from patternscope.report.formatting import counted, listed

_NAMED = 6


def left_out(images: Record, wanted: int) -> list[str]:
    """Return what a study's images.json says is missing; nothing where nothing is.

    `wanted` samples a class were asked for.

    >>> left_out({"skipped": [], "short": {"cat": 12, "dog": 3}}, 50)
    ['Fewer held-out images than the 50 a class asked for are there of cat (12) and dog (3).']
    """
    said = []
    skipped, short = images["skipped"], [f"{name} ({count})" for name, count in images["short"].items()]
    if skipped:
        said.append(
            f"{counted(len(skipped), 'picture')} could not be read and {'is' if len(skipped) == 1 else 'are'} left "
            f"out, first {skipped[0]}; images/images.json names each."
        )
    if short:
        more = [f"{len(short) - _NAMED} more"] if len(short) > _NAMED else []
        said.append(
            f"Fewer held-out images than the {wanted} a class asked for are there of "
            f"{listed([*short[:_NAMED], *more])}."
        )
    return said
