"""Opening pages of the atlas in a browser, and what they did meanwhile."""

import functools
import http.server
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import numpy as np

Value = TypeVar("Value")
READY = "#atlas[data-ready], #atlas[data-error]"


@dataclass
class Watched:
    """A page, the addresses it asked for, and what it complained of."""

    page: object
    asked: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    def handle(self, call: str, *arguments):
        """Call a method of `window.patternscope`."""
        given = list(arguments)
        return self.page.evaluate(
            "async ([call, given]) => { const found = await patternscope[call](...given);"
            " return ArrayBuffer.isView(found) ? Array.from(found) : found; }",
            [call, given],
        )

    def until(self, **wanted) -> None:
        """Wait until the view is as wanted; the page's policy forbids the browser's own waiting for code."""
        for _ in range(500):
            state = self.handle("state")
            if all(state[name] == value for name, value in wanted.items()):
                return
            self.page.wait_for_timeout(20)
        raise AssertionError(f"the view is {state}, wanted {wanted}")

    def settled_width(self, wanted: int) -> int:
        """The width of the whole page, once its charts have followed that of the window, or after ten seconds."""
        return self.settled(lambda: self.page.evaluate("document.documentElement.scrollWidth"), wanted)

    def settled(self, read: Callable[[], Value], wanted: Value) -> Value:
        """What is read once it is as wanted, or after ten seconds: how long a page takes is not what is tested."""
        for _ in range(500):
            found = read()
            if found == wanted:
                break
            self.page.wait_for_timeout(20)
        return found

    def visible(self) -> np.ndarray:
        """Ids of the points that pass the filter."""
        return np.flatnonzero(self.handle("visible"))

    def chips(self) -> list[str]:
        """The facets of the filter, as they are written."""
        return self.page.locator(".facet-chip").all_inner_texts()


def plain(text: str) -> str:
    """A text of the page with the spaces and signs of a keyboard."""
    return text.replace("\u00a0", " ").replace("−", "-")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder by Python's own file server; its address."""

    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_):
            pass

    handler = functools.partial(Quiet, directory=folder)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}/"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def opened(browser, address: str, *, wait: str = READY, script: str | None = None, **context) -> Iterator[Watched]:
    """Open an address and wait for the first picture, or for a sentence."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, reduced_motion="reduce", **context)
    watched = Watched(context.new_page())
    watched.page.on("request", lambda request: watched.asked.append(request.url))
    watched.page.on("pageerror", lambda error: watched.complaints.append(str(error)))
    watched.page.on(
        "console", lambda message: watched.complaints.append(message.text) if message.type == "error" else None
    )
    if script:
        watched.page.add_init_script(script)
    watched.page.goto(address)
    watched.page.wait_for_selector(wait, state="attached", timeout=30_000)
    yield watched
    context.close()
