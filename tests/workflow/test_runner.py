"""What runs, what is kept, what is mended, and that the bytes are always the same."""

import errno
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import toy_stages
from toy_stages import AXES, STAGES, Toy, contents

from patternscope.errors import InputError
from patternscope.workflow.event_log import EventLog, unit_times
from patternscope.workflow.executors import process_pool
from patternscope.workflow.plan import make_plan
from patternscope.workflow.runner import run_units
from patternscope.workflow.stages import Axes, Need, Stage, Unit, UnitContext
from patternscope.workflow.store import Store

ALL = 1 + 3 + 3 + 6 + 6 + 1


def run(folder: Path, stages=STAGES, axes=AXES, executor=None, until=None, report=None, **settings):
    plan = make_plan(Toy(**settings), stages, axes)
    return run_units(folder, plan, executor=executor, until=until, report=report)


def stages_of(units) -> set[str]:
    return {unit.stage for unit in units}


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("reference") / "study"
    run(folder)
    return contents(folder)


def test_all_units_run_once_and_then_none(tmp_path):
    first = run(tmp_path / "s")
    before = contents(tmp_path / "s")
    second = run(tmp_path / "s")
    assert (len(first.done), len(first.kept)) == (ALL, 0)
    assert (len(second.done), len(second.kept)) == (0, ALL)
    assert contents(tmp_path / "s") == before
    assert {"study.json", "fit/02/high%2Fer/fit.txt", "source/manifest.json"} <= before.keys()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"tau": 0.5}, {"points", "summary"}),
        ({"length": 5}, {"fit", "points", "summary"}),
        ({"seed": 1}, {"train", "features", "fit", "points", "summary"}),
        ({"unused": 1}, set()),
        # Another text of the same result: train reruns and gives the same bytes, and the change ends there.
        ({"pause": 0.001}, {"train", "fit"}),
        ({"source": "pears"}, {"source", "train", "features", "fit", "points", "summary"}),
    ],
)
def test_a_changed_setting_runs_what_depends_on_it(tmp_path, change, expected):
    run(tmp_path)
    assert stages_of(run(tmp_path, **change).done) == expected


def test_a_raised_version_runs_the_stage_again(tmp_path):
    run(tmp_path)
    raised = tuple(Stage(s.name, 2, s.run, s.settings, s.needs, s.per) if s.name == "points" else s for s in STAGES)
    assert stages_of(run(tmp_path, raised).done) == {"points"}


def test_a_new_layer_leaves_the_others_alone(tmp_path):
    run(tmp_path, axes=Axes(3, ("low",)))
    done = run(tmp_path).done
    assert {unit.layer for unit in done} == {"high/er", None}
    assert {unit.stage for unit in done if unit.layer is None} == {"summary"}


def test_what_lies_outside_is_part_of_the_key(tmp_path):
    seen = ["a"]
    stages = (Stage("source", 1, toy_stages.source, ("source",), external=lambda settings, unit: seen[0]),)
    run(tmp_path, stages)
    assert not run(tmp_path, stages).done
    seen[0] = "b"
    assert run(tmp_path, stages).done


def test_until_runs_a_stage_and_what_it_stands_on(tmp_path):
    assert stages_of(run(tmp_path, until="features").done) == {"source", "train", "features"}
    assert stages_of(run(tmp_path, until="fit").done) == {"fit"}
    with pytest.raises(InputError, match=r"'pionts'; did you mean 'points'\?"):
        run(tmp_path, until="pionts")


def test_until_a_folder_of_stages(tmp_path):
    figures = tuple(Stage(f"figures/{n}", 1, toy_stages.summary, (), (Need("fit"),)) for n in "ab")
    done = run(tmp_path, (*STAGES, *figures), until="figures").done
    assert Unit("figures/a") in done
    assert "points" not in stages_of(done)
    assert (tmp_path / "figures/a/summary.txt").exists()


def test_undeclared_settings_and_files_cannot_be_read(tmp_path):
    def greedy(ctx: UnitContext) -> None:
        (ctx.folder / "x").write_text(str(ctx.settings.tau))

    with pytest.raises(AttributeError):
        run(tmp_path / "a", (Stage("greedy", 1, greedy, ("seed",)),))

    def peeking(ctx: UnitContext) -> None:
        ctx.path("source", "count.txt")

    with pytest.raises(KeyError, match="does not declare"):
        run(tmp_path / "b", (STAGES[0], Stage("peek", 1, peeking, (), (Need("source", ("words.txt",)),))))


