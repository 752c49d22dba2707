"""The command line: exit codes, one clear line for what the user did wrong, help that teaches."""

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
import tomllib
import warnings
from pathlib import Path

import pytest
import study_record
from easy_study import easy_settings
from PIL import Image

from patternscope import __version__
from patternscope.api.figure_stages import figure_stage
from patternscope.cli import main
from patternscope.figures import load_figure
from patternscope.results.attack import AttackResult
from patternscope.results.study import open_results
from patternscope.settings.study import make_settings
from patternscope.settings.toml import settings_toml
from patternscope.study.run import run_analysis, saved_settings
from patternscope.workflow.stages import Stage


def call(capsys, *arguments: object) -> tuple[int, str, str]:
    """Run the command line in this process; exit code, stdout, stderr."""
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


def test_help_teaches(capsys):
    for flag in ("-h", "--help"):
        code, out, err = call(capsys, flag)
        assert (code, err) == (0, "")
        assert "patternscope run study.toml" in out
        assert "patternscope demo" in out
    for command in (
        "demo",
        "run",
        "status",
        "layers",
        "settings",
        "figures",
        "compare",
        "diff",
        "atlas",
        "view",
        "report",
    ):
        code, out, _ = call(capsys, command, "--help")
        assert code == 0
        assert "Example" in out


