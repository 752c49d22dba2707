"""Disks that are full, read-only or without locks, files that may not grow, two runs at once: nothing is lost."""

import errno
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path

import filling_disk
import pytest
import torch
import toy_stages
from toy_stages import AXES, STAGES, Toy, contents

from patternscope.errors import InputError
from patternscope.tensor_files import write_tensors
from patternscope.workflow.event_log import EventLog, unit_times
from patternscope.workflow.plan import make_plan
from patternscope.workflow.runner import run_units
from patternscope.workflow.stages import Stage, UnitContext
from patternscope.workflow.status import study_status

RUN = f"{sys.executable} {toy_stages.__file__}"


def can_mount() -> bool:
    """Whether this process may mount in a name space of its own."""
    if shutil.which("unshare") is None:
        return False
    command = ["unshare", "-rm", "sh", "-c", "mount -t tmpfs tmpfs /mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


needs_mounts = pytest.mark.skipif(not can_mount(), reason="mount name spaces (unshare -rm) are not allowed here")


def in_own_mounts(script: str) -> subprocess.CompletedProcess[str]:
    """Run a shell script whose mounts nobody else sees and that end with it."""
    return subprocess.run(["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "s"
    run_units(folder, make_plan(Toy(), STAGES, AXES))
    return folder


@needs_mounts
def test_a_full_disk(tmp_path, whole):
    disk, saved = tmp_path / "disk", tmp_path / "saved"
    disk.mkdir()
    found = in_own_mounts(
        f"mount -t tmpfs -o size=120k tmpfs {disk} && {RUN} {disk}/s 0; echo $?;"
        f"find {disk} -name manifest.json | wc -l; ls -a {disk}/s;"
        f"mount -o remount,size=8m {disk} && {RUN} {disk}/s 0; echo $?; cp -r {disk}/s {saved}"
    )
    first, finished, *names, second = found.stdout.split()
    line = f"{disk}/s: the disk is full; finished units are kept: make room and run again"
    assert found.stderr.strip().endswith(line)
    assert found.stderr.count("\n") == 1
    assert (first, second) == ("2", "0")
    assert 0 < int(finished) < 20
    assert ".partial" not in names
    assert contents(saved) == contents(whole)


@needs_mounts
def test_a_disk_that_is_full_at_each_of_50_moments(tmp_path, whole):
    (disk := tmp_path / "disk").mkdir()
    found = in_own_mounts(f"{sys.executable} {filling_disk.__file__} {disk}")
    tried = [json.loads(line) for line in found.stdout.splitlines()]
    assert len(tried) >= 50, found.stderr
    expected = filling_disk.digest_of(whole)
    for each in tried:
        assert re.fullmatch(rf"(\S+: )?{disk}/s: the disk is full; finished units are kept: .* run again", each["said"])
        assert (each["again"], each["left"], each["digest"]) == (None, [], expected), each
    assert {each["kept"] for each in tried} >= set(range(19))


@pytest.mark.parametrize("hours", [-30, 30])
def test_a_clock_that_is_set_back_or_forward(tmp_path, whole, monkeypatch, hours):
    """Neither what is done nor how long it took is told by the clock, nor by times of files."""
    folder, plan = tmp_path / "s", make_plan(Toy(), STAGES, AXES)
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() - 3600 * hours * len(list(folder.rglob("manifest.json"))))
    run_units(folder, plan, until="fit")
    for path in folder.rglob("*"):
        os.utime(path, (real() + 3600 * hours,) * 2)
    run_units(folder, plan)
    assert contents(folder) == contents(whole)
    assert not run_units(folder, plan).done
    assert {each.state for each in study_status(folder, plan)} == {"done"}
    times = unit_times(EventLog(folder))
    assert not times.begun
    assert all(0 <= seconds < 60 for seconds in times.seconds.values())


@needs_mounts
def test_a_read_only_folder(tmp_path, whole):
    shutil.copytree(whole, tmp_path / "s")
    shutil.rmtree(tmp_path / "s/points/00")
    before = contents(tmp_path / "s")
    found = in_own_mounts(
        f"mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path};"
        f"{RUN} {tmp_path}/s 0; echo $?; {RUN} {tmp_path}/new 0; echo $?"
    )
    assert found.stdout.split() == ["2", "2"]
    assert found.stderr.splitlines() == [f"{tmp_path}/{name}: the file system is read-only" for name in ("s", "new")]
    assert contents(tmp_path / "s") == before


def big(ctx: UnitContext) -> None:
    write_tensors({"x": torch.zeros(100_000)}, ctx.folder / "big.safetensors")


def long(ctx: UnitContext) -> None:
    (ctx.folder / "long.txt").write_text("x" * 400_000)


@pytest.mark.parametrize("function", [big, long])
def test_files_that_may_not_grow(tmp_path, function):
    plan = make_plan(Toy(), (*STAGES[:1], Stage("big", 1, function)), AXES)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, hard))
    try:
        with pytest.raises(InputError, match="a file grew larger than the file system or a limit") as caught:
            run_units(tmp_path / "s", plan)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith(f"big: {tmp_path}/s: ")
    assert [each.state for each in study_status(tmp_path / "s", plan)] == ["done", "missing"]
    assert not (tmp_path / "s/.partial").exists()
    assert len(run_units(tmp_path / "s", plan).done) == 1