@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped", "manifest", "garbled"])
def test_damage_is_said_and_mended(tmp_path, reference, damage):
    run(tmp_path)
    target = tmp_path / "fit/01/low/fit.txt"
    content = target.read_bytes()
    manifest = target.parent / "manifest.json"
    if damage == "missing":
        target.unlink()
    elif damage == "truncated":
        target.write_bytes(content[:-1])
    elif damage == "flipped":
        target.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    elif damage == "manifest":
        manifest.write_bytes(manifest.read_bytes()[:40])
    else:
        manifest.write_bytes(b"[]")
    found = run(tmp_path)
    assert [unit.path for unit in found.done] == ["fit/01/low"]
    assert len(found.damaged) == 1
    assert found.damaged[0].startswith("fit/01/low/")
    assert contents(tmp_path) == reference


def test_another_schema_version_is_refused_and_left_alone(tmp_path):
    run(tmp_path)
    for name in ("source/manifest.json", "study.json"):
        path = tmp_path / name
        kept = path.read_text()
        path.write_text(kept.replace('"schema_version":1', '"schema_version":7').replace('version": 1', 'version": 7'))
        before = contents(tmp_path)
        with pytest.raises(InputError, match=r"expected schema_version 1, got 7"):
            run(tmp_path)
        assert contents(tmp_path) == before
        path.write_text(kept)


def test_a_folder_that_is_no_study_is_refused(tmp_path):
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(InputError, match=r"expected a study or an empty folder, got 1 entries and no study\.json"):
        run(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(InputError, match="expected a folder for the study, got a file"):
        run(tmp_path / "thesis.txt")


def test_a_second_run_at_the_same_time_is_refused(tmp_path):
    run(tmp_path, until="source")
    store = Store(tmp_path)
    assert not store.is_locked()
    with store.locked():
        assert store.is_locked()
        with pytest.raises(InputError, match="another run is working in this study"):
            run(tmp_path)
    assert len(run(tmp_path).done) == ALL - 1


@pytest.mark.parametrize(
    ("code", "said"), [(errno.ENOSPC, "disk is full"), (errno.EROFS, "read-only"), (errno.EACCES, "no permission")]
)
def test_a_disk_that_refuses_is_one_line(tmp_path, reference, monkeypatch, code, said):
    run(tmp_path, until="features")

    def refuse(ctx: UnitContext) -> None:
        (ctx.folder / "half").write_text("half")
        raise OSError(code, os.strerror(code))

    refusing = tuple(Stage(s.name, 1, refuse, s.settings, s.needs, s.per) if s.name == "fit" else s for s in STAGES)
    with pytest.raises(InputError, match=said) as caught:
        run(tmp_path, refusing)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / ".partial").exists()
    run(tmp_path)
    assert contents(tmp_path) == reference


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(InputError, match="no permission to write or read here"):
        run(tmp_path / "s")


def test_a_failure_keeps_finished_units_and_leaves_nothing_half(tmp_path, reference):
    with pytest.raises(InputError, match=r"^fit/00/low: layer: no good$"):
        run(tmp_path, bad_layer="low")
    assert not (tmp_path / ".partial").exists()
    assert not (tmp_path / "fit/00/low").exists()
    assert (tmp_path / "features/02/manifest.json").exists()
    run(tmp_path)
    assert contents(tmp_path) == {**reference, "study.json": contents(tmp_path)["study.json"]}


def test_a_bug_keeps_its_type_and_says_where(tmp_path):
    def bug(ctx: UnitContext) -> None:
        raise ZeroDivisionError("oh")

    with pytest.raises(ZeroDivisionError) as caught:
        run(tmp_path, (Stage("bug", 1, bug),))
    assert "bug" in caught.value.__notes__[0]


WITHOUT_GUARD = """
import sys
sys.path.insert(0, {tests!r})
from pathlib import Path
from toy_stages import AXES, STAGES, Toy
from patternscope.errors import InputError
from patternscope.workflow.executors import process_pool
from patternscope.workflow.plan import make_plan
from patternscope.workflow.runner import run_units
try:
    run_units(Path({folder!r}), make_plan(Toy(), STAGES, AXES), executor=lambda: process_pool(2))
except InputError as error:
    print(error)
"""


