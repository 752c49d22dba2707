"""The table of a study's state: marks by checkpoint and layer, sums, and what fits a terminal."""

import io
import sys

import pytest
from rich.text import Text

from patternscope.cli.status_table import print_status, print_units, stage_rows
from patternscope.workflow.stages import Unit
from patternscope.workflow.status import UnitStatus

LAYERS = ("low", "high")


def study(checkpoints: int = 3) -> list[UnitStatus]:
    """Features dropped and fits half done; the last fit runs."""
    units = [UnitStatus(Unit("images"), "done", 1000, 2.0)]
    units += [UnitStatus(Unit("features", number), "dropped", 10, 1.0) for number in range(checkpoints)]
    fits = [Unit("fit", number, layer) for number in range(checkpoints) for layer in LAYERS]
    units += [UnitStatus(unit, "done", 100, 60.0) for unit in fits[:-2]]
    units += [UnitStatus(fits[-2], "stale", 100, 60.0), UnitStatus(fits[-1], "running", None, 7.0)]
    return [*units, *(UnitStatus(Unit(f"figures/{name}"), "missing") for name in "ab")]


def test_a_row_a_stage_with_a_cell_a_checkpoint():
    rows = {row.stage: row for row in stage_rows(study())}
    assert list(rows) == ["images", "features", "fit", "figures"]
    assert rows["fit"].cells == (("done", "done"), ("done", "done"), ("stale", "running"))
    assert (rows["fit"].finished, len(rows["fit"].units)) == (4, 6)
    assert (rows["fit"].size, rows["fit"].seconds) == (500, 5 * 60.0 + 7.0)
    assert rows["features"].finished == 3
    assert rows["figures"].cells == ()


def test_the_table_says_all(capsys):
    print_status(study())
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0].split() == ["stage", "00", "01", "02", "units", "size", "time"]
    assert lines[3].split() == ["fit", "■■", "■■", "~▶", "4/6", "500", "B", "5", "min"]
    assert "2 missing" in lines[4]
    assert "■ done 5   □ dropped 3   · missing 2   ~ stale 1   ▶ running 1   1.5 kB on disk" in lines
    assert "columns are checkpoints; the marks of one are its layers: low high" in lines
    assert "running: fit/02/high, for 7.0 s" in lines


@pytest.mark.parametrize("checkpoints", [1, 12, 40, 200])
def test_a_narrow_terminal_gets_a_mark_a_checkpoint(capsys, monkeypatch, checkpoints):
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "100")
    print_status(study(checkpoints))
    out = Text.from_ansi(capsys.readouterr().out).plain
    assert max(len(line.rstrip()) for line in out.splitlines()) <= 100
    if checkpoints >= 40:
        assert "a mark is the least finished of 2 layers" in out
    assert out.count("□") == checkpoints + 1


def test_a_study_of_the_usual_size_has_a_mark_for_each_layer_in_80_columns(capsys):
    units = study(8)
    four = ("conv_22", "conv_33", "conv_43", "conv_53")
    units += [UnitStatus(Unit("student_analysis", n, layer), "done", 10**8, 99.0) for n in range(8) for layer in four]
    print_status(units)
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert any(line.split()[:3] == ["student_analysis", "■■■■", "■■■■"] for line in lines)


def test_every_line_fits_80_columns_whatever_states_and_layers_there_are(capsys):
    states = ("done", "dropped", "missing", "stale", "running", "damaged")
    layers = [f"encoder_block_{number}" for number in range(12)]
    units = [UnitStatus(Unit("fit", 0, layer), state, 10**9, 9.0) for layer in layers for state in states]
    print_status(units)
    lines = capsys.readouterr().out.splitlines()
    assert max(len(line.rstrip()) for line in lines) <= 80
    assert all(any(f"{state} 12" in line for line in lines) for state in states)


def test_without_unicode_the_marks_are_plain(monkeypatch):
    stdout = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stdout)
    print_status(study())
    stdout.seek(0)
    assert "~>" in stdout.read()


def test_a_row_a_unit(capsys):
    print_units(study())
    out = capsys.readouterr().out
    assert "fit/02/high" in out
    assert "running" in out
    assert len([line for line in out.splitlines() if line.strip()]) == 2 + len(study())
