"""A study on a real Dask cluster of two processes: the same bytes, also when one of them is killed."""

import gc
import os
import signal
import threading
import warnings
from pathlib import Path

import pytest
import toy_stages
from tiny_study import settings
from toy_stages import AXES, STAGES, Toy, contents

from patternscope.errors import InputError
from patternscope.study.run import run_analysis
from patternscope.workflow.plan import make_plan
from patternscope.workflow.runner import run_units
from patternscope.workflow.stages import Stage, UnitContext

distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")

import dask.config  # noqa: E402

from patternscope.workflow import cluster as study_cluster  # noqa: E402
from patternscope.workflow.cluster import ClusterExecutor  # noqa: E402


@pytest.fixture(scope="module")
def cluster(forks):
    options = {"dashboard_address": ":0", "silence_logs": 60, "protocol": "tcp"}
    paths = os.pathsep.join([str(Path(toy_stages.__file__).parent), os.environ.get("PYTHONPATH", "")])
    environment = {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    asked = {"scheduler.allowed-failures": 1, "worker.multiprocessing-method": forks.get_start_method()}
    with (
        pytest.MonkeyPatch.context() as patch,
        dask.config.set({f"distributed.{name}": value for name, value in asked.items()}),
    ):
        # What the processes have imported is chosen already.
        patch.setattr(distributed.utils, "_forkserver_preload_set", True)
        patch.setattr(study_cluster, "ANSWER_SECONDS", 2)
        with distributed.LocalCluster(n_workers=2, threads_per_worker=1, env=environment, **options) as found:
            yield found


def kill_one(cluster) -> None:
    os.kill(next(iter(cluster.workers.values())).pid, signal.SIGKILL)


def two_workers(cluster) -> None:
    """A test before may have killed one: a busy machine starts it again late, or gives it up."""
    cluster.scale(2)
    try:
        cluster.wait_for_workers(2, timeout=30)
    except TimeoutError:
        cluster.scale(0)
        cluster.scale(2)
        cluster.wait_for_workers(2, timeout=60)


def run(folder: Path, cluster, stages=STAGES, report=None, **changes):
    two_workers(cluster)
    return run_units(
        folder,
        make_plan(Toy(**changes), stages, AXES),
        executor=lambda: ClusterExecutor(cluster.scheduler_address),
        report=report,
    )


def test_a_killed_worker_changes_nothing(tmp_path, cluster):
    begun = []

    def report(event) -> None:
        if event.kind == "begin":
            begun.append(event.unit.path)
            if event.unit.path == "fit/01/low":
                kill_one(cluster)

    done = run(tmp_path / "spread", cluster, report=report, pause=0.2).done
    run_units(tmp_path / "here", make_plan(Toy(pause=0.2), STAGES, AXES))
    assert contents(tmp_path / "spread") == contents(tmp_path / "here")
    assert len(done) == len(begun) == 20
    assert not (tmp_path / "spread/.partial").exists()


@pytest.mark.slow
def test_a_real_study_has_the_same_bytes(tmp_path, cluster):
    small = settings(training__epochs=1, training__checkpoints=1, knowledge__taus=[0.5])
    killed = []

    def report(event) -> None:
        if event.kind == "begin" and event.unit.stage == "importance" and not killed:
            killed.append(event.unit)
            kill_one(cluster)

    run_analysis(
        tmp_path / "spread",
        small,
        executor=lambda: ClusterExecutor(cluster.scheduler_address),
        report=report,
        until="region",
    )
    run_analysis(tmp_path / "here", small, device="cpu", until="region")
    assert killed
    assert contents(tmp_path / "spread") == contents(tmp_path / "here")


def die(ctx: UnitContext) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def refuse(ctx: UnitContext) -> None:
    raise InputError("layer: no good")


@pytest.mark.parametrize(
    ("function", "said"), [(die, "die: every worker that tried this unit died"), (refuse, "die: layer: no")]
)
def test_what_goes_wrong_there_is_one_line_here(tmp_path, cluster, function, said):
    with pytest.raises(InputError, match=said) as caught:
        run(tmp_path, cluster, (Stage("die", 1, function),))
    assert "\n" not in str(caught.value)
    assert not (tmp_path / ".partial").exists()


def test_workers_with_other_programs_are_refused(tmp_path, cluster, monkeypatch):
    monkeypatch.setattr(study_cluster, "program_versions", lambda: {"torch": "0.1"})
    with pytest.raises(InputError, match=r"source: worker tcp://.*: expected torch 0\.1 as in the run, got"):
        run(tmp_path, cluster)


def test_workers_that_see_no_study_or_take_many_units_are_refused(tmp_path):
    with pytest.raises(InputError, match="expected 1 unit at once, got 4; start it with --nthreads 1"):
        study_cluster.check_worker("tcp://a", 4, {}, tmp_path)
    with pytest.raises(InputError, match="expected the study at"):
        study_cluster.check_worker("tcp://a", 1, {}, tmp_path)


ADDRESSES = ["tcp://127.0.0.1:9", "nonsense", "http://127.0.0.1:9", "tls://127.0.0.1:9", "ucx://127.0.0.1:9", ""]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_scheduler_is_one_line(cluster, address):
    with pytest.raises(InputError, match="expected the address that `dask scheduler` prints") as caught:
        ClusterExecutor(address)
    assert "\n" not in str(caught.value)
    # A client that is left behind would complain when it is deleted, which is an error in these tests.
    gc.collect()


@pytest.mark.filterwarnings("always")
def test_without_workers_it_says_so_once_and_can_be_stopped(tmp_path, cluster, monkeypatch):
    """Ctrl-C, which is a KeyboardInterrupt wherever the run is, ends it: nothing waits for work nobody does."""
    cluster.scale(0)
    monkeypatch.setattr("patternscope.workflow.runner.LOOK_AGAIN", 0.05)
    said, looked, ended = [], [], []

    class Watched(ClusterExecutor):
        def look_again(self) -> None:
            super().look_again()
            looked.append(self.workers)
            if looked.count(0) > 3:
                raise KeyboardInterrupt

    monkeypatch.setattr(warnings, "showwarning", lambda message, *_, **__: said.append(str(message)))

    def stopped() -> None:
        plan = make_plan(Toy(), STAGES, AXES)
        with pytest.raises(KeyboardInterrupt):
            run_units(tmp_path / "s", plan, executor=lambda: Watched(cluster.scheduler_address))
        ended.append(True)

    thread = threading.Thread(target=stopped, daemon=True)
    thread.start()
    thread.join(60)
    assert ended
    assert said == [f"the cluster at {cluster.scheduler_address} has no worker; waiting for one"]
    assert not (tmp_path / "s/.partial").exists()


def test_without_the_extra_the_line_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "distributed", None)
    with pytest.raises(InputError, match=r"pip install 'patternscope\[cluster\]'"):
        ClusterExecutor("tcp://127.0.0.1:9")
