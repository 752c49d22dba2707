"""The open connections of a server: their number, and the time that each may take for a request."""

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Lock
from typing import NamedTuple

MOST = 200
PATIENCE = 30.0  # seconds


class _State(NamedTuple):
    """Whether a connection is being answered, and since when it is answered or waits for a request."""

    answers: bool
    since: float


class Connections:
    """Open connections: one more than `most` closes the one that has waited longest for a request.

    So slow clients take no place from others. Connections may be closed from any thread: the serving thread then reads
    an end of file, or cannot write.
    """

    def __init__(self, most: int = MOST, patience: float = PATIENCE) -> None:
        self.most, self.patience = most, patience
        self._open: dict[socket.socket, _State] = {}
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: socket.socket) -> None:
        """Add a connection, and close another if there are too many."""
        with self._lock:
            if len(self._open) >= self.most:
                _end(self._open, min(self._open, key=self._open.__getitem__))
            self._open[connection] = _State(False, time.monotonic())

    def remove(self, connection: socket.socket) -> None:
        """Remove a connection."""
        with self._lock:
            self._open.pop(connection, None)

    @contextmanager
    def answering(self, connection: socket.socket) -> Iterator[None]:
        """Note that a connection has sent a request and is answered; then its time for the next request starts."""
        self._set(connection, answers=True)
        yield
        self._set(connection, answers=False)

    def end_slow(self) -> None:
        """Close connections without a request for longer than the patience."""
        latest = time.monotonic() - self.patience
        with self._lock:
            late = [each for each, (answers, since) in self._open.items() if not answers and since < latest]
            for connection in late:
                _end(self._open, connection)

    def end_all(self) -> None:
        """Close all connections."""
        with self._lock:
            for connection in list(self._open):
                _end(self._open, connection)

    def _set(self, connection: socket.socket, *, answers: bool) -> None:
        """Note the new state of a connection, unless it has been closed."""
        with self._lock:
            if connection in self._open:
                self._open[connection] = _State(answers, time.monotonic())


def _end(opened: dict[socket.socket, _State], connection: socket.socket) -> None:
    """Forget a connection and shut it down in both directions; its own thread closes it."""
    del opened[connection]
    with suppress(OSError):  # the client has left
        connection.shutdown(socket.SHUT_RDWR)
