"""How numbers are said: with their intervals, and whether a difference may be noise."""

from collections.abc import Sequence

from patternscope.knowledge import Interval, within_noise

BEYOND, WITHIN, UNKNOWN = "beyond the noise", "within the noise", "with no interval"


def number(value: float | None, digits: int = 2) -> str:
    """Return a number as text, with a real minus sign; a dash where there is none.

    >>> number(-0.254), number(-0.001), number(None)
    ('−0.25', '0.00', '–')
    """
    if value is None:
        return "–"
    text = f"{abs(value):.{digits}f}"
    return f"−{text}" if value < 0 and float(text) else text


def percent(share: float | None) -> str:
    """Return a share in percent.

    >>> percent(0.666), percent(None)
    ('67 %', '–')
    """
    return "–" if share is None else f"{number(100 * share, 0)} %"


def spanned(interval: Interval, digits: int = 2) -> str:
    """Return a value with its interval.

    >>> spanned(Interval(9.58, 9.17, 9.96)), spanned(Interval(0.5, None, None))
    ('9.58 (9.17 to 9.96)', '0.50')
    """
    value = number(interval.value, digits)
    if interval.low is None or interval.high is None:
        return value
    return f"{value} ({number(interval.low, digits)} to {number(interval.high, digits)})"


def compared(interval: Interval, more: str = "more", less: str = "fewer", digits: int = 2) -> str:
    """Return a difference as so much more or fewer, with its interval the same way round.

    >>> compared(Interval(-3.6, -4.0, -3.2)), compared(Interval(0.1, -0.2, 0.4), "higher", "lower")
    ('3.60 (3.20 to 4.00) fewer', '0.10 (−0.20 to 0.40) higher')
    """
    if interval.value is None or interval.value >= 0:
        return f"{spanned(interval, digits)} {more}"
    return f"{spanned(turned(interval), digits)} {less}"


def turned(interval: Interval) -> Interval:
    """Return the difference the other way round.

    >>> turned(Interval(1.0, 0.5, 2.0))
    Interval(value=-1.0, low=-2.0, high=-0.5)
    """
    value, low, high = interval.value, interval.low, interval.high
    return Interval(*(None if end is None else -end for end in (value, high, low)))


def verdict(difference: Interval) -> str:
    """Return whether a difference may be noise of the choice of images (:func:`knowledge.within_noise`).

    >>> verdict(Interval(0.4, 0.1, 0.7)), verdict(Interval(0.4, -0.1, 0.7))
    ('beyond the noise', 'within the noise')
    """
    noise = within_noise(difference)
    return UNKNOWN if noise is None else WITHIN if noise else BEYOND


def listed(names: Sequence[str]) -> str:
    """Return names as a sentence lists them.

    >>> listed(["a"]), listed(["a", "b", "c"])
    ('a', 'a, b and c')
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def counted(count: int, one: str, many: str | None = None) -> str:
    """Return how many there are of something.

    >>> counted(1, "class", "classes"), counted(4, "layer")
    ('1 class', '4 layers')
    """
    return f"{count:,} {one if count == 1 else many or one + 's'}"
