"""Typed results: what is saved is what is loaded, read when asked for, and nothing that was not declared."""

import shutil
from dataclasses import dataclass, fields
from pathlib import Path

import hypothesis.strategies as st
import pytest
import study_record
import torch
from hypothesis import given

from patternscope.errors import InputError
from patternscope.knowledge.intervals import Interval
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.fits import ImportanceResult, RegionResult, SampleResult
from patternscope.results.images import ImagesResult
from patternscope.results.json_csv import read_json
from patternscope.results.knowledge import ClassCounts, Counts, KnowledgeResult, ThresholdCounts
from patternscope.results.record_codec import decode, encode
from patternscope.results.result import Result, reads
from patternscope.results.study import ResultsInMemory, StudyResults, open_results, read_record
from patternscope.workflow.stages import Need, Unit

NUMBERS = st.none() | st.floats(allow_nan=False, allow_infinity=False)
INTERVALS = st.builds(Interval, NUMBERS, NUMBERS, NUMBERS)
COUNTS = st.builds(Counts, INTERVALS, INTERVALS, INTERVALS, INTERVALS)


def equal(one: object, other: object) -> bool:
    if isinstance(one, torch.Tensor):
        return isinstance(other, torch.Tensor) and torch.equal(one, other)
    if hasattr(one, "keys"):
        return set(one) == set(other) and all(equal(one[key], other[key]) for key in one)
    if type(one).__name__ in {"RegionalFeatures", "LabelledImages"}:
        return type(one) is type(other)
    if hasattr(one, "__dataclass_fields__"):
        return all(equal(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    return one == other


def units_of(results: StudyResults) -> list[tuple[type[Result], Unit]]:
    kinds = {kind.STAGE: kind for kind in Result.__subclasses__()}
    return [(kinds[unit.stage.partition("/")[0]], unit) for unit in results.units]


@pytest.mark.parametrize("study", ["attacked_study", "taught_study"])
def test_every_result_of_a_study_is_the_same_after_it_was_saved_again(study, tmp_path, request):
    folder = request.getfixturevalue(study)
    results = open_results(folder)
    for kind, unit in units_of(results):
        loaded = kind.load(folder / unit.path)
        copy = tmp_path / unit.path
        loaded.save(copy)
        again = kind.load(copy)
        for field in fields(kind):
            assert equal(getattr(loaded, field.name), getattr(again, field.name)), (unit, field.name)
        for path in copy.rglob("*"):
            if path.is_file():
                assert path.read_bytes() == (folder / path.relative_to(tmp_path)).read_bytes(), path


def test_the_reader_finds_what_is_on_the_disk(attacked_study):
    results = open_results(attacked_study)
    assert results.checkpoints() == [0, 1]
    assert results.layers() == list(read_record(attacked_study).layers) == ["conv_33", "conv_53"]
    assert results.classes == ["red", "green", "blue", "yellow"]
    assert results.students == []
    assert results.knowledge("conv_53").images == len(results.images.labels)
    assert not torch.equal(results.region("conv_53", 0).map, results.region("conv_53").map)
    with pytest.raises(InputError, match=r"region/01/conv_54: does not exist in this study"):
        results.region("conv_54")
    with pytest.raises(InputError, match=r"without study\.json"):
        open_results(attacked_study / "images")


def test_layers_with_names_like_checkpoints_are_told_from_them(tmp_path):
    record = '{"schema_version": 1, "settings": {}, "seed": 0, "checkpoints": 1, "layers": ["00"], "versions": {}}'
    (tmp_path / "study.json").write_text(record)
    for path in ("region/00/00", "faithfulness/00", "sample/00"):
        (tmp_path / path).mkdir(parents=True)
        (tmp_path / path / "manifest.json").write_text("{}")
    units = set(open_results(tmp_path).units)
    assert units == {Unit("sample", 0), Unit("region", 0, "00"), Unit("faithfulness", None, "00")}


def test_a_file_is_read_when_one_of_its_fields_is_asked_for(attacked_study, tmp_path):
    folder = attacked_study / "region/01/conv_53"
    for name in ("region.json", "strength.json"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    region = RegionResult.load(tmp_path)
    assert region.grid == (4, 4)
    assert region.mean_strength > 0
    with pytest.raises(InputError, match=r"region\.safetensors: expected a safetensors file"):
        _ = region.embedding
    with pytest.raises(AttributeError, match="no attribute 'centre'"):
        _ = region.centre


def test_what_was_not_declared_cannot_be_read(attacked_study):
    folder = attacked_study / "region/01/conv_53"
    region = RegionResult.load(folder, ["strength.json"])
    assert region.mean_strength > 0
    with pytest.raises(KeyError, match=r"RegionResult\.map is read without being declared"):
        _ = region.map


def test_needs_are_declared_by_fields():
    strength = reads(RegionResult, "mean_strength", checkpoint="last")
    assert strength == Need("region", ("strength.json",), checkpoint="last")
    assert reads(RegionResult, "map", "embedding", "grid").files == ("region.safetensors", "region.json")
    assert reads(ImportanceResult).files == ()
    with pytest.raises(KeyError, match="SampleResult has no field 'maps'"):
        reads(SampleResult, "maps")


def test_a_record_of_another_version_is_one_line(attacked_study, tmp_path):
    record = read_json(attacked_study / "knowledge/01/conv_53/knowledge.json")
    del record["reliable_low"]
    (tmp_path / "knowledge.json").write_text(str(record).replace("'", '"').replace("None", "null"))
    with pytest.raises(InputError, match=r"knowledge\.json: expected a KnowledgeResult of this version") as raised:
        _ = KnowledgeResult.load(tmp_path).counts
    assert "\n" not in str(raised.value)


def test_results_are_frozen():
    labels = torch.zeros(1)
    values = dict.fromkeys([field.name for field in fields(ImagesResult)], labels)
    with pytest.raises(AttributeError):
        ImagesResult(**values).labels = labels


def test_results_in_memory_answer_as_those_on_disk(attacked_study):
    stored = open_results(attacked_study)
    held = ResultsInMemory(
        {unit: kind.load(attacked_study / unit.path) for kind, unit in units_of(stored)}, stored.seed
    )
    assert held.layers() == stored.layers()
    assert torch.equal(held.region("conv_53").map, stored.region("conv_53").map)
    assert held.drawing_seed("a") == stored.drawing_seed("a")
    with pytest.raises(InputError, match="does not exist in this study"):
        held.sample(7)


@given(st.builds(ClassCounts, st.text(), COUNTS))
def test_a_record_survives_json(counts):
    flat = encode(counts)
    assert set(flat) == {"class"} | {
        f"{name}{end}" for name in ("total", "reliable", "unreliable", "ratio") for end in ("", "_low", "_high")
    }
    assert decode(ClassCounts, flat) == counts


@given(st.lists(st.builds(ThresholdCounts, st.floats(0.1, 0.9), COUNTS)))
def test_nested_records_survive_json(swept):
    @dataclass(frozen=True)
    class Sweep:
        rows: tuple[ThresholdCounts, ...]
        note: str | None

    sweep = Sweep(tuple(swept), None)
    assert decode(Sweep, encode(sweep)) == sweep


def test_study_json_that_is_no_record_is_one_line(tmp_path: Path):
    (tmp_path / "study.json").write_text('{"schema_version": 1}')
    with pytest.raises(InputError, match=r"study\.json: expected the record of a study \(KeyError\)"):
        read_record(tmp_path)


def test_what_a_run_with_other_settings_left_behind_is_no_part_of_the_study(attacked_study, tmp_path):
    folder = shutil.copytree(attacked_study, tmp_path / "study")
    content = study_record.read(folder)
    content |= {"layers": ["conv_53"], "checkpoints": 1}
    content["settings"]["attack"]["enabled"] = False
    study_record.write(folder, content)
    results = open_results(folder)
    assert (results.layers(), results.checkpoints()) == (["conv_53"], [0])
    assert {unit.layer for unit in results.units} == {None, "conv_53"}
    assert not any(results.has(kind) for kind in (AttackResult, AttackAnalysisResult))
