"""Running a study with its figures and atlas, here or elsewhere, and printing what came of it."""

import logging
import sys
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from patternscope.atlas.stage import atlas_stage
from patternscope.cli.budgeting import say_budget
from patternscope.cli.comparing import print_students
from patternscope.cli.printing import say
from patternscope.cli.progress import progress
from patternscope.cli.tables import (
    print_attack,
    print_faithfulness,
    print_left_out,
    print_outputs,
    print_summary,
    print_training,
)
from patternscope.errors import InputError
from patternscope.figures import figure_stages
from patternscope.figures.video import write_videos
from patternscope.settings.study import StudySettings
from patternscope.study.run import run_stages, run_study, saved_settings
from patternscope.study.stages import study_stages
from patternscope.workflow.cluster import ClusterExecutor
from patternscope.workflow.executors import process_pool
from patternscope.workflow.runner import RunSummary
from patternscope.workflow.stages import Stage


def all_stages(settings: StudySettings) -> tuple[Stage, ...]:
    """Return the stages of a study, and the figures and the atlas, which the study itself does not know."""
    return (*study_stages(settings), *figure_stages(settings), atlas_stage(settings))


def workers_of(workers: int, scheduler: str | None = None) -> Callable[[], Executor] | None:
    """Return a function that makes the executor of --workers or --scheduler; None for this process.

    InputError for fewer workers than one, and for both.
    """
    if scheduler is None:
        if workers < 1:
            raise InputError(f"--workers: saw {workers}, wanted 1 or more")
        return None if workers == 1 else lambda: process_pool(workers)
    if workers != 1:
        raise InputError("--workers and --scheduler: both are given; a cluster has its own workers")
    # A lost scheduler ends the run with a line of its own; its library's tracebacks would bury that.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    return lambda: ClusterExecutor(scheduler)


def run_and_print(
    folder: Path,
    settings: StudySettings,
    executor: Callable[[], Executor] | None = None,
    *,
    until: str | None = None,
    device: str = "auto",
) -> None:
    """Run a study and print what came of it. InputError as `run_study`."""
    with progress(sys.stderr) as report:
        summary = run_study(
            folder,
            settings,
            all_stages(settings),
            executor=executor,
            report=report,
            until=until,
            device=device,
            announce=say_budget,
        )
    _print_outcome(folder, settings, summary)


def run_part_and_print(folder: Path, part: str, executor: Callable[[], Executor] | None = None) -> None:
    """Bring the figures or the atlas of a study up to date and print what came of it.

    InputError as `run_stages`.
    """
    settings, _ = saved_settings(folder)
    with progress(sys.stderr) as report:
        summary = run_stages(folder, all_stages(settings), part, executor=executor, report=report)
    _print_outcome(folder, settings, summary)


def _print_outcome(folder: Path, settings: StudySettings, summary: RunSummary) -> None:
    """What was done, what was found, and where it is."""
    if summary.done:
        say(f"{folder}: ran {len(summary.done)} units, {len(summary.kept)} were up to date")
    else:
        say(f"{folder}: nothing to do, all {len(summary.kept)} units are up to date")
    print_left_out(folder, settings.images.samples_per_class)
    write_videos(folder / "figures")
    print_training(folder)
    print_summary(folder)
    if settings.faithfulness.enabled:
        print_faithfulness(folder)
    if settings.attack.enabled:
        print_attack(folder)
    if settings.distillation.enabled:
        print_students(folder)
    print_outputs(folder)
