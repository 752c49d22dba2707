"""The open connections of a server: how many there may be, and how long one may take to ask."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import NamedTuple

MOST = 200
PATIENCE = 30.0  # seconds


class _State(NamedTuple):
    """Whether a connection gets an answer, and since when it does or waits for a question."""

    answers: bool
    since: float


class Connections:
    """Open connections: one more than `most` ends the one that has asked for nothing the longest.

    So clients that connect and ask slowly, or do not read, take no place from those that ask. Connections are ended
    from any thread: the one that serves it then reads an end, or cannot write.
    """

    def __init__(self, most: int = MOST, patience: float = PATIENCE) -> None:
        self.most, self.patience = most, patience
        self._open: dict[socket.socket, _State] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: socket.socket) -> None:
        """Count a connection, and end another where there are too many."""
        with self._lock:
            if len(self._open) >= self.most:
                _end(self._open, min(self._open, key=self._open.__getitem__))
            self._open[connection] = _State(False, time.monotonic())

    def remove(self, connection: socket.socket) -> None:
        """Count a connection no more."""
        with self._lock:
            self._open.pop(connection, None)

    @contextmanager
    def answering(self, connection: socket.socket) -> Iterator[None]:
        """Tell that a connection has asked and gets its answer; then it has all its time for another question."""
        self._set(connection, answers=True)
        yield
        self._set(connection, answers=False)

    def end_slow(self) -> None:
        """End connections that have not asked for longer than the patience."""
        latest = time.monotonic() - self.patience
        with self._lock:
            late = [each for each, (answers, since) in self._open.items() if not answers and since < latest]
            for connection in late:
                _end(self._open, connection)

    def end_all(self) -> None:
        """End all connections."""
        with self._lock:
            for connection in list(self._open):
                _end(self._open, connection)

    def _set(self, connection: socket.socket, *, answers: bool) -> None:
        """Note what a connection does from now on, unless it has been ended."""
        with self._lock:
            if connection in self._open:
                self._open[connection] = _State(answers, time.monotonic())


def _end(opened: dict[socket.socket, _State], connection: socket.socket) -> None:
    """Forget a connection and end it in both directions; its own thread closes it."""
    del opened[connection]
    with suppress(OSError):  # the client has left
        connection.shutdown(socket.SHUT_RDWR)
