"""Status tells each unit's state without touching the study."""

import pytest
from toy_stages import AXES, STAGES, Toy, contents

from patternscope.errors import InputError
from patternscope.results.study import read_record
from patternscope.workflow.event_log import EventLog
from patternscope.workflow.plan import make_plan
from patternscope.workflow.runner import run_units
from patternscope.workflow.stages import Stage, Unit
from patternscope.workflow.status import study_status
from patternscope.workflow.store import Store


def states(folder, **settings) -> dict[str, str]:
    return {each.unit.path: each.state for each in study_status(folder, make_plan(Toy(**settings), STAGES, AXES))}


def test_each_state(tmp_path):
    assert set(states(tmp_path / "nowhere").values()) == {"missing"}
    run_units(tmp_path, make_plan(Toy(), STAGES, AXES), until="features")
    before = contents(tmp_path)
    found = states(tmp_path)
    assert {found["source"], found["features/02"]} == {"done"}
    assert found["fit/00/low"] == "missing"
    run_units(tmp_path, make_plan(Toy(), STAGES, AXES))
    assert set(states(tmp_path).values()) == {"done"}
    changed = states(tmp_path, tau=0.5)
    assert {path for path, state in changed.items() if state == "stale"} == {
        path for path in changed if path.startswith("points") or path == "summary"
    }
    (tmp_path / "fit/01/low/fit.txt").write_text("longer than it was")
    found = states(tmp_path)
    assert found["fit/01/low"] == "damaged"
    assert found["points/01/low"] == "stale"
    assert found["fit/01/high%2Fer"] == "done"
    assert before.items() <= contents(tmp_path).items()


def test_sizes_and_times(tmp_path):
    run_units(tmp_path, make_plan(Toy(pause=0.01), STAGES, AXES))
    found = {each.unit.path: each for each in study_status(tmp_path, make_plan(Toy(pause=0.01), STAGES, AXES))}
    assert found["source"].size == len("apples") + len("6")
    assert (found["train/01"].seconds or 0) >= 0.01


def test_running_is_shown_while_a_run_holds_the_study(tmp_path):
    run_units(tmp_path, make_plan(Toy(), STAGES, AXES), until="source")
    journal = EventLog(tmp_path)
    journal.write("run", units=1)
    journal.write("begin", unit="train/00")
    assert states(tmp_path)["train/00"] == "missing"
    with Store(tmp_path).locked():
        assert states(tmp_path)["train/00"] == "running"


def test_a_whole_unit_is_taken_as_it_is_where_what_lies_outside_is_gone(tmp_path):
    def gone(settings, unit: Unit) -> str:
        if (tmp_path / "gone").exists():
            raise InputError("folder: gone")
        return "here"

    stages = (Stage("source", 1, STAGES[0].run, ("source",), external=gone),)
    plan = make_plan(Toy(), stages, AXES)
    run_units(tmp_path / "s", plan)
    assert [each.state for each in study_status(tmp_path / "s", plan)] == ["done"]
    (tmp_path / "gone").write_text("")
    (found,) = study_status(tmp_path / "s", plan)
    assert (found.state, found.unread) == ("done", "folder: gone")
    with pytest.raises(InputError, match="folder: gone"):
        run_units(tmp_path / "s", plan)
    next(path for path in (tmp_path / "s/source").iterdir() if path.name != "manifest.json").unlink()
    assert [each.state for each in study_status(tmp_path / "s", plan)] == ["damaged"]


def test_contents_are_compared_where_asked_for(tmp_path):
    plan = make_plan(Toy(), STAGES, AXES)
    run_units(tmp_path, plan)
    file = tmp_path / "fit/01/low/fit.txt"
    file.write_text("x" * len(file.read_text()))
    assert {each.state for each in study_status(tmp_path, plan)} == {"done"}
    assert {each.unit.path for each in study_status(tmp_path, plan, digests=True) if not each.up_to_date} >= {
        "fit/01/low",
        "points/01/low",
    }


def test_a_folder_that_is_no_study(tmp_path):
    with pytest.raises(InputError, match=r"expected the folder of `patternscope run`, got one without study\.json"):
        read_record(tmp_path)
    (tmp_path / "study.json").write_text("{")
    with pytest.raises(InputError, match="expected a JSON file"):
        read_record(tmp_path)
