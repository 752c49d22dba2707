"""One HTML file, a folder, a server: the store and nothing else leaves."""

import base64
import contextlib
import hashlib
import http.client
import re
import socket
import struct
import threading
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

from patternscope.atlas.connections import Connections
from patternscope.atlas.export import TooLarge, export_single
from patternscope.atlas.page import SCRIPT, folder_page, single_bytes, store_keys, write_folder, write_single
from patternscope.atlas.server import AtlasServer, file_of
from patternscope.errors import InputError


class Embedded(HTMLParser):
    """What a browser takes out of one HTML file."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.key: str | None = None
        self.files: dict[str, bytes] = {}
        self.scripts: list[str] = []
        self.policy, self.inside = "", False
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]
        self.key = given.get("data-key") if tag == "script" else None
        self.inside = tag == "script"

    def handle_data(self, data):
        if self.inside and self.key is not None:
            self.files[self.key] = base64.b85decode(data.removeprefix(":").replace(",", "<"))
        elif self.inside:
            self.scripts.append(data)

    def handle_endtag(self, tag):
        self.inside = False


def test_one_file_holds_every_file_of_the_store(store, tmp_path):
    size = write_single(store, tmp_path / "new/atlas.html")
    page = (tmp_path / "new/atlas.html").read_text(encoding="utf-8")
    assert size == len(page.encode()) == single_bytes(store)
    found = Embedded(page)
    assert found.files == {key: (store / key).read_bytes() for key in store_keys(store)}
    digest = base64.b64encode(hashlib.sha256("".join(found.scripts).encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in found.policy
    assert "default-src 'none'" in found.policy
    assert "connect-src" not in found.policy
    assert not list(tmp_path.glob("new/.*"))


def test_the_first_picture_is_not_kept_waiting_for_other_steps(store, tmp_path):
    write_single(store, tmp_path / "atlas.html")
    page = (tmp_path / "atlas.html").read_text(encoding="utf-8")
    script = page.index("<script>")
    keys = store_keys(store)
    steps = {key for key in keys if "/position/c/" in key}
    before = {key for key in steps if page.index(f'data-key="{key}"') < script}
    last = {max((key for key in steps if key.startswith(array)), key=_step_of) for array in map(_array_of, steps)}
    assert before == last < steps
    assert page.index('data-key="zarr.json"') < script


def _array_of(key: str) -> str:
    return key.partition("/c/")[0] + "/c/"


def _step_of(key: str) -> int:
    return int(key.partition("/c/")[2].split("/")[0])


def test_a_limit_is_kept_and_what_is_omitted_is_said(store, content, tmp_path):
    full = single_bytes(store)
    data = full - SCRIPT.stat().st_size
    file = tmp_path / "atlas.html"
    assert export_single(content, store, file, full / 1e6).omitted == ()
    sizes = []
    for less in (0.02 * data, 0.25 * data):
        exported = export_single(content, store, file, (full - less) / 1e6)
        assert exported.size == file.stat().st_size <= full - less
        assert exported.omitted
        said = Embedded(file.read_text()).files["zarr.json"].decode()
        assert all(line in said for line in exported.omitted)
        sizes.append(exported.size)
    assert sizes[0] > sizes[1]
    before = file.read_bytes()
    with pytest.raises(TooLarge, match=r"max_mb: expected at least \d\.?\d* for the smallest atlas .*, got 0.001"):
        export_single(content, store, file, 0.001)
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["atlas.html"]


def test_a_folder_holds_page_script_and_store_and_is_replaced(store, tmp_path):
    for _ in range(2):
        write_folder(store, tmp_path / "site")
        assert {path.name for path in (tmp_path / "site").iterdir()} == {"index.html", "page.js", "store"}
        assert store_keys(tmp_path / "site/store") == store_keys(store)
    (tmp_path / "site/notes.txt").write_text("mine")
    with pytest.raises(InputError, match="expected an empty or new folder, or an exported atlas, got other content"):
        write_folder(store, tmp_path / "site")
    assert (tmp_path / "site/notes.txt").read_text() == "mine"


@pytest.fixture(scope="module")
def server(store):
    with AtlasServer(store, port=0) as listening:
        thread = threading.Thread(target=listening.serve_forever)
        thread.start()
        yield listening
        listening.shutdown()
        thread.join()


def ask(server: AtlasServer, path: str, method: str = "GET") -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=10)
    connection.putrequest(method, path, skip_host=False)
    connection.endheaders()
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    return answer.status, content, dict(answer.getheaders())


def test_the_server_sends_the_page_the_script_and_the_store(server, store):
    assert ask(server, "/")[:2] == (200, folder_page(store).encode())
    assert ask(server, "/index.html?x=1#y")[0] == 200
    assert ask(server, "/page.js")[1] == SCRIPT.read_bytes()
    for key in store_keys(store)[::40]:
        status, content, headers = ask(server, f"/store/{key}")
        assert (status, content) == (200, (store / key).read_bytes())
        assert headers["X-Content-Type-Options"] == "nosniff"
    status, content, headers = ask(server, "/store/zarr.json", "HEAD")
    assert (status, content) == (200, b"")
    assert int(headers["Content-Length"]) == (store / "zarr.json").stat().st_size


@pytest.mark.parametrize(
    "path",
    [
        "/store/../store/zarr.json",
        "/store/%2e%2e/outside.txt",
        "/store/..%2foutside.txt",
        "/store/layers/../../outside.txt",
        "/store//etc/passwd",
        "/store/%2fetc%2fpasswd",
        "/store/..\\outside.txt",
        "/store/link/outside.txt",
        "/store/a%00b",
        "/store/layers",
        "/store/",
        "/store",
        "/../outside.txt",
        "/etc/passwd",
        "/favicon.ico",
        "/widget.js",
        "http://localhost/store/../outside.txt",
        f"/store/{'a' * 300}",
    ],
)
def test_no_path_leaves_the_store(server, store, path):
    (store.parent / "outside.txt").write_text("secret")
    link = store / "link"
    if not link.is_symlink():
        link.symlink_to(store.parent, target_is_directory=True)
    try:
        status, content, _ = ask(server, path)
    finally:
        link.unlink()
    assert (status, content) == (404, b"not found\n")


def raw(server: AtlasServer, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=10) as connection:
        connection.sendall(request)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(4096), b""))


def test_what_is_no_address_is_a_bad_request(server):
    assert raw(server, b"GET http://[bad HTTP/1.1\r\nHost: localhost\r\n\r\n").startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    ("host", "status"),
    [("evil.example", 403), ("evil.example:{port}", 403), ("127.0.0.1.evil.example", 403), ("", 403)]
    + [(name, 200) for name in ("localhost", "LOCALHOST:{port}", "127.0.0.1:{port}", "[::1]:{port}", "127.0.0.1:9")],
)
def test_on_this_machine_alone_another_name_is_refused(server, host, status):
    named = host.format(port=server.server_address[1]).encode()
    answer = raw(server, b"GET / HTTP/1.1\r\nHost: " + named + b"\r\nConnection: close\r\n\r\n")
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert (b"<html" in answer) == (status == 200)


def test_on_the_network_addresses_and_the_machine_are_names_and_others_are_not(store, monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "gpu7.cluster.example")
    with AtlasServer(store, host="0.0.0.0", port=0) as listening:
        named = ("10.0.0.3:8765", "gpu7", "GPU7.local:8765", "localhost", "[2001:db8::7]:8765", None)
        assert [listening.is_named(name) for name in named] == [True] * 6
        assert not any(map(listening.is_named, ("study.example:8765", "evil.example", "10.0.0.3.evil.example")))
        assert listening.outside_address is None or re.fullmatch(r"http://[\d.]+:\d+/", listening.outside_address)


def test_the_body_of_a_question_is_no_next_question(server):
    hidden = b"GET /store/zarr.json HTTP/1.1\r\nHost: localhost\r\n\r\n"
    head = b"GET /nothing HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(hidden)
    answer = raw(server, head + hidden)
    assert answer.startswith(b"HTTP/1.1 404 ")
    assert answer.count(b"HTTP/1.1 ") == 1


def test_idle_connections_end_without_a_word(server, monkeypatch, capsys):
    monkeypatch.setattr("patternscope.atlas.server._Handler.timeout", 0.05)
    for beginning in (b"", b"GET / HT"):
        with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=10) as connection:
            connection.sendall(beginning)
            assert connection.recv(100) == b""
    assert capsys.readouterr().err == ""


BEGINNINGS = (
    b"",
    b"GET / HT",
    b"GET / HTTP/1.1\r\nHost: localhost\r\n",
    b"GET /page.js HTTP/1.1\r\nHost: localhost\r\n\r\n",
)


def test_500_slow_clients_hold_up_nobody(store, capsys):
    """They say nothing, half a question, all but its end, or ask and do not read."""
    slow = []
    with AtlasServer(store, port=0) as listening:
        (thread := threading.Thread(target=listening.serve_forever)).start()
        for number in range(500):
            client = socket.create_connection(("127.0.0.1", listening.server_address[1]), timeout=10)
            client.sendall(BEGINNINGS[number % len(BEGINNINGS)])
            slow.append(client)
            if number % 100 == 99:
                assert ask(listening, "/")[:2] == (200, folder_page(store).encode())
                assert ask(listening, "/page.js")[1] == SCRIPT.read_bytes()
                assert len(listening.connections) <= 200
        listening.shutdown()
        thread.join()
    for client in slow:
        with client, contextlib.suppress(ConnectionError):
            while client.recv(2**20):
                pass
    assert capsys.readouterr().err == ""


def test_a_question_that_drips_ends_by_the_clock(store):
    with AtlasServer(store, port=0) as listening:
        listening.connections.patience = 0.2
        (thread := threading.Thread(target=listening.serve_forever, args=(0.05,))).start()
        with socket.create_connection(("127.0.0.1", listening.server_address[1]), timeout=10) as client:
            while not is_ended(client):  # each byte comes in time, and the question never ends
                with contextlib.suppress(ConnectionError):
                    client.sendall(b"G")
                time.sleep(0.01)
        assert ask(listening, "/")[0] == 200
        listening.shutdown()
        thread.join()


def test_who_waits_longest_goes_first_and_who_gets_an_answer_last():
    connections, pairs = Connections(most=3), [socket.socketpair() for _ in range(5)]
    for own, _ in pairs[:3]:
        connections.add(own)
    with connections.answering(pairs[0][0]):
        connections.add(pairs[3][0])
        assert [is_ended(other) for _, other in pairs[:4]] == [False, True, False, False]
    connections.add(pairs[4][0])
    assert [is_ended(other) for _, other in pairs] == [False, True, True, False, False]
    connections.end_all()
    assert len(connections) == 0
    assert all(is_ended(other) for _, other in pairs)
    for end in (end for pair in pairs for end in pair):
        end.close()


def is_ended(client: socket.socket) -> bool:
    client.setblocking(False)
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True
    except BlockingIOError:
        return False


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_the_loopback_address_of_version_6_is_this_machine_alone(store):
    try:
        listening = AtlasServer(store, host="::1", port=0)
    except InputError:
        pytest.skip("this machine has no ::1")
    with listening:
        assert listening.address.startswith("http://[::1]:")
        assert (listening.is_private, listening.outside_address) == (True, None)
        assert not listening.is_named("evil.example")


def test_a_browser_that_leaves_is_no_fault(server, capsys):
    size = (SCRIPT.stat().st_size // 2**16 + 1) * 2**16
    for _ in range(3):
        with socket.create_connection(("127.0.0.1", server.server_address[1]), timeout=10) as connection:
            connection.sendall(b"GET /page.js HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert len(connection.recv(100)) < size
            # Closed with a reset while more is on its way, as by a closed tab.
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    assert ask(server, "/")[0] == 200
    assert capsys.readouterr().err == ""


def test_a_key_is_a_file_of_the_store_or_nothing(store):
    assert file_of(store, "zarr.json") == (store / "zarr.json").resolve()
    for key in ("", "/", "layers", "nothing", "../store/zarr.json", "layers/./0/zarr.json", str(store / "zarr.json")):
        assert file_of(store, key) is None


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_refused(server, method):
    status, content, headers = ask(server, "/store/zarr.json", method)
    assert (status, content, headers["Allow"]) == (405, b"", "GET, HEAD")


def test_the_server_listens_to_this_machine_and_says_why_it_cannot(server, store):
    assert re.fullmatch(r"http://127\.0\.0\.1:\d+/", server.address)
    port = server.server_address[1]
    with pytest.raises(InputError, match=f"port {port} is in use"):
        AtlasServer(store, port=port)
    with pytest.raises(InputError, match="port: expected 0 to 65535, got 70000"):
        AtlasServer(store, port=70000)
    with pytest.raises(InputError, match=r"no\.such\.host\.invalid: cannot listen here"):
        AtlasServer(store, host="no.such.host.invalid", port=0)


def test_the_page_names_only_files_beside_it(store):
    page = folder_page(store)
    assert not re.findall(r"(?:src|href)=\"(?!page\.js|data:,)", page)
    assert "//" not in re.sub(r"<!doctype html>", "", page)


def test_the_script_is_built():
    assert SCRIPT.stat().st_size > 0
    assert Path(SCRIPT).with_name("widget.js").stat().st_size > 0
