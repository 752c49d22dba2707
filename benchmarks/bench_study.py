"""The cost model against finished studies: seconds by their journals and bytes on disk, predicted and measured.

    python benchmarks/bench_study.py STUDY [STUDY ...]

Predicts on this machine as it is now, with as many threads as torch takes; measured is what the last run of each
unit took, wherever that was. Stages of a figure each are taken together.
"""

import sys
from pathlib import Path

import torch

from patternscope.cli.app import _stages
from patternscope.study.budget import machine_speed, unit_costs
from patternscope.study.costs import Cost
from patternscope.study.status import UnitStatus
from patternscope.study.study import saved_settings, saved_status, study_plan


def compare(folder: Path) -> None:
    """Print a row a stage."""
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
        seconds = sum(each.seconds or 0 for each in units)
        size = sum(each.size or 0 for each in units)
        print(f"| {stage} | {len(units)} | {predicted.seconds:.1f} | {seconds:.1f} | {predicted.disk / 1e6:.2f} | "
              f"{size / 1e6:.2f} |")  # fmt: skip


if __name__ == "__main__":
    products, copies = machine_speed(torch.device("cpu"))
    print(f"{torch.get_num_threads()} threads, {products / 1e9:.0f} Gflop/s, copies {copies / 1e9:.0f} GB/s")
    for name in sys.argv[1:]:
        compare(Path(name))
