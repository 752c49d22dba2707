"""Two studies side by side: pairs of layers, one frame, what is written, and what cannot be compared."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from easy_study import easy_settings

from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.results.json_csv import read_json
from patternscope.results.networks import ComparisonResult
from patternscope.study.comparison import compare_studies, comparison_folder, open_finished, pair_layers
from patternscope.study.run import run_analysis
from patternscope.tensor_files import read_tensors

LAYERS = ("conv_33", "conv_53")


@pytest.fixture(scope="module")
def study_like(attacked_study, tmp_path_factory):
    """Make a study like the shared one with other settings, out of what is there already."""

    def make(name: str, **changes: dict) -> Path:
        folder = tmp_path_factory.mktemp("compared") / name
        shutil.copytree(attacked_study, folder)
        asked = easy_settings(attacked_study.parent, **{"attack": {"enabled": False}, **changes})
        run_analysis(folder, asked, device="cpu")
        return folder

    return make


@pytest.fixture(scope="module")
def other(study_like) -> Path:
    """The same images seen by a network with other numbers of channels."""
    return study_like("narrow", network={"arguments": {"widths": [8, 12, 16, 24, 32]}})


def compared(first: Path, second: Path, out: Path, **options):
    with comparison_folder(out) as folder:
        result = compare_studies(open_finished(first), open_finished(second), folder, **options)
    saved = ComparisonResult.load(out)
    assert saved.comparisons == result.comparisons
    assert torch.equal(saved.embedding, result.embedding)
    return read_json(out / "compare.json")


def call(capsys, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


@pytest.mark.parametrize("maps", ["auto", "own", "first"])
def test_a_study_does_not_differ_from_itself(attacked_study, tmp_path, maps):
    found = compared(attacked_study, attacked_study, tmp_path / "out", maps=maps)
    assert found["agreement"] == 1
    assert found["alignment"]["residual"] < 1e-3
    assert not found["alignment"]["mirrored"]
    for layer, row in zip(LAYERS, found["layers"], strict=True):
        assert (row["layer"], row["second_layer"]) == (layer, layer)
        assert row["maps"] == ("own" if maps == "own" else "first")
        assert row["channel_agreement"] == pytest.approx(1)
        assert row["turn"] == pytest.approx(0, abs=1e-5)
        assert row["strength_apart"] == pytest.approx(0, abs=1e-4)
        assert all(row["difference"][f"total{end}"] == 0 for end in ("", "_low", "_high"))
        assert row["shared"] in (None, 1.0)


def test_another_network_is_brought_into_the_first_ones_frame(attacked_study, other, tmp_path):
    found = compared(attacked_study, other, tmp_path / "out")
    assert [row["maps"] for row in found["layers"]] == ["own", "own"]
    rows = (tmp_path / "out/compare.csv").read_text().splitlines()
    assert len(rows) == 3
    assert "histogram" not in rows[0]
    sample = read_tensors(tmp_path / "out/sample.safetensors")
    before = read_tensors(other / "sample/01/sample.safetensors")["embedding"]
    wanted = read_tensors(attacked_study / "sample/01/sample.safetensors")["embedding"]
    # The same turn for samples and regions: an orthogonal one, and the nearest there is.
    turn = np.linalg.lstsq(before.double().numpy(), sample["embedding"].double().numpy(), rcond=None)[0]
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-3)
    assert (sample["embedding"] - wanted).norm() <= (before - wanted).norm() * (1 + 1e-5)
    for layer in LAYERS:
        arrays = read_tensors(tmp_path / f"out/{layer}.safetensors")
        region = read_tensors(other / f"region/01/{layer}/region.safetensors")["embedding"]
        assert np.allclose(arrays["embedding"], region.double().numpy() @ turn, atol=1e-2)
        points = read_tensors(other / f"knowledge/01/{layer}/knowledge.safetensors")
        points.pop("stability")  # of the study alone
        assert all(torch.equal(arrays[name], points[name]) for name in points)


def test_other_grids_are_compared_by_their_counts(attacked_study, study_like, tmp_path):
    # At 32 pixels conv_33 has 8 x 8 regions and conv_53 4 x 4.
    pooled = study_like("pooled", network={"grid": 4})
    found = compared(attacked_study, pooled, tmp_path / "out")
    assert [row["same_grid"] for row in found["layers"]] == [False, True]
    assert "turn" not in found["layers"][0]
    assert found["layers"][0]["first"]["total"] is not None
    assert (tmp_path / "out/compare.csv").read_text().count("\n") == 3


def test_the_command_writes_numbers_arrays_and_figures(attacked_study, other, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code, out, err = call(capsys, "compare", attacked_study, other)
    assert (code, err) == (0, "")
    assert "more: the difference from study" in out
    folder = tmp_path / "runs/compare-study-narrow"
    written = {path.name for path in folder.iterdir()}
    pictures = {f"{name}.{kind}" for name in ("counts", "histograms") for kind in ("png", "svg", "csv", "json")}
    arrays = {f"{name}.safetensors" for name in ("sample", *LAYERS)}
    assert written == {"compare.json", "compare.csv", *pictures, *arrays}
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    assert call(capsys, "compare", attacked_study, other)[0] == 0  # an earlier comparison is replaced
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert sorted(path.name for path in folder.parent.iterdir()) == ["compare-study-narrow"]


def test_layers_are_paired_by_name_else_from_the_deepest():
    assert pair_layers(("a", "b", "c"), ("c", "a")) == [("a", "a"), ("c", "c")]
    assert pair_layers(("a", "b", "c"), ("x", "y")) == [("b", "x"), ("c", "y")]


def test_what_cannot_be_compared_is_one_line(attacked_study, other, study_like, tmp_path, capsys):
    def refused(second, *options, first=attacked_study) -> str:
        code, out, err = call(capsys, "compare", first, second, "--out", tmp_path / "out", *options)
        assert (code, out) == (2, "")
        assert err.count("\n") == 1
        assert not (tmp_path / "out").exists()
        return err

    assert "without study.json" in refused(tmp_path)
    assert "did you mean 'own'" in refused(other, "--maps", "owm")
    fewer = study_like("fewer", images={"samples_per_class": 5})
    said = refused(fewer)
    assert "expected the same images, got 24 of (3, 32, 32) and 20 of (3, 32, 32)" in said
    coarse = study_like("coarse", network={"grid": 2})
    assert "expected layers with a common grid, got none" in refused(coarse)
    stricter = study_like("stricter", knowledge={"tau": 0.6})
    assert "knowledge.tau: expected the same in both studies, got 0.5 and 0.6" in refused(stricter)
    shutil.rmtree(coarse / "region/01/conv_53")
    assert "expected a finished study, but region/01/conv_53 is missing" in refused(coarse)
    dropped = study_like("dropped", **{"importance": {"n_step": 3}})
    asked = easy_settings(attacked_study.parent, attack={"enabled": False}, importance={"n_step": 3})
    run_analysis(dropped, asked.model_copy(update={"keep_features": False}), device="cpu")
    assert "expected regional features, but they were not kept" in refused(dropped, "--maps", "first")
    assert compared(attacked_study, dropped, tmp_path / "own")["layers"][0]["maps"] == "own"


def test_a_folder_of_other_things_is_left_alone(attacked_study, tmp_path):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes/today.txt").write_text("keep me")
    (tmp_path / "file").write_text("keep me")
    for name, said in (("notes", "got other content"), ("file", "got other content")):
        with pytest.raises(InputError, match=said):
            compared(attacked_study, attacked_study, tmp_path / name)
    with pytest.raises(ZeroDivisionError), comparison_folder(tmp_path / "new") as folder:
        (folder / "compare.json").write_text(str(1 / 0))
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["file", "notes", "today.txt"]
