"""The cost model against finished studies: seconds by their event logs and bytes on disk, predicted and measured.

    python benchmarks/bench_study.py STUDY [STUDY ...]
    python benchmarks/bench_study.py --run STUDY.toml [STUDY.toml ...]

Predicts on this machine as it is now, with as many threads as torch takes; measured is what the last run of each
unit took, wherever that was. With --run the studies are run in one thread in a folder that goes afterwards, and
both columns are processor time, which a busy machine stretches less than that of the clock. Stages of a figure
each are taken together.
"""

import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from unittest.mock import patch

import torch

from patternscope.api.stages import pages_of
from patternscope.settings.study import load_settings
from patternscope.study import budget
from patternscope.study.budget import machine_speed, unit_costs
from patternscope.study.run import run_analysis, saved_settings, saved_status, study_plan
from patternscope.workflow.event_log import UnitTimes
from patternscope.workflow.runner import Event
from patternscope.workflow.stages import Cost, Unit
from patternscope.workflow.status import UnitStatus


def run(file: Path, folder: Path) -> dict[Unit, float]:
    """Run a study and return the processor seconds of each unit."""
    settings, begun, taken = load_settings(file), time.process_time(), {}

    def report(event: Event) -> None:
        nonlocal begun
        if event.kind == "begin":
            begun = time.process_time()
        elif event.kind == "done":
            taken[event.unit] = time.process_time() - begun

    run_analysis(folder, settings, pages_of, report=report, device="cpu")
    return taken


def compare(folder: Path, taken: Mapping[Unit, float] | None = None) -> None:
    """Print a row per stage; measured is what `taken` says, or else the study's event log."""
    settings, _ = saved_settings(folder)
    units = [unit for unit in saved_status(folder, pages_of) if unit.seconds is not None and unit.size is not None]
    plan = study_plan(settings, pages_of, folder=folder)
    # The formulas alone: a plan takes the time of a unit that was made before from the event log.
    with patch.object(budget, "unit_times", lambda log: UnitTimes({}, {})):
        costs = unit_costs(folder, plan, [unit.unit for unit in units], device="cpu")
    if costs is None:
        sys.exit(f"{folder}: its images are not counted")
    groups: dict[str, list[UnitStatus]] = {}
    for unit in units:
        groups.setdefault(unit.unit.stage.split("/")[0], []).append(unit)
    print(f"\n{folder}\n\n| stage | units | seconds: predicted | measured | MB: predicted | measured |")
    print("|---|---|---|---|---|---|")
    for stage, own in [*groups.items(), ("all", units)]:
        predicted = sum((costs[unit.unit] for unit in own), start=Cost())
        seconds = sum((unit.seconds or 0) if taken is None else taken[unit.unit] for unit in own)
        size = sum(unit.size or 0 for unit in own)
        print(f"| {stage} | {len(own)} | {predicted.seconds:.1f} | {seconds:.1f} | {predicted.disk / 1e6:.2f} | "
              f"{size / 1e6:.2f} |")  # fmt: skip


if __name__ == "__main__":
    names = sys.argv[1:]
    if names[:1] == ["--run"]:
        torch.set_num_threads(1)
        with tempfile.TemporaryDirectory() as scratch:
            studies = {Path(scratch) / Path(name).stem: Path(name) for name in names[1:]}
            taken = {folder: run(file, folder) for folder, file in studies.items()}
            with patch.object(time, "perf_counter", time.process_time):
                products, copies = machine_speed(torch.device("cpu"))
                print(f"1 thread, {products / 1e9:.0f} Gflop/s, copies {copies / 1e9:.0f} GB/s; processor time")
                for folder, seconds in taken.items():
                    compare(folder, seconds)
    else:
        products, copies = machine_speed(torch.device("cpu"))
        print(f"{torch.get_num_threads()} threads, {products / 1e9:.0f} Gflop/s, copies {copies / 1e9:.0f} GB/s")
        for name in names:
            compare(Path(name))
