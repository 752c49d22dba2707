"""Doing one unit of work, and where: in this process, or in a pool of processes."""

import multiprocessing
import os
import shutil
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from patternscope.errors import InputError
from patternscope.study.stage import InputUnit, Unit, UnitContext
from patternscope.study.store import Store, plain_errors, seal


@dataclass(frozen=True)
class Task:
    """All that a worker, here or elsewhere, needs to make one unit; plain values that can be sent.

    Source: this project.
    """

    study: Path
    unit: Unit
    key: str
    run: Callable[[UnitContext], None]
    settings: Any
    inputs: tuple[InputUnit, ...]
    device: str = "cpu"


def run_task(task: Task, report: Callable[[float, str], None] | None = None) -> Path:
    """Make the unit in a folder of its own and return that folder, sealed; the runner puts it in its place.

    Each call has its own folder, so a task that a cluster runs twice cannot disturb itself. The folder goes
    when the work fails. Source: this project.
    """
    store = Store(task.study)
    with plain_errors(task.study):
        partial = store.open_partial(task.unit)
        try:
            heard = report or _silent
            task.run(UnitContext(task.unit, partial, task.settings, task.inputs, heard, task.device))
            seal(partial, task.unit, task.key)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return partial


def _silent(fraction: float, text: str) -> None:
    """Hear how far a unit is, and say nothing."""


class InProcessExecutor(Executor):
    """An executor that does the work at once, in the calling thread. Source: this project."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call `fn` and return a future that already holds its result or exception."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


def process_pool(workers: int) -> ProcessPoolExecutor:
    """Return a pool of `workers` fresh processes, each with its share of this machine's threads.

    Source: this project. InputError for fewer than one. The processes end with their parent, even when it is
    killed.
    """
    if workers < 1:
        raise InputError(f"workers: {workers} asked for; wanted 1 or more")
    threads = max(1, (os.cpu_count() or 1) // workers)
    return ProcessPoolExecutor(
        workers,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_start_worker,
        initargs=(threads,),
    )


def _start_worker(threads: int) -> None:
    """Give a worker its share of threads, and let it end when its parent does."""
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the parent's end, then end: a killed run must not leave workers behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
