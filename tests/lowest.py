"""The core's tests with the lowest versions that pyproject.toml admits, in an environment of their own.

`python tests/lowest.py FOLDER` makes the environment in FOLDER, which must not exist, and leaves it there.
"""

import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).parent.parent
CORE = ("radial", "similarity", "embeddings", "knowledge", "settings", "results", "workflow", "images")
TESTING = ("pytest", "hypothesis", "mpmath")


def lower_bounds(requirements: list[str]) -> list[str]:
    """Return requirements as their lower bounds.

    >>> lower_bounds(["torch>=2.4", "dask-jobqueue>=0.9"])
    ['torch==2.4', 'dask-jobqueue==0.9']
    """
    found = [re.fullmatch(r"([\w-]+)>=([\w.]+)", requirement) for requirement in requirements]
    if None in found:
        raise SystemExit(f"expected NAME>=VERSION, got {requirements[found.index(None)]}")
    return [f"{bound[1]}=={bound[2]}" for bound in found if bound]


def main(folder: Path) -> int:
    """Make the environment, install, run the tests; return pytest's exit code."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    bounds = lower_bounds(project["dependencies"])
    testing = [each for each in project["optional-dependencies"]["dev"] if re.split(">=", each)[0] in TESTING]
    venv.create(folder, with_pip=True)
    python = str(folder / ("Scripts" if sys.platform == "win32" else "bin") / "python")
    install = [python, "-m", "pip", "install", "--quiet"]
    subprocess.run([*install, *bounds, *lower_bounds(testing)], check=True)
    subprocess.run([*install, "--no-deps", "--editable", str(ROOT)], check=True)
    return subprocess.run(
        # What the lowest versions say of the newest that they bring along is not ours.
        [python, "-m", "pytest", "-q", "-W", "default", *(f"tests/{name}" for name in CORE)],
        cwd=ROOT,
        check=False,
    ).returncode


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
