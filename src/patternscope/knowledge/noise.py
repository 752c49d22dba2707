"""The rule for "beyond the noise": an interval that includes all noise that was measured."""

from dataclasses import dataclass
from math import sqrt

from patternscope.errors import InputError
from patternscope.knowledge.intervals import Interval, student_quantile, with_seed_spread
from patternscope.knowledge.replicates import difference_over_networks


@dataclass(frozen=True)
class Noise:
    """The measured noise of a difference, other than the choice of images.

    Attributes:
        draws: standard deviation of one of the two numbers over draws of folds and neighbours; None if not measured.
        networks: the difference within each of several networks, the study's own first; empty if not measured.
        trainings: standard deviation of one of the two numbers over networks, for a difference between two networks;
            None if not measured. count: networks behind it, at least 2.
    """

    draws: float | None = None
    networks: tuple[float | None, ...] = ()
    trainings: float | None = None
    count: int = 0


def with_noise(difference: Interval, noise: Noise, level: float = 0.95) -> Interval:
    """Return the interval of a difference with all noise that was measured: images, draws and networks together.

    Squares of half-widths add up: that over images, ``2 (z draws)^2`` as :func:`with_seed_spread`, and that over
    networks, ``t^2 s^2 / m`` of a difference within each network, whose mean is the value then
    (:func:`difference_over_networks`), or ``2 (t trainings)^2`` of a difference between two networks.

    Args:
        difference: over images, of the study's own network.
        noise: the other measured noise.
        level: of the interval.

    Raises:
        InputError: a negative spread, a level outside (0, 1), trainings of fewer than two networks.

    >>> narrow = Interval(1.0, 0.8, 1.2)
    >>> with_noise(narrow, Noise()), with_noise(narrow, Noise(networks=(1.0, -2.0, 4.0))).low < 0
    (Interval(value=1.0, low=0.8, high=1.2), True)
    """
    wide = difference_over_networks(difference, noise.networks, level=level) if noise.networks else difference
    wide = with_seed_spread(wide, noise.draws or 0.0, level)
    if noise.trainings is None:
        return wide
    if noise.trainings < 0 or noise.count < 2:
        raise InputError(
            f"trainings, count: expected >= 0 of at least 2 networks, got {noise.trainings} and {noise.count}"
        )
    return _widened(wide, 2 * (student_quantile(noise.count, (1 + level) / 2) * noise.trainings) ** 2)


def _widened(interval: Interval, square: float) -> Interval:
    """An interval with another square added to those of its half-widths."""
    if interval.value is None or interval.low is None or interval.high is None:
        return interval
    down, up = interval.value - interval.low, interval.high - interval.value
    return Interval(interval.value, interval.value - sqrt(down**2 + square), interval.value + sqrt(up**2 + square))
