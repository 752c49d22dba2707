"""Running the units that are missing, stale or damaged, as soon as their inputs are ready."""

import heapq
import math
import time
from collections.abc import Callable, Collection
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from patternscope.errors import InputError
from patternscope.workflow.cache_keys import only_chosen
from patternscope.workflow.disk_errors import plain_errors
from patternscope.workflow.event_log import EventLog
from patternscope.workflow.executors import GUARD, FinishedTask, Task, Workers, end_without_guard
from patternscope.workflow.intermediates import BulkDropper, dropped_inputs
from patternscope.workflow.interrupts import kept_interrupts
from patternscope.workflow.manifest import DamagedUnit, Manifest
from patternscope.workflow.plan import Plan, reads_outside, unit_inputs, unit_key, until_stage
from patternscope.workflow.programs import program_versions
from patternscope.workflow.stages import Unit
from patternscope.workflow.store import Store

LOOK_AGAIN = 2.0  # seconds between checks for new workers of a cluster


@dataclass(frozen=True)
class Event:
    """An event of a run: a unit is planned, kept, begun, under way, done, failed, or found damaged."""

    kind: Literal["planned", "kept", "begin", "progress", "done", "failed", "damaged"]
    unit: Unit
    weight: float = 1.0
    fraction: float = 0.0
    seconds: float = 0.0
    text: str = ""


@dataclass
class RunSummary:
    """The units that a run made, those that were up to date, and the damaged ones that it repaired."""

    done: list[Unit] = field(default_factory=list)
    kept: list[Unit] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)

    def then(self, later: "RunSummary") -> "RunSummary":
        """Merge this run and a later one: the units made by either are done, the rest is kept."""
        done = list(dict.fromkeys(self.done + later.done))
        kept = [unit for unit in later.kept if unit not in set(done)]
        return RunSummary(done, kept, self.damaged + later.damaged)


def run_units(
    folder: Path,
    plan: Plan,
    *,
    executor: Executor | Callable[[], Executor] | None = None,
    report: Callable[[Event], None] | None = None,
    until: str | None = None,
    device: str = "cpu",
    keep_bulk: bool = True,
    given: Collection[Unit] = (),
) -> RunSummary:
    """Bring a study up to date: run only the units that are missing, stale or damaged.

    `executor` is where they run: None for this process, an executor, which is left open, or a function that makes one,
    which is closed at the end and replaced when a worker dies. The bytes written depend on none of these, nor on how
    often the run was killed. `device` is where networks and fits run, as torch names it, or "auto". Without
    `keep_bulk`, files that stages declare as bulk are removed when all their readers are done, and made again when a
    reader must run. Units that are `given` are known to be up to date; with any, study.json is not changed.

    InputError for a folder that cannot be used and for bad input found by a stage; units that are running then still
    finish and are kept.
    """
    end_without_guard()
    part = until_stage(plan, until)
    store = Store(folder)
    journal = EventLog(folder)
    with store.locked(), plain_errors(folder), ExitStack() as stack:
        record = None if given else study_record(plan)
        if record is not None:
            # A run with nothing to do computed nothing, and keeps the recorded versions.
            store.write_study(record, keep=("versions",))
        check = stack.enter_context(kept_interrupts())

        def checked(event: Event) -> None:
            check()
            if report is not None:
                report(event)

        host = _Host(store, journal, Workers(executor, stack), checked, device, record)
        dropper = None if keep_bulk else BulkDropper(plan, store, journal)
        run = _Run(part, host, dropper, given)
        summary = run.loop()
        while run.remade:
            # Dropped files were made again with different content: check again the units that read them.
            run = _Run(part, host, dropper, given)
            summary = summary.then(run.loop())
        check()
        return summary


def study_record(plan: Plan) -> dict[str, Any]:
    """Return the content of study.json: settings, axes, seed and the versions of the programs."""
    dumped = plan.settings.model_dump(mode="json")
    return {
        "settings": dumped,
        "seed": dumped.get("seed"),
        "checkpoints": plan.axes.checkpoints,
        "layers": list(plan.axes.layers),
        "versions": program_versions(),
    }


