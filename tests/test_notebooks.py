"""The notebooks run from top to bottom on a small study, and are committed without outputs."""

from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))
PICTURES = {
    "visualize-knowledge-point": 5,
    "visualize-attack-region": 4,
    "visualize-attack-trajectory": 3,
    "visualize-distillation": 2,
}


def test_every_notebook_is_known():
    assert [path.stem for path in NOTEBOOKS] == sorted(PICTURES)


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
def test_notebooks_run(path, attacked_study, taught_study, tmp_path):
    from nbclient import NotebookClient

    notebook = nbformat.read(path, as_version=4)
    study = taught_study if path.stem == "visualize-distillation" else attacked_study
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATTERNSCOPE_STUDY", str(study))
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("IPYTHONDIR", str(tmp_path))
        client = NotebookClient(notebook, timeout=120, kernel_name="python3", resources={})
        client.execute(cwd=str(tmp_path))
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= PICTURES[path.stem]
    said = "".join(output.get("text", "") for output in outputs)
    assert "conv_53" in said
    assert not [output for output in outputs if output.get("name") == "stderr"]
