"""The formatter of numbers and intervals, used wherever they are displayed."""

from collections.abc import Iterable

from patternscope.knowledge.intervals import Interval


def number(value: float | None, digits: int = 2) -> str:
    """Return a number with a real minus sign, and a dash for a missing one.

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
    """Return a value with its interval, with more digits if an end would be rounded to 0 although it is not.

    >>> with_interval(Interval(9.58, 9.17, 9.96)), with_interval(Interval(-0.1, -0.3, 0.1))
    ('9.58 (9.17–9.96)', '−0.10 (−0.30 to 0.10)')
    >>> with_interval(Interval(-0.02, -0.04, -0.004))  # beyond the noise, and reads so
    '−0.020 (−0.040 to −0.004)'
    """
    if interval.low is None or interval.high is None:
        return number(interval.value, digits)
    digits = _digits_beside_zero(interval.low, interval.high, digits)
    value = number(interval.value, digits)
    # A dash between two minus signs cannot be read.
    between = " to " if interval.low < 0 else "–"
    return f"{value} ({number(interval.low, digits)}{between}{number(interval.high, digits)})"


def _digits_beside_zero(low: float, high: float, digits: int) -> int:
    """The digits with which an interval that excludes 0 still does when it is rounded; at most 3 more."""
    nearest = low if low > 0 else -high
    more = next((each for each in range(digits, digits + 4) if round(nearest, each) > 0), digits)
    return more if nearest > 0 else digits


def plus_minus(interval: Interval, digits: int = 2, *, signed: bool = False) -> str:
    """Return a value and half the width of its interval, for tables of 80 columns; a signed one has a + as well.

    >>> plus_minus(Interval(9.58, 9.17, 9.96)), plus_minus(Interval(0.3, 0.2, 0.4), signed=True)
    ('9.58 ±0.40', '+0.30 ±0.10')
    """
    value = number(interval.value, digits)
    if signed and interval.value is not None and round(interval.value, digits) > 0:
        value = f"+{value}"
    if interval.low is None or interval.high is None:
        return value
    return f"{value} ±{number((interval.high - interval.low) / 2, digits)}"


def at_checkpoint(title: str | None) -> str:
    """Return the checkpoint, to be appended to a title; empty for the only checkpoint of a study.

    >>> at_checkpoint("training step 9"), at_checkpoint(None)
    (' at training step 9', '')
    """
    return "" if title is None else f" at {title}"


def share_of_regions(points: Interval, regions: int) -> float | None:
    """Return points as a share of a layer's regions, given their number per image, to compare layers of any grid.

    >>> share_of_regions(Interval(7.0, 6.0, 8.0), 49), share_of_regions(Interval(None, None, None), 49)
    (0.14285714285714285, None)
    """
    return None if points.value is None else points.value / regions


def common_grid(grids: Iterable[tuple[int, int]]) -> str | None:
    """Return the setting that gives all layers the same number of regions, None if they have it already.

    >>> common_grid([(14, 14), (7, 7)]), common_grid([(7, 7), (7, 7)]), common_grid([(8, 4), (4, 4)])
    ('network.grid = 7', None, 'network.grid = 4')
    """
    known = list(grids)
    if len(set(known)) < 2:
        return None
    height, width = min(h for h, _ in known), min(w for _, w in known)
    return f"network.grid = {height if height == width else [height, width]}"
