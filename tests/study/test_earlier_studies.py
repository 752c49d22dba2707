"""A study of a version without evidence: it opens, draws what it has, and says in one line what it lacks."""

from pathlib import Path

import pytest
import torch
from earlier_study import make_earlier

import patternscope as ps
from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.figures import figure_names
from patternscope.results.controls import ControlsResult
from patternscope.results.evidence import EvidenceResult
from patternscope.results.summary import SummaryResult

NEW = {"evidence", "evidence_maps", "reliability"}
OF_OTHER_PARTS = {"distilled_counts", "distilled_histograms", "faithfulness", "ledger_students", "patterns"}


@pytest.fixture(scope="module")
def earlier(attacked_study, tmp_path_factory) -> Path:
    return make_earlier(attacked_study, tmp_path_factory.mktemp("earlier") / "study")


def test_it_opens_and_what_is_new_is_not_there(earlier):
    study = ps.open_study(earlier)
    results = study.results
    assert not any(results.has(kind) for kind in (EvidenceResult, ControlsResult))
    for checkpoint in results.checkpoints():
        for layer in results.layers():
            known, region = results.knowledge(layer, checkpoint), results.region(layer, checkpoint)
            assert (known.stability, known.rule, known.shared) == (None, None, None)
            assert (region.seen_by, region.mean_strength_of_all) == (None, None)
            assert known.counts.total.value == pytest.approx(known.mask.sum(1).double().mean().item())
    for row in results.load(SummaryResult).layers:
        assert (row.evidence, row.readable, row.paper, row.rule, row.shared) == (None,) * 5
        assert row.counts.total.value is not None
    layer = study.layers["conv_53"]
    assert "bits" not in repr(layer)
    assert "knowledge points per image" in repr(layer)
    with pytest.raises(InputError, match=r"^evidence: expected .* run it again$"):
        _ = layer.evidence
    assert study._repr_html_().count("<tr>") == 3
    assert torch.equal(layer.points.mask, layer.knowledge.mask)


def test_figures_that_need_nothing_new_are_drawn_and_others_say_what_they_need(earlier):
    from matplotlib.figure import Figure

    study = ps.open_study(earlier)
    assert set(dir(study.plot)) == set(figure_names()) - NEW - OF_OTHER_PARTS
    for name in set(dir(study.plot)) - {"training_animation"}:
        assert isinstance(getattr(study.plot, name)(), Figure), name
    for name in NEW:
        with pytest.raises(InputError, match="evidence") as raised:
            getattr(study.plot, name)()
        assert "\n" not in str(raised.value)


@pytest.mark.parametrize("command", ["status", "figures", "atlas", "report", "compare"])
def test_the_command_says_in_one_line_what_to_do(earlier, tmp_path, capsys, command):
    before = {path: path.read_bytes() for path in earlier.rglob("*") if path.is_file()}
    more = {"compare": [earlier, "--out", tmp_path / "out"]}
    with pytest.raises(SystemExit) as end:
        main([str(argument) for argument in (command, earlier, *more.get(command, []))])
    out, err = capsys.readouterr()
    if command == "status":
        assert (end.value.code or 0, err) == (0, "")
        lines = {line.split()[0]: line for line in out.splitlines() if line.strip()}
        assert " 0/4 " in lines["evidence"]
        assert "missing" in lines["controls"]
    else:
        assert (end.value.code, out, err.count("\n")) == (2, "", 1)
        assert f"`patternscope run STUDY.toml --out {earlier}`" in err
    assert {path: path.read_bytes() for path in earlier.rglob("*") if path.is_file()} == before