@dataclass(frozen=True)
class _Host:
    """The objects of a run; `record` is written into study.json, None leaves it unchanged."""

    store: Store
    journal: EventLog
    workers: Workers
    report: Callable[[Event], None]
    device: str
    record: dict[str, Any] | None


class _Run:
    """One run: units waiting for inputs, units ready, units under way."""

    def __init__(self, plan: Plan, host: _Host, dropper: BulkDropper | None, given: Collection[Unit]) -> None:
        self.plan, self.dropper, self.device = plan, dropper, host.device
        self.summary = RunSummary()
        self.store, self.journal, self.workers = host.store, host.journal, host.workers
        self.report, self.given, self.record = host.report, given, host.record
        self.manifests: dict[Unit, Manifest] = {}
        self.places = {unit: place for place, unit in enumerate(plan.units)}
        self.waiting = {unit: {source for _, source in plan.needs[unit]} for unit in plan.units}
        self.readers = plan.readers
        self.ready: list[tuple[bool, int, Unit]] = []
        self.under_way: dict[Future[FinishedTask], tuple[Unit, float]] = {}
        self.failure: Exception | None = None
        self.lost: list[Unit] = []
        self.restoring: set[Unit] = set()
        self.remade = False
        for unit in plan.units:
            if not self.waiting[unit]:
                self._make_ready(unit)

    def loop(self) -> RunSummary:
        """Run until nothing is ready or under way; raise the first failure at the end."""
        self.journal.write("run", units=len(self.plan.units))
        for unit in self.plan.units:
            self.report(Event("planned", unit, self.plan.stage(unit).weight))
        while self.ready or self.under_way or self.lost:
            self._start_ready()
            if self.under_way:
                done, _ = wait(self.under_way, timeout=LOOK_AGAIN, return_when=FIRST_COMPLETED)
                for future in done:
                    self._collect(future)
                if not done:
                    self.workers.look_again()
            elif self.lost:
                self._restart()
            if self.failure is not None and not self.under_way:
                raise self.failure
        summary = RunSummary().then(self.summary)
        self.journal.write("end", done=len(summary.done), kept=len(summary.kept))
        return summary

    def _make_ready(self, unit: Unit) -> None:
        """Add a unit to those that can start: in the plan's order, but units whose bulk will be dropped come last."""
        late = self.dropper is not None and bool(self.plan.stage(unit).bulk)
        heapq.heappush(self.ready, (late, self.places[unit], unit))

    def _start_ready(self) -> None:
        """Start ready units until the workers are busy or a finished unit can be published."""
        while self.ready and self.failure is None and not self.lost:
            if len(self.under_way) >= self.workers.capacity:
                return
            _, _, unit = heapq.heappop(self.ready)
            given = self.store.manifest(unit) if unit in self.given else None
            key = unit_key(self.plan, unit, self.manifests) if given is None else given.key
            manifest = None if unit in self.restoring else given or self._valid(unit, key)
            if manifest is not None:
                self.summary.kept.append(unit)
                self._settle(unit, manifest, Event("kept", unit, self.plan.stage(unit).weight))
                continue
            dropped = dropped_inputs(self.plan, unit, self.manifests)
            if dropped:
                self._restore(dropped, unit)
            elif self._start(unit, key).done():
                return

    def _restore(self, sources: list[Unit], reader: Unit) -> None:
        """Make dropped files again before a unit that reads them."""
        for source in sources:
            self.waiting[reader].add(source)
            self.readers[source].append(reader)
            if source not in self.restoring:
                self.restoring.add(source)
                self.report(Event("planned", source, self.plan.stage(source).weight))
                self._make_ready(source)

    def _valid(self, unit: Unit, key: str) -> Manifest | None:
        """Return the manifest of a unit that exists, is complete and was made from the same inputs, else None."""
        try:
            manifest = self.store.manifest(unit)
            if manifest is None or manifest.key != key:
                return None
            self.store.verify(unit, manifest)
        except DamagedUnit as damage:
            self.summary.damaged.append(str(damage))
            self.journal.write("damaged", unit=unit.path, text=str(damage))
            self.report(Event("damaged", unit, text=str(damage)))
            return None
        return manifest

    def _start(self, unit: Unit, key: str) -> Future[FinishedTask]:
        """Submit a unit to the workers."""
        stage = self.plan.stage(unit)
        inputs = unit_inputs(self.plan, unit, self.manifests, self.store)
        settings = only_chosen(self.plan.resolved, stage.settings)
        outside = self.workers.far and reads_outside(self.plan, unit)
        study = self.store.folder.resolve()
        task = Task(study, unit, key, stage.run, settings, inputs, self.device, stage.threads, outside)
        if self.record is not None:
            self.store.write_study(self.record)
            self.record = None
        self.journal.write("begin", unit=unit.path)
        self.report(Event("begin", unit, stage.weight))
        begun = time.perf_counter()

        def progress(fraction: float, text: str) -> None:
            self.report(Event("progress", unit, stage.weight, fraction, text=text))

        try:
            future = self.workers.submit(task, progress)
        except BrokenExecutor as error:
            future = Future()
            future.set_exception(error)
        self.under_way[future] = (unit, begun)
        return future

    def _collect(self, future: Future[FinishedTask]) -> None:
        """Publish a finished unit, or record its failure."""
        unit, begun = self.under_way.pop(future)
        try:
            partial, machine = future.result()
        except (BrokenExecutor, CancelledError):
            # A user's executor can cancel units, too; nothing is lost only if a failure came before.
            self.lost.append(unit)
            return
        except Exception as error:
            self._fail(unit, self.workers.explained(error))
            return
        self.store.publish(unit, partial)
        manifest = self.store.manifest(unit)
        if manifest is None:
            raise DamagedUnit(f"{unit.path} vanished while it was written")
        seconds = time.perf_counter() - begun
        self.summary.done.append(unit)
        self.journal.write("done", unit=unit.path, seconds=round(seconds, 3), bytes=manifest.size, **vars(machine))
        if unit in self.restoring:
            self.restoring.discard(unit)
            self.remade = self.remade or manifest.files != self.manifests[unit].files
        self._settle(unit, manifest, Event("done", unit, self.plan.stage(unit).weight, 1.0, seconds))

    def _settle(self, unit: Unit, manifest: Manifest, event: Event) -> None:
        """Note that a unit is up to date, and release the units that only waited for it."""
        self.manifests[unit] = manifest
        self.report(event)
        for reader in self.readers[unit]:
            self.waiting[reader].discard(unit)
            if not self.waiting[reader]:
                self._make_ready(reader)
        self.readers[unit] = []
        if self.dropper is not None and not self.remade:
            self.dropper.after(unit, self.manifests)

    def _fail(self, unit: Unit, error: Exception) -> None:
        """Keep the first failure, and start nothing new."""
        self.journal.write("failed", unit=unit.path, text=f"{type(error).__name__}: {error}")
        self.report(Event("failed", unit, text=str(error)))
        if self.failure is None:
            self.failure = _located(unit, error)
        if math.isinf(self.workers.capacity):
            for future in self.under_way:
                future.cancel()

    def _restart(self) -> None:
        """Run lost units again with new workers."""
        if not self.workers.have_begun:
            self.failure = InputError(f"workers: the worker processes ended before they began; {GUARD}")
            return
        if not self.workers.restart():
            names = ", ".join(unit.path for unit in self.lost[:3])
            self.failure = InputError(
                f"workers: a worker process was killed (out of memory?) while at {names}; "
                "finished units are kept: run again, perhaps with fewer workers"
            )
            return
        for unit in self.lost:
            self._make_ready(unit)
        self.lost.clear()


def _located(unit: Unit, error: Exception) -> Exception:
    """Add the unit to an error."""
    if isinstance(error, InputError):
        located = InputError(f"{unit.path}: {error}")
        located.__cause__ = error
        return located
    error.add_note(f"while working on the unit {unit.path}")
    return error
