"""The estimated cost of a run, printed before it starts."""

import sys
from collections.abc import Callable
from pathlib import Path

from patternscope.api.stages import pages_of
from patternscope.cli.printing import file_size, folded, new_table, say, show, tell, time_span
from patternscope.results.training import TrainingResult
from patternscope.settings.study import StudySettings
from patternscope.study.analysed_network import TRIED
from patternscope.study.budget import Budget, count_images, make_budget
from patternscope.study.run import study_plan
from patternscope.study.start import beginning
from patternscope.workflow.store import Store

_LEAST = 5.0  # seconds from which the cost of a run is printed


def write_budget(budget: Budget) -> None:
    """Print the estimated cost of a run on stderr, unless it is negligible."""
    if budget.seconds >= _LEAST:
        sys.stderr.write(f"{folded(budget_line(budget))}\n")


def announce(folder: Path, settings: StudySettings) -> Callable[[Budget], None]:
    """Return a function that prints on stderr, before a run, how its network is built and what the run costs."""

    def write(budget: Budget) -> None:
        counts = count_images(folder, settings)
        if counts is not None and TrainingResult.STAGE in budget.stages:
            sys.stderr.write(f"{folded(beginning(settings, len(counts.classes)))}\n")
        write_budget(budget)

    return write


def budget_line(budget: Budget) -> str:
    """Return a budget as a sentence.

    >>> budget_line(Budget(88, 190.0, 262_000_000, 1_100_000_000, 72_000_000_000, {}))
    'to do: 88 units, about 3 min on this machine, 262.0 MB on disk (72.0 GB free), 1.1 GB of memory per process'
    """
    return (
        f"to do: {budget.units} units, about {time_span(budget.seconds)} on this machine, "
        f"{file_size(budget.disk)} on disk ({file_size(budget.free)} free), "
        f"{file_size(budget.memory)} of memory per process"
    )


def print_dry_run(folder: Path, settings: StudySettings, until: str | None, device: str) -> None:
    """Print the estimated cost of each stage of a run, and run nothing; InputError as `run_analysis`."""
    Store(folder).check_place()
    counts = count_images(folder, settings)
    if counts is None:
        # How the network is built is printed once the number of classes is known.
        if ":" not in settings.network.architecture:
            tell(beginning(settings, TRIED))
        say(f"{folder}: the number of images is not known yet; run with --until images first")
        return
    plan = study_plan(settings, pages_of, folder=folder)
    budget = make_budget(folder, plan, until=until, device=device)
    if budget is None:
        say(f"{folder}: nothing to do")
        return
    if TrainingResult.STAGE in budget.stages:
        tell(beginning(settings, len(counts.classes)))
    table = new_table("stage", "time", "disk", "memory")
    for name, cost in budget.stages.items():
        table.add_row(name, time_span(cost.seconds), file_size(cost.disk), file_size(cost.memory))
    show(table)
    tell(budget_line(budget))
    budget.check_disk(folder)
