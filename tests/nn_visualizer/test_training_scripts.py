"""The three scripts as a user runs them: outputs, order, exit codes, one line for what was wrong."""

import csv
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from patternscope.embeddings.settings import ImportanceSettings
from patternscope.nn_visualizer import scripts
from patternscope.nn_visualizer.settings import REGION_OPTIONS, ScriptRegionSettings, ScriptSampleSettings

ROOT = Path(__file__).parents[2]
SCRIPTS = {
    "train_sample_emb": ScriptSampleSettings,
    "train_importance_weight": ImportanceSettings,
    "train_region_emb": ScriptRegionSettings,
}


def arrays(labels: bool = True) -> dict[str, torch.Tensor]:
    """Features of 20 samples, two layers, a non-square grid; classes 0 to 3."""
    generator = torch.Generator().manual_seed(0)
    label = torch.arange(20) % 4
    regional = torch.rand(20, 5, 2, 3, generator=generator)
    regional[torch.arange(20), label, 0, 0] += 3
    made = {
        "target_probs": torch.softmax(regional.mean((2, 3))[:, :4] * 9, dim=1),
        "sample_features": regional.mean((2, 3)),
        "low": torch.rand(20, 3, 4, 6, generator=generator),
        "top": regional,
        "images": torch.randint(0, 256, (20, 3, 8, 12), generator=generator, dtype=torch.uint8),
        "masks": torch.zeros(20, 8, 12, dtype=torch.bool),
    }
    made["masks"][:, :4, :4] = True
    return {**made, "labels": label} if labels else made


@pytest.fixture
def ready(tmp_path, monkeypatch) -> Path:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "tiny.safetensors"
    save_file(arrays(), path)
    return path


def call(capsys, script: str, *options: object) -> tuple[int, str, str]:
    """Run a script's function in this process."""
    code = 0
    try:
        getattr(scripts, script)([str(option) for option in options])
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    return code, out, err


# One fresh process for the three, since most of its time goes into imports.
AS_SCRIPTS = """
import runpy, sys
root, scripts, *options = sys.argv[1:]
for script in scripts.split():
    print(end="\\0")
    sys.argv = [f"{root}/{script}.py", *options]
    try:
        runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as end:
        if end.code:
            raise
"""


def test_all_three_as_scripts_write_what_the_reference_writes(ready, tmp_path):
    before = ready.read_bytes()
    options = ["--dataset", str(ready), "--feature-layer", "top", "--n_step", "5", "--device", "cpu"]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", AS_SCRIPTS, str(ROOT), " ".join(SCRIPTS), *options],
        cwd=tmp_path,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = dict(zip(SCRIPTS, done.stdout.split("\0")[1:], strict=True))
    assert "agreement" in said["train_sample_emb"]
    assert "share of the region weights on the object" in said["train_importance_weight"]
    assert "knowledge points per image: total" in said["train_region_emb"]
    folder = tmp_path / "results" / "tiny" / "ready" / "top"
    for name in ("sample_embedding", "region_embedding"):
        assert (folder / f"{name}.png").stat().st_size > 1000
    for name in ("sample_embedding", "importance_weight", "region_embedding"):
        assert (folder / f"{name}_loss.png").is_file()
    assert load_file(folder / "sample_embedding.safetensors")["mean_directions"].shape == (4, 3)
    weights = load_file(folder / "importance_weight.safetensors")
    assert weights["region_weights"].shape == (20, 6)
    assert torch.allclose(weights["channel_weights"].sum(1), torch.ones(20))
    assert load_file(folder / "region_embedding.safetensors")["embedding"].shape == (20, 6, 3)
    points = load_file(folder / "knowledge_points.safetensors")
    total = json.loads((folder / "knowledge_points.json").read_text())["total"]
    assert total == pytest.approx(float(points["mask"].sum(1).float().mean()))
    with (folder / "region_embedding.csv").open() as file:
        assert len(list(csv.DictReader(file))) == 120
    assert len(list((folder / "heatmaps").iterdir())) == 20
    assert not list(folder.glob(".partial*"))
    assert not [path for path in folder.rglob("*") if path.suffix in {".pt", ".pth", ".pkl", ".npy"}]
    assert ready.read_bytes() == before


