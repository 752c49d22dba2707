"""Running a study with its figures and its page, on this machine or others."""

import logging
from collections.abc import Callable
from concurrent.futures import Executor
from pathlib import Path

from patternscope.api.stages import pages_of
from patternscope.api.study import Study, open_study
from patternscope.errors import InputError
from patternscope.figures.drawing.video import write_videos
from patternscope.settings.study import StudySettings, load_settings
from patternscope.study.budget import Budget
from patternscope.study.run import run_analysis
from patternscope.workflow.cluster import ClusterExecutor
from patternscope.workflow.exchange import Exchange
from patternscope.workflow.executors import end_without_guard, process_pool
from patternscope.workflow.runner import Event

RUNS = Path("runs")
MakeExecutor = Callable[[], Executor]


def run_study(
    settings: StudySettings | str | Path,
    folder: str | Path | None = None,
    *,
    workers: int = 1,
    scheduler: str | None = None,
    exchange: str | None = None,
    until: str | None = None,
    device: str = "auto",
    report: Callable[[Event], None] | None = None,
    announce: Callable[[Budget], None] | None = None,
) -> Study:
    """Bring a study up to date, figures and atlas included, as `patternscope run` does; what is up to date is reused.

    Args:
        settings: a study's settings, or its TOML file.
        folder: of the study; by default runs/NAME for NAME.toml, and runs/study.
        workers: processes that share the work. scheduler: address of a Dask scheduler whose workers share it instead.
        exchange: address of an object store (s3://bucket/folder) that files pass through, for workers that do not see
            the study's folder.
        until: last stage to run. device: "auto", "cpu", "cuda", "cuda:1" or "mps".
        report: called for each unit that begins or ends. announce: called first, with the estimated cost.

    Raises:
        InputError: settings, images, networks and folders that cannot be used.
    """
    if not isinstance(settings, StudySettings):
        folder = RUNS / Path(settings).stem if folder is None else folder
        settings = load_settings(settings)
    folder = RUNS / "study" if folder is None else Path(folder)
    executor = executor_of(workers, scheduler, exchange)
    run_analysis(
        folder, settings, pages_of, executor=executor, report=report, until=until, device=device, announce=announce
    )
    write_videos(folder / "figures")
    return open_study(folder)


def executor_of(workers: int, scheduler: str | None = None, exchange: str | None = None) -> MakeExecutor | None:
    """Return a function that makes the executor for a number of workers, or for a scheduler; None for this process.

    InputError for fewer workers than one, for both, and for an exchange without a scheduler.
    """
    end_without_guard()
    if scheduler is None:
        if exchange is not None:
            raise InputError("exchange: expected a scheduler as well, got none; workers of this machine see the study")
        if workers < 1:
            raise InputError(f"workers: expected 1 or more, got {workers}")
        return None if workers == 1 else lambda: process_pool(workers)
    if workers != 1:
        raise InputError("workers and scheduler: expected one of them, got both; a cluster has its own workers")
    # A lost scheduler ends the run with a one-line error, which its library's tracebacks would bury.
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    return lambda: ClusterExecutor(scheduler, None if exchange is None else Exchange(exchange))
