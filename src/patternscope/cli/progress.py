"""The progress of a run: a bar with the time left on a terminal, a line per unit elsewhere."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from patternscope.cli.printing import folded
from patternscope.errors import visible
from patternscope.workflow.runner import Event


class Tally:
    """Adds up the weights of units: planned, done, and the finished share of those in progress.

    `kept` counts units that an earlier run made. They are found one after another, so that how many units remain is
    known only without them.
    """

    def __init__(self) -> None:
        self.planned = 0.0
        self.done = 0.0
        self.units = 0
        self.made: set[str] = set()
        self.kept = 0
        self.fractions: dict[str, float] = {}

    def add(self, event: Event) -> None:
        """Take one event into account; a unit that is kept leaves the plan, since it takes no time."""
        path = event.unit.path
        if event.kind == "planned":
            self.planned += event.weight
            self.units += 1
        elif event.kind == "kept":
            self.planned -= event.weight
            self.units -= 1
            self.kept += path not in self.made
        elif event.kind == "progress":
            self.fractions[path] = event.weight * min(1.0, max(0.0, event.fraction))
        elif event.kind == "done":
            self.fractions.pop(path, None)
            self.done += event.weight
            self.made.add(path)

    @property
    def finished(self) -> int:
        """How many units this run has made."""
        return len(self.made)

    @property
    def reached(self) -> float:
        """Weight done so far, parts of units included."""
        return self.done + sum(self.fractions.values())


def event_line(event: Event, tally: Tally) -> str | None:
    """Return the line that is written for an event without a terminal, None for most."""
    if event.kind == "done":
        count = f"{tally.finished} done" if tally.kept else f"{tally.finished} of {tally.units}"
        return f"{event.unit.path}: {event.seconds:.1f} s ({count})"
    if event.kind == "damaged":
        return folded(f"damaged, computed again: {event.text}")
    return None


@contextmanager
def progress(stream: TextIO = sys.stderr) -> Iterator[Callable[[Event], None]]:
    """Show a run's events on `stream` until the block ends; yields the function to report to."""
    tally = Tally()
    if not stream.isatty():

        def write(event: Event) -> None:
            tally.add(event)
            line = event_line(event, tally)
            if line is not None:
                stream.write(f"{line}\n")
                stream.flush()

        yield write
        return
    with _bar(stream) as bar:
        task = bar.add_task("starting", total=None)

        def draw(event: Event) -> None:
            tally.add(event)
            if event.kind == "damaged":
                bar.console.print(event_line(event, tally), markup=False)
            if event.kind in {"begin", "progress"}:
                bar.update(task, description=visible(f"{event.unit.path} {event.text}".strip()))
            bar.update(task, total=max(tally.planned, 1e-9), completed=tally.reached)

        yield draw


def _bar(stream: TextIO) -> Progress:
    """The bar: the units in progress, the share done, and the time left."""
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=Console(file=stream),
        transient=True,
        speed_estimate_period=120,
    )
