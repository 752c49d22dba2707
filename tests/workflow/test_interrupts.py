"""Ctrl-C stops a run even if the code of a library discards it."""

import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
import toy_stages

from patternscope.workflow.interrupts import kept_interrupts

SCRIPT = """
import signal, sys
from pathlib import Path
from toy_stages import Toy
from patternscope.workflow.plan import make_plan
from patternscope.workflow.runner import run_units
from patternscope.workflow.stages import Axes, Stage

def discard(ctx):
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:  # as compiled code does that clears errors
        pass
    if sys.argv[2] == "reports":
        ctx.report(0.5, "half")
    (ctx.folder / "a.txt").write_text("a")

plan = make_plan(Toy(), (Stage("train", 1, discard, per=("checkpoint",)),), Axes(3, ()))
try:
    run_units(Path(sys.argv[1]), plan)
except KeyboardInterrupt:
    print("stopped", signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""


@pytest.mark.parametrize(("how", "units"), [("reports", 0), ("silent", 1)])
def test_a_discarded_interrupt_stops_the_run_at_the_next_report(tmp_path, how, units):
    place = Path(toy_stages.__file__).parent
    code = f"import sys; sys.path.insert(0, {str(place)!r}){SCRIPT}"
    run = subprocess.run([sys.executable, "-c", code, str(tmp_path / "s"), how], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("stopped True\n", "")
    assert len(list(tmp_path.glob("s/train/*/manifest.json"))) == units
    assert not (tmp_path / "s/.partial").exists()


def test_blocks_within_a_block_share_what_was_noted_and_later_handlers_stay():
    code = """
import signal
from patternscope.workflow.interrupts import kept_interrupts
with kept_interrupts():
    try:
        with kept_interrupts() as inner:
            try:
                signal.raise_signal(signal.SIGINT)
            except KeyboardInterrupt:
                pass
            inner()
    except KeyboardInterrupt:
        print("inner")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
print(signal.getsignal(signal.SIGINT) is signal.SIG_IGN)
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (run.stdout, run.stderr) == ("inner\nTrue\n", "")


def test_a_handler_of_others_and_other_threads_are_left_alone():
    before, found = signal.getsignal(signal.SIGINT), []

    def elsewhere() -> None:
        with kept_interrupts() as check:
            check()
            found.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert found == [before]
    assert signal.getsignal(signal.SIGINT) is before
