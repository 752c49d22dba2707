"""What computed a study: listed by unit, said where it is mixed, and where two studies differ in it."""

import json
import shutil
from dataclasses import replace

import pytest

from patternscope.api.study_page import read_study_page
from patternscope.cli import main
from patternscope.report.page import render
from patternscope.results.provenance import Provenance, Versions, differences, provenance_of
from patternscope.workflow.manifest import write_manifest
from patternscope.workflow.programs import Machine
from patternscope.workflow.stages import Unit
from patternscope.workflow.store import Store


@pytest.fixture(scope="module")
def mixed(attacked_study, tmp_path_factory):
    """A copy of which one unit was made by another torch, on another machine."""
    folder = shutil.copytree(attacked_study, tmp_path_factory.mktemp("mixed") / "study")
    unit = Unit("knowledge", 1, "conv_53")
    manifest = Store(folder).manifest(unit)
    write_manifest(
        folder / unit.path / "manifest.json", replace(manifest, versions={**manifest.versions, "torch": "2.3.9"})
    )
    with (folder / "events.jsonl").open("a") as file:
        file.write(json.dumps({"event": "done", "unit": unit.path, "processor": "An <i>old</i> one", "threads": 7}))
    return folder


def test_one_version_is_no_mixture(attacked_study):
    found = provenance_of(attacked_study)
    assert found.mixed is None
    assert (len(found.versions), len(found.machines)) == (1, 1)
    assert found.machines[0].threads == 1
    assert found.programs[-1] == "torchvision"


def test_all_versions_and_machines_are_listed(mixed):
    found = provenance_of(mixed)
    assert [known.units for known in found.versions][1:] == [1]
    assert found.machines[-1] == Machine("An <i>old</i> one", 7)
    assert "torch 2.3.9 (1 unit)" in found.mixed
    page = render(read_study_page(mixed))
    assert "<td>2.3.9</td>" in page
    assert "An &lt;i&gt;old&lt;/i&gt; one, 7 threads" in page
    assert "The units of this study were computed by different versions" in page


def test_old_studies_have_the_versions_of_their_record(attacked_study, tmp_path):
    folder = shutil.copytree(attacked_study, tmp_path / "study")
    for path in folder.rglob("manifest.json"):
        content = json.loads(path.read_bytes())
        del content["versions"], content["digest"]
        path.write_text(json.dumps(content))
    (folder / "events.jsonl").unlink()
    found = provenance_of(folder)
    assert [known.programs for known in found.versions] == [Store(folder).read_study()["versions"]]
    assert (found.mixed, found.machines_text) == (None, None)
    assert "Computed on" not in render(read_study_page(folder))


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("command", ["compare", "diff", "status"])
def test_commands_warn_in_one_line(attacked_study, mixed, tmp_path, capsys, command):
    given = [str(mixed)] if command == "status" else [str(attacked_study), str(mixed), "--out", str(tmp_path / "out")]
    with pytest.raises(SystemExit) as caught:
        main([command, *given])
    warned = [line for line in capsys.readouterr().err.splitlines() if line.startswith("warning: ")]
    assert (caught.value.code, len(warned)) == (0, 1)
    assert "2.3.9" in warned[0]
    assert command == "status" or "1 thread against 1 thread or 7 threads" in warned[0]


def test_what_is_not_known_differs_in_nothing():
    one = Provenance((Versions({"torch": "2.3.9"}, 3),), (Machine("a", 1),))
    unknown = Provenance((Versions({}, 3),), ())
    assert differences(one, unknown) == differences(unknown, one) == differences(one, one) == []
