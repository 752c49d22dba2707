"""What only some systems have is not needed: a study runs where neither fcntl nor resource exists."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from patternscope.workflow.stages import layer_folder

SCRIPT = """
import importlib, pkgutil, sys
sys.modules["fcntl"] = sys.modules["resource"] = None
sys.path.insert(0, sys.argv[2])
import patternscope
for module in pkgutil.walk_packages(patternscope.__path__, "patternscope."):
    if module.name not in ("patternscope.__main__", "patternscope.atlas.widget"):
        importlib.import_module(module.name)
from pathlib import Path
from tiny_study import settings
from patternscope.study.run import run_analysis, saved_status
folder = Path(sys.argv[1])
small = settings(training__epochs=1, training__checkpoints=1, knowledge__taus=[0.5])
told = []
done = run_analysis(folder, small, device="cpu", announce=told.append).done
assert told[0].units == len(done) > 5, (told, done)
assert not run_analysis(folder, small, device="cpu").done
assert {unit.state for unit in saved_status(folder)} == {"done"}
assert "fcntl" not in [name for name, module in sys.modules.items() if module is not None]
print("ran", len(done))
"""


@pytest.mark.slow
def test_a_study_runs_without_the_modules_of_one_system(tmp_path):
    tests = Path(__file__).resolve().parents[1]
    done = subprocess.run(
        [
            sys.executable,
            "-W",
            "error",
            "-W",
            "ignore:only soft file lock",
            # What libraries say of each other's versions is not ours.
            "-W",
            "ignore::DeprecationWarning",
            "-c",
            SCRIPT,
            str(tmp_path / "study"),
            str(tests),
        ],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("ran ")


@pytest.mark.parametrize(
    "name", ["CON", "nul.relu", "a:b", "a?b*", 'say "x"', "back\\slash", "end.", "end ", "a/b", "ö"]
)
def test_a_layers_folder_can_be_made_on_windows_and_tells_the_name(name):
    from urllib.parse import unquote

    folder = layer_folder(name)
    assert unquote(folder) == name
    assert not set(folder) & set('<>:"/\\|?*')
    assert folder[-1] not in ". "
    assert folder.partition(".")[0].lower() not in {"con", "nul", "aux", "prn", "com1", "lpt1"}
