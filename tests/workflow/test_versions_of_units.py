"""Each unit says which versions made it; a run that computes nothing changes nothing."""

import json

import pytest
from toy_stages import AXES, STAGES, Toy, contents

from patternscope.errors import InputError
from patternscope.workflow import manifest, runner
from patternscope.workflow.event_log import EventLog, unit_machines
from patternscope.workflow.manifest import DamagedUnit
from patternscope.workflow.plan import make_plan
from patternscope.workflow.programs import Machine, program_versions
from patternscope.workflow.runner import run_units
from patternscope.workflow.stages import Unit
from patternscope.workflow.store import Store

UNIT = Unit("fit", 1, "low")


def run(folder):
    return run_units(folder, make_plan(Toy(), STAGES, AXES))


def make_versions_old(folder):
    """Leave manifests and study.json as versions wrote them that kept no versions by unit."""
    for path in [*folder.rglob("manifest.json"), folder / "study.json"]:
        content = json.loads(path.read_bytes())
        del content["digest"]
        if path.name == "manifest.json":
            del content["versions"]
        path.write_text(json.dumps(content))


@pytest.fixture
def upgraded(monkeypatch):
    """Have another version of torch from here on."""
    later = {**program_versions(), "torch": "99.0"}
    for module in (runner, manifest):
        monkeypatch.setattr(module, "program_versions", lambda: later)


@pytest.fixture
def study(tmp_path):
    run(tmp_path)
    return tmp_path


def test_a_run_with_nothing_to_do_under_other_versions_changes_no_byte(study, upgraded):
    before = contents(study)
    assert run(study).done == []
    assert contents(study) == before


def test_a_unit_that_is_made_again_says_by_which_versions(study, upgraded):
    (study / UNIT.path / "fit.txt").unlink()
    assert run(study).done == [UNIT]
    known = {unit: Store(study).manifest(unit).versions for unit in make_plan(Toy(), STAGES, AXES).units}
    assert [unit for unit, versions in known.items() if versions["torch"] == "99.0"] == [UNIT]
    assert Store(study).read_study()["versions"]["torch"] == "99.0"


def test_studies_without_versions_by_unit_stay_as_they_are(study, upgraded):
    make_versions_old(study)
    before = contents(study)
    assert run(study).done == []
    assert contents(study) == before
    assert Store(study).manifest(UNIT).versions == {}


def test_every_flipped_bit_of_a_manifest_is_seen(study):
    path = study / UNIT.path / "manifest.json"
    content = path.read_bytes()
    for place in range(0, 8 * len(content), 5):  # some bit of each byte
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        with pytest.raises((DamagedUnit, InputError)):
            Store(study).manifest(UNIT)


def test_every_flipped_bit_of_the_record_is_seen_or_says_the_same(study):
    path, truth = study / "study.json", Store(study).read_study()
    content = path.read_bytes()
    for place in range(0, 8 * len(content), 5):
        changed = bytearray(content)
        changed[place // 8] ^= 1 << place % 8
        path.write_bytes(changed)
        try:
            found = Store(study).read_study()
        except InputError:
            continue
        # What was flipped is the name of the digest itself.
        assert {name: found.get(name) for name in truth} == truth


def test_the_journal_names_processor_and_threads(study):
    machines = unit_machines(EventLog(study))
    assert machines.keys() == {unit.path for unit in make_plan(Toy(), STAGES, AXES).units}
    assert {machine.threads for machine in machines.values()} == {1}
    assert all(machine.processor for machine in machines.values())


def test_a_journal_of_odd_values_names_no_machine(tmp_path):
    journal = EventLog(tmp_path)
    journal.write("done", unit="a", processor=["x"], threads=1)
    journal.write("done", unit="b", processor="x", threads="many")
    assert unit_machines(journal) == {"b": Machine("x", None)}
