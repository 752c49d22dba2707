"""Several GPUs: each worker of a pool has one of its own."""

import time
from pathlib import Path

from patternscope.workflow.executors import own_device, process_pool


def devices_here(folder: Path) -> list[str]:
    """What this worker computes on for each word, once three workers are at work."""
    (folder / f"{time.monotonic_ns()}").touch()
    while len(list(folder.iterdir())) < 3:
        time.sleep(0.01)
    return [own_device(asked) for asked in ("auto", "cuda", "cuda:7", "cpu")]


def test_workers_take_the_gpus_in_turn(tmp_path):
    with process_pool(3, gpus=2) as pool:
        found = list(pool.map(devices_here, [tmp_path] * 3))
    assert sorted(each[0] for each in found) == ["cuda:0", "cuda:0", "cuda:1"]
    assert all(each == [each[0], each[0], "cuda:7", "cpu"] for each in found)


def test_without_gpus_and_outside_a_pool_the_word_stays(tmp_path):
    assert own_device("auto") == "auto"
    for name in "abc":
        (tmp_path / name).touch()
    with process_pool(1, gpus=0) as pool:
        assert pool.submit(devices_here, tmp_path).result() == ["auto", "cuda", "cuda:7", "cpu"]
