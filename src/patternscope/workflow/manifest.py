"""The manifest of a finished unit: size and digest of its files, their inputs, and the versions that made them."""

import json
import os
import stat
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from patternscope.atomic import sync
from patternscope.errors import InputError
from patternscope.workflow.cache_keys import canonical_json, file_digest, text_digest
from patternscope.workflow.programs import program_versions
from patternscope.workflow.stages import Unit

SCHEMA_VERSION = 1
DIGEST = "digest"  # of all other entries of study.json or a manifest
MANIFEST_FILE = "manifest.json"
_REMEMBERED = 20_000  # manifests


@dataclass(frozen=True)
class Manifest:
    """The content of a finished unit: its key, and size and SHA-256 of each file.

    `dropped` are files that were removed on purpose when nothing needed them any more; later units still refer to their
    digests. `versions` are those of the programs that made the unit, empty in studies of earlier versions.
    """

    unit: str
    key: str
    files: dict[str, tuple[int, str]]
    dropped: frozenset[str] = frozenset()
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Total bytes on disk."""
        return sum(size for name, (size, _) in self.files.items() if name not in self.dropped)


class DamagedUnit(Exception):  # noqa: N818 - a finding about the store, which the runner answers by doing the unit again
    """A unit folder that does not match its manifest; the text says how."""


def read_manifest(path: str) -> Manifest:
    """Return the manifest in a file; it is read again only if its size, times or inode have changed.

    OSError if there is no file, DamagedUnit if it cannot be read, InputError if another version wrote it.
    """
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise DamagedUnit(f"{MANIFEST_FILE} is not a regular file")
    return _manifest_in(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


@lru_cache(maxsize=_REMEMBERED)
def _manifest_in(path: str, *state: int) -> Manifest:
    """The manifest in a file with the given state."""
    try:
        found = json.loads(Path(path).read_bytes())
        if isinstance(found["schema_version"], int):
            check_version(found, Path(path))
        files = {_inner(name): (int(entry["bytes"]), str(entry["sha256"])) for name, entry in found["files"].items()}
        versions = {str(name): str(version) for name, version in found.get("versions", {}).items()}
        if (versions or DIGEST in found) and found.pop(DIGEST) != text_digest(canonical_json(found)):
            raise DamagedUnit(f"{MANIFEST_FILE} was changed after it was written (digest differs)")
        return Manifest(str(found["unit"]), str(found["key"]), files, frozenset(found.get("dropped", ())), versions)
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise DamagedUnit(f"{MANIFEST_FILE} is damaged ({type(error).__name__})") from error


def _inner(name: str) -> str:
    """A name from a manifest, which must not lead out of its unit; else ValueError."""
    if set(name.split("/")) & {"", ".", ".."}:
        raise ValueError(f"expected a name within the unit, got {name!r}")
    return name


def seal(folder: Path, unit: Unit, key: str) -> None:
    """Write the manifest of a unit made in `folder`, after all its files are safely on disk.

    The manifest has no time, process or host, so that equal work by equal versions gives equal bytes.
    """
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        sync(path)
        files[path.relative_to(folder).as_posix()] = (path.stat().st_size, file_digest(path))
    write_manifest(folder / MANIFEST_FILE, Manifest(unit.path, key, files, versions=program_versions()))
    for inner in sorted({path.parent for path in folder.rglob("*")}, reverse=True):
        sync(inner)


def write_manifest(path: Path, manifest: Manifest) -> None:
    """Write a manifest, and wait until it is on disk."""
    files = {name: {"bytes": size, "sha256": digest} for name, (size, digest) in manifest.files.items()}
    content = {"schema_version": SCHEMA_VERSION, "unit": manifest.unit, "key": manifest.key, "files": files}
    if manifest.dropped:
        content["dropped"] = sorted(manifest.dropped)
    if manifest.versions:
        content["versions"] = manifest.versions
    content[DIGEST] = text_digest(canonical_json(content))
    path.write_text(canonical_json(content) + "\n", encoding="utf-8")
    sync(path)


def check_version(found: Any, path: Path) -> None:
    """Raise InputError when `found` was written by a program with another layout of studies."""
    version = found.get("schema_version") if isinstance(found, dict) else None
    if version != SCHEMA_VERSION:
        raise InputError(
            f"{path}: expected schema_version {SCHEMA_VERSION}, got {version!r}; nothing was changed: use the version "
            "that wrote it, or another --out"
        )
