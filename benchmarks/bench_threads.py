"""Runs with one thread and with two: does each count of one lie in the interval of the other?

    python benchmarks/bench_threads.py [FOLDER] [NETWORKS]

A short study of pictograms, run with one thread and with two, which add numbers in other orders: networks of the same
seed drift apart as they train. Prints each number of the last checkpoint of both runs, and how many of them lie in the
interval of the other, over images alone (the study's own network) and over networks and images. A run that is there is
reused.
"""

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from patternscope.knowledge.intervals import Interval
from patternscope.results.formatting import with_interval
from patternscope.results.replicates import NetworksResult
from patternscope.results.study import open_results

STUDY = """
[images]
image_size = 32
train_per_class = 100
test_per_class = 20
samples_per_class = 15
[network]
layers = ["conv_43", "conv_53"]
[training]
epochs = 4
checkpoints = 2
[knowledge]
bootstrap = 300
[replicates]
networks = {networks}
[controls]
enabled = false
"""
RUN = """
import sys, torch
torch.set_num_threads(int(sys.argv[1]))
from patternscope.settings.study import load_settings
from patternscope.study.run import run_analysis
run_analysis(sys.argv[3], load_settings(sys.argv[2]), device="cpu")
"""
NAMES = ("total", "reliable", "ratio", "evidence")


class Pair(NamedTuple):
    """A number of both runs."""

    layer: str
    name: str
    first: Interval
    second: Interval

    @property
    def held(self) -> tuple[bool, bool]:
        """Whether each run's value lies in the interval of the other."""
        return _holds(self.second, self.first.value), _holds(self.first, self.second.value)


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/bench/threads")
    networks = sys.argv[2] if len(sys.argv) > 2 else "3"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(STUDY.format(networks=networks))
    for threads in (1, 2):
        subprocess.run(
            [sys.executable, "-c", RUN, str(threads), str(folder / "study.toml"), str(folder / str(threads))],
            check=True,
        )
    runs = [open_results(folder / str(threads)) for threads in (1, 2)]
    layers = {
        layer: [run.load(NetworksResult, layer=layer) for run in runs] for layer in runs[0].layers(NetworksResult)
    }
    own = [
        Pair(layer, name, *(_number(run.networks[0], name) for run in pair))
        for layer, pair in layers.items()
        for name in NAMES
    ]
    wide = [
        Pair(layer, name, *(_number(run, name) for run in pair)) for layer, pair in layers.items() for name in NAMES
    ]
    _say("one network, over images", own)
    _say(f"over {networks} networks and images", wide)


def _number(found: object, name: str) -> Interval:
    """A count or the evidence of a layer."""
    return getattr(found if name == "evidence" else found.counts, name)  # type: ignore[attr-defined]


def _holds(interval: Interval, value: float | None) -> bool:
    """Whether an interval holds a value; one that does not exist is held by one that does not."""
    if value is None or interval.low is None or interval.high is None:
        return value is None and interval.value is None
    return interval.low - 1e-9 <= value <= interval.high + 1e-9


def _say(title: str, pairs: list[Pair]) -> None:
    """A line per number, and how many are held."""
    print(title)
    for pair in pairs:
        both = ", ".join("held" if held else "NOT HELD" for held in pair.held)
        print(f"  {pair.layer:8} {pair.name:9} {with_interval(pair.first):26} {with_interval(pair.second):26} {both}")
    held = [each for pair in pairs for each in pair.held]
    print(f"  {sum(held)} of {len(held)} held")


if __name__ == "__main__":
    main()
