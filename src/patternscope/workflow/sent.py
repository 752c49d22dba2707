"""Tasks whose files pass through an object store: what a run sends, what a worker does, and what it returns."""

import os
import shutil
from collections.abc import Callable
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass, replace
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory
from threading import Event, Thread
from typing import NamedTuple

from patternscope.workflow.cache_keys import file_digest
from patternscope.workflow.disk_errors import plain_errors
from patternscope.workflow.exchange import Exchange
from patternscope.workflow.executors import FinishedTask, Task, run_task
from patternscope.workflow.manifest import MANIFEST_FILE, read_manifest, seal
from patternscope.workflow.programs import Machine
from patternscope.workflow.stages import Unit
from patternscope.workflow.store import Store
from patternscope.workflow.verification import checked_manifest

KEPT_BYTES = 16 * 2**30  # of fetched files that a worker caches for later units
Files = dict[str, tuple[int, str]]  # bytes and SHA-256 by name


@dataclass(frozen=True)
class SentTask:
    """A task and the files that it reads, by unit; they are in the exchange."""

    task: Task
    files: dict[Unit, Files]


class SentUnit(NamedTuple):
    """The files of a unit that a worker made and uploaded, and the machine."""

    files: Files
    machine: Machine


def send_inputs(task: Task, exchange: Exchange) -> SentTask:
    """Put the files that a task reads into the exchange; most were uploaded when they were made."""
    store, files = Store(task.study), {}
    for source in task.inputs:
        written = checked_manifest(store, source.unit).files
        files[source.unit] = {name: written[name] for name in source.files}
        for name, (_, digest) in files[source.unit].items():
            exchange.send(source.folder / name, digest)
    return SentTask(task, files)


def run_away(sent: SentTask, folder: Path, exchange: Exchange) -> SentUnit:
    """Make a unit on a worker, in a folder of its own: fetch its inputs, run it, upload its files."""
    with plain_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=folder) as place:
            return _made_in(Path(place), sent, FetchedFiles(folder / "fetched", exchange))


def _made_in(study: Path, sent: SentTask, kept: "FetchedFiles") -> SentUnit:
    """Make a unit in a folder that contains only its inputs from the study."""
    kept.forget(KEPT_BYTES - sum(size for files in sent.files.values() for size, _ in files.values()))
    for unit, files in sent.files.items():
        for name, (_, digest) in files.items():
            kept.put(digest, study / unit.path / name)
    inputs = tuple(replace(source, folder=study / source.unit.path) for source in sent.task.inputs)
    partial, machine = run_task(replace(sent.task, study=study, inputs=inputs))
    made = read_manifest(str(partial / MANIFEST_FILE)).files
    for name, (_, digest) in made.items():
        kept.exchange.send(partial / name, digest)
        kept.take(digest, partial / name)
    return SentUnit(made, machine)


def fetched(made: "Future[SentUnit]", task: Task, exchange: Exchange, ended: Event) -> "Future[FinishedTask]":
    """Return a future of the unit's folder in the study, whose files are fetched once a worker has made them.

    Each unit is fetched on its own thread, since the thread of the callback serves the whole cluster. Nothing is
    fetched once the run has `ended`.
    """
    here: Future[FinishedTask] = Future()
    here.set_running_or_notify_cancel()

    def receive(done: "Future[SentUnit]") -> None:
        try:
            here.set_result(_received(done.result(), task, exchange, ended))
        except BaseException as error:
            here.set_exception(error)

    made.add_done_callback(lambda done: Thread(target=receive, args=(done,), daemon=True).start())
    return here


def _received(sent: SentUnit, task: Task, exchange: Exchange, ended: Event) -> FinishedTask:
    """A sealed folder of a unit that was made elsewhere, with the same bytes as if made here."""
    with plain_errors(task.study):
        _refuse_after(ended)
        partial = Store(task.study).open_partial(task.unit)
        try:
            for name, (_, digest) in sent.files.items():
                _refuse_after(ended)
                (partial / name).parent.mkdir(parents=True, exist_ok=True)
                exchange.fetch(digest, partial / name)
            seal(partial, task.unit, task.key)
        except BaseException:
            shutil.rmtree(partial, ignore_errors=True)
            raise
    return FinishedTask(partial, sent.machine)


def _refuse_after(ended: Event) -> None:
    """Refuse to write into a study that is no longer locked."""
    if ended.is_set():
        raise CancelledError("the run has ended")


@dataclass(frozen=True)
class FetchedFiles:
    """A worker's cache of files that it has fetched or made, by SHA-256."""

    folder: Path
    exchange: Exchange

    def put(self, digest: str, path: Path) -> None:
        """Place a file, from the cache or fetched."""
        self.folder.mkdir(exist_ok=True)
        kept = self.folder / digest
        if not kept.exists() or file_digest(kept) != digest:
            self._keep(digest, lambda partial: self.exchange.fetch(digest, partial))
        os.utime(kept)
        path.parent.mkdir(parents=True, exist_ok=True)
        link_or_copy(kept, path)

    def take(self, digest: str, path: Path) -> None:
        """Cache a file that was made here."""
        self.folder.mkdir(exist_ok=True)
        if not (self.folder / digest).exists():
            self._keep(digest, lambda partial: link_or_copy(path, partial))

    def _keep(self, digest: str, write: Callable[[Path], None]) -> None:
        """Cache a file under its digest only once it is complete."""
        partial = self.folder / f"{digest}-{token_hex(4)}.partial"
        try:
            write(partial)
            partial.replace(self.folder / digest)
        finally:
            partial.unlink(missing_ok=True)

    def forget(self, limit: float) -> None:
        """Remove the least recently used files until the rest is within the limit."""
        found = [(path.stat(), path) for path in self.folder.glob("*")] if self.folder.is_dir() else []
        total = sum(state.st_size for state, _ in found)
        for state, path in sorted(found, key=lambda each: each[0].st_mtime):
            if total <= limit:
                return
            path.unlink()
            total -= state.st_size


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link a file, or copy it if the disk cannot."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)
