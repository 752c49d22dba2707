"""Runs `patternscope run` again and again, kills it at random moments, and lets the last run end.

    python killed_runs.py STUDY.toml OUT KILLS SEED LONGEST [OPTION ...]

LONGEST are the most seconds until a kill, options go to the command. Each run is a process of its own, forked from
this one, which has imported everything: so the kills fall into the work and not into the start of Python. Prints what
each killed run left, and how the last one ended.
"""

import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
import torchvision  # noqa: F401

import patternscope.figures
import patternscope.study.run  # noqa: F401
from patternscope.cli import main


def start(arguments: list[str]) -> int:
    """Start a run in a child and return its process id."""
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        code = 1
        try:
            main(arguments)
        except SystemExit as end:
            code = int(end.code or 0)
        finally:
            os._exit(code)
    return child


def kill_runs(run: Callable[[], int], out: Path, kills: int, chance: random.Random, longest: float) -> None:
    """Kill that many runs; one that came to its end first loses a folder, so that there is work again."""
    while kills:
        child = run()
        time.sleep(chance.uniform(0.02, longest))
        os.kill(child, signal.SIGKILL)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            kills -= 1
            say(f"killed with {len(list(out.rglob('manifest.json')))} units done")
        else:
            shutil.rmtree(chance.choice([path.parent for path in out.rglob("manifest.json")]))


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    torch.set_num_threads(1)
    study, out, kills, seed, longest, *options = sys.argv[1:]
    arguments = ["run", study, "--out", out, "--device", "cpu", *options]
    kill_runs(lambda: start(arguments), Path(out), int(kills), random.Random(int(seed)), float(longest))
    _, status = os.waitpid(start(arguments), 0)
    say(f"ended with code {os.waitstatus_to_exitcode(status)}")
