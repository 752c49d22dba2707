"""What starts at once: modules that are not imported before somebody needs them."""

import subprocess
import sys

import pytest

HEAVY = ("torch", "torchvision", "numpy", "scipy", "matplotlib", "pydantic", "zarr", "rich", "jinja2", "PIL")


@pytest.mark.parametrize(
    "program",
    [
        "import patternscope",
        "import patternscope as ps; dir(ps)",
        "from patternscope.cli import main; main(['--help'])",
        # pydantic is there by then: typer's newer versions read arguments by it.
        "from patternscope.cli import main; main(['run', '--help'])",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_needed(program):
    watched = set(HEAVY) - ({"pydantic"} if "run" in program else set())
    ending = f"import sys; sys.stderr.write(' '.join(sorted({watched!r} & sys.modules.keys())))"
    program = f"import atexit\natexit.register(lambda: exec({ending!r}))\n{program}"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stderr == ""


@pytest.mark.parametrize("module", ["patternscope.api.stages", "patternscope.embeddings.region"])
def test_slow_parts_of_scipy_wait_until_something_computes(module):
    slow = {"scipy.stats", "scipy.interpolate", "sklearn", "torchvision", "timm"}
    program = f"import sys, {module}; print(' '.join(sorted({slow!r} & sys.modules.keys())))"
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == ""