def test_a_script_without_the_main_guard_is_told_so(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(WITHOUT_GUARD.format(tests=str(Path(__file__).parents[1]), folder=str(tmp_path / "study")))
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, timeout=120)
    guard = "put its code below `if __name__ == '__main__':`"
    assert done.stdout.count("\n") == 1
    assert done.stdout.startswith("workers: the worker processes ended before they began; ")
    assert done.stdout.endswith(f"{guard}\n")
    # Each process that began the script again says so in one line, too, and no traceback.
    assert 1 <= done.stderr.count("\n") <= 2
    assert all(line.startswith("error: ") and line.endswith(guard) for line in done.stderr.splitlines())


@pytest.mark.parametrize("kind", ["threads", "spawned", "pool"])
def test_executors_give_the_same_bytes(tmp_path, reference, kind):
    if kind == "pool":
        run(tmp_path, executor=lambda: process_pool(2))
    else:
        with (
            ThreadPoolExecutor(3)
            if kind == "threads"
            else ProcessPoolExecutor(2, mp_context=get_context("spawn")) as executor
        ):
            run(tmp_path, executor=executor)
    assert contents(tmp_path) == reference


def die_once(ctx: UnitContext) -> None:
    mark = Path(ctx.settings.source)
    if not mark.exists():
        mark.write_text("died")
        os.kill(os.getpid(), signal.SIGKILL)
    (ctx.folder / "alive.txt").write_text("alive")


def die(ctx: UnitContext) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_a_killed_worker_is_replaced_and_its_unit_run_again(tmp_path):
    stages = (Stage("die", 1, die_once, ("source",), per=("checkpoint",)),)
    mark = str(tmp_path / "mark")
    done = run(tmp_path / "s", stages, source=mark, executor=lambda: process_pool(1)).done
    assert len(done) == 3


def test_workers_that_always_die_are_one_line(tmp_path):
    stages = (Stage("die", 1, die),)
    with pytest.raises(InputError, match="a worker process was killed"):
        run(tmp_path / "s", stages, executor=lambda: process_pool(1))
    with pytest.raises(InputError, match="workers: expected 1 or more, got 0"):
        process_pool(0)


def test_killed_at_any_moment_ends_with_the_same_bytes(tmp_path):
    folder = tmp_path / "s"
    script = [sys.executable, toy_stages.__file__, str(folder), "0.01"]
    chance = random.Random(5)
    kills = 0
    while kills < 10:
        process = subprocess.Popen(script)
        # Work begins when the journal grows; the kill falls within the next units.
        begun = len(journal_lines(folder))
        while process.poll() is None and len(journal_lines(folder)) < begun + 1:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.05)
        process.send_signal(signal.SIGKILL)
        if process.wait() == -signal.SIGKILL:
            kills += 1
        else:
            # It came to its end before the signal: take something away, so that there is work to kill.
            shutil.rmtree(folder / chance.choice(["train", "fit", "points"]))
    subprocess.run(script, check=True)
    assert not (folder / ".partial").exists()
    run(tmp_path / "whole", pause=0.01)
    assert contents(folder) == contents(tmp_path / "whole")
    assert len(run(folder, pause=0.01).kept) == ALL


def journal_lines(folder: Path) -> list[str]:
    path = folder / "events.jsonl"
    return path.read_text().splitlines() if path.exists() else []


def test_killed_between_the_two_renames(tmp_path, reference, monkeypatch):
    run(tmp_path, tau=0.9)
    real = Path.rename

    def rename(self: Path, target):
        if target == tmp_path / "points/00/low":
            raise KeyboardInterrupt
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    monkeypatch.undo()
    run(tmp_path)
    assert contents(tmp_path) == reference


def test_the_journal_knows_times_and_survives_a_half_line(tmp_path):
    events = []
    run(tmp_path, until="train", report=events.append)
    assert [e.kind for e in events if e.unit == Unit("train", 1)] == ["planned", "begin", "progress", "done"]
    with (tmp_path / "events.jsonl").open("a") as file:
        file.write('{"event": "do')
    run(tmp_path)
    times = unit_times(EventLog(tmp_path))
    assert {"train/02", "summary"} <= times.seconds.keys()
    assert not times.begun
