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


@pytest.fixture(scope="module")
def executed(attacked_study, taught_study, tmp_path_factory) -> dict[str, list]:
    """The cells of each notebook, run one notebook after the other by one process that forgets what it had before."""
    from nbclient import NotebookClient

    cells, studies = {}, {"visualize-distillation": taught_study}
    everything = nbformat.v4.new_notebook()
    for path in NOTEBOOKS:
        study = studies.get(path.stem, attacked_study)
        everything.cells.append(nbformat.v4.new_code_cell(f"%reset -f\n%env PATTERNSCOPE_STUDY={study}"))
        cells[path.stem] = nbformat.read(path, as_version=4).cells
        everything.cells += cells[path.stem]
    folder = tmp_path_factory.mktemp("notebooks")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "1")
        patch.setenv("IPYTHONDIR", str(folder))
        client = NotebookClient(everything, timeout=120, kernel_name="python3", resources={}, allow_errors=True)
        client.execute(cwd=str(folder))
    return cells


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
# Jupyter's own: its move to platformdirs, and sockets that a kernel's end leaves to the garbage collector.
@pytest.mark.filterwarnings("ignore:Jupyter is migrating:DeprecationWarning")
def test_notebooks_run(path, executed):
    outputs = [output for cell in executed[path.stem] for output in cell.get("outputs", [])]
    assert [output for output in outputs if output["output_type"] == "error"] == []
    assert sum("image/png" in output.get("data", {}) for output in outputs) >= PICTURES[path.stem]
    said = "".join(output.get("text", "") for output in outputs)
    assert "conv_53" in said
    assert not [output for output in outputs if output.get("name") == "stderr"]
