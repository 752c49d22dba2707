"""Bulk that nothing needs any more goes, is not missed, and comes back when something needs it."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import toy_stages
from toy_stages import AXES, STAGES, Toy, contents

from patternscope.workflow.plan import make_plan
from patternscope.workflow.runner import run_units
from patternscope.workflow.stages import UnitContext
from patternscope.workflow.status import study_status

BULKY = tuple(replace(s, bulk=("*/part-*",)) if s.name == "features" else s for s in STAGES)
PARTS = "features/*/*/part-*"


def run(folder: Path, stages=BULKY, keep=False, until=None, report=None, **settings) -> set[str]:
    plan = make_plan(Toy(**settings), stages, AXES)
    return {unit.path for unit in run_units(folder, plan, keep_bulk=keep, until=until, report=report).done}


def states(folder: Path, stages=BULKY, **settings) -> dict[str, str]:
    plan = make_plan(Toy(**settings), stages, AXES)
    return {each.unit.path: each.state for each in study_status(folder, plan)}


def without_bulk(folder: Path) -> dict[str, bytes]:
    """All bytes but the bulk and what the manifests say of its absence."""
    found = {name: text for name, text in contents(folder).items() if "part-" not in name}
    for name in found:
        if name.startswith("features/"):
            manifest = json.loads(found[name])
            manifest.pop("dropped", None)
            manifest.pop("digest")  # of itself, "dropped" included
            found[name] = json.dumps(manifest).encode()
    return found


@pytest.fixture(scope="module")
def kept(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("kept") / "s"
    run(folder, keep=True)
    return folder


def test_all_but_the_bulk_is_as_in_a_study_that_keeps_it(tmp_path, kept):
    run(tmp_path)
    assert len(list(kept.glob(PARTS))) == 6
    assert not list(tmp_path.glob(PARTS))
    assert without_bulk(tmp_path) == without_bulk(kept)
    found = states(tmp_path)
    assert {path for path, state in found.items() if state == "dropped"} == {
        "features/00",
        "features/01",
        "features/02",
    }
    assert set(found.values()) == {"done", "dropped"}
    before = contents(tmp_path)
    assert run(tmp_path) == run(tmp_path, keep=True) == set()
    assert contents(tmp_path) == before


def test_bulk_goes_as_soon_as_its_last_reader_is_done(tmp_path):
    most = []
    run(tmp_path, report=lambda event: most.append(len({part.parents[1] for part in tmp_path.glob(PARTS)})))
    assert max(most) == 1


def test_what_later_stages_need_stays(tmp_path):
    run(tmp_path, until="features")
    assert len(list(tmp_path.glob(PARTS))) == 6
    run(tmp_path, until="fit")
    assert not list(tmp_path.glob(PARTS))


def test_bulk_kept_so_far_goes_without_running_anything(tmp_path):
    run(tmp_path, keep=True)
    assert run(tmp_path) == set()
    assert not list(tmp_path.glob(PARTS))


@pytest.mark.parametrize("keep", [False, True])
def test_only_what_is_read_again_comes_back(tmp_path, kept, keep):
    run(tmp_path)
    assert {path.split("/")[0] for path in run(tmp_path, tau=0.5)} == {"points", "summary"}
    run(tmp_path)
    (tmp_path / "fit/01/low/fit.txt").unlink()
    assert run(tmp_path, keep=keep) == {"features/01", "fit/01/low"}
    assert without_bulk(tmp_path) == without_bulk(kept)
    assert len(list(tmp_path.glob(PARTS))) == (2 if keep else 0)


def elsewhere(ctx: UnitContext) -> None:
    """Features that come out differently on another machine."""
    toy_stages.features(ctx)
    with (ctx.folder / "low" / "part-00000").open("a") as file:
        file.write(MACHINE)


MACHINE = "here"


def test_bulk_that_comes_back_other_than_it_was_runs_all_that_stands_on_it(tmp_path, monkeypatch):
    stages = tuple(replace(s, run=elsewhere) if s.name == "features" else s for s in BULKY)
    run(tmp_path, stages)
    assert run(tmp_path, stages) == set()
    monkeypatch.setattr("test_intermediates.MACHINE", "there")
    (tmp_path / "fit/01/high%2Fer/fit.txt").unlink()
    redone = run(tmp_path, stages)
    assert {"features/01", "fit/01/high%2Fer", "fit/01/low", "points/01/low"} <= redone
    assert "fit/00/low" not in redone
    assert set(states(tmp_path, stages).values()) == {"done", "dropped"}
    assert run(tmp_path, stages) == set()


def test_killed_while_dropping(tmp_path, kept, monkeypatch):
    def stopped(self, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(Path, "unlink", stopped)
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path)
    monkeypatch.undo()
    run(tmp_path)
    assert not list(tmp_path.glob(PARTS))
    assert without_bulk(tmp_path) == without_bulk(kept)
