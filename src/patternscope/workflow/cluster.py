"""Units on a Dask cluster: workers on many machines, with a shared folder or an object store."""

import asyncio
import warnings
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any

from patternscope.errors import InputError, fault
from patternscope.workflow.exchange import Exchange
from patternscope.workflow.executors import InProcessExecutor, Task
from patternscope.workflow.programs import program_versions
from patternscope.workflow.sent import SentTask, SentUnit, fetched, run_away, send_inputs
from patternscope.workflow.store import STUDY_FILE

ANSWER_SECONDS = 10.0


class ClusterExecutor(Executor):
    """Hands units to the workers of a Dask scheduler; a worker that dies has its unit run again elsewhere.

    With an `exchange`, workers need not see the study's folder: files pass through the object store, and units that
    read files outside the study (the user's images, weights, code) run in this process. `capacity` is the current
    number of workers, each of which makes one unit at a time. InputError if the extra "cluster" is not installed, no
    scheduler answers at `address`, or the store cannot be used.
    """

    def __init__(self, address: str, exchange: Exchange | None = None) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise InputError(
                "scheduler: a Dask cluster needs the extra: pip install 'patternscope[cluster]'"
            ) from error
        call_scheduler(address)
        if exchange is not None:
            exchange.check()
        self.address, self.exchange, self.said, self.ended = address, exchange, False, Event()
        self.client = Client(address, timeout=ANSWER_SECONDS, set_as_default=False)
        self.executor = self.client.get_executor(pure=False)
        self.look_again()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for running units, but not after an error or Ctrl-C: without workers they would never end."""
        self.shutdown(wait=kind is None, cancel_futures=kind is not None)

    @property
    def workers(self) -> int | None:
        """The current number of workers, None if the scheduler does not report it."""
        try:
            found: Any = self.client.nthreads()
        except OSError:
            return None
        return len(found)

    @property
    def capacity(self) -> int:
        """The current number of workers, at least 1, so that a unit waits for the first worker."""
        return self.workers or 1

    def look_again(self) -> None:
        """Warn, once until a worker appears, that there is none."""
        workers = self.workers
        if workers == 0 and not self.said:
            warnings.warn(f"the cluster at {self.address} has no worker; waiting for one", stacklevel=3)
        self.said = workers == 0 or (self.said and workers is None)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Have a worker call `fn(task)`, after checking that it is fit for the study."""
        (task,) = args
        if self.exchange is None:
            return self.executor.submit(run_on_worker, program_versions(), fn, task)
        if task.outside:
            return InProcessExecutor().submit(fn, task)
        try:
            sent = send_inputs(task, self.exchange)
        except InputError as error:
            # The unit failed, and the run ends as for any other failure: running units are finished and kept.
            failed: Future[Any] = Future()
            failed.set_exception(error)
            return failed
        made = self.executor.submit(run_on_distant_worker, program_versions(), sent, self.exchange)
        return fetched(made, task, self.exchange, self.ended)

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Disconnect from the scheduler; the cluster keeps running."""
        self.ended.set()
        self.executor.shutdown(wait=wait and not cancel_futures)
        self.client.close()

    def explained(self, error: Exception) -> Exception:
        """Translate an exception of the cluster itself."""
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return InputError(
                "every worker that tried this unit died (out of memory?); finished units are kept: "
                "run again with more memory a worker"
            )
        if isinstance(error, ModuleNotFoundError) and "patternscope" in str(error):
            return InputError("the cluster's workers cannot import patternscope; install it there too")
        return error


def call_scheduler(address: str) -> None:
    """Refuse an address where no scheduler answers; a client without one would complain again on deletion."""
    from distributed.comm.core import connect
    from distributed.security import Security

    async def call() -> None:
        comm = await connect(address, timeout=ANSWER_SECONDS, **Security().get_connection_args("client"))
        await comm.close()

    expected = "scheduler: expected the address that `dask scheduler` prints, such as tcp://10.0.0.1:8786, got "
    try:
        # A separate thread, since a notebook's has a running event loop.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(asyncio.run, call()).result()
    except (OSError, ValueError) as error:
        raise InputError(f"{expected}{address!r}, where none answers") from error
    except Exception as error:
        # A protocol without its certificates or library may raise errors of any type.
        raise InputError(f"{expected}{address!r}, which cannot be used here ({fault(error)})") from error


def run_on_worker(versions: dict[str, str], fn: Callable[..., Any], task: Task) -> Any:
    """Call `fn(task)` on a Dask worker, if the result would be the same there as here.

    InputError for a worker with other versions of the programs, one that makes several units at once in one process
    (which figures and thread counts do not support), or one that does not see the study's folder.
    """
    from distributed import get_worker

    worker = get_worker()
    check_worker(worker.address, worker.state.nthreads, versions, task.study)
    return fn(task)


def run_on_distant_worker(versions: dict[str, str], sent: SentTask, exchange: Exchange) -> SentUnit:
    """Make a unit on a Dask worker that need not see the study's folder; InputError as in `run_on_worker`."""
    from distributed import get_worker

    worker = get_worker()
    check_worker(worker.address, worker.state.nthreads, versions, None)
    return run_away(sent, Path(worker.local_directory) / "patternscope", exchange)


def check_worker(address: str, units_at_once: int, versions: dict[str, str], study: Path | None) -> None:
    """Refuse a worker that is unfit for a study, with one line that says what to change."""
    if units_at_once != 1:
        raise InputError(
            f"worker {address}: expected 1 unit at once, got {units_at_once}; start it with --nthreads 1 and give it "
            "cores by OMP_NUM_THREADS (dask-jobqueue: cores=1, job_cpu=...)"
        )
    there = program_versions()
    for name, expected in versions.items():
        if there[name] != expected:
            raise InputError(f"worker {address}: expected {name} {expected} as in the run, got {there[name]}")
    if study is not None and not (study / STUDY_FILE).is_file():
        raise InputError(
            f"worker {address}: expected the study at {study}, in a folder that all machines share, got none; "
            "without such a folder pass files through an object store (--exchange s3://bucket/folder)"
        )
