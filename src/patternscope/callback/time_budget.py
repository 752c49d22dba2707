"""A budget of time: measurements within a share of the training that they are part of."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


class TimeBudget:
    """Seconds of a training, and of the measurements within it.

    A measurement is affordable when all of them, with one more as long as the last, are within the share of the seconds
    since the training began. The first one is always affordable, since its cost is unknown; later ones wait until the
    share allows them.

    >>> times = iter([0.0, 0.0, 1.0, 10.0, 19.0])
    >>> budget = TimeBudget(0.1, lambda: next(times))
    >>> with budget.measuring():
    ...     pass
    >>> budget.spent, budget.affords(), budget.affords()
    (1.0, False, True)
    """

    def __init__(self, share: float, clock: Callable[[], float]) -> None:
        self.limit = share
        self._clock = clock
        self._start: float | None = None
        self.spent = 0.0
        self.last = 0.0

    def begin(self) -> None:
        """Start the training's clock, unless it is running."""
        if self._start is None:
            self._start = self._clock()

    def elapsed(self) -> float:
        """Return the seconds since the training began, measurements included."""
        return 0.0 if self._start is None else self._clock() - self._start

    def share(self) -> float:
        """Return the seconds of all measurements as a share of those of the training, in [0, 1]."""
        return self.spent / self.elapsed() if self.spent else 0.0

    def affords(self) -> bool:
        """Tell whether one more measurement stays within the share."""
        return not self.spent or self.spent + self.last <= self.limit * (self.elapsed() + self.last)

    @contextmanager
    def measuring(self, *, further: bool = False) -> Iterator[None]:
        """Count the seconds of the block as those of a measurement, or as `further` ones of the last measurement."""
        self.begin()
        start = self._clock()
        try:
            yield
        finally:
            took = self._clock() - start
            self.last = took + (self.last if further else 0.0)
            self.spent += took
