"""The forecast of a dry run against the truth: time and memory of five studies of different kinds.

    python benchmarks/bench_forecast.py [KIND ...]

Each study is run in a process of its own, in one thread, in a folder that goes afterwards. Seconds are of the
processor, on both sides; memory is the most that the process held. A row per study, and per stage with --stages.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from measuring import forget_peak, peak_memory, row

_DRAWN = {"image_size": 64, "train_per_class": 80, "test_per_class": 40, "samples_per_class": 30}
_BRIEF = {"epochs": 3, "checkpoints": 2}
STUDIES: Mapping[str, dict[str, Any]] = {
    "maps": {"images": _DRAWN, "network": {"layers": ["conv_33", "conv_43", "conv_53"], "grid": 8},
             "training": {"epochs": 4, "checkpoints": 5}},
    "paper": {"images": {**_DRAWN, "samples_per_class": 12}, "training": _BRIEF,
              "network": {"layers": ["conv_33", "conv_53"], "grid": 6}, "region": {"objective": "paper"}},
    "resnet": {"images": _DRAWN, "training": _BRIEF,
               "network": {"architecture": "resnet18", "layers": ["layer1", "layer3"], "grid": 5}},
    "attack": {"images": _DRAWN, "network": {"layers": ["conv_43", "conv_53"], "grid": 7},
               "training": {"epochs": 8, "checkpoints": 2}, "attack": {"enabled": True},
               "distillation": {"enabled": True, "epochs": 3}},
    "many": {"images": {**_DRAWN, "image_size": 32, "test_per_class": 200, "samples_per_class": 200},
             "network": {"layers": ["conv_22", "conv_43", "conv_53"], "grid": 8},
             "training": {"epochs": 2, "checkpoints": 1}},
}  # fmt: skip


def measure(kind: str) -> dict[str, Any]:
    """Forecast and run one study in this process; seconds per stage and bytes, forecast and true."""
    from patternscope.api.stages import pages_of
    from patternscope.settings.study import make_settings
    from patternscope.study.budget import make_budget
    from patternscope.study.run import run_analysis, study_plan
    from patternscope.workflow.runner import Event

    torch.set_num_threads(1)
    settings, begun, spent = make_settings(STUDIES[kind], f"{kind}.toml", Path()), 0.0, {}

    def report(event: Event) -> None:
        nonlocal begun
        if event.kind == "begin":
            begun = time.process_time()
        elif event.kind == "done":
            stage = event.unit.stage.split("/")[0]
            spent[stage] = spent.get(stage, 0.0) + time.process_time() - begun

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "study"
        with patch.object(time, "perf_counter", time.process_time):
            budget = make_budget(folder, study_plan(settings, pages_of), device="cpu")
        assert budget is not None
        forget_peak()
        run_analysis(folder, settings, pages_of, report=report, device="cpu")
    told: dict[str, float] = {}
    for stage, cost in budget.stages.items():
        told[stage.split("/")[0]] = told.get(stage.split("/")[0], 0.0) + cost.seconds
    memory = {stage: cost.memory / 1e9 for stage, cost in budget.stages.items()}
    return {"told": told, "spent": spent, "memory": [budget.memory / 1e9, peak_memory()], "stages": memory}


def main() -> None:
    parser = argparse.ArgumentParser(description="The forecast of a dry run against the truth.")
    parser.add_argument("kinds", nargs="*", metavar="KIND", help=f"by default all: {', '.join(STUDIES)}")
    parser.add_argument("--stages", action="store_true")
    parser.add_argument("--measure", choices=list(STUDIES), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.measure:
        print(json.dumps(measure(asked.measure)))
        return
    print("| study | forecast of the true | seconds: forecast, true | GB: forecast, true |\n|---|---|---|---|")
    for kind in asked.kinds or STUDIES:
        command = [sys.executable, __file__, "--measure", kind]
        found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()[-1])
        told, spent = sum(found["told"].values()), sum(found["spent"].values())
        held, truth = found["memory"]
        row(
            kind,
            f"time {told / spent:.2f}, memory {held / truth:.2f}",
            f"{told:.1f}, {spent:.1f}",
            f"{held:.2f}, {truth:.2f}",
        )
        for stage in found["told"] if asked.stages else ():
            memory = max(value for name, value in found["stages"].items() if name.split("/")[0] == stage)
            row(
                f"{kind}: {stage}",
                "",
                f"{found['told'][stage]:.2f}, {found['spent'].get(stage, 0):.2f}",
                f"{memory:.2f}",
            )


if __name__ == "__main__":
    main()
