"""Build wheel and sdist, install each into an empty environment, and use it there for a study and a notebook.

python tests/check_wheel.py                 borrows torch and the other dependencies of this environment
python tests/check_wheel.py --from-index    installs the dependencies that pip chooses, as a user gets them
python tests/check_wheel.py --out dist      keeps wheel and sdist
"""

import argparse
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
import venv
from pathlib import Path

from tiny_study import TOML

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOK = ROOT / "examples" / "start.ipynb"
WRITTEN = ("summary", "figures/evidence/evidence.png", "atlas/atlas.html", "report.html")
# Nothing of the clone may help: neither its folder nor an editable installation.
FROM_THE_WHEEL = (
    "import patternscope, sys; from pathlib import Path; place = Path(patternscope.__file__); "
    "sys.exit(0 if Path(sys.prefix).resolve() in place.resolve().parents else f'imported from {place}')"
)
RUN_NOTEBOOK = (
    "import nbformat, sys; from nbclient import NotebookClient; "
    "NotebookClient(nbformat.read(sys.argv[1], as_version=4), timeout=300, kernel_name='python3').execute()"
)


def run(*words: str | Path, folder: Path | None = None, **variables: str) -> None:
    """Run a command; its failure ends the check."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    subprocess.run([str(word) for word in words], cwd=folder, env=environment, check=True)


def new_environment(folder: Path) -> Path:
    """Return the Python of a new virtual environment."""
    venv.create(folder, with_pip=True)
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def build(python: Path, out: Path) -> list[Path]:
    """Return the wheel and the sdist, built from the clone; files of earlier versions in `out` are left alone."""
    run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "build")
    with tempfile.TemporaryDirectory() as fresh:
        run(python, "-m", "build", "--outdir", fresh, ROOT)
        out.mkdir(parents=True, exist_ok=True)
        return [Path(shutil.copy2(file, out)) for file in sorted(Path(fresh).iterdir())]


def install(python: Path, file: Path, from_index: bool) -> None:
    """Install a wheel or sdist with dependencies from the index, or with those of the running environment."""
    pip = (python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check")
    if from_index:
        return run(*pip, file, "nbclient", "ipykernel")
    place = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    # A path file is not read in the folder that it names, so that the clone's own editable installation stays out.
    Path(place.stdout.strip(), "borrowed.pth").write_text(sysconfig.get_path("purelib") + "\n", encoding="utf-8")
    return run(*pip, "--no-deps", file)


def use(python: Path, file: Path, folder: Path) -> None:
    """Run a small study, its report and the notebook with what is installed."""
    run(python, "-c", FROM_THE_WHEEL, folder=folder)
    (folder / "study.toml").write_text(TOML, encoding="utf-8")
    for words in (("run", "study.toml"), ("report", "runs/study"), ("status", "runs/study")):
        run(python, "-m", "patternscope", *words, folder=folder)
    missing = [name for name in WRITTEN if not (folder / "runs/study" / name).exists()]
    if missing:
        sys.exit(f"{file.name}: expected the study to have {', '.join(missing)}")
    if file.suffix == ".whl":
        run(python, "-c", RUN_NOTEBOOK, NOTEBOOK, folder=folder, PATTERNSCOPE_INSTALL=str(file))


def main() -> None:
    """Check both files."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--from-index", action="store_true", help="dependencies from the package index")
    parser.add_argument("--out", type=Path, help="keep wheel and sdist in this folder")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        temporary = Path(place)
        out = (arguments.out or temporary / "dist").resolve()
        for number, file in enumerate(build(new_environment(temporary / "builder"), out)):
            began = time.monotonic()
            python = new_environment(temporary / f"environment_{number}")
            install(python, file, arguments.from_index)
            folder = temporary / f"work_{number}"
            folder.mkdir()
            use(python, file, folder)
            print(
                f"{file.name}: {file.stat().st_size // 1000} kB, works ({time.monotonic() - began:.0f} s)", flush=True
            )


if __name__ == "__main__":
    main()
