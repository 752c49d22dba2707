"""Ctrl-C that is not lost in the code of a library."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def kept_interrupts() -> Iterator[Callable[[], None]]:
    """Note Ctrl-C until the block ends; yields a function that raises KeyboardInterrupt once Ctrl-C was pressed.

    Python raises KeyboardInterrupt wherever the main thread is. Compiled code of a library may discard it there, and a
    run would continue as if no key had been pressed: torch imports Triton for the first optimizer of a process, which
    discards it. Blocks within a block share what was noted. A handler other than Python's own, and another thread than
    the main one, are left alone.
    """
    found = signal.getsignal(signal.SIGINT)
    if isinstance(found, _Note):
        yield found.check
        return
    note = _Note()
    if threading.current_thread() is not threading.main_thread() or found is not signal.default_int_handler:
        yield note.check
        return
    try:
        signal.signal(signal.SIGINT, note)
        yield note.check
    finally:
        # A handler that came in the meantime belongs to somebody else.
        if signal.getsignal(signal.SIGINT) is note:
            signal.signal(signal.SIGINT, signal.default_int_handler)


class _Note:
    """A handler of SIGINT that notes it, and does what Python's own does."""

    def __init__(self) -> None:
        self.pressed = False

    def __call__(self, number: int, frame: FrameType | None) -> None:
        self.pressed = True
        signal.default_int_handler(number, frame)

    def check(self) -> None:
        """Raise KeyboardInterrupt in the main thread if SIGINT was noted."""
        if self.pressed and threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt
