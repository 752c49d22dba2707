"""A study killed ten times at random, against one that never was: are the bytes the same?

    python benchmarks/bench_kills.py [STUDY.toml [KILLS [SEED]]]

By default the demo's study. Runs it once undisturbed, then again and again until it was killed that often and ended;
one thread each. Takes about three times as long as the study. Exit code 1 where bytes differ.
"""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "tests"))
import killed_runs
from toy_stages import contents

from patternscope.settings.study import DEMO_FILE

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def python(*arguments: object) -> str:
    """Run Python with one thread and return what it printed."""
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=ENVIRONMENT, check=True, stdout=subprocess.PIPE, text=True).stdout


def main(study: str = str(DEMO_FILE), kills: str = "10", seed: str = "0") -> int:
    with tempfile.TemporaryDirectory() as room:
        whole, killed = Path(room, "whole"), Path(room, "killed")
        run = ("-m", "patternscope", "run", study, "--device", "cpu", "--out")
        begun = time.perf_counter()
        python(*run, whole)
        taken = time.perf_counter() - begun
        # Twice the even share of each, so that some kills come early and some late.
        print(python(killed_runs.__file__, study, killed, kills, seed, 2 * taken / int(kills)), end="")
        ours, theirs = contents(killed), contents(whole)
    differing = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    size = sum(map(len, theirs.values())) / 1e6
    print(f"undisturbed {taken:.0f} s, {len(theirs)} files, {size:.0f} MB; after {kills} kills {len(differing)} differ")
    print("\n".join(differing))
    return int(bool(differing))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
