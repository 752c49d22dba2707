"""Progress: what has to be done, what is done, and lines where there is no terminal."""

import io

from rich.console import Console

from patternscope.cli.progress import Tally, event_line, progress
from patternscope.workflow.runner import Event
from patternscope.workflow.stages import Unit

A, B, C = Unit("images"), Unit("training", 0), Unit("training", 1)
EVENTS = [
    *(Event("planned", unit, weight) for unit, weight in ((A, 3.0), (B, 20.0), (C, 20.0))),
    Event("kept", A, 3.0),
    Event("damaged", B, text="training/00/x is missing"),
    Event("begin", B, 20.0),
    Event("progress", B, 20.0, 0.5, text="step 5 of 10"),
]
DONE = Event("done", B, 20.0, 1.0, 12.34)


def test_tally_counts_what_takes_time():
    tally = Tally()
    for event in EVENTS:
        tally.add(event)
    assert (tally.planned, tally.reached, tally.units) == (40.0, 10.0, 2)
    tally.add(DONE)
    assert (tally.reached, tally.finished) == (20.0, 1)
    assert event_line(DONE, tally) == "training/00: 12.3 s (1 done)"


def test_how_many_remain_is_known_where_nothing_was_kept_from_an_earlier_run():
    tally = Tally()
    made = Event("done", A, 3.0, 1.0, 1.0)
    # Images are read first, and found up to date when the rest is planned.
    for event in (Event("planned", A, 3.0), made, *EVENTS[:4], DONE):
        tally.add(event)
    assert event_line(DONE, tally) == "training/00: 12.3 s (2 of 3)"


def test_lines_without_a_terminal():
    stream = io.StringIO()
    with progress(stream) as report:
        for event in (*EVENTS, DONE):
            report(event)
    assert stream.getvalue().splitlines() == [
        "damaged, computed again: training/00/x is missing",
        "training/00: 12.3 s (1 done)",
    ]


def test_a_bar_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    with progress(stream) as report:
        for event in (*EVENTS, DONE):
            report(event)
    assert "damaged, computed again" in stream.getvalue()
    assert Console(file=stream).is_terminal
