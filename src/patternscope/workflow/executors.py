"""Executing units of work, in this process or in a pool of processes."""

import math
import multiprocessing
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any, NamedTuple

from patternscope.errors import InputError
from patternscope.workflow.disk_errors import plain_errors
from patternscope.workflow.manifest import seal
from patternscope.workflow.memory import give_back_memory
from patternscope.workflow.programs import Machine, limited_threads, this_machine
from patternscope.workflow.stages import InputUnit, Unit, UnitContext
from patternscope.workflow.store import Store

GUARD = (
    "a script that starts worker processes runs again in each of them; put its code below `if __name__ == '__main__':`"
)
RESTARTS = 3  # broken executors in one run before it gives up
_share: tuple[int, int] | None = None  # in a worker of a pool: its number, and the GPUs that the pool shares


@dataclass(frozen=True)
class Task:
    """Everything that a worker, here or elsewhere, needs to make one unit, as plain values that can be sent.

    `outside` tells whether the unit reads the user's files, which are on the machine of the run.
    """

    study: Path
    unit: Unit
    key: str
    run: Callable[[UnitContext], None]
    settings: Any
    inputs: tuple[InputUnit, ...]
    device: str = "cpu"
    threads: int | None = None
    outside: bool = False


class FinishedTask(NamedTuple):
    """The sealed folder of a finished unit, and the machine that made it."""

    folder: Path
    machine: Machine


def run_task(task: Task, report: Callable[[float, str], None] | None = None) -> FinishedTask:
    """Make the unit in a separate folder and seal it; the runner moves it into place.

    Each call has its own folder, so a task that a cluster runs twice cannot disturb itself. The folder is removed if
    the work fails.
    """
    store = Store(task.study)
    with plain_errors(task.study):
        partial = store.open_partial(task.unit)
        try:
            heard = report or _silent
            device = own_device(task.device)
            with limited_threads(task.threads):
                task.run(UnitContext(task.unit, partial, task.settings, task.inputs, heard, device))
                machine = this_machine(device)
            seal(partial, task.unit, task.key)
            return FinishedTask(partial, machine)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
        finally:
            give_back_memory()


def _silent(fraction: float, text: str) -> None:
    """Ignore the progress of a unit."""


class InProcessExecutor(Executor):
    """An executor that runs the work immediately, in the calling thread."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Call `fn` and return a future that already has its result or exception."""
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class ProcessPool(ProcessPoolExecutor):
    """New processes on this machine, each with its share of the threads and of the GPUs.

    `capacity` is their number. They end with their parent, even if it is killed.
    """

    def __init__(self, workers: int, gpus: int) -> None:
        end_without_guard()
        self.capacity = workers
        context = multiprocessing.get_context("spawn")
        threads = max(1, (os.cpu_count() or 1) // workers)
        self._started = context.Value("i", 0)
        super().__init__(
            workers, mp_context=context, initializer=_start_worker, initargs=(threads, self._started, gpus)
        )

    @property
    def has_begun(self) -> bool:
        """Tell whether any process has started to work."""
        return self._started.value > 0


def end_without_guard() -> None:
    """End a worker process that runs its script again while starting: no work may begin there."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        sys.exit(f"error: {GUARD}")


def process_pool(workers: int, gpus: int | None = None) -> ProcessPool:
    """Return a pool of `workers` processes that share this machine's threads and its GPUs.

    `gpus` is their number, by default all that torch sees; `own_device` assigns them. InputError
    for fewer workers than one.

    A script needs `if __name__ == "__main__":` around what it does: each process imports it.
    """
    if workers < 1:
        raise InputError(f"workers: expected 1 or more, got {workers}")
    return ProcessPool(workers, visible_gpus() if gpus is None else gpus)


def visible_gpus() -> int:
    """Return the number of GPUs that torch sees, 0 where torch is not installed.

    Torch is not imported at the top: a worker imports this module before its number of threads is set, and torch
    reads that once.
    """
    try:
        import torch
    except ImportError:
        return 0
    return torch.cuda.device_count() if torch.cuda.is_available() else 0


def own_device(asked: str) -> str:
    """Return the device on which this process computes if `asked` is the device of the run.

    For "auto" or "cuda", worker i of a pool that shares GPUs computes on GPU i modulo their number.

    >>> own_device("auto")
    'auto'
    """
    if _share is None or asked not in ("auto", "cuda"):
        return asked
    worker, gpus = _share
    return f"cuda:{worker % gpus}" if gpus else asked


class Workers:
    """The executor of a run: its capacity, and how to get another if its processes die.

    `executor` is None for this process, an executor, which is left open, or a function that makes one, which is closed
    with `stack`.
    """

    def __init__(self, executor: Executor | Callable[[], Executor] | None, stack: ExitStack) -> None:
        self.make = executor if callable(executor) else None
        self.stack = stack
        self.restarts = 0
        self.executor: Executor = InProcessExecutor() if executor is None else self._made(executor)

    def _made(self, executor: Executor | Callable[[], Executor]) -> Executor:
        """Return the given executor, or create one that is closed with the run."""
        return self.stack.enter_context(executor()) if callable(executor) else executor

    @property
    def capacity(self) -> float:
        """The number of units to run at once; more would wait in a queue that cannot be seen or reordered."""
        return getattr(self.executor, "capacity", math.inf)

    @property
    def far(self) -> bool:
        """Whether workers cannot see the study, nor any other file of this machine."""
        return getattr(self.executor, "exchange", None) is not None

    def submit(self, task: Task, report: Callable[[float, str], None]) -> Future[FinishedTask]:
        """Submit a task; only work in this process can report its progress."""
        if isinstance(self.executor, InProcessExecutor):
            return self.executor.submit(run_task, task, report)
        return self.executor.submit(run_task, task)

    def look_again(self) -> None:
        """Let the executor inform a waiting user."""
        look: Callable[[], None] | None = getattr(self.executor, "look_again", None)
        if look is not None:
            look()

    def explained(self, error: Exception) -> Exception:
        """Translate an exception of the executor itself."""
        explain = getattr(self.executor, "explained", None)
        return error if explain is None else explain(error)

    @property
    def have_begun(self) -> bool:
        """Tell whether any worker has started to work; True for other kinds of executors, where this is unknown."""
        return getattr(self.executor, "has_begun", True)

    def restart(self) -> bool:
        """Create new workers after some died; False if that is impossible or was tried often enough."""
        self.restarts += 1
        if self.make is None or self.restarts > RESTARTS:
            return False
        self.executor = self._made(self.make)
        return True


def _start_worker(threads: int, started: Any, gpus: int) -> None:
    """Give a worker its share of threads and GPUs, and let it end when its parent does, or at once by Ctrl-C."""
    global _share
    # Ctrl-C reaches the workers too, and Python would print a traceback for each.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    with started.get_lock():
        _share = (started.value, gpus)
        started.value += 1
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ[name] = str(threads)
    if "torch" in sys.modules:
        # The user's script imported it, and a spawned process runs the script's top before anything else.
        sys.modules["torch"].set_num_threads(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """Wait for the parent's end, then end: a killed run must not leave workers behind."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
