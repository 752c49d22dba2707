"""Runs `patternscope run` again and again and kills it at random moments.

    python killed_runs.py STUDY.toml OUT KILLS SEED [LONGEST]

LONGEST are the most seconds until a kill. Each run is a process of its own, forked from this one, which has imported
everything: so the kills fall into the work and not into the start of Python. Prints how many runs were killed and
what each left.
"""

import os
import random
import shutil
import signal
import sys
import time
from pathlib import Path

import torch

import patternscope.figures
import patternscope.study.study  # noqa: F401
from patternscope.cli import main

LONGEST = 1.5


def run(study: str, out: Path) -> int:
    """Start a run in a child and return its process id."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        try:
            main(["run", study, "--out", str(out), "--device", "cpu"])
        finally:
            os._exit(1)
    return child


def kill_runs(study: str, out: Path, kills: int, chance: random.Random, longest: float) -> None:
    """Kill that many runs; one that came to its end first loses a folder, so that there is work again."""
    while kills:
        child = run(study, out)
        time.sleep(chance.uniform(0.02, longest))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            kills -= 1
            sys.stdout.write(f"killed with {len(list(out.rglob('manifest.json')))} units done\n")
            sys.stdout.flush()
        else:
            shutil.rmtree(chance.choice([path.parent for path in out.rglob("manifest.json")]))


if __name__ == "__main__":
    torch.set_num_threads(1)
    study, out, kills, seed, *longest = sys.argv[1:]
    most = float(longest[0]) if longest else LONGEST
    kill_runs(study, Path(out), int(kills), random.Random(int(seed)), most)
