"""Evidence on paper: the colours of bits, and the words for what a bit is."""

from math import log2
from typing import Any

from patternscope.results.evidence import Against, EvidenceResult
from patternscope.results.formatting import number
from patternscope.results.result import reads

EVIDENCE = reads(EvidenceResult, "evidence", checkpoint="last", layer="all")
ALL_EVIDENCE = reads(EvidenceResult, "evidence", checkpoint="all", layer="all")
SUBJECTS: dict[Against, str] = {"labels": "the true class", "decision": "the class that the network predicts"}
PLAIN, READABLE = "#1b5c9e", "#8fbfe8"
"""Of evidence, and of what a linear probe reads."""
_AGAINST, _DARK, _DARK_RED, _NOTHING = "#e76300", "#0b2a4a", "#7a2f00", "#f3f5f7"


def evidence_colours() -> Any:
    """Return colours from light grey, no evidence, to dark blue."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list("evidence", [_NOTHING, READABLE, PLAIN, _DARK])


def signed_colours() -> Any:
    """Return colours from orange, evidence against the class, by white to blue, evidence for it."""
    from matplotlib.colors import LinearSegmentedColormap

    return LinearSegmentedColormap.from_list(
        "signed evidence", [_DARK_RED, _AGAINST, "#f7c9a0", "#ffffff", READABLE, PLAIN, _DARK]
    )


def ink_on(colour: tuple[float, ...], dark: str, light: str = "white") -> str:
    """Return which of two text colours is legible on a colour.

    >>> ink_on((1.0, 1.0, 1.0), "black"), ink_on((0.0, 0.0, 0.4), "black")
    ('black', 'white')
    """
    red, green, blue = colour[:3]
    return dark if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else light


def most_bits(most: float, classes: int) -> str:
    """Return the maximum bits of a region, and the reason.

    >>> most_bits(log2(10), 10), most_bits(3.2, 10)
    ('3.32 (log2 of 10 classes)', '3.20 (the entropy of the shares of 10 classes)')
    """
    even = abs(most - log2(classes)) < 5e-3
    return f"{number(most)} ({'log2 of' if even else 'the entropy of the shares of'} {classes} classes)"


def bit_meaning(against: Against, most: float, classes: int) -> str:
    """Return what a bit is, for a caption."""
    return (
        f"A region with 1 bit makes {SUBJECTS[against]} twice as probable as its share of the images, with 2 bits four "
        f"times; at most {most_bits(most, classes)}."
    )
