"""The scripts in examples/ run as they are, on little data."""

import runpy
import shlex
import shutil
from pathlib import Path

import invented_sets as sets
import pytest
import torch

from patternscope.cli import main
from patternscope.networks import build_network, save_weights
from patternscope.results.study import open_results
from patternscope.settings.study import load_settings
from patternscope.study.run import no_more_stages

EXAMPLES = Path(__file__).parents[1] / "examples"
FAST = {"importance": {"n_step": 1}, "region": {"n_step": 1}, "knowledge": {"bootstrap": 10, "taus": [0.4]}}


@pytest.fixture(autouse=True)
def no_pages(monkeypatch):
    """Figures and atlas are those of any study: the scripts are run without."""
    monkeypatch.setattr("patternscope.api.running.pages_of", no_more_stages)


def script(name):
    return runpy.run_path(str(EXAMPLES / f"{name}.py"))["main"]


def test_every_script_is_run_here():
    tests = Path(__file__).read_text(encoding="utf-8")
    assert [path.stem for path in EXAMPLES.glob("*.py") if f'script("{path.stem}")' not in tests] == []


def test_a_resnet_on_a_folder(tmp_path, capsys):
    for label, name in enumerate(("cat", "dog")):
        for i in range(10):
            sets.save(tmp_path / "pictures" / name / f"{i}.jpg", label, i)
    small = {
        "images": {"image_size": 32},
        "network": {"layers": ["layer1"]},
        "training": {"epochs": 1, "checkpoints": 1},
    }
    script("resnet_on_a_folder")(str(tmp_path / "pictures"), str(tmp_path / "out"), **small, **FAST)
    accuracy, layer = capsys.readouterr().out.splitlines()
    assert accuracy.startswith("held-out accuracy")
    assert layer.startswith("layer1: ")


def test_the_notebook_needs_nothing_of_the_clone(tmp_path, monkeypatch):
    """Its cells run in an empty folder, on less data; `make wheel` runs the whole of it with the installed wheel."""
    nbformat = pytest.importorskip("nbformat", reason="nbformat is not installed")
    notebook = nbformat.read(EXAMPLES / "start.ipynb", as_version=4)
    nbformat.validate(notebook)
    monkeypatch.chdir(tmp_path)
    less, defined = {"PER_CLASS": 2, "EPOCHS": 1, "ANALYSED": 4}, {}
    with torch.random.fork_rng():
        for cell in notebook.cells:
            assert not cell.get("outputs")
            lines = [line for line in cell.source.splitlines() if not line.startswith("%")]
            if cell.cell_type == "code":
                exec("\n".join(lines), defined)
                defined.update({name: value for name, value in less.items() if name in defined})
    assert defined["layer"].evidence.low <= defined["layer"].evidence.high
    assert "%pip install" in "".join(cell.source for cell in notebook.cells)


def test_a_vit_from_timm(tmp_path, capsys):
    pytest.importorskip("timm", reason="the extra zoo is not installed")
    size = {"depth": 3, "embed_dim": 24, "num_heads": 2}
    network = build_network("timm:vit_tiny_patch16_224", classes=10, image_size=64, arguments=size)
    save_weights(network, tmp_path / "vit.safetensors")
    script("timm_vit")(str(tmp_path / "vit.safetensors"), 2, **size)
    accuracy, *lines = capsys.readouterr().out.splitlines()
    assert accuracy.startswith("accuracy on unseen images ")
    assert [line.partition(":")[0] for line in lines] == [f"blocks.{i} (4 x 4)" for i in range(3)]


def test_without_weights_a_small_vit_is_trained_first(capsys):
    pytest.importorskip("timm", reason="the extra zoo is not installed")
    size = {"depth": 3, "embed_dim": 24, "num_heads": 2}
    script("timm_vit")("", 2, train_per_class=2, epochs=1, **size)
    assert len(capsys.readouterr().out.splitlines()) == 4


def test_without_pictures_some_are_drawn_into_class_folders(tmp_path):
    example = runpy.run_path(str(EXAMPLES / "resnet_on_a_folder.py"))
    folder = Path(example["draw_folders"](tmp_path / "pictures", per_class=2))
    assert len(list(folder.glob("*/*.png"))) == 20


def test_a_training_loop_of_ones_own_and_two_of_its_checkpoints(tmp_path, capsys):
    small = {"images": {"train_per_class": 2, "test_per_class": 2, "samples_per_class": 2}}
    script("own_training_loop")(str(tmp_path), 1, 7, network={"layers": ["layer2"]}, **small, **FAST)
    lines = capsys.readouterr().out.splitlines()
    files = sorted((tmp_path / "checkpoints").iterdir())
    assert [line.partition(":")[0] for line in lines] == [f"step {int(path.stem[5:])}" for path in files]
    assert len(files) == 3
    script("compare_checkpoints")(str(files[0]), str(files[-1]), "layer2", 2)
    counts, reliable, moved = capsys.readouterr().out.splitlines()
    assert counts.startswith("layer2: ")
    assert reliable.startswith("reliable: ")
    stay, vanish, appear = (float(part.split()[0]) for part in moved.removeprefix("of them ").split(", "))
    first, then = (float(word) for word in counts.replace(",", "").split() if word[0].isdigit())
    assert stay + vanish == pytest.approx(first, abs=0.02)
    assert stay + appear == pytest.approx(then, abs=0.02)


def test_the_gate_for_ci_is_a_workflow_whose_command_runs(attacked_study, tmp_path, monkeypatch, capsys):
    yaml = pytest.importorskip("yaml", reason="the extra docs is not installed")
    workflow = yaml.safe_load((EXAMPLES / "ci_gate/evidence-gate.yml").read_text(encoding="utf-8"))
    steps = workflow["jobs"]["gate"]["steps"]
    commands = [shlex.split(step["run"]) for step in steps if step.get("run", "").startswith("patternscope")]
    assert [words[1] for words in commands] == ["run", "diff"]
    assert commands[0][2] == "study.toml"
    settings = load_settings(EXAMPLES / "ci_gate/study.toml")
    assert settings.spread.enabled
    (tmp_path / "runs").mkdir()
    first = open_results(attacked_study).training(0).step
    shutil.copytree(attacked_study, tmp_path / "runs/candidate")
    shutil.copytree(attacked_study, tmp_path / "runs/baseline")
    monkeypatch.chdir(tmp_path)
    for baseline, candidate, code in (
        ("runs/baseline", "runs/candidate", 0),
        ("runs/baseline", f"runs/candidate@{first}", 1),
    ):
        words = [
            candidate if word == "runs/candidate" else baseline if word == "runs/baseline" else word
            for word in commands[1][1:]
        ]
        with pytest.raises(SystemExit) as caught:
            main(words)
        assert int(caught.value.code or 0) == code
        assert (tmp_path / "runs/diff/diff.html").is_file()
    assert "FAILS: evidence" in capsys.readouterr().out
