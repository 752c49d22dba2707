"""Serving an atlas to a browser: only the page, its script and the files of one store."""

import errno
import ipaddress
import socket
import sys
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from patternscope.atlas.connections import PATIENCE, Connections
from patternscope.atlas.page import INDEX_FILE, SCRIPT, SCRIPT_FILE, folder_page, read_script
from patternscope.errors import InputError
from patternscope.results.atlas import STORE_FOLDER

PORT = 8765
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_PIECE = 2**16  # bytes that a client must read within the time limit
_BYTES = "application/octet-stream"
_TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8"}


def file_of(store: Path, key: str) -> Path | None:
    """Return the file of a key, or None if the store has no such file.

    Neither "..", an absolute path, a backslash nor a symbolic link leads out of `store`.
    """
    parts = key.split("/")
    if any(part in {"", ".", ".."} or "\\" in part or "\0" in part for part in parts):
        return None
    root = store.resolve()
    try:
        path = root.joinpath(*parts).resolve()
        return path if path.is_relative_to(root) and path.is_file() else None
    except OSError:  # such as a name that is too long for the file system
        return None


class AtlasServer(ThreadingHTTPServer):
    """An HTTP server for one store.

    `AtlasServer(store, host, port)` listens at once, `serve_forever()` answers; port 0 takes any free one.
    `address` is the address for a browser. On a host that only this machine reaches, requests whose header Host names
    another are refused: a page elsewhere could otherwise reach this one through a name that resolves to it. On other
    hosts, requests that name neither an address nor this machine are refused. Of more than 200 connections, those
    without a request are closed first; a request, and each 64 kB of a response, may take half a minute. InputError when
    the port or host cannot be used.
    """

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, store: Path, host: str = "127.0.0.1", port: int = PORT) -> None:
        self.store = store
        page = (INDEX_FILE, folder_page(store).encode())
        self.pages = {"": page, INDEX_FILE: page, SCRIPT_FILE: (SCRIPT_FILE, read_script(SCRIPT))}
        self.host, self.connections = host, Connections()
        self.address_family = socket.AF_INET6 if ":" in host else socket.AF_INET
        try:
            super().__init__((host, port), _Handler)
        except OverflowError as error:
            raise InputError(f"port: expected 0 to 65535, got {port}") from error
        except OSError as error:
            reasons = {
                errno.EADDRINUSE: f"port {port} is in use; choose another --port, or 0 for any",
                errno.EACCES: f"port {port} requires more rights; choose one above 1023",
            }
            reason = reasons.get(error.errno or 0, f"cannot listen here ({error.strerror})")
            raise InputError(f"{host}: {reason}") from error

    def server_bind(self) -> None:
        """Bind without looking up this machine's name in the network, as the base class does."""
        TCPServer.server_bind(self)
        self.server_name, self.server_port = str(self.server_address[0]), self.server_address[1]

    def process_request(self, request: Any, client_address: Any) -> None:
        """Answer a connection on a thread of its own."""
        self.connections.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Close a connection."""
        self.connections.remove(request)
        super().shutdown_request(request)

    def service_actions(self) -> None:
        """Close slow connections, twice a second."""
        self.connections.end_slow()

    def server_close(self) -> None:
        """Stop listening and close all connections."""
        super().server_close()
        self.connections.end_all()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore a browser that disconnected early or stopped reading."""
        if not isinstance(sys.exception(), ConnectionError | TimeoutError):
            super().handle_error(request, client_address)

    def is_named(self, host: str | None) -> bool:
        """Tell whether a header Host (None without one) may name this server."""
        if host is None:
            return True
        name = _without_port(host).lower()
        if name in _LOOPBACK or self.is_private:
            return name in _LOOPBACK
        machine = socket.gethostname().partition(".")[0].lower()
        return _is_address(name) or name == self.host.lower() or name.partition(".")[0] == machine

    @property
    def is_private(self) -> bool:
        """Whether only this machine reaches the server."""
        return str(self.server_address[0]) in _LOOPBACK

    @property
    def address(self) -> str:
        """The address for a browser on this machine."""
        host = str(self.server_address[0])
        return self._address_at({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host))

    @property
    def outside_address(self) -> str | None:
        """The address for browsers on other machines; None if they cannot reach it, or without a network."""
        host = str(self.server_address[0])
        if self.is_private:
            return None
        if host not in {"0.0.0.0", "::"}:
            return self._address_at(host)
        with socket.socket(self.address_family, socket.SOCK_DGRAM) as probe:
            try:
                # Sends nothing: it asks which of its addresses the machine would use (RFC 5737 and 3849).
                probe.connect(("192.0.2.1" if host == "0.0.0.0" else "2001:db8::1", 9))
            except OSError:
                return None
            return self._address_at(str(probe.getsockname()[0]))

    def _address_at(self, host: str) -> str:
        """The address under a host's name or number."""
        return f"http://{f'[{host}]' if ':' in host else host}:{self.server_address[1]}/"


