"""Differences in words: how large, in which direction, and whether they may be noise."""

from collections.abc import Sequence
from itertools import pairwise

from patternscope.knowledge.intervals import Interval, within_noise
from patternscope.results.formatting import number, with_interval

BEYOND, WITHIN, UNKNOWN = "beyond the noise", "within the noise", "without an interval"
_DIGITS, _MOST_DIGITS = 2, 6


def verdict(difference: Interval) -> str:
    """Return whether a difference may be noise of the choice of images.

    An end of the interval that is zero to six digits is zero, so that every verdict can be seen in the numbers.

    >>> verdict(Interval(0.4, 0.1, 0.7)), verdict(Interval(0.4, -0.1, 0.7))
    ('beyond the noise', 'within the noise')
    """
    ends = (difference.value, difference.low, difference.high)
    rounded = Interval(*(None if end is None else round(end, _MOST_DIGITS) for end in ends))
    noise = within_noise(rounded)
    return UNKNOWN if noise is None else WITHIN if noise else BEYOND


def difference_text(difference: Interval) -> str:
    """Return a difference with its interval, with enough digits to show that the interval excludes zero.

    >>> difference_text(Interval(-0.01, -0.03, -0.004)), difference_text(Interval(-0.01, -0.03, 0.004))
    ('−0.010 (−0.030 to −0.004)', '−0.01 (−0.03 to 0.00)')
    """
    if verdict(difference) != BEYOND:
        return with_interval(difference)
    nearest = min(abs(difference.low or 0.0), abs(difference.high or 0.0))
    return with_interval(difference, next(d for d in range(_DIGITS, _MOST_DIGITS + 1) if float(f"{nearest:.{d}f}")))


def compared(difference: Interval, more: str = "more", less: str = "fewer") -> str:
    """Return a difference as "... more" or "... fewer", with its interval in the same direction.

    >>> compared(Interval(-3.6, -4.0, -3.2)), compared(Interval(0.1, -0.2, 0.4), "higher", "lower")
    ('3.60 (3.20–4.00) fewer', '0.10 (−0.20 to 0.40) higher')
    """
    if difference.value is None or difference.value >= 0:
        return f"{difference_text(difference)} {more}"
    return f"{difference_text(reversed_difference(difference))} {less}"


def reversed_difference(difference: Interval) -> Interval:
    """Return the difference in the other direction.

    >>> reversed_difference(Interval(1.0, 0.5, 2.0))
    Interval(value=-1.0, low=-2.0, high=-0.5)
    """
    ends = (difference.value, difference.high, difference.low)
    return Interval(*(None if end is None else -end for end in ends))


def series(values: Sequence[float | None]) -> str:
    """Return values in order, with enough digits to distinguish successive ones.

    >>> series([0.2, None, 0.5]), series([0.331, 0.334])
    ('0.20, –, 0.50', '0.331, 0.334')
    """
    known = [value for value in values if value is not None]
    pairs = [(a, b) for a, b in pairwise(known) if a != b]
    digits = next(
        (d for d in range(_DIGITS, _MOST_DIGITS) if all(number(a, d) != number(b, d) for a, b in pairs)), _MOST_DIGITS
    )
    return ", ".join(number(value, digits) for value in values)


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence lists them.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return a number with its noun in the singular or plural.

    >>> counted(1, "class", "classes"), counted(4, "layer")
    ('1 class', '4 layers')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def clause(noun: str, items: Sequence[str], predicate: str) -> str:
    """Return the singular or plural form of a phrase.

    >>> clause("step", ["from a to b,"], "small"), clause("step", ["from a to b,", "from b to c,"], "small")
    ('the step from a to b, is small', 'the steps from a to b, and from b to c, are small')
    """
    return f"the {noun}{'s' * (len(items) > 1)} {listed(items)} {'is' if len(items) == 1 else 'are'} {predicate}"
