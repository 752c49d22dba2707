"""A study whose workers do not see its folder: files pass through a store, and come out as the same bytes."""

import os
import sys
from concurrent.futures import CancelledError, Future
from pathlib import Path
from threading import Event

import pytest
import toy_stages
from toy_stages import AXES, STAGES, Toy, contents

from patternscope.errors import InputError
from patternscope.workflow.cache_keys import file_digest, text_digest
from patternscope.workflow.event_log import EventLog
from patternscope.workflow.exchange import Exchange
from patternscope.workflow.executors import Task
from patternscope.workflow.plan import make_plan
from patternscope.workflow.programs import Machine
from patternscope.workflow.runner import run_units
from patternscope.workflow.sent import FetchedFiles, SentUnit, fetched
from patternscope.workflow.stages import Unit

distributed = pytest.importorskip("distributed", reason="the extra 'cluster' is not installed")

import dask.config  # noqa: E402

from patternscope.workflow.cluster import ClusterExecutor  # noqa: E402


def forbid(folder: str) -> None:
    """Let every attempt of this process to open a file below a folder fail."""

    def hear(event: str, arguments: tuple) -> None:
        if event == "open" and isinstance(arguments[0], str) and arguments[0].startswith(folder):
            raise PermissionError(f"{arguments[0]} is on another machine")

    sys.addaudithook(hear)


def set_variables(variables: dict[str, str]) -> None:
    os.environ.update(variables)


@pytest.fixture(scope="module")
def here(tmp_path_factory) -> Path:
    """A folder of which the worker cannot open any file."""
    return tmp_path_factory.mktemp("here")


