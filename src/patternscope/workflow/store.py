"""A study on disk: unit folders, whole or absent, each with a manifest of its files and of what made them."""

import errno
import json
import os
import shutil
import stat
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from secrets import token_hex
from typing import Any

from filelock import FileLock, Timeout

from patternscope.atomic import is_regular, regular_size, sync
from patternscope.errors import InputError
from patternscope.workflow.cache_keys import canonical_json, file_digest, text_digest
from patternscope.workflow.programs import program_versions
from patternscope.workflow.stages import Unit

SCHEMA_VERSION = 1
STUDY_FILE = "study.json"
DIGEST = "digest"  # of all other entries of study.json or a manifest
MANIFEST_FILE = "manifest.json"
PARTIAL_FOLDER = ".partial"
LOCK_FILE = ".lock"
_MOMENT = 0.5  # seconds
_REMEMBERED = 20_000  # manifests


@dataclass(frozen=True)
class Manifest:
    """What a finished unit holds: its key, and size and SHA-256 of each file.

    `dropped` are files that were removed on purpose when nothing needed them any more; what was made from
    them goes on standing on their digests. `versions` are those of the programs that made the unit, none in
    studies of earlier versions.
    """

    unit: str
    key: str
    files: dict[str, tuple[int, str]]
    dropped: frozenset[str] = frozenset()
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes on disk of all files together."""
        return sum(size for name, (size, _) in self.files.items() if name not in self.dropped)


class DamagedUnit(Exception):  # noqa: N818 - a finding about the store, which the runner answers by doing the unit again
    """A unit folder that is not what its manifest says; the text says how."""


class Store:
    """The folder of a study. Reading needs nothing; writing happens under `locked()`.

    Each unit's folder appears by one rename, so that it is whole or absent whenever a run is killed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = os.fspath(folder)

    def unit_folder(self, unit: Unit) -> Path:
        """Return the folder of a unit, there or not."""
        return self.folder / unit.path

    def manifest(self, unit: Unit) -> Manifest | None:
        """Return the manifest of a unit, None when the unit does not exist.

        DamagedUnit when it cannot be read, InputError when another version of the program wrote it.
        """
        try:
            return read_manifest(self._place(unit, MANIFEST_FILE))
        except (FileNotFoundError, NotADirectoryError):
            # A folder without a manifest that holds units of its own, or nothing of ours, is no unit.
            return None
        except DamagedUnit as damage:
            raise DamagedUnit(f"{unit.path}/{damage}") from damage.__cause__
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise DamagedUnit(f"{unit.path} is a link to itself") from error

    def _place(self, unit: Unit, name: str) -> str:
        """The path of a unit's file, as text: thousands are asked for, and joining paths costs more than the disk."""
        return f"{self._root}/{unit.path}/{name}"

    def verify(self, unit: Unit, manifest: Manifest, *, digests: bool = True) -> None:
        """Check each file's size, and with `digests` its content (1.7 GB a second); else DamagedUnit."""
        if manifest.unit != unit.path:
            raise DamagedUnit(f"{unit.path} holds the manifest of {manifest.unit}")
        for name, written in manifest.files.items():
            if name not in manifest.dropped:
                self.verify_file(unit, name, written, file_digest if digests else None)

    def verify_file(
        self, unit: Unit, name: str, written: tuple[int, str], digest_of: Callable[[Path], str] | None
    ) -> None:
        """Check that a file is one, and no link, and its size and content; DamagedUnit where it is not as written."""
        path, (size, digest) = self._place(unit, name), written
        found = regular_size(path)
        if found is None:
            raise DamagedUnit(f"{unit.path}/{name} is {'no regular file' if os.path.lexists(path) else 'missing'}")
        if found != size:
            raise DamagedUnit(f"{unit.path}/{name} has {found} bytes instead of {size}")
        if digest_of is not None and digest_of(Path(path)) != digest:
            raise DamagedUnit(f"{unit.path}/{name} does not hold what was written (digest differs)")

    def open_partial(self, unit: Unit) -> Path:
        """Return a new empty folder, on the study's own file system, in which a unit is made."""
        parent = self.folder / PARTIAL_FOLDER
        parent.mkdir(exist_ok=True)
        # Not by mkdtemp: nobody else could read the unit that the folder becomes.
        folder = parent / f"{unit.path.replace('/', '-')[:80]}-{token_hex(8)}"
        folder.mkdir()
        return folder

    def publish(self, unit: Unit, partial: Path) -> None:
        """Put a sealed folder in the unit's place; what was there is moved aside first, and removed last."""
        target = self.unit_folder(unit)
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists():
            aside = self.open_partial(unit)
            target.rename(aside / "old")
            partial.rename(target)
            shutil.rmtree(aside)
        else:
            partial.rename(target)
        sync(target.parent)

    def drop(self, unit: Unit, manifest: Manifest, names: Collection[str]) -> Manifest:
        """Remove files of a finished unit on purpose; its manifest says so before they go."""
        folder = self.unit_folder(unit)
        if not manifest.dropped.issuperset(names):
            manifest = replace(manifest, dropped=manifest.dropped | frozenset(names))
            new = self.open_partial(unit) / MANIFEST_FILE
            _write_manifest(new, manifest)
            new.rename(folder / MANIFEST_FILE)
            new.parent.rmdir()
            sync(folder)
        # A run that was killed here may have left some of them.
        for name in names:
            (folder / name).unlink(missing_ok=True)
        return manifest

    def write_study(self, content: dict[str, Any], *, keep: Collection[str] = ()) -> None:
        """Write study.json, without a time, by one rename; an equal one is left as it is.

        Entries to `keep` stay as an earlier run wrote them, where there was one.
        """
        earlier = self.read_study() or {}
        kept = {name: earlier[name] for name in set(keep) & earlier.keys()}
        content = {"schema_version": SCHEMA_VERSION, **content, **kept}
        if earlier == json.loads(json.dumps(content)):
            return
        content[DIGEST] = text_digest(canonical_json(content))
        text = json.dumps(content, sort_keys=True, indent=1, ensure_ascii=False)
        path = self.folder / STUDY_FILE
        new = self.folder / PARTIAL_FOLDER / STUDY_FILE
        new.parent.mkdir(exist_ok=True)
        new.write_bytes(f"{text}\n".encode())
        sync(new)
        new.rename(path)
        sync(self.folder)

    def read_study(self) -> dict[str, Any] | None:
        """Return what study.json holds, None when the folder has none.

        InputError when it cannot be read, or holds other than what was written.
        """
        path = self.folder / STUDY_FILE
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: expected a file, got a folder or a pipe; remove it and run the study again")
        try:
            found = json.loads(path.read_bytes())
            check_version(found, path)
            # Those of earlier versions have none.
            if DIGEST in found and found.pop(DIGEST) != text_digest(canonical_json(found)):
                raise InputError(
                    f"{path}: does not hold what was written (digest differs); delete this one file and run the study "
                    "again"
                )
        except (FileNotFoundError, NotADirectoryError):
            return None
        except InputError:
            raise
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"{path}: expected a JSON file ({error}); delete this one file and run the study again"
            ) from error
        return found

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the study for writing: makes the folder, refuses a second run, sweeps what killed runs left.

        InputError when the folder is not a study, cannot be written, or is held by another run.
        """
        self._make_folder()
        lock = FileLock(self.folder / LOCK_FILE, mode=0o644)
        with plain_errors(self.folder):
            _acquire(lock, self.folder)
        try:
            self._sweep()
            yield
        finally:
            self._sweep()
            lock.release()

    def is_locked(self) -> bool:
        """Tell whether a run is working in the study now; False where this cannot be found out."""
        path = self.folder / LOCK_FILE
        if not is_regular(path):
            return False
        try:
            with FileLock(path, timeout=0):
                return False
        except Timeout:
            return True
        except (OSError, NotImplementedError):
            return False

    def check_place(self) -> None:
        """Refuse a folder that cannot be: a file, one below a file, one with too long a name."""
        with plain_errors(self.folder):
            if self.folder.exists() and not self.folder.is_dir():
                raise InputError(f"{self.folder}: expected a folder for the study, got a file; choose another --out")
            above = next((path for path in self.folder.parents if path.exists()), Path())
            if not above.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "", str(self.folder))

    def _make_folder(self) -> None:
        """Make the folder; refuse one that holds other things than a study."""
        self.check_place()
        for name in (LOCK_FILE, PARTIAL_FOLDER):
            if (self.folder / name).is_symlink():
                raise InputError(f"{self.folder / name}: expected no link, which would lead what is written elsewhere")
        with plain_errors(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
        ours = {STUDY_FILE, LOCK_FILE, PARTIAL_FOLDER}
        names = {path.name for path in self.folder.iterdir()}
        if names and not names & ours:
            raise InputError(
                f"{self.folder}: expected a study or an empty folder, got {len(names)} entries and no study.json; "
                "choose another --out"
            )
        self.read_study()

    def _sweep(self) -> None:
        """Remove unfinished and superseded folders."""
        shutil.rmtree(self.folder / PARTIAL_FOLDER, ignore_errors=True)


def read_manifest(path: str) -> Manifest:
    """Return the manifest in a file; it is read anew only where its size, times or inode have changed.

    OSError where there is no file, DamagedUnit where it cannot be read, InputError when another version wrote it.
    """
    found = os.lstat(path)
    if not stat.S_ISREG(found.st_mode):
        raise DamagedUnit(f"{MANIFEST_FILE} is no regular file")
    return _manifest_in(path, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino)


@lru_cache(maxsize=_REMEMBERED)
def _manifest_in(path: str, *state: int) -> Manifest:
    """The manifest in a file in a state."""
    try:
        found = json.loads(Path(path).read_bytes())
        if isinstance(found["schema_version"], int):
            check_version(found, Path(path))
        files = {_inner(name): (int(entry["bytes"]), str(entry["sha256"])) for name, entry in found["files"].items()}
        versions = {str(name): str(version) for name, version in found.get("versions", {}).items()}
        if (versions or DIGEST in found) and found.pop(DIGEST) != text_digest(canonical_json(found)):
            raise DamagedUnit(f"{MANIFEST_FILE} does not hold what was written (digest differs)")
        return Manifest(str(found["unit"]), str(found["key"]), files, frozenset(found.get("dropped", ())), versions)
    except InputError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise DamagedUnit(f"{MANIFEST_FILE} is damaged ({type(error).__name__})") from error


def _inner(name: str) -> str:
    """A name from a manifest, which may not lead out of its unit; ValueError where it does."""
    if set(name.split("/")) & {"", ".", ".."}:
        raise ValueError(f"expected a name within the unit, got {name!r}")
    return name


def seal(folder: Path, unit: Unit, key: str) -> None:
    """Write the manifest of a unit made in `folder`, after all its files are safely on the disk.

    The manifest has no time, process or host, so that equal work by equal versions gives equal bytes.
    """
    files = {}
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        sync(path)
        files[path.relative_to(folder).as_posix()] = (path.stat().st_size, file_digest(path))
    _write_manifest(folder / MANIFEST_FILE, Manifest(unit.path, key, files, versions=program_versions()))
    for inner in sorted({path.parent for path in folder.rglob("*")}, reverse=True):
        sync(inner)


def _write_manifest(path: Path, manifest: Manifest) -> None:
    """Write a manifest, and wait until it is on the disk."""
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


_KEPT = "finished units are kept"
REFUSALS = {
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "no permission to write or read here",
    errno.EPERM: "no permission to write or read here",
    errno.ENOSPC: f"the disk is full; {_KEPT}: make room and run again",
    errno.EDQUOT: f"the disk quota is used up; {_KEPT}: make room and run again",
    errno.EFBIG: f"a file grew larger than the file system or a limit (ulimit -f) allows; {_KEPT}",
    errno.ENAMETOOLONG: "expected a shorter path, got one that the file system does not allow",
    errno.EEXIST: "expected a path below folders, got one below a file",
    errno.ENOTDIR: "expected a path below folders, got one below a file",
    errno.ELOOP: "expected a folder, got a link that leads to itself; remove it",
    errno.EIO: f"the disk reports an error; {_KEPT}: check it and run again",
    errno.ESTALE: f"the shared folder went away; {_KEPT}: mount it and run again",
}
"""What is said for the number of a disk's refusal."""


@contextmanager
def plain_errors(folder: Path) -> Iterator[None]:
    """Turn the disk's refusals (read-only, no permission, full, broken) into one clear InputError.

    It names `folder`, or a file elsewhere (a user's image) where that was refused. Other errors pass as they
    are.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
        refused = Path(str(error.filename or folder))
        place = folder if refused.is_relative_to(folder) else refused
        raise InputError(f"{place}: {REFUSALS[error.errno]}") from error


def _acquire(lock: FileLock, folder: Path) -> None:
    """Take the lock, or say who has it or why there is none."""
    try:
        # Whoever asks for the status of a study holds the lock for a moment.
        lock.acquire(timeout=_MOMENT)
    except Timeout as error:
        raise InputError(f"{folder}: another run is working in this study; wait for it to end") from error
    except NotImplementedError as error:
        raise InputError(
            f"{folder}: expected a file system that can lock files, so that two runs cannot disturb each other; mount "
            "it with flock, or choose another --out"
        ) from error
