"""The one formatter of numbers and intervals, for every place where a person reads them."""

from patternscope.knowledge.intervals import Interval


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with a real minus sign, and a dash where there is none.

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


def threshold_text(tau: float) -> str:
    """Return a threshold with at most three digits.

    >>> threshold_text(0.40740740740740744), threshold_text(0.4)
    ('0.407', '0.4')
    """
    return f"{tau:.3g}"


def with_interval(interval: Interval, digits: int = 2) -> str:
    """Return a value with its interval.

    >>> with_interval(Interval(9.58, 9.17, 9.96)), with_interval(Interval(-0.1, -0.3, 0.1))
    ('9.58 (9.17–9.96)', '−0.10 (−0.30 to 0.10)')
    """
    value = number(interval.value, digits)
    if interval.low is None or interval.high is None:
        return value
    # A dash between two minus signs cannot be read.
    between = " to " if interval.low < 0 else "–"
    return f"{value} ({number(interval.low, digits)}{between}{number(interval.high, digits)})"


def plus_minus(interval: Interval, digits: int = 2, *, signed: bool = False) -> str:
    """Return a value and half the width of its interval, for tables of 80 columns; a signed one says + as well.

    >>> plus_minus(Interval(9.58, 9.17, 9.96)), plus_minus(Interval(0.3, 0.2, 0.4), signed=True)
    ('9.58 ±0.40', '+0.30 ±0.10')
    """
    value = number(interval.value, digits)
    if signed and interval.value is not None and round(interval.value, digits) > 0:
        value = f"+{value}"
    if interval.low is None or interval.high is None:
        return value
    return f"{value} ±{number((interval.high - interval.low) / 2, digits)}"
