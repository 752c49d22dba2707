"""What a run will take, said before it starts."""

import sys
from collections.abc import Sequence
from pathlib import Path

from patternscope.cli.printing import file_size, new_table, say, show, time_span
from patternscope.settings.study import StudySettings
from patternscope.study.budget import Budget, count_images, make_budget
from patternscope.study.run import study_plan
from patternscope.workflow.stages import Stage

_WORTH_SAYING = 5.0  # seconds


def say_budget(budget: Budget) -> None:
    """Say on stderr what a run will take, unless that is next to nothing."""
    if budget.seconds >= _WORTH_SAYING:
        sys.stderr.write(f"{budget_line(budget)}\n")


def budget_line(budget: Budget) -> str:
    """Return a budget in one line.

    >>> budget_line(Budget(88, 190.0, 262_000_000, 1_100_000_000, 72_000_000_000, {}))
    'to do: 88 units, about 3 min on this machine, 262.0 MB on disk (72.0 GB free), 1.1 GB of memory a process'
    """
    return (
        f"to do: {budget.units} units, about {time_span(budget.seconds)} on this machine, "
        f"{file_size(budget.disk)} on disk ({file_size(budget.free)} free), "
        f"{file_size(budget.memory)} of memory a process"
    )


def print_dry_run(
    folder: Path, settings: StudySettings, stages: Sequence[Stage], until: str | None, device: str
) -> None:
    """Print what a run would make and take, a row a stage, and run nothing.

    InputError as `run_study`.
    """
    if count_images(folder, settings) is None:
        say(f"{folder}: the images are not counted yet; run with --until images, then ask again")
        return
    budget = make_budget(folder, study_plan(settings, stages), until=until, device=device)
    if budget is None:
        say(f"{folder}: nothing to do")
        return
    table = new_table("stage", "time", "disk", "memory")
    for name, cost in budget.stages.items():
        table.add_row(
            name, time_span(cost.seconds), file_size(round(cost.disk)), file_size(round(cost.memory))
        )
    show(table)
    say(budget_line(budget))
    budget.check_disk(folder)