def _is_address(name: str) -> bool:
    """Tell whether a name is an IP address, which no page elsewhere can claim."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _without_port(host: str) -> str:
    """The name in a header Host.

    >>> _without_port("localhost:8765"), _without_port("[::1]:8765"), _without_port("evil.example")
    ('localhost', '::1', 'evil.example')
    """
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD."""

    protocol_version = "HTTP/1.1"
    timeout = PATIENCE  # without a byte
    server_version = "patternscope"
    sys_version = ""

    def do_GET(self) -> None:
        """Send a file."""
        self._answer(with_body=True)

    def do_HEAD(self) -> None:
        """Send the headers of a file."""
        self._answer(with_body=False)

    def _refuse(self) -> None:
        """Refuse any other method; its body is not read, so the connection ends."""
        self.close_connection = True
        self.send_response(HTTPStatus.METHOD_NOT_ALLOWED)
        self.send_header("Allow", "GET, HEAD")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _refuse  # noqa: N815 - names of the base class

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - a name of the base class
        """Log nothing."""

    def _answer(self, *, with_body: bool) -> None:
        """Send the requested content, or an error."""
        with cast(AtlasServer, self.server).connections.answering(self.connection):
            self._send(with_body=with_body)

    def _send(self, *, with_body: bool) -> None:
        """Send an answer."""
        if self.headers.get("Content-Length", "0") != "0" or "Transfer-Encoding" in self.headers:
            self.close_connection = True  # the body is not read, and must not pass as the next request
        status, (name, content) = self._content()
        self.send_response(status)
        self.send_header("Content-Type", _TYPES.get(Path(name).suffix, _BYTES))
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-cache")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        for start in range(0, len(content) if with_body else 0, _PIECE):
            self.wfile.write(content[start : start + _PIECE])

    def _content(self) -> tuple[HTTPStatus, tuple[str, bytes]]:
        """The status of a response, and the name and bytes of its content."""
        server = cast(AtlasServer, self.server)
        if not server.is_named(self.headers.get("Host")):
            where = f"this page is at {server.outside_address or server.address}; --host opens it under other names\n"
            return HTTPStatus.FORBIDDEN, ("", where.encode())
        try:
            path = unquote(urlsplit(self.path).path)
        except ValueError:
            return HTTPStatus.BAD_REQUEST, ("", b"not an address\n")
        file = self._find(path.removeprefix("/"))
        return (HTTPStatus.NOT_FOUND, ("", b"not found\n")) if file is None else (HTTPStatus.OK, file)

    def _find(self, path: str) -> tuple[str, bytes] | None:
        """Name and bytes of the content of a path."""
        server = cast(AtlasServer, self.server)
        if path in server.pages:
            return server.pages[path]
        folder, _, key = path.partition("/")
        file = file_of(server.store, key) if folder == STORE_FOLDER else None
        return None if file is None else (file.name, file.read_bytes())
