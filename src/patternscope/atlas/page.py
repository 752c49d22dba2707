"""The HTML around the page: everything in one file, or a folder for any file server."""

import base64
import hashlib
import html
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from patternscope.atomic import replaced_file, replaced_folder
from patternscope.errors import InputError
from patternscope.results.atlas import STORE_FOLDER
from patternscope.results.json_csv import read_json

STATIC = Path(__file__).with_name("static")
SCRIPT, WIDGET = STATIC / "page.js", STATIC / "widget.js"
INDEX_FILE, SCRIPT_FILE = "index.html", "page.js"

_HEAD = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>{title}</title>
</head>
<body>
<noscript>This page needs JavaScript, which is switched off in this browser.</noscript>
"""
_AFTER = "</body>\n</html>\n"
# Base 85 adds a quarter to the bytes, base64 a third. A comma replaces "<", so that no text can end its element.
_PLAIN = bytes.maketrans(b"<", b",")
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data: blob:"


def store_keys(store: Path) -> list[str]:
    """Return the keys of a store, the names of its files, without links and hidden files."""
    files = (path.relative_to(store) for path in store.rglob("*") if path.is_file() and not path.is_symlink())
    return sorted(path.as_posix() for path in files if not any(part.startswith(".") for part in path.parts))


def single_page(store: Path) -> Iterator[str]:
    """Yield the parts of one HTML file with the page and the whole store.

    Each file of the store is base 85 in a separate element, which the page decodes when it needs it. The data of the
    first picture come before the script: a browser draws it while it reads the rest. A Content-Security-Policy allows
    only the page's own script and no request. InputError when the page is not built. Cost: memory for the store's
    largest file.
    """
    first, later = first_and_later(store_keys(store))
    yield from _before(store)
    yield from _elements(store, first)
    yield f"<script>{_script_text()}</script>\n"
    yield from _elements(store, later)
    yield _AFTER


def first_and_later(keys: Sequence[str]) -> tuple[list[str], list[str]]:
    """Return the keys that the first picture (the last step) reads, and all others.

    >>> first_and_later(["layer/bits/c/0/0", "layer/bits/c/1/0", "layer/counts/c/0", "zarr.json"])
    (['layer/bits/c/1/0', 'layer/counts/c/0', 'zarr.json'], ['layer/bits/c/0/0'])
    """
    last: dict[str, int] = {}
    for array, chunk in filter(None, map(_chunk_of, keys)):
        last[array] = max(chunk, last.get(array, 0))
    later = {key for key in keys if (found := _chunk_of(key)) and (found[1] < last[found[0]] or _on_request(found[0]))}
    return [key for key in keys if key not in later], [key for key in keys if key in later]


def _on_request(array: str) -> bool:
    """Tell whether an array is read only when a region is selected."""
    return array.endswith("/feature")


def _chunk_of(key: str) -> tuple[str, int] | None:
    """The array that a chunk belongs to, and its place along the first axis; None for a file of metadata."""
    array, found, chunk = key.rpartition("/c/")
    place = chunk.split("/")[0]
    return (array, int(place)) if found and place.isdecimal() else None


def single_bytes(store: Path) -> int:
    """Return the size in bytes of the HTML file of a store.

    Cost: the sizes of the store's files, not their contents.
    """
    empty = sum(len(part.encode()) for part in (*_before(store), f"<script>{_script_text()}</script>\n", _AFTER))
    keys = store_keys(store)
    return empty + sum(len(_embedded(key, ":")) + -(-5 * (store / key).stat().st_size // 4) for key in keys)


def folder_page(store: Path) -> str:
    """Return the HTML of a folder that also contains `page.js` and `store/`."""
    policy = f"{_POLICY}; script-src 'self'; connect-src 'self'"
    body = f'<div id="atlas" data-store="{STORE_FOLDER}/"></div>\n<script src="{SCRIPT_FILE}"></script>\n'
    return f"{_HEAD.format(policy=policy, title=_title(store))}{body}</body>\n</html>\n"


def write_single(store: Path, file: Path) -> int:
    """Write the one HTML file, by one rename; return its size in bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with replaced_file(file) as partial, partial.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(single_page(store))
    return file.stat().st_size


def write_folder(store: Path, folder: Path) -> None:
    """Write the page, its script and a copy of the store into a folder for any static file server.

    An earlier export is replaced. InputError if the folder contains anything else.
    """
    script, page = read_script(SCRIPT), folder_page(store)
    with replaced_folder(folder, (INDEX_FILE, SCRIPT_FILE, STORE_FOLDER), "an exported atlas") as fresh:
        for key in store_keys(store):
            (fresh / STORE_FOLDER / key).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(store / key, fresh / STORE_FOLDER / key, follow_symlinks=False)
        (fresh / SCRIPT_FILE).write_bytes(script)
        (fresh / INDEX_FILE).write_text(page, encoding="utf-8")


def read_script(path: Path) -> bytes:
    """Return a built script of the page; InputError when it does not exist."""
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: does not exist; run `npm ci && npm run build` in viewer/") from error


def _before(store: Path) -> Iterator[str]:
    """The beginning of the file, before store and script."""
    digest = base64.b64encode(hashlib.sha256(_script_text().encode()).digest()).decode()
    yield _HEAD.format(policy=f"{_POLICY}; script-src 'sha256-{digest}'", title=_title(store))
    yield '<div id="atlas"></div>\n'


def _elements(store: Path, keys: Sequence[str]) -> Iterator[str]:
    """Files of the store as elements."""
    return (_embedded(key, _text_of((store / key).read_bytes())) for key in keys)


def _embedded(key: str, content: str) -> str:
    """One file of the store as an element."""
    return f'<script type="text/plain" data-key="{html.escape(key)}">{content}</script>\n'


def _text_of(content: bytes) -> str:
    """Bytes as text that survives any encoding of a page: a colon, and base 85."""
    return ":" + base64.b85encode(content).translate(_PLAIN).decode()


def _script_text() -> str:
    """The page's script, escaped so that nothing in it ends its element."""
    return read_script(SCRIPT).decode("utf-8").replace("</script", "<\\/script").replace("<!--", "<\\!--")


def _title(store: Path) -> str:
    """The title of the window, from the store."""
    return html.escape(f"{read_json(store / 'zarr.json')['attributes']['title']} - patternscope")
