"""The state of a study's units (done, running, missing, stale or damaged); read-only, also during a run."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from patternscope.errors import InputError
from patternscope.workflow.event_log import EventLog, unit_times
from patternscope.workflow.manifest import DamagedUnit, Manifest
from patternscope.workflow.plan import Plan, unit_key
from patternscope.workflow.stages import Unit
from patternscope.workflow.store import Store

State = Literal["done", "dropped", "running", "missing", "stale", "damaged"]


@dataclass(frozen=True)
class UnitStatus:
    """State of one unit, with its bytes on disk and the seconds of its last or current run, if known.

    `unread` says why files outside the study (images, weights, code) could not be compared, if so; `damage` says what
    is wrong with a damaged unit.
    """

    unit: Unit
    state: State
    size: int | None = None
    seconds: float | None = None
    unread: str | None = None
    damage: str | None = None

    @property
    def up_to_date(self) -> bool:
        """Whether the unit exists and was made from the current inputs."""
        return self.state in {"done", "dropped"}


def study_status(folder: Path, plan: Plan, *, digests: bool = False) -> list[UnitStatus]:
    """Return the state of each unit of a study, in the order in which they run.

    "dropped" is done, and its bulk was removed when nothing needed it any more. "stale" exists but was made
    from other settings or inputs, or depends on a unit that is not done. "damaged" exists, but a file is missing or has
    another size or, with `digests`, another content. If files outside the study cannot be read any more, a complete
    unit is accepted and `unread` says why. InputError for a store of another version. Cost: reads manifests, no arrays;
    with `digests` all files.
    """
    store = Store(folder)
    times = unit_times(EventLog(folder))
    begun = times.begun if store.is_locked() else {}
    done: dict[Unit, Manifest] = {}
    found = []
    for unit in plan.units:
        state, manifest, text = _state(store, plan, unit, done, digests)
        if state in {"done", "dropped"} and manifest is not None:
            done[unit] = manifest
        size = None if manifest is None else manifest.size
        if unit.path in begun and state != "done":
            found.append(UnitStatus(unit, "running", size, max(0.0, time.time() - begun[unit.path])))
        else:
            texts = (None, text) if state == "damaged" else (text, None)
            found.append(UnitStatus(unit, state, size, times.seconds.get(unit.path), *texts))
    return found


def _state(
    store: Store, plan: Plan, unit: Unit, done: dict[Unit, Manifest], digests: bool
) -> tuple[State, Manifest | None, str | None]:
    """State of one unit, given the units done before it, its damage, or why files outside were not compared."""
    try:
        manifest = store.manifest(unit)
        if manifest is None:
            return "missing", None, None
        store.verify(unit, manifest, digests=digests)
    except DamagedUnit as damage:
        return "damaged", None, str(damage)
    if any(source not in done for _, source in plan.needs[unit]):
        return "stale", manifest, None
    unread = None
    try:
        if manifest.key != unit_key(plan, unit, done):
            return "stale", manifest, None
    except InputError as error:
        # A study that was moved elsewhere is complete without the images and the code it was made from.
        unread = str(error)
    return ("dropped" if manifest.dropped else "done"), manifest, unread