def test_version_and_no_arguments(capsys):
    assert call(capsys, "--version")[1].strip() == __version__
    _, out, err = call(capsys)
    assert "Usage" in out + err


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["--version"]])
def test_help_loads_nothing_that_takes_long(arguments):
    """Neither torch nor what draws tables, and of this package hardly more than the commands."""
    program = (
        "import sys\n"
        "from patternscope.cli import main\n"
        f"try: main({arguments})\n"
        "except SystemExit as end: code = end.code\n"
        "sys.stderr.write(' '.join(sys.modules))\n"
        "sys.exit(code)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    modules = set(done.stderr.split())
    assert done.returncode == 0
    assert not modules & {"torch", "numpy", "rich", "matplotlib"}
    own = {name for name in modules if name.startswith("patternscope.") and "patternscope.cli" not in name}
    assert own == {"patternscope.errors", "patternscope.lazy"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["rnu"], "Did you mean 'run'?"),
        (["run", "--wrokers", "2", "x.toml"], "--workers"),
        (["run"], "Missing argument"),
        (["run", "nowhere.toml"], "nowhere.toml: expected a study's settings in TOML, but it does not exist"),
        (["status", "nowhere"], "nowhere: expected the folder of `patternscope run`, got one without study.json"),
        (["figures", "nowhere"], "nowhere: expected the folder of `patternscope run`, got one without study.json"),
        (["layers", "resnet81"], "did you mean 'resnet18'?"),
        (["run", "bad.toml"], "training.epoch is unknown; did you mean 'epochs'?"),
        (["run", "layer.toml"], "did you mean 'conv_53'?"),
        (["run", "good.toml", "--workers", "0"], "workers: expected 1 or more, got 0"),
        (["run", "good.toml", "--until", "featrues"], "did you mean 'features'?"),
        (["run", "good.toml", "--device", "gpu"], "device: expected a name such as 'cpu' or 'cuda:1', got 'gpu'"),
        (["run", "squares.toml", "--until", "featrues"], "did you mean 'features'?"),
        (["run", "target.toml"], "attack.target: expected a class, got 'bus_'; did you mean 'bus'?"),
        (["run", "steps.toml"], "training.checkpoints: expected at most 31 in a training of 30 steps, got 900"),
        (["run", "folder.toml"], "does not exist"),
        (["run", "both.toml"], "network.weights and checkpoints.folder: expected one of them, got both"),
        (["run", "weights.toml"], "network.weights: expected a file, but "),
        (["run", "checkpoints.toml"], "checkpoints.folder: expected a folder, but "),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    studies = {
        "good": "",
        "bad": "[training]\nepoch = 3",
        "layer": "[network]\nlayers = ['conv_54']",
        "squares": "[images]\nsource = 'arrays'\nfolder = 'squares.npz'\nimage_size = 32",
        "target": "[attack]\ntarget = 'bus_'",
        "steps": "[images]\ntrain_per_class = 20\n[training]\ncheckpoints = 900",
        "folder": "[images]\nsource = 'folder'\nfolder = 'pictures'",
        "both": "[network]\nweights = 'w.pth'\n[checkpoints]\nfolder = 'c'",
        "weights": "[network]\nweights = 'w.pth'",
        "checkpoints": "[checkpoints]\nfolder = 'c'",
    }
    easy_settings(tmp_path)  # writes squares.npz
    for name, text in studies.items():
        (tmp_path / f"{name}.toml").write_text(text)
    code, out, err = call(capsys, *arguments)
    assert code == 2
    assert out == ""
    assert said in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert not (tmp_path / "runs").exists()  # and nothing was begun


def test_a_target_that_is_no_class_is_refused_as_soon_as_the_images_are_read(tmp_path, capsys):
    easy_settings(tmp_path)
    images = "[images]\nsource = 'arrays'\nfolder = 'squares.npz'\nimage_size = 32\nsamples_per_class = 2"
    (tmp_path / "s.toml").write_text(f"{images}\n[attack]\ntarget = 'gren'")
    code, _, err = call(capsys, "run", tmp_path / "s.toml", "--out", tmp_path / "s", "--device", "cpu")
    assert code == 2
    assert "attack.target: expected a class, got 'gren'; did you mean 'green'?" in err
    assert [path.parent.name for path in (tmp_path / "s").rglob("manifest.json")] == ["images"]


def test_layers_lists_and_suggests(capsys, tmp_path):
    code, out, _ = call(capsys, "layers", "vgg16_slim", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert rows["conv_53"]["grid"] == [8, 8]
    assert rows["conv_53"]["suggested"]
    assert rows["classifier"]["grid"] is None
    (tmp_path / "study.toml").write_text("[images]\nimage_size = 32")
    code, out, _ = call(capsys, "layers", tmp_path / "study.toml")
    assert code == 0
    assert "conv_53" in out
    assert "4 x 4" in out
    assert 'layers = ["' in out


def test_omitted_images_are_listed_after_a_run(tmp_path, capsys):
    for label in ("cat", "dog"):
        (tmp_path / "pets" / label).mkdir(parents=True)
        for number in range(5):
            Image.new("RGB", (20, 20), (40 * number, 0, 0)).save(tmp_path / f"pets/{label}/{number}.png")
    (tmp_path / "pets/cat/broken.png").write_text("no picture")
    (tmp_path / "s.toml").write_text("[images]\nsource = 'folder'\nfolder = 'pets'\nsamples_per_class = 3")
    code, out, _ = call(
        capsys, "run", tmp_path / "s.toml", "--out", tmp_path / "s", "--until", "images", "--device", "cpu"
    )
    assert code == 0
    assert "1 image file could not be read and is omitted, first cat/broken.png: " in out
    assert "Fewer held-out images exist than the 3 per class requested: cat (1) and dog (1)." in out


def test_a_class_without_held_out_images_is_named_after_a_run(tmp_path, capsys):
    for split, counts in (("train", {"a": 3, "b": 3, "c": 3}), ("val", {"a": 3, "b": 3, "c": 0})):
        for label, count in counts.items():
            (tmp_path / "set" / split / label).mkdir(parents=True)
            for number in range(count):
                Image.new("RGB", (20, 20), (40 * number, 0, 0)).save(tmp_path / f"set/{split}/{label}/{number}.png")
    (tmp_path / "s.toml").write_bytes(b"\xef\xbb\xbf[images]\r\nsource = 'folder'\r\nfolder = 'set'\r\n")
    arguments = ("run", tmp_path / "s.toml", "--out", tmp_path / "s", "--until", "images", "--device", "cpu")
    code, out, _ = call(capsys, *arguments)
    assert code == 0
    assert "Fewer held-out images exist than the 50 per class requested: c (0), a (3) and b (3)." in " ".join(
        out.split()
    )


PLACES = {"below a file": "file/study", "too long a name": "n" * 300}


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    "command", ["run", "run --dry-run", "run STUDY", "status", "figures", "report", "view", "layers"]
)
def test_a_path_that_cannot_be_is_one_line(tmp_path, capsys, monkeypatch, place, command):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("x")
    (tmp_path / "s.toml").write_text("[images]\nimage_size = 32")
    name, _, more = command.partition(" ")
    if name == "layers" or more == "STUDY":
        arguments = (name, f"{PLACES[place]}.toml")
    elif name == "run":
        arguments = ("run", "s.toml", "--out", PLACES[place], *([more] if more else ["--device", "cpu"]))
    else:
        arguments = (name, PLACES[place])
    code, out, err = call(capsys, *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("error: ")


def test_demo_full_adds_what_is_optional(attacked_study, tmp_path, monkeypatch, capsys):
    folder = shutil.copytree(attacked_study, tmp_path / "study")
    plain = easy_settings(attacked_study.parent, attack={"enabled": False})
    monkeypatch.setattr("patternscope.settings.study.load_settings", lambda path: plain)
    arguments = ("demo", "--out", folder, "--device", "cpu", "--until")
    code, out, _ = call(capsys, *arguments, "summary")
    assert code == 0
    assert "attack" not in out
    code, out, _ = call(capsys, *arguments, "attack_analysis", "--full")
    assert code == 0
    assert "nothing to do" in out
    attack = open_results(folder).load(AttackResult)
    assert f"attack: {attack.succeeded_count} of {attack.attacked_count} correctly classified images" in out
    assert out.count("conv_53") == 3  # in the tables of layers, of training and of the attack
    units = {row["unit"]: row["state"] for row in json.loads(call(capsys, "status", folder, "--json")[1])}
    assert units["attack_analysis/conv_53"] == "done"
    assert units["figures/attack_regions"] == "missing"


@pytest.fixture
def drawn(attacked_study, tmp_path) -> Path:
    """A small study of its own with one figure, in a folder beside its images."""
    shutil.copy(attacked_study.parent / "squares.npz", tmp_path)
    folder = shutil.copytree(attacked_study, tmp_path / "study")
    run_analysis(folder, easy_settings(tmp_path), counts_alone, device="cpu")
    return folder


def counts_alone(*_: object, **__: object) -> tuple[Stage, ...]:
    """One figure in the place of all, which take long."""
    figure = load_figure("counts")
    return (figure_stage(figure, {need.stage for need in (*figure.reads, *figure.also)} - {"networks"}),)


def only_counts(monkeypatch) -> None:
    monkeypatch.setattr("patternscope.api.stages.figure_stages", counts_alone)


def test_figures_draws_figures_and_runs_nothing_else(drawn, monkeypatch, capsys):
    only_counts(monkeypatch)
    shutil.rmtree(drawn / "figures/counts")
    code, out, _ = call(capsys, "figures", drawn)
    assert code == 0
    assert "ran 1 unit," in out
    record = study_record.read(drawn)
    record["settings"]["region"]["n_step"] = 3
    study_record.write(drawn, record)
    before = {path: path.stat().st_mtime_ns for path in drawn.rglob("manifest.json")}
    for command in ("figures", "atlas"):
        code, _, err = call(capsys, command, drawn)
        assert code == 2
        assert "input units of" in err
        assert "/conv_33 is stale); `patternscope run STUDY.toml --out" in err
        assert err.count("\n") == 1
    assert {path: path.stat().st_mtime_ns for path in drawn.rglob("manifest.json")} == before


def test_a_finished_study_is_of_use_without_its_images(drawn, monkeypatch, capsys, tmp_path):
    only_counts(monkeypatch)
    (drawn.parent / "squares.npz").unlink()
    shutil.rmtree(drawn / "figures/counts")
    for arguments in (
        ["status", drawn],
        ["figures", drawn],
        ["report", drawn],
        ["compare", drawn, drawn, "--out", tmp_path / "compared"],
        ["atlas", drawn, "--html", tmp_path / "a.html"],
    ):
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            code, _, err = call(capsys, *arguments)
        assert (code, err.count("warning: "), "error: " in err) == (0, 1, False)
        assert "squares.npz' does not exist" in err
        assert "results made from it are reused unchanged" in err
    settings = tmp_path / "study.toml"
    settings.write_text(settings_toml(saved_settings(drawn)[0]))
    code, _, err = call(capsys, "run", settings, "--out", drawn)
    assert code == 2
    assert "squares.npz' does not exist" in err


def test_the_settings_of_a_study_are_printed_as_its_toml_file(drawn, capsys):
    code, out, err = call(capsys, "settings", drawn)
    assert (code, err) == (0, "")
    assert make_settings(tomllib.loads(out), "printed", Path()) == saved_settings(drawn)[0]
    assert "kappa_max" not in out  # a default


def test_settings_of_what_is_neither_a_key_nor_a_study(drawn, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    shutil.copytree(drawn, "tau")
    assert "tau = " in call(capsys, "settings", "tau")[1]  # the key; the study is ./tau
    assert "seed = " in call(capsys, "settings", "./tau")[1]
    for name in ("runs/nowhere", str(tmp_path)):
        code, _, err = call(capsys, "settings", name)
        assert (code, err.count("\n")) == (2, 1)
        assert "expected a section, a key or the folder of a study" in err


@pytest.mark.parametrize("workers", [1, 2])
def test_ctrl_c_says_that_nothing_is_lost(tmp_path, workers):
    sizes = "image_size = 32\ntrain_per_class = 4\ntest_per_class = 2\nsamples_per_class = 2"
    (tmp_path / "long.toml").write_text(f"[images]\n{sizes}\n[training]\nepochs = 10000")
    arguments = ["run", "long.toml", "--out", "study", "--device", "cpu", "--workers", str(workers)]
    run = subprocess.Popen(
        [sys.executable, "-m", "patternscope", *arguments],
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        start_new_session=True,
        # What ignores the signal, as a shell's background job does, hands that on.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    assert run.stderr is not None
    too_long = threading.Timer(90, os.killpg, (run.pid, signal.SIGKILL))
    too_long.start()
    while not run.stderr.readline().startswith("images: "):
        assert run.poll() is None
    time.sleep(0.3)
    os.killpg(run.pid, signal.SIGINT)  # as a terminal does, to the workers too
    said = run.stderr.read()
    run.stderr.close()
    ended = run.wait()
    too_long.cancel()
    # Python ends by the signal itself if this arrived while a string was executed, as a dataclass is made: to a shell,
    # both are 130.
    assert ended in {130, -signal.SIGINT}
    assert said.strip().endswith("stopped; finished units are kept: run again to continue")
    assert "Traceback" not in said
    assert (tmp_path / "study/images/manifest.json").is_file()


def test_a_bug_is_no_line_but_leaves_the_command_as_it_is(monkeypatch):
    def broken(*_, **__):
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("patternscope.cli.running.run_and_print", broken)
    with pytest.raises(ZeroDivisionError, match="oh"):
        main(["demo"])