def test_two_runs_at_once(tmp_path):
    folder, plan = tmp_path / "s", make_plan(Toy(pause=0.1), STAGES, AXES)
    first = subprocess.Popen([sys.executable, toy_stages.__file__, str(folder), "0.1"])
    states = set()
    while "running" not in states:
        time.sleep(0.01)
        states = {each.state for each in study_status(folder, plan)}
    with pytest.raises(InputError, match="another run is working in this study; wait for it to end"):
        run_units(folder, plan)
    assert first.wait() == 0
    assert "missing" in states
    run_units(tmp_path / "alone", plan)
    assert contents(folder) == contents(tmp_path / "alone")


def without_flock(number: int, monkeypatch) -> None:
    """Refuse flock with an error's number, as a file system does that has no locks."""
    fcntl = pytest.importorskip("fcntl", reason="this system locks files in another way")

    def refuse(descriptor: int, operation: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
def test_a_file_system_without_locks(tmp_path, whole, monkeypatch, number):
    shutil.copytree(whole, tmp_path / "s")
    without_flock(number, monkeypatch)
    with pytest.raises(InputError, match="expected a file system that can lock files"):
        run_units(tmp_path / "s", make_plan(Toy(), STAGES, AXES))
    assert contents(tmp_path / "s") == contents(whole)
    assert {unit.state for unit in study_status(tmp_path / "s", make_plan(Toy(), STAGES, AXES))} == {"done"}


@pytest.mark.parametrize(("mask", "folders", "files"), [(0o027, 0o750, 0o640), (0o022, 0o755, 0o644)])
def test_units_have_the_permissions_of_the_user(tmp_path, mask, folders, files):
    before = os.umask(mask)
    try:
        run_units(tmp_path / "s", make_plan(Toy(), STAGES, AXES))
    finally:
        os.umask(before)
    made = [path for path in (tmp_path / "s").rglob("*") if path.name != ".lock"]
    assert {path.stat().st_mode & 0o777 for path in made if path.is_dir()} == {folders}
    assert {path.stat().st_mode & 0o777 for path in made if path.is_file()} == {files}


def test_a_folder_in_the_place_of_the_lock_is_one_line(tmp_path):
    (tmp_path / "s/.lock").mkdir(parents=True)
    with pytest.raises(InputError, match=r"\.lock: expected a file, got a folder or a pipe; remove it"):
        run_units(tmp_path / "s", make_plan(Toy(), STAGES, AXES))


@pytest.mark.parametrize(("mask", "files"), [(0o027, 0o640), (0o022, 0o644)])
def test_tensors_have_the_permissions_of_the_user(tmp_path, mask, files):
    """safetensors writes through a private file, which others could not read."""
    before = os.umask(mask)
    try:
        write_tensors({"a": torch.ones(3)}, tmp_path / "a.safetensors")
    finally:
        os.umask(before)
    assert (tmp_path / "a.safetensors").stat().st_mode & 0o777 == files


def test_a_damaged_study_file_is_one_line(tmp_path, whole):
    shutil.copytree(whole, tmp_path / "s")
    path = tmp_path / "s/study.json"
    path.write_bytes(path.read_bytes()[:30])
    with pytest.raises(InputError, match="delete this one file and run the study again"):
        run_units(tmp_path / "s", make_plan(Toy(), STAGES, AXES))
    path.unlink()
    assert not run_units(tmp_path / "s", make_plan(Toy(), STAGES, AXES)).done
    assert contents(tmp_path / "s") == contents(whole)