@pytest.mark.parametrize("script", SCRIPTS)
def test_help_lists_every_hyperparameter_with_its_meaning(script, capsys):
    code, out, _ = call(capsys, script, "--help")
    assert code == 0
    for option in ("dataset", "arch", "feature-layer", "device", "save-dir"):
        assert f"--{option}" in out
    flat = " ".join(out.split())
    fields = SCRIPTS[script].model_fields
    for name in REGION_OPTIONS if script == "train_region_emb" else fields:
        assert f"--{name.replace('_', '-')}" in out
        assert " ".join((fields[name].description or "").split()) in flat
    assert not {"--objective", "--folds", "--splits"} & set(flat.split())  # of a study
    assert "0 does not train (default: 6)" in flat  # of the scripts, not of a study
    assert "images of each class to train on (default: 400 pictograms, all of a folder)" in flat


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--feature-layer", "tip"], "did you mean 'top'?"),
        (["--lrr", "1"], "--lrr is unknown; did you mean '--lr'?"),
        (["--lr", "-1"], "--lr: expected a number greater than 0, got '-1'"),
        (["--solver", "lbfg"], "did you mean 'lbfgs'?"),
        (["--device", "cup"], "did you mean 'cpu'?"),
        (["--dataset", "pictogram"], "did you mean 'pictograms'?"),
        (["--dataset", "pictograms", "--arch", "vgg16_slin"], "did you mean 'vgg16_slim'?"),
        (["--dataset", "pictograms", "--feature-layer", "conv_54"], "did you mean 'conv_5"),
        (["--dataset", "none.npz"], "none.npz does not exist"),
        (["--dataset", "none.safetensors"], "none.safetensors"),
        (["--save-dir", "tiny.safetensors"], "--save-dir: tiny.safetensors cannot be written"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(ready, tmp_path, capsys, options, said):
    code, out, err = call(capsys, "train_sample_emb", "--dataset", ready, *options)
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert (code, out) == (2, "")
    assert len(errors) == 1
    assert said in errors[0]
    assert not (tmp_path / "results").exists()


def test_the_order_is_asked_for_and_other_features_are_noticed(ready, tmp_path, capsys):
    code, _, err = call(capsys, "train_region_emb", "--dataset", ready)
    assert code == 2
    assert "run train_sample_emb.py first" in err
    assert call(capsys, "train_sample_emb", "--dataset", ready, "--n-step", 3)[0] == 0
    assert "run train_importance_weight.py first" in call(capsys, "train_region_emb", "--dataset", ready)[2]
    changed = arrays()
    changed["sample_features"] = changed["sample_features"] + 1
    save_file(changed, ready)
    code, _, err = call(capsys, "train_region_emb", "--dataset", ready)
    assert code == 2
    assert "made from other features; run train_sample_emb.py again" in err


def test_a_failed_fit_leaves_the_earlier_result(ready, tmp_path, capsys):
    options = ("--dataset", ready, "--save-dir", tmp_path / "kept")
    assert call(capsys, "train_sample_emb", *options)[0] == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "kept").iterdir()}
    broken = arrays()
    broken["sample_features"][3, 1] = float("nan")
    save_file(broken, ready)
    code, _, err = call(capsys, "train_sample_emb", *options)
    assert code == 2
    assert "NaN or inf in sample 3" in err
    assert {path.name: path.read_bytes() for path in (tmp_path / "kept").iterdir()} == before


def test_npz_without_labels_and_another_dimension(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    made = {name: array.numpy() for name, array in arrays(labels=False).items() if name != "masks"}
    np.savez(tmp_path / "tiny.npz", **made)
    options = ("--dataset", "tiny.npz", "--n-step", 3)
    assert call(capsys, "train_sample_emb", *options, "--out-dim", 2)[0] == 0
    assert "share" not in call(capsys, "train_importance_weight", *options)[1]
    code, out, _ = call(capsys, "train_region_emb", *options, "--tau", 0.3)
    assert code == 0
    assert "the network's predictions" in out
    folder = tmp_path / "results" / "tiny" / "ready" / "top"
    assert load_file(folder / "region_embedding.safetensors")["embedding"].shape[2] == 2


def test_an_npz_that_needs_pickle_is_refused(tmp_path, capsys):
    np.savez(tmp_path / "bad.npz", target_probs=np.array([{}], dtype=object))
    code, _, err = call(capsys, "train_sample_emb", "--dataset", tmp_path / "bad.npz")
    assert code == 2
    assert "without pickle" in err


def test_pictograms_are_drawn_trained_and_recorded_once(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    tiny = ("--image-size", 32, "--samples-per-class", 3, "--train-per-class", 4, "--epochs", 1)
    code, out, err = call(capsys, "train_sample_emb", *tiny, "--n-step", 5, "--device", "cpu")
    assert code == 0, err
    assert "preparing features of pictograms by vgg16_slim" in err
    assert "training/00" in err
    code, out, err = call(capsys, "train_importance_weight", *tiny, "--n-step", 2, "--device", "cpu")
    assert code == 0, err
    assert "share of the region weights on the object" in out
    assert "preparing" not in err
    assert "training/00" not in err
