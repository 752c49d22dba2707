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
    discards it. A handler other than Python's own, and another thread than the main one, are left alone.
    """
    pressed = False

    def note(number: int, frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True
        signal.default_int_handler(number, frame)

    def check() -> None:
        if pressed and threading.current_thread() is threading.main_thread():
            raise KeyboardInterrupt

    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield check
        return
    signal.signal(signal.SIGINT, note)
    try:
        yield check
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
