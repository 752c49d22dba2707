"""A study of many images after its recording: peak memory and time of each stage, pages included.

    python benchmarks/bench_many.py [IMAGES [CHANNELS [SIDE [NEIGHBOURS]]]]

Two layers of invented features, written in shards as a recording writes them, of one checkpoint; then all stages of a
study with default settings but for the neighbours of an image, figures and atlas, in this process. With 0 neighbours
importance weights are not estimated, and all equal. 50,000 images with k = 256 and r = 7 x 7 take 6 GB of disk in
runs/bench/many.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from resource import RUSAGE_SELF, getrusage

import torch
from bench_memory import CLASSES, Invented
from measuring import forget_peak, peak_memory, row

from patternscope.api.stages import pages_of
from patternscope.results.fits import FitTrace, ImportanceResult
from patternscope.results.training import TrainingResult
from patternscope.settings.study import StudySettings
from patternscope.study.run import resolved_settings, with_layers
from patternscope.study.stages import study_stages
from patternscope.workflow.plan import make_plan
from patternscope.workflow.runner import run_units
from patternscope.workflow.stages import Axes, Stage, UnitContext

LAYERS = ("middle", "top")


def main(images: int = 50_000, channels: int = 256, side: int = 7, neighbours: int = 25) -> None:
    folder, axes = Path("runs/bench/many", f"{images}-{channels}-{side}-{neighbours}"), Axes(1, LAYERS)
    asked = {
        "network": {"grid": side},
        "importance": {"kl_sample_num": max(1, neighbours)},
        "controls": {"enabled": False},
    }
    settings = with_layers(StudySettings.model_validate(asked), axes)
    invented = Invented(images, channels, side, LAYERS)
    made = {"images": invented.images, "training": training, "features": invented.features}
    if not neighbours:
        made["importance"] = partial(equal_importance, images, channels, side)
    spent = Spent(Counter(), Counter())
    stages = [
        replace(stage, run=made[stage.name], needs=(), external=None)
        if stage.name in made
        else replace(stage, run=spent.watching(stage))
        for stage in (*study_stages(settings), *pages_of(settings))
    ]
    run_units(folder, make_plan(settings, stages, axes, resolved_settings(settings, CLASSES)))
    sized = f"n = {images}, k = {channels}, r = {side * side}, 2 layers"
    for stage, seconds in spent.seconds.items():
        row(f"{stage}, {sized}", "-", f"{seconds:.1f} s of processor, {spent.peak[stage]:.2f} GB", "")
    # Where a peak was forgotten, the system keeps that of the last stage alone.
    peak = max(getrusage(RUSAGE_SELF).ru_maxrss / 1e6, *spent.peak.values())
    row(
        f"all after the recording, {sized}", "-", f"{sum(spent.seconds.values()):.0f} s of processor, {peak:.2f} GB", ""
    )


@dataclass
class Spent:
    """Seconds of processor and peak memory of stages, by the first part of their names."""

    seconds: Counter[str]
    peak: Counter[str]

    def watching(self, stage: Stage) -> Callable[[UnitContext], None]:
        """Return the work of a stage, measured."""

        def run(ctx: UnitContext) -> None:
            name, begun = stage.name.partition("/")[0], time.process_time()
            forget_peak()
            stage.run(ctx)
            self.seconds[name] += time.process_time() - begun
            self.peak[name] = max(self.peak[name], peak_memory())
            print(f"{ctx.unit.path}: {time.process_time() - begun:.1f} s, {peak_memory():.2f} GB", flush=True)

        return run


def equal_importance(images: int, channels: int, side: int, ctx: UnitContext) -> None:
    """Write importance weights that are all equal."""
    ImportanceResult(
        region_weights=torch.full((images, side**2), 1 / side**2),
        channel_weights=torch.full((images, channels), 1 / channels),
        grid=(side, side),
        trace=FitTrace(0.0, 0.0, [0.0], 0, True, {}),
    ).save(ctx.folder)


def training(ctx: UnitContext) -> None:
    """Write what a study says of a network that was never trained."""
    TrainingResult(
        checkpoint=0,
        name="invented",
        step=None,
        losses=[],
        held_out_accuracy=None,
        held_out_images=0,
        total_steps=None,
        outputs=None,
        probe=None,
        start=None,
    ).save(ctx.folder)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
