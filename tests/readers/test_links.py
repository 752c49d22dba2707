"""Links that wait where something is written or copied lead nowhere."""

import os
import zlib

import pytest

from patternscope.api.study import open_study
from patternscope.atlas.page import store_keys
from patternscope.atlas.stage import store_of
from patternscope.atomic import replaced_file
from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.results.study import read_record
from patternscope.workflow.event_log import EventLog
from patternscope.workflow.manifest import DamagedUnit, seal
from patternscope.workflow.stages import Unit
from patternscope.workflow.store import Store


def test_what_is_half_written_is_a_new_file_of_a_name_nobody_can_foresee(tmp_path):
    names = set()
    for _ in range(20):
        with replaced_file(tmp_path / "report.html") as partial:
            assert (partial.is_file(), partial.stat().st_size) == (True, 0)
            names.add(partial.name)
    assert len(names) == 20


def test_a_report_replaces_a_link_and_leaves_its_target(study, tmp_path, capsys):
    target = tmp_path / "precious"
    target.write_text("mine")
    (study / "report.html").symlink_to(target)
    (study / ".report.html.partial").symlink_to(target)
    with pytest.raises(SystemExit):
        main(["report", str(study)])
    capsys.readouterr()
    assert target.read_text() == "mine"
    assert not (study / "report.html").is_symlink()


def test_the_journal_is_not_written_through_a_link_or_a_pipe(tmp_path):
    (tmp_path / "precious").write_text("mine\n")
    (tmp_path / "events.jsonl").symlink_to(tmp_path / "precious")
    with pytest.raises(InputError, match=r"events\.jsonl: expected a file or none, got a link"):
        EventLog(tmp_path).write("run")
    assert (tmp_path / "precious").read_text() == "mine\n"
    (tmp_path / "events.jsonl").unlink()
    os.mkfifo(tmp_path / "events.jsonl")
    assert list(EventLog(tmp_path).events()) == []
    with pytest.raises(InputError, match="got a link or something else"):
        EventLog(tmp_path).write("run")


@pytest.mark.parametrize("name", [".lock", ".partial"])
def test_a_run_refuses_links_at_its_own_places(study, tmp_path, name):
    place, elsewhere = study / name, tmp_path / "elsewhere"
    elsewhere.mkdir() if name == ".partial" else elsewhere.write_text("mine")
    place.unlink(missing_ok=True)
    place.symlink_to(elsewhere)
    with pytest.raises(InputError, match="expected no link"), Store(study).locked():
        pass
    assert not Store(study).is_locked()
    assert elsewhere.is_dir() or elsewhere.read_text() == "mine"


@pytest.mark.parametrize("whole_folder", [False, True])
def test_a_link_in_the_store_is_refused_and_never_copied(study, tmp_path, capsys, whole_folder):
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("private")
    (study / "atlas/store/layers/extra").symlink_to(secret if whole_folder else secret / "key")
    with pytest.raises(InputError, match="atlas/store/layers/extra is not listed in the unit's manifest"):
        store_of(study)
    assert not any("extra" in key for key in store_keys(study / "atlas/store"))
    with pytest.raises(SystemExit) as caught:
        main(["atlas", str(study), "--folder", str(tmp_path / "site"), "--html", str(tmp_path / "one.html")])
    assert caught.value.code == 2
    assert "is not listed in the unit's manifest" in capsys.readouterr().err
    assert not (tmp_path / "site").exists()


def test_hidden_files_of_a_system_are_no_part_of_an_export(study, tmp_path):
    for place in ("", "layers/", "labels/c/"):
        (study / "atlas/store" / place / ".DS_Store").write_text("of a file manager")
    with pytest.raises(SystemExit, match="0"):
        main(["atlas", str(study), "--folder", str(tmp_path / "site"), "--html", str(tmp_path / "one.html")])
    assert not [path for path in (tmp_path / "site").rglob("*") if path.name == ".DS_Store"]
    assert "DS_Store" not in (tmp_path / "one.html").read_text()


def test_a_unit_that_is_a_link_to_itself_is_damaged(tmp_path):
    (tmp_path / "summary").symlink_to("summary")
    with pytest.raises(DamagedUnit, match="summary is a link to itself"):
        Store(tmp_path).manifest(Unit("summary"))


def test_a_manifest_cannot_name_files_outside_its_unit(tmp_path):
    store, unit = Store(tmp_path), Unit("a")
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x").write_text("x")
    seal(tmp_path / "a", unit, "key")
    manifest = tmp_path / "a/manifest.json"
    for name in ("../study.json", "/etc/passwd", "./x", "a//x"):
        manifest.write_text(manifest.read_text().replace('"x"', f'"{name}"'))
        with pytest.raises(DamagedUnit, match="is damaged"):
            store.manifest(unit)
        manifest.write_text(manifest.read_text().replace(f'"{name}"', '"x"'))
    assert store.manifest(unit) is not None


def test_a_number_that_cannot_be_is_refused_as_damage(study, capsys):
    path = next(study.glob("knowledge/*/*/*.json"))
    path = path if path.name != "manifest.json" else path.with_name("knowledge.json")
    text = path.read_text()
    assert '"reliable": ' in text
    path.write_text(text.replace('"reliable": ', '"reliable": 3', 1))
    checkpoint = int(path.parts[-3])
    with pytest.raises(InputError, match=rf"knowledge/0{checkpoint}/1/{path.name} has .* bytes instead of"):
        _ = open_study(study).results.knowledge("1", checkpoint).counts
    assert zlib.crc32(path.read_bytes()) == zlib.crc32(text.replace('"reliable": ', '"reliable": 3', 1).encode())


def test_a_study_of_absurd_json_is_one_line(study):
    for text in ("[" * 100_000, '{"schema_version": 1, "checkpoints": 1e400}', "{}", "null", '"\\ud800"'):
        (study / "study.json").write_text(text)
        with pytest.raises(InputError, match=r"study\.json") as caught:
            read_record(study)
        assert "\n" not in str(caught.value)
