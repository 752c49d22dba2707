"""A study on a Dask cluster of four workers against one: time, its use, equal bytes; and on GPUs, by the formulas.

    python benchmarks/bench_cluster.py [IMAGES_OF_A_CLASS]

All stages up to the evidence of two checkpoints and two layers. Workers are processes of one thread with a folder in
common, and once with an exchange in its place. Busy: the part of the workers' time in which they compute; the rest is
waiting, transfer and reading. A machine with fewer cores than workers cannot be four times as fast. Last, the time that
the same plan would take on GPUs with the rates of a data sheet (`GPU`), by the cost model: nothing of it was measured.
"""

import shutil
import statistics
import sys
import time
from dataclasses import replace
from heapq import heappop, heappush
from pathlib import Path

import torch
from distributed import Client, LocalCluster, get_task_stream
from measuring import row

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from toy_stages import contents

from patternscope.settings.study import StudySettings
from patternscope.study.budget import count_images, measure
from patternscope.study.run import run_analysis, study_plan
from patternscope.workflow.cluster import ClusterExecutor
from patternscope.workflow.exchange import Exchange
from patternscope.workflow.plan import Plan
from patternscope.workflow.stages import Unit

FOLDER = Path("runs/bench/cluster")
ROUNDS = 3
GPU = {"products": 19.5e12, "copies": 1.5e12}  # an A100 in float32, without tensor cores


def main(per_class: int = 50) -> None:
    wanted = settings(per_class)
    times: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for name, workers, exchange in (
            ("1", 1, None),
            ("4", 4, None),
            ("4, exchange", 4, f"file://{FOLDER.resolve()}/x"),
        ):
            spent, busy = run_there(name, workers, exchange, wanted)
            times.setdefault(name, []).append(spent)
            row(f"{name} workers", "-", f"{spent:.1f} s", f"busy {busy:.2f}")
    for name, found in times.items():
        ratios = [one / own for one, own in zip(times["1"], found, strict=True)]
        row(f"{name} workers against 1", f"{statistics.median(ratios):.2f} x", spread(found), spread(ratios))
    same = contents(FOLDER / "1") == contents(FOLDER / "4") == contents(FOLDER / "4, exchange")
    row("bytes", "-", "equal" if same else "DIFFER", "")
    on_gpus(wanted)


def settings(per_class: int) -> StudySettings:
    return StudySettings.model_validate(
        {
            "images": {"train_per_class": 60, "test_per_class": per_class, "samples_per_class": per_class},
            "network": {"layers": ["conv_33", "conv_43", "conv_53"], "grid": 8},
            "training": {"epochs": 1, "checkpoints": 4},
            "controls": {"enabled": False},
        }
    )


def run_there(name: str, workers: int, exchange: str | None, wanted: StudySettings) -> tuple[float, float]:
    """Return the seconds of a study on a cluster, and the part of the workers' time in which they compute."""
    shutil.rmtree(FOLDER / name, ignore_errors=True)
    shutil.rmtree(FOLDER / "x", ignore_errors=True)
    with (
        LocalCluster(
            n_workers=workers,
            threads_per_worker=1,
            dashboard_address=":0",
            memory_limit=None,
            env={"OMP_NUM_THREADS": "1"},
            local_directory=str(FOLDER / "workers"),
        ) as cluster,
        Client(cluster, set_as_default=False) as client,
    ):
        client.run(warm_up)
        through = None if exchange is None else Exchange(exchange)
        begun = time.perf_counter()
        with get_task_stream(client) as stream:
            run_analysis(
                FOLDER / name,
                wanted,
                executor=lambda: ClusterExecutor(cluster.scheduler_address, through),
                until="evidence",
                device="cpu",
            )
            spent = time.perf_counter() - begun
        stops = [stop for task in stream.data for stop in task["startstops"] if stop["action"] == "compute"]
        computing = sum(stop["stop"] - stop["start"] for stop in stops)
    return spent, computing / (workers * spent)


def warm_up() -> None:
    """Import what the stages need, so that no run pays for it."""
    import patternscope.study.stages  # noqa: F401

    torch.set_num_threads(1)


def spread(found: list[float]) -> str:
    return " / ".join(f"{value:.2f}" for value in sorted(found))


def on_gpus(wanted: StudySettings) -> None:
    """Print what the plan takes on GPUs by the cost model, and on one core of this machine."""
    plan = study_plan(wanted, folder=FOLDER / "1")
    counts = count_images(FOLDER / "1", wanted)
    if counts is None:
        raise SystemExit("the study has no images")
    here = measure(plan.resolved, plan.axes, counts, torch.device("cpu"))  # pyright: ignore[reportArgumentType]
    there = replace(here, **GPU, forward=here.forward * here.products / GPU["products"])
    for what, facts in (("this machine", here), ("a GPU", there)):
        seconds = {
            unit: plan.stage(unit).cost(unit, facts, plan.resolved).seconds
            for unit in plan.units
            if plan.stage(unit).cost
        }
        for workers in (1, 8):
            row(f"{workers} of {what}, by the cost model", "-", f"{makespan(plan, seconds, workers):.1f} s", "")


def makespan(plan: Plan, seconds: dict[Unit, float], workers: int) -> float:
    """Return the end of a plan whose units start as soon as their inputs are ready and a worker is free."""
    ends: dict[Unit, float] = {}
    free = [0.0] * workers
    for unit in seconds:
        ready = max((ends.get(source, 0.0) for _, source in plan.needs[unit]), default=0.0)
        start = max(ready, heappop(free))
        ends[unit] = start + seconds[unit]
        heappush(free, ends[unit])
    return max(ends.values())


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
