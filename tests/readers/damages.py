"""Damage as disks, copies and hands do it: one file of a study that is not what was written."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

KINDS: dict[str, Callable[[Path, Random], None]] = {}


def kind(function: Callable[[Path, Random], None]) -> Callable[[Path, Random], None]:
    KINDS[function.__name__] = function
    return function


@kind
def one_bit(path: Path, rng: Random) -> None:
    content = bytearray(path.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    replace(path, bytes(content))


@kind
def cut(path: Path, rng: Random) -> None:
    content = path.read_bytes()
    replace(path, content[: rng.randrange(len(content))])


@kind
def zeros(path: Path, rng: Random) -> None:
    replace(path, bytes(path.stat().st_size))


@kind
def longer(path: Path, rng: Random) -> None:
    replace(path, path.read_bytes() + rng.randbytes(rng.randrange(1, 20)))


@kind
def other_numbers(path: Path, rng: Random) -> None:
    """A digit of a text becomes another, or bytes of the same length are drawn anew."""
    content = path.read_bytes()
    digits = [place for place, byte in enumerate(content) if 48 <= byte < 58]
    if path.suffix != ".json" or not digits:
        replace(path, rng.randbytes(len(content)))
        return
    place = rng.choice(digits)
    digit = str((int(chr(content[place])) + rng.randrange(1, 10)) % 10).encode()
    replace(path, content[:place] + digit + content[place + 1 :])


@kind
def swapped(path: Path, rng: Random) -> None:
    """The content of another file of this name, of another unit where there is one."""
    study = next(folder for folder in path.parents if (folder / "events.jsonl").exists())
    files = [other for other in sorted(study.rglob(f"*{path.suffix}")) if other.is_file() and other != path]
    namesakes = [other for other in files if other.name == path.name]
    replace(path, rng.choice(namesakes or files or [study / "events.jsonl"]).read_bytes())


@kind
def gone(path: Path, rng: Random) -> None:
    path.unlink()


@kind
def a_folder(path: Path, rng: Random) -> None:
    path.unlink()
    path.mkdir()


@kind
def a_pipe(path: Path, rng: Random) -> None:
    path.unlink()
    os.mkfifo(path)


@kind
def a_link(path: Path, rng: Random) -> None:
    content = path.read_bytes()
    path.unlink()
    other = path.parent.parent / "elsewhere"
    other.write_bytes(content)
    path.symlink_to(other)


@kind
def odd_json(path: Path, rng: Random) -> None:
    """One value of a JSON file becomes something absurd."""
    if path.suffix != ".json":
        one_bit(path, rng)
        return
    content = json.loads(path.read_bytes())
    places = []

    def collect(value: object) -> None:
        entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, inner in entries:
            places.append((value, key))
            collect(inner)

    collect(content)
    if places:
        holder, key = rng.choice(places)
        was = holder[key]
        absurd = (None, -1, 1e308, "x\x1b[2J", [], {}, [[[[]]]], True, 10**30, "../../x")
        holder[key] = rng.choice([value for value in absurd if value != was or type(value) is not type(was)])
    replace(path, json.dumps(content).encode())


def replace(path: Path, content: bytes) -> None:
    """Write a new file in the place of one that may be a hard link."""
    path.unlink()
    path.write_bytes(content)


def linked_copy(study: Path, folder: Path) -> Path:
    """Copy a study by hard links, which damage breaks."""
    return Path(shutil.copytree(study, folder, copy_function=os.link))
