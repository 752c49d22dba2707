"""Running what has to be run: what is missing, stale or damaged, as soon as its inputs are there."""

import heapq
import platform
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import ExitStack
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel

from patternscope.errors import InputError
from patternscope.study.execution import InProcessExecutor, Task, run_task
from patternscope.study.journal import Journal
from patternscope.study.keys import only_chosen
from patternscope.study.plan import Plan, make_plan, unit_inputs, unit_key, until_stage
from patternscope.study.stage import Axes, Stage, Unit
from patternscope.study.store import DamagedUnit, Manifest, Store, plain_errors

RESTARTS = 3  # pools of processes that may break in one run before it gives up


@dataclass(frozen=True)
class Event:
    """Something a run has to say: a unit is planned, kept, begun, under way, done, failed, or found damaged.

    Source: this project.
    """

    kind: Literal["planned", "kept", "begin", "progress", "done", "failed", "damaged"]
    unit: Unit
    weight: float = 1.0
    fraction: float = 0.0
    seconds: float = 0.0
    text: str = ""


@dataclass
class RunSummary:
    """Which units a run did, which it found up to date, and what damage it found and mended.

    Source: this project.
    """

    done: list[Unit] = field(default_factory=list)
    kept: list[Unit] = field(default_factory=list)
    damaged: list[str] = field(default_factory=list)


def run_units(
    folder: Path,
    settings: BaseModel,
    stages: Sequence[Stage],
    axes: Axes,
    *,
    executor: Executor | Callable[[], Executor] | None = None,
    report: Callable[[Event], None] | None = None,
    until: str | None = None,
    device: str = "cpu",
) -> RunSummary:
    """Bring a study up to date: run the units that are missing, stale or damaged, and nothing else.

    `executor` is where they run: None for this process, an executor that is used and left open, or a
    function that makes one, which is closed at the end and made again when a worker dies. The bytes written
    depend on none of these, nor on how often the run was killed. `device` is where networks and fits run, as
    torch names it, or "auto". Source: this project.

    InputError for a folder that cannot be used and for what a stage finds wrong in its input; units that
    were running then still finish and are kept.
    """
    plan = until_stage(make_plan(settings, stages, axes), until)
    store = Store(folder)
    with store.locked(), plain_errors(folder), ExitStack() as stack:
        store.write_study(study_record(settings, axes))
        workers = _Workers(executor, stack)
        return _Run(plan, store, workers, report or (lambda event: None), device).loop()


def study_record(settings: BaseModel, axes: Axes) -> dict[str, Any]:
    """Return the content of study.json: settings, axes, seed and the versions of the programs.

    Source: this project.
    """
    dumped = settings.model_dump(mode="json")
    names = ("patternscope", "torch", "torchvision", "numpy", "safetensors")
    return {
        "settings": dumped,
        "seed": dumped.get("seed"),
        "checkpoints": axes.checkpoints,
        "layers": list(axes.layers),
        "versions": {"python": platform.python_version(), **{name: version(name) for name in names}},
    }


class _Workers:
    """The executor of a run, and how to get another when its processes die."""

    def __init__(self, executor: Executor | Callable[[], Executor] | None, stack: ExitStack) -> None:
        self.make = executor if callable(executor) else None
        self.stack = stack
        self.restarts = 0
        self.executor: Executor = InProcessExecutor() if executor is None else self._made(executor)

    def _made(self, executor: Executor | Callable[[], Executor]) -> Executor:
        """Return the given executor, or make one that is closed with the run."""
        return self.stack.enter_context(executor()) if callable(executor) else executor

    def submit(self, task: Task, report: Callable[[float, str], None]) -> Future[Path]:
        """Hand a task over; only work in this process can tell how far it is."""
        if isinstance(self.executor, InProcessExecutor):
            return self.executor.submit(run_task, task, report)
        return self.executor.submit(run_task, task)

    def restart(self) -> bool:
        """Make new workers after some died; False when that is impossible or was tried often enough."""
        self.restarts += 1
        if self.make is None or self.restarts > RESTARTS:
            return False
        self.executor = self._made(self.make)
        return True


