"""A study on disk: unit folders, complete or absent, each with a manifest of its files and their origin."""

import errno
import json
import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_hex
from typing import Any

from patternscope.atomic import regular_size, sync
from patternscope.errors import InputError
from patternscope.workflow.cache_keys import canonical_json, file_digest, text_digest
from patternscope.workflow.disk_errors import plain_errors
from patternscope.workflow.lock import LOCK_FILE, held, is_held
from patternscope.workflow.manifest import (
    DIGEST,
    MANIFEST_FILE,
    SCHEMA_VERSION,
    DamagedUnit,
    Manifest,
    check_version,
    read_manifest,
    write_manifest,
)
from patternscope.workflow.stages import Unit

STUDY_FILE = "study.json"
PARTIAL_FOLDER = ".partial"


class Store:
    """The folder of a study. Reading needs nothing; writing happens under `locked()`.

    Each unit's folder appears by one rename, so that it is complete or absent whenever a run is killed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._root = os.fspath(folder)

    def unit_folder(self, unit: Unit) -> Path:
        """Return the folder of a unit, whether it exists or not."""
        return self.folder / unit.path

    def manifest(self, unit: Unit) -> Manifest | None:
        """Return the manifest of a unit, None if the unit does not exist.

        DamagedUnit if it cannot be read, InputError if another version of the program wrote it.
        """
        try:
            return read_manifest(self._place(unit, MANIFEST_FILE))
        except (FileNotFoundError, NotADirectoryError):
            # A folder without a manifest that contains other units, or nothing of ours, is not a unit.
            return None
        except DamagedUnit as damage:
            raise DamagedUnit(f"{unit.path}/{damage}") from damage.__cause__
        except OSError as error:
            if error.errno != errno.ELOOP:
                raise
            raise DamagedUnit(f"{unit.path} is a link to itself") from error

    def _place(self, unit: Unit, name: str) -> str:
        """The path of a unit's file as text: for thousands of files, joining paths costs more than the disk."""
        return f"{self._root}/{unit.path}/{name}"

    def verify(self, unit: Unit, manifest: Manifest, *, digests: bool = True) -> None:
        """Check each file's size, and with `digests` its content (1.7 GB per second); else DamagedUnit."""
        if manifest.unit != unit.path:
            raise DamagedUnit(f"{unit.path} has the manifest of {manifest.unit}")
        for name, written in manifest.files.items():
            if name not in manifest.dropped:
                self.verify_file(unit, name, written, file_digest if digests else None)

    def verify_file(
        self, unit: Unit, name: str, written: tuple[int, str], digest_of: Callable[[Path], str] | None
    ) -> None:
        """Check that a path is a regular file with the recorded size and content; else DamagedUnit."""
        path, (size, digest) = self._place(unit, name), written
        found = regular_size(path)
        if found is None:
            raise DamagedUnit(f"{unit.path}/{name} is {'not a regular file' if os.path.lexists(path) else 'missing'}")
        if found != size:
            raise DamagedUnit(f"{unit.path}/{name} has {found} bytes instead of {size}")
        if digest_of is not None and digest_of(Path(path)) != digest:
            raise DamagedUnit(f"{unit.path}/{name} was changed after it was written (digest differs)")

    def open_partial(self, unit: Unit) -> Path:
        """Return a new empty folder, on the study's own file system, in which a unit is made."""
        parent = self.folder / PARTIAL_FOLDER
        parent.mkdir(exist_ok=True)
        # Not by mkdtemp, since other users could not read the resulting unit.
        folder = parent / f"{unit.path.replace('/', '-')[:80]}-{token_hex(8)}"
        folder.mkdir()
        return folder

    def publish(self, unit: Unit, partial: Path) -> None:
        """Move a sealed folder into the unit's place; an earlier one is moved aside first and removed last."""
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
        """Remove files of a finished unit on purpose; its manifest records this first."""
        folder = self.unit_folder(unit)
        if not manifest.dropped.issuperset(names):
            manifest = replace(manifest, dropped=manifest.dropped | frozenset(names))
            new = self.open_partial(unit) / MANIFEST_FILE
            write_manifest(new, manifest)
            new.rename(folder / MANIFEST_FILE)
            new.parent.rmdir()
            sync(folder)
        # A run that was killed here may have left some of them.
        for name in names:
            (folder / name).unlink(missing_ok=True)
        return manifest

    def write_study(self, content: dict[str, Any], *, keep: Collection[str] = ()) -> None:
        """Write study.json, without a time, by one rename; an equal one is not rewritten.

        Entries to `keep` keep the values of an earlier run, if there was one.
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
        """Return the content of study.json, None if the folder has none.

        InputError if it cannot be read or was changed.
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
                    f"{path}: was changed after it was written (digest differs); delete this one file and run the "
                    "study again"
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
        """Lock the study for writing: makes the folder, refuses a second run, and removes leftovers of killed runs.

        InputError if the folder is not a study, cannot be written, or is locked by another run.
        """
        self._make_folder()
        with held(self.folder):
            try:
                self._sweep()
                yield
            finally:
                self._sweep()

    def is_locked(self) -> bool:
        """Tell whether a run is working in the study now; False if this is unknown."""
        return is_held(self.folder)

    def check_place(self) -> None:
        """Refuse an impossible folder: a file, a path below a file, a name that is too long."""
        with plain_errors(self.folder):
            if self.folder.exists() and not self.folder.is_dir():
                raise InputError(f"{self.folder}: expected a folder for the study, got a file; choose another --out")
            above = next((path for path in self.folder.parents if path.exists()), Path())
            if not above.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, "", str(self.folder))

    def _make_folder(self) -> None:
        """Make the folder; refuse one that contains anything but a study."""
        self.check_place()
        for name in (LOCK_FILE, PARTIAL_FOLDER):
            if (self.folder / name).is_symlink():
                raise InputError(f"{self.folder / name}: expected no link, since files would be written elsewhere")
        lock = self.folder / LOCK_FILE
        if lock.exists() and not lock.is_file():
            raise InputError(f"{lock}: expected a file, got a folder or a pipe; remove it")
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
