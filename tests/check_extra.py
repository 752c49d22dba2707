"""Import what an extra is for, after `pip install ".[EXTRA]"`: a wrong name of a package shows here.

python tests/check_extra.py zoo
"""

import importlib
import sys

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


def main(extra: str) -> None:
    """Import the modules of an extra."""
    for name in MODULES[extra]:
        importlib.import_module(name)
        print(f"{extra}: {name}")


if __name__ == "__main__":
    main(sys.argv[1])
