"""A study whose checkpoints lie where the accuracy changes."""

import contextlib
import itertools

import pytest
import tiny_study

from patternscope.results.study import open_results
from patternscope.results.training import TrainingResult
from patternscope.study.run import run_analysis

CHANGES = {"training__placement": "accuracy", "training__checkpoints": 5, "training__epochs": 3}


def files(folder) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted((folder / "training").rglob("*.safetensors"))
    }


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("placed") / "study"
    run_analysis(folder, tiny_study.settings(**CHANGES), until="training", device="cpu")
    return folder


def test_it_has_the_checkpoints_that_were_asked_for(trained):
    results = open_results(trained)
    found = [results.training(checkpoint) for checkpoint in results.checkpoints(TrainingResult)]
    steps = [each.step for each in found]
    assert (len(steps), steps[0], steps[-1]) == (5, 0, found[-1].total_steps)
    assert all(before < after for before, after in itertools.pairwise(steps))
    assert [len(each.losses) for each in found[1:]] == [after - before for before, after in itertools.pairwise(steps)]


@pytest.mark.parametrize("killed", [1, 2, 4])
def test_a_run_that_is_killed_goes_on_to_the_same_bytes(trained, tmp_path, killed):
    class Killed(BaseException):
        pass

    def kill(event) -> None:
        if event.unit.path == f"training/{killed:02d}" and event.kind == "progress":
            raise Killed

    settings = tiny_study.settings(**CHANGES)
    with contextlib.suppress(Killed):
        run_analysis(tmp_path / "study", settings, until="training", device="cpu", report=kill)
    assert len(list((tmp_path / "study/training").glob("*/manifest.json"))) == killed
    run_analysis(tmp_path / "study", settings, until="training", device="cpu")
    assert files(tmp_path / "study") == files(trained)


def test_the_last_network_is_the_same_wherever_the_others_lie(trained, tmp_path):
    settings = tiny_study.settings(**{**CHANGES, "training__placement": "log"})
    run_analysis(tmp_path / "log", settings, until="training", device="cpu")
    last = "training/04/network.safetensors"
    assert files(tmp_path / "log")[last] == files(trained)[last]