class _Run:
    """One run: units waiting for inputs, units ready, units under way."""

    def __init__(
        self, plan: Plan, store: Store, workers: _Workers, report: Callable[[Event], None], device: str
    ) -> None:
        self.plan, self.store, self.workers, self.report, self.device = plan, store, workers, report, device
        self.journal = Journal(store.folder)
        self.summary = RunSummary()
        self.manifests: dict[Unit, Manifest] = {}
        self.places = {unit: place for place, unit in enumerate(plan.units)}
        self.waiting = {unit: {source for _, source in plan.needs[unit]} for unit in plan.units}
        self.readers: dict[Unit, list[Unit]] = {}
        for reader, sources in self.waiting.items():
            for source in sources:
                self.readers.setdefault(source, []).append(reader)
        self.ready: list[tuple[int, Unit]] = [(self.places[u], u) for u in plan.units if not self.waiting[u]]
        self.under_way: dict[Future[Path], tuple[Unit, float]] = {}
        self.failure: Exception | None = None
        self.lost: list[Unit] = []

    def loop(self) -> RunSummary:
        """Run until nothing is ready or under way; raise the first failure at the end."""
        self.journal.write("run", units=len(self.plan.units))
        for unit in self.plan.units:
            self.report(Event("planned", unit, self.plan.stage(unit).weight))
        while self.ready or self.under_way or self.lost:
            self._start_ready()
            if self.under_way:
                done, _ = wait(self.under_way, return_when=FIRST_COMPLETED)
                for future in done:
                    self._collect(future)
            elif self.lost:
                self._restart()
            if self.failure is not None and not self.under_way:
                raise self.failure
        self.journal.write("end", done=len(self.summary.done), kept=len(self.summary.kept))
        return self.summary

    def _start_ready(self) -> None:
        """Start what is ready, in the plan's order, until something is finished and can be published."""
        while self.ready and self.failure is None and not self.lost:
            _, unit = heapq.heappop(self.ready)
            key = unit_key(self.plan, unit, self.manifests)
            manifest = self._valid(unit, key)
            if manifest is not None:
                self.summary.kept.append(unit)
                self._settle(unit, manifest, Event("kept", unit, self.plan.stage(unit).weight))
            elif self._start(unit, key).done():
                return

    def _valid(self, unit: Unit, key: str) -> Manifest | None:
        """Return the manifest of a unit that is there, whole and made from the same, else None."""
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

    def _start(self, unit: Unit, key: str) -> Future[Path]:
        """Hand a unit to the workers."""
        stage = self.plan.stage(unit)
        inputs = unit_inputs(self.plan, unit, self.manifests, self.store)
        settings = only_chosen(self.plan.settings, stage.settings)
        task = Task(self.store.folder.resolve(), unit, key, stage.run, settings, inputs, self.device)
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

    def _collect(self, future: Future[Path]) -> None:
        """Put a finished unit in its place, or note why there is none."""
        unit, begun = self.under_way.pop(future)
        try:
            partial = future.result()
        except CancelledError:
            return
        except BrokenExecutor:
            self.lost.append(unit)
            return
        except Exception as error:
            self._fail(unit, error)
            return
        self.store.publish(unit, partial)
        manifest = self.store.manifest(unit)
        if manifest is None:
            raise DamagedUnit(f"{unit.path} vanished while it was written")
        seconds = time.perf_counter() - begun
        self.summary.done.append(unit)
        self.journal.write("done", unit=unit.path, seconds=round(seconds, 3), bytes=manifest.size)
        self._settle(unit, manifest, Event("done", unit, self.plan.stage(unit).weight, 1.0, seconds))

    def _settle(self, unit: Unit, manifest: Manifest, event: Event) -> None:
        """Note that a unit is up to date, and make ready what waited for it alone."""
        self.manifests[unit] = manifest
        self.report(event)
        for reader in self.readers.pop(unit, ()):
            self.waiting[reader].discard(unit)
            if not self.waiting[reader]:
                heapq.heappush(self.ready, (self.places[reader], reader))

    def _fail(self, unit: Unit, error: Exception) -> None:
        """Keep the first failure, and let nothing new start."""
        self.journal.write("failed", unit=unit.path, text=f"{type(error).__name__}: {error}")
        self.report(Event("failed", unit, text=str(error)))
        if self.failure is None:
            self.failure = _located(unit, error)
        for future in self.under_way:
            future.cancel()

    def _restart(self) -> None:
        """Run lost units again with new workers."""
        if not self.workers.restart():
            names = ", ".join(unit.path for unit in self.lost[:3])
            self.failure = InputError(
                f"workers: a worker process was killed (out of memory?) while at {names}; "
                "finished units are kept: run again, perhaps with fewer workers"
            )
            return
        for unit in self.lost:
            heapq.heappush(self.ready, (self.places[unit], unit))
        self.lost.clear()


def _located(unit: Unit, error: Exception) -> Exception:
    """Say in which unit an error arose."""
    if isinstance(error, InputError):
        located = InputError(f"{unit.path}: {error}")
        located.__cause__ = error
        return located
    error.add_note(f"while working on the unit {unit.path}")
    return error
