"""The notebooks run from top to bottom on a tiny study, and are committed without outputs."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
TOML = """
[images]
image_size = 32
train_per_class = 4
test_per_class = 3
samples_per_class = 3
[network]
layers = ["conv_33", "conv_53"]
[training]
epochs = 1
batch_size = 16
checkpoints = 2
[importance]
n_step = 2
[region]
n_step = 1
[knowledge]
bootstrap = 10
taus = [0.4]
[figures]
dpi = 50
examples = 2
"""


@pytest.fixture(scope="session")
def tiny_study(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("notebooks")
    (folder / "tiny.toml").write_text(TOML)
    command = [sys.executable, "-m", "patternscope", "run", str(folder / "tiny.toml"), "--device", "cpu"]
    subprocess.run(
        [*command, "--out", str(folder / "study")],
        check=True,
        capture_output=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    return folder / "study"


def test_there_is_a_notebook():
    assert "visualize-knowledge-point.ipynb" in [path.name for path in NOTEBOOKS]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_committed_without_outputs(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    for cell in notebook.cells:
        assert not cell.get("outputs")
        assert cell.get("execution_count") is None


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# Jupyter's own: its move to platformdirs, and sockets that a kernel's end leaves to the garbage collector.
@pytest.mark.filterwarnings("ignore:Jupyter is migrating:DeprecationWarning")
def test_notebooks_run(path, tiny_study, tmp_path):
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATTERNSCOPE_STUDY", str(tiny_study))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("IPYTHONDIR", str(tmp_path))
        client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={})
        client.execute(cwd=str(tmp_path))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= 5
    said = "".join(output.get("text", "") for output in outputs)
    assert "conv_53" in said
    assert not [output for output in outputs if output.get("name") == "stderr"]
