"""A value and its uncertainty, over images and over seeds."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, stdev

from patternscope.errors import InputError


@dataclass(frozen=True)
class Interval:
    """A value with its interval; all None if the value is undefined."""

    value: float | None
    low: float | None
    high: float | None

    def __str__(self) -> str:
        """Return the value with the ends of its interval, for a quick look."""
        # + 0.0 turns -0.0 into 0.0.
        ends = [None if end is None else f"{round(end, 2) + 0.0:.2f}" for end in (self.value, self.low, self.high)]
        return f"{ends[0]}" if None in ends else f"{ends[0]} ({ends[1]} to {ends[2]})"


def student_quantile(count: int, probability: float) -> float:
    """Return the quantile of Student's t for the mean of so many values, with count - 1 degrees of freedom.

    >>> round(student_quantile(3, 0.975), 3)
    4.303
    """
    # SciPy's functions take a third of a second to import, which a command that shows a study would wait for.
    from scipy.special import stdtrit

    return float(stdtrit(count - 1, probability))


def seed_spread(values: Sequence[float | None]) -> float | None:
    """Return the standard deviation of a number over seeds; None if fewer than two seeds have it.

    >>> seed_spread([1.0, 3.0, None]), seed_spread([1.0])
    (1.4142135623730951, None)
    """
    known = [value for value in values if value is not None]
    return stdev(known) if len(known) > 1 else None


def with_seed_spread(difference: Interval, spread: float, level: float = 0.95) -> Interval:
    """Return the interval of a difference, widened by the difference of two fits that differ only in seed.

    ``low' = d - sqrt((d - low)^2 + 2 (z spread)^2)``, z the normal quantile of the level; high' likewise. Images and
    seeds are independent, and both numbers have the spread. InputError for a negative spread or a level outside
    (0, 1).

    >>> with_seed_spread(Interval(1.0, 1.0, 1.0), 0.5).low < 0 < with_seed_spread(Interval(1.0, 1.0, 1.0), 0.1).low
    True
    """
    if spread < 0 or not 0 < level < 1:
        raise InputError(f"spread, level: expected >= 0 and a share in (0, 1), got {spread} and {level}")
    if difference.value is None or difference.low is None or difference.high is None:
        return difference
    seeds = 2 * (NormalDist().inv_cdf((1 + level) / 2) * spread) ** 2
    down = ((difference.value - difference.low) ** 2 + seeds) ** 0.5
    up = ((difference.high - difference.value) ** 2 + seeds) ** 0.5
    return Interval(difference.value, difference.value - down, difference.value + up)


def share_interval(share: float, count: int, level: float = 0.95) -> Interval:
    """Return a share of a number of things with the interval of Wilson (1927), which stays within [0, 1].

    InputError for a share outside [0, 1], a count below 1, a level outside (0, 1).

    >>> print(share_interval(0.9, 100))
    0.90 (0.83 to 0.94)
    """
    if not 0 <= share <= 1 or count < 1 or not 0 < level < 1:
        raise InputError(
            f"share, count, level: expected a share in [0, 1], >= 1 and (0, 1), got {share}, {count}, {level}"
        )
    z = NormalDist().inv_cdf((1 + level) / 2) ** 2
    middle, half = share + z / (2 * count), (z * share * (1 - share) / count + (z / (2 * count)) ** 2) ** 0.5
    low, high = ((middle + sign * half) / (1 + z / count) for sign in (-1, 1))
    return Interval(share, max(0.0, low), min(1.0, high))


def share_difference(first: float, first_count: int, second: float, second_count: int, level: float = 0.95) -> Interval:
    """Return second minus first of two shares of different things, with its interval.

    ``d - sqrt((s - s_low)^2 + (f_high - f)^2)`` and likewise above, from the intervals of both (Newcombe, "Interval
    estimation for the difference between independent proportions", Statistics in Medicine 1998, method 10). InputError
    as :func:`share_interval`.

    >>> print(share_difference(0.9, 100, 0.7, 100))
    -0.20 (-0.31 to -0.09)
    """
    one, other = share_interval(first, first_count, level), share_interval(second, second_count, level)
    down = ((second - (other.low or 0.0)) ** 2 + ((one.high or 0.0) - first) ** 2) ** 0.5
    up = (((other.high or 0.0) - second) ** 2 + (first - (one.low or 0.0)) ** 2) ** 0.5
    return Interval(second - first, second - first - down, second - first + up)


def above_zero(number: Interval) -> bool:
    """Tell whether a number is above 0 beyond the noise: its interval is, or its value without an interval.

    >>> above_zero(Interval(0.4, 0.1, 0.7)), above_zero(Interval(0.4, -0.1, 0.7)), above_zero(Interval(0.0, None, None))
    (True, False, False)
    """
    lowest = number.value if number.low is None else number.low
    return (lowest or 0.0) > 0


def within_noise(difference: Interval, spread: float = 0.0, level: float = 0.95) -> bool | None:
    """Tell whether a difference may be zero: its interval contains zero. None without an interval.

    Every verdict "beyond the noise" is this, of an interval by :func:`with_noise`. The difference is of two layers or
    checkpoints, by `bootstrap_count_differences`, the spread the standard deviation of one such number over seeds, by
    :func:`seed_spread`, or 0 if the interval includes all noise. `level` is that of the interval and of the widening by
    the spread. InputError as :func:`with_seed_spread`.

    >>> within_noise(Interval(0.4, 0.1, 0.7)), within_noise(Interval(0.4, 0.1, 0.7), spread=0.3)
    (False, True)
    """
    wide = with_seed_spread(difference, spread, level)
    if wide.low is None or wide.high is None:
        return None
    return wide.low <= 0 <= wide.high
