"""What ran when, and how long it took: kept separately from the units, whose bytes must not depend on the clock."""

import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from patternscope.atomic import is_regular
from patternscope.errors import InputError
from patternscope.workflow.programs import Machine

EVENTS_FILE = "events.jsonl"


class EventLog:
    """Lines of JSON appended to the study's events.jsonl; a half line of a killed run is skipped."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / EVENTS_FILE

    def write(self, event: str, **facts: Any) -> None:
        """Append one event with the time in seconds since 1970."""
        line = json.dumps({"time": round(time.time(), 3), "event": event, **facts}, sort_keys=True)
        if os.path.lexists(self.path) and not is_regular(self.path):
            raise InputError(f"{self.path}: expected a file or none, got a link or something else; remove it")
        with open(self.path, "a", encoding="utf-8", opener=_open_no_link) as file:
            # A killed run can leave a line without its end; starting on a new line keeps it from taking ours
            # along.
            file.write(("\n" if _ends_open(self.path) else "") + line + "\n")

    def events(self) -> Iterator[dict[str, Any]]:
        """Yield all readable events, oldest first; none without a journal."""
        if not is_regular(self.path):
            return
        with self.path.open(encoding="utf-8", errors="replace") as file:
            for line in file:
                try:
                    event = json.loads(line)
                except (ValueError, RecursionError):
                    continue
                if isinstance(event, dict) and "event" in event:
                    yield event


@dataclass(frozen=True)
class UnitTimes:
    """The seconds of each unit's last finished run, and the start times of units that the last run did not end.

    The time is that of `time.time()`.
    """

    seconds: dict[str, float]
    begun: dict[str, float]


def unit_machines(journal: EventLog) -> dict[str, Machine]:
    """Return the machine that last made each unit, as far as the journal has it."""
    found: dict[str, Machine] = {}
    for event in journal.events():
        if event["event"] == "done" and isinstance(event.get("processor"), str):
            threads = event.get("threads")
            found[str(event.get("unit", ""))] = Machine(event["processor"], threads if type(threads) is int else None)
    return found


def unit_times(journal: EventLog) -> UnitTimes:
    """Return the journal's entries about each unit."""
    seconds: dict[str, float] = {}
    begun: dict[str, float] = {}
    for event in journal.events():
        unit = str(event.get("unit", ""))
        if event["event"] == "run":
            begun.clear()
        elif event["event"] == "begin":
            begun[unit] = float(event.get("time", 0.0))
        elif event["event"] in {"done", "failed"}:
            begun.pop(unit, None)
        if event["event"] == "done":
            seconds[unit] = float(event.get("seconds", 0.0))
    return UnitTimes(seconds, begun)


def _open_no_link(path: str, flags: int) -> int:
    """Open a file for appending, but no link, if the system can tell."""
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)


def _ends_open(path: Path) -> bool:
    """Tell whether the file's last line is incomplete."""
    size = path.stat().st_size if path.exists() else 0
    if size == 0:
        return False
    with path.open("rb") as file:
        file.seek(size - 1)
        return file.read(1) != b"\n"
