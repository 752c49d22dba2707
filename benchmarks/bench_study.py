"""The cost model against finished studies: seconds by their journals and bytes on disk, predicted and measured.

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

from patternscope.cli.app import _stages
from patternscope.settings.study import load_settings
from patternscope.study.budget import machine_speed, unit_costs
from patternscope.study.costs import Cost
from patternscope.study.run import run_study, saved_settings, saved_status, study_plan
from patternscope.workflow.runner import Event
from patternscope.workflow.stages import Unit
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

    run_study(folder, settings, _stages(settings), report=report, device="cpu")
    return taken


def compare(folder: Path, taken: Mapping[Unit, float] | None = None) -> None:
    """Print a row a stage; measured is what `taken` says, or else the study's journal."""
    settings, _ = saved_settings(folder)
    stages = _stages(settings)
    status = [
        each for each in saved_status(folder, stages) if each.seconds is not None and each.size is not None
    ]
    costs = unit_costs(folder, study_plan(settings, stages), [each.unit for each in status])
    if costs is None:
        sys.exit(f"{folder}: its images are not counted")
    groups: dict[str, list[UnitStatus]] = {}
    for each in status:
        groups.setdefault(each.unit.stage.split("/")[0], []).append(each)
    print(f"\n{folder}\n\n| stage | units | seconds: predicted | measured | MB: predicted | measured |")
    print("|---|---|---|---|---|---|")
    for stage, units in [*groups.items(), ("all", status)]:
        predicted = sum((costs[each.unit] for each in units), start=Cost())
        seconds = sum((each.seconds or 0) if taken is None else taken[each.unit] for each in units)
        size = sum(each.size or 0 for each in units)
        print(f"| {stage} | {len(units)} | {predicted.seconds:.1f} | {seconds:.1f} | {predicted.disk / 1e6:.2f} | "
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
                print(
                    f"1 thread, {products / 1e9:.0f} Gflop/s, copies {copies / 1e9:.0f} GB/s; processor time"
                )
                for folder, seconds in taken.items():
                    compare(folder, seconds)
    else:
        products, copies = machine_speed(torch.device("cpu"))
        print(
            f"{torch.get_num_threads()} threads, {products / 1e9:.0f} Gflop/s, copies {copies / 1e9:.0f} GB/s"
        )
        for name in names:
            compare(Path(name))
