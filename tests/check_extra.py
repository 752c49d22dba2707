"""Import what an extra is for and run its tests, after `pip install ".[EXTRA]" pytest hypothesis`.

python tests/check_extra.py zoo

A wrong name of a package shows here, and so does a package that an extra needs and another one happens to install.
"""

import importlib
import subprocess
import sys
from pathlib import Path

# The modules that the package, its documentation or its evidence imports because of each extra.
MODULES = {
    "notebook": ("anywidget", "traitlets", "ipykernel", "jupyterlab", "patternscope.atlas.widget"),
    "zoo": ("timm",),
    "probe": ("sklearn.linear_model", "patternscope.networks.models.linear_probe"),
    "huggingface": ("transformers", "patternscope.networks.models.huggingface"),
    "parquet": ("pyarrow.parquet",),
    "cluster": ("distributed", "patternscope.workflow.cluster"),
    "docs": ("mkdocs", "material", "mkdocstrings_handlers.python", "griffe", "latex2mathml.converter"),
    "evidence": ("sklearn.manifold", "umap"),
}

TESTS = {
    "notebook": ("atlas/test_widget.py",),
    "zoo": ("networks/test_pretrained.py",),
    "probe": ("networks/test_linear_probe.py", "knowledge/test_probe.py"),
    "huggingface": ("networks/test_huggingface.py",),
    "parquet": ("images/test_torch_datasets.py",),
    "cluster": ("workflow/test_cluster.py",),
    "docs": ("docs/test_site_tools.py",),
    "evidence": ("evidence/test_projections.py",),
}


def main(extra: str) -> int:
    """Import the modules of an extra, and return what pytest returns of its tests."""
    for name in MODULES[extra]:
        importlib.import_module(name)
        print(f"{extra}: {name}", flush=True)
    tests = Path(__file__).parent
    command = [sys.executable, "-m", "pytest", "-q", *(str(tests / name) for name in TESTS[extra])]
    return subprocess.run(command, cwd=tests.parent, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