@pytest.fixture(scope="module")
def distant(forks, here, tmp_path_factory):
    """A cluster of one worker that does not see the folder."""
    paths = os.pathsep.join([str(Path(toy_stages.__file__).parent), os.environ.get("PYTHONPATH", "")])
    options = {
        "dashboard_address": ":0",
        "silence_logs": 60,
        "protocol": "tcp",
        "local_directory": str(tmp_path_factory.mktemp("there")),
    }
    with (
        pytest.MonkeyPatch.context() as patch,
        dask.config.set({"distributed.worker.multiprocessing-method": forks.get_start_method()}),
    ):
        patch.setattr(distributed.utils, "_forkserver_preload_set", True)
        with (
            distributed.LocalCluster(
                n_workers=1, threads_per_worker=1, env={"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}, **options
            ) as cluster,
            distributed.Client(cluster, set_as_default=False) as client,
        ):
            client.run(forbid, str(here))
            yield cluster.scheduler_address


def run(folder: Path, address: str, exchange: str | None):
    made = None if exchange is None else Exchange(exchange)
    return run_units(folder, make_plan(Toy(), STAGES, AXES), executor=lambda: ClusterExecutor(address, made))


def test_workers_that_do_not_see_the_study_make_the_same_bytes(tmp_path, here, distant):
    with pytest.raises(PermissionError, match="on another machine"):
        run(here / "study", distant, None)
    exchange = f"file://{tmp_path}/exchange"
    done = run(here / "study", distant, exchange).done
    run_units(tmp_path / "alone", make_plan(Toy(), STAGES, AXES))
    assert contents(here / "study") == contents(tmp_path / "alone")
    assert len(done) == 20
    assert not (here / "study/.partial").exists()
    # Each file is kept once, whatever it is called in the study.
    kept = sorted(path.name for path in (tmp_path / "exchange").rglob("*") if path.is_file())
    assert kept == sorted(file_digest(path) for path in (tmp_path / "exchange").rglob("*") if path.is_file())
    assert run(here / "study", distant, exchange).done == []


def test_a_bucket_of_s3_is_an_exchange(tmp_path, here, distant, monkeypatch):
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    server = pytest.importorskip("moto.server", reason="moto is not installed").ThreadedMotoServer(port=0)
    server.start()
    try:
        address = "http://{}:{}".format(*server.get_host_and_port())
        variables = {"AWS_ENDPOINT_URL": address, "AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b"}
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        with distributed.Client(distant, set_as_default=False) as client:
            client.run(set_variables, variables)
        with pytest.raises(InputError, match=r"exchange: expected the address of an object store .*s3://none/at-all"):
            run(here / "s3", distant, "s3://none/at-all")
        import s3fs

        s3fs.S3FileSystem(skip_instance_cache=True).mkdir("bucket")
        run(here / "s3", distant, "s3://bucket/folder")
        run_units(tmp_path / "alone", make_plan(Toy(), STAGES, AXES))
        assert contents(here / "s3") == contents(tmp_path / "alone")
    finally:
        server.stop()


@pytest.mark.parametrize("address", ["bucket", "nothing://bucket", "", "s3:/bucket"])
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(InputError, match="exchange: expected the address of an object store"):
        Exchange(address).check()


def test_damage_and_cut_off_files_are_found(tmp_path):
    exchange = Exchange(f"file://{tmp_path}/exchange")
    source = tmp_path / "source"
    source.write_text("twelve bytes")
    digest = file_digest(source)
    exchange.send(source, digest)
    (kept,) = (path for path in (tmp_path / "exchange").rglob("*") if path.is_file())
    kept.write_text("twelve bites")
    with pytest.raises(InputError, match="differs from what was sent"):
        exchange.fetch(digest, tmp_path / "target")
    assert not (tmp_path / "target").exists()
    kept.write_text("twelve")
    exchange.send(source, digest)
    exchange.fetch(digest, tmp_path / "target")
    assert (tmp_path / "target").read_text() == "twelve bytes"
    with pytest.raises(InputError, match="cannot be used"):
        exchange.fetch(text_digest("another"), tmp_path / "target")


def test_a_kept_file_that_was_damaged_is_fetched_again(tmp_path):
    exchange, source = Exchange(f"file://{tmp_path}/exchange"), tmp_path / "source"
    source.write_text("twelve bytes")
    digest = file_digest(source)
    exchange.send(source, digest)
    kept = FetchedFiles(tmp_path / "kept", exchange)
    kept.put(digest, tmp_path / "first")
    (tmp_path / "kept" / digest).write_text("twelve bites")
    kept.put(digest, tmp_path / "second")
    assert (tmp_path / "second").read_text() == "twelve bytes"
    assert [path.name for path in (tmp_path / "kept").iterdir()] == [digest]


def test_a_unit_is_fetched_on_a_thread_of_its_own_and_not_after_the_run(tmp_path):
    """Who tells of a finished unit is the loop of the cluster: nothing may hold it up."""
    made, ended, go_on = Future(), Event(), Event()

    class Slow(Exchange):
        def fetch(self, digest, path):
            assert go_on.wait(20)
            path.write_text("text")

    task = Task(tmp_path, Unit("source"), "key", run, None, ())
    here = fetched(made, task, Slow("file:///nowhere"), ended)
    two = {"one.txt": (4, text_digest("text")), "two.txt": (4, text_digest("text"))}
    made.set_result(SentUnit(two, Machine("a", 1)))
    assert not here.done()
    ended.set()
    go_on.set()
    with pytest.raises(CancelledError):
        here.result(20)
    assert list((tmp_path / ".partial").iterdir()) == []


def test_a_store_that_dies_fails_the_unit_and_no_other(tmp_path, here, distant, monkeypatch):
    exchange = Exchange(f"file://{tmp_path}/exchange")
    sent = Exchange.send

    def dies(self, path, digest):
        if path.parent.name == "01":
            raise InputError("exchange: it is gone")
        return sent(self, path, digest)

    monkeypatch.setattr(Exchange, "send", dies)
    with pytest.raises(InputError, match=r"^train/02: exchange: it is gone"):
        run(here / "dying", distant, exchange.address)
    events = [event["event"] for event in EventLog(here / "dying").events()]
    assert events.count("failed") == 1
    assert events.count("begin") == events.count("done") + 1


def test_an_address_is_named_without_its_password():
    with pytest.raises(InputError, match="got 'nothing://host/folder', which"):
        Exchange("nothing://me:secret@host/folder").check()


def test_a_worker_keeps_what_was_used_last(tmp_path):
    exchange, made = Exchange(f"file://{tmp_path}/exchange"), []
    for number in range(3):
        path = tmp_path / str(number)
        path.write_text(str(number) * 10)
        made.append(file_digest(path))
        exchange.send(path, made[-1])
    kept = FetchedFiles(tmp_path / "kept", exchange)
    for number, digest in enumerate(made):
        kept.put(digest, tmp_path / f"there/{number}")
        os.utime(tmp_path / "kept" / digest, (number, number))
    kept.put(made[0], tmp_path / "again")
    kept.forget(20)
    assert {path.name for path in (tmp_path / "kept").iterdir()} == {made[0], made[2]}
    assert [(tmp_path / f"there/{number}").read_text() for number in range(3)] == ["0" * 10, "1" * 10, "2" * 10]
