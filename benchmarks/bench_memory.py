"""The estimators' stages of a study of many images, one after the other: peak memory and time.

    python benchmarks/bench_memory.py [IMAGES [CHANNELS [SIDE]]]

Three layers of invented features, written in shards as a recording writes them; then the stages sample, importance,
region, evidence and knowledge with the default settings of a study, in this process. 5,000 images with k = 512 and
r = 14 x 14 take 7 GB of disk in runs/bench/memory.
"""

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
from measuring import peak_memory, row
from torch import Tensor

from patternscope.results.features import FeaturesResult, LayerShape, RegionalFeatures
from patternscope.settings.study import StudySettings
from patternscope.study.run import resolved_settings, with_layers
from patternscope.study.stages import all_stages
from patternscope.study.stages.features import soft_probabilities
from patternscope.study.stages.images import describe_images
from patternscope.workflow.event_log import EventLog, unit_times
from patternscope.workflow.plan import make_plan
from patternscope.workflow.runner import run_units
from patternscope.workflow.stages import Axes, UnitContext

CLASSES, AT_ONCE = 10, 50
LAYERS = ("low", "middle", "top")


def memory() -> None:
    """Run in a process of its own, so that its peak memory is its own."""
    subprocess.run([sys.executable, __file__], check=True)


def main(images: int = 5000, channels: int = 512, side: int = 14) -> None:
    folder = Path("runs/bench/memory", f"{images}-{channels}-{side}")
    axes = Axes(1, LAYERS)
    settings = with_layers(StudySettings.model_validate({"network": {"grid": side}}), axes)
    sized = f"n = {images}, k = {channels}, r = {side * side}"
    stages = {stage.name: stage for stage in all_stages()}
    invented = Invented(images, channels, side)
    chosen = (
        replace(stages["images"], run=invented.images),
        replace(stages["features"], run=invented.features, needs=(), external=None),
        *(stages[name] for name in ("sample", "importance", "region", "evidence", "knowledge")),
    )
    run_units(folder, make_plan(settings, chosen, axes, resolved_settings(settings, CLASSES)))
    seconds = unit_times(EventLog(folder)).seconds
    spent = {name: sum(s for unit, s in seconds.items() if unit.startswith(name)) for name in
             ("importance", "region", "evidence", "knowledge")}  # fmt: skip
    times = ", ".join(f"{name} {taken:.0f} s" for name, taken in spent.items())
    row(f"stages of 3 layers, {sized}", "-", f"{peak_memory():.2f} GB at most; {times}", "")


class Invented:
    """Images and features of a study that was never trained: a class is a pattern of channels on some regions."""

    def __init__(self, images: int, channels: int, side: int, layers: tuple[str, ...] = LAYERS) -> None:
        self.count, self.channels, self.side, self.layers = images, channels, side, layers
        self.labels = torch.arange(images) % CLASSES

    def images(self, ctx: UnitContext) -> None:
        tiny = torch.empty(self.count, 3, 2, 2, dtype=torch.uint8)
        tiny.random_(generator=torch.Generator().manual_seed(0))
        classes, names = [f"class {label}" for label in range(CLASSES)], [str(i) for i in range(self.count)]
        fitted = StudySettings().images.fit_samples
        describe_images(tiny, self.labels, classes, names, source="invented", fit_samples=fitted).save(ctx.folder)

    def features(self, ctx: UnitContext) -> None:
        pooled, regional = torch.zeros(self.count, self.channels), RegionalFeatures(ctx.folder)
        for place, layer in enumerate(self.layers):
            writer, done = regional.writer(layer), 0
            for block in self.blocks(seed=place, clarity=(1 + place) / len(self.layers)):
                writer.append(block)
                pooled[done : done + len(block)] = block.amax(dim=(2, 3))
                done += len(block)
            writer.close()
        logits = 4 * (pooled - pooled.mean(0)) @ self.patterns(len(self.layers) - 1).T / self.channels**0.5
        FeaturesResult(
            sample_features=pooled,
            logits=logits,
            target_probs=soft_probabilities(logits, 4.0),
            layers=tuple(LayerShape(layer, self.channels, (self.side, self.side)) for layer in self.layers),
            samples=self.count,
            regional=regional,
        ).save(ctx.folder)

    def patterns(self, seed: int) -> Tensor:
        """Channels of each class (c, k)."""
        return torch.rand(CLASSES, self.channels, generator=torch.Generator().manual_seed(seed)).pow(4)

    def blocks(self, seed: int, clarity: float) -> Iterator[Tensor]:
        """Regional features of some images at a time (b, k, side, side)."""
        generator, patterns = torch.Generator().manual_seed(seed), self.patterns(seed)
        half = self.side // 2
        for labels in self.labels.split(AT_ONCE):
            shape = (len(labels), self.channels, self.side, self.side)
            block = torch.randn(shape, generator=generator).mul_(0.5).relu_()
            for features, label in zip(block, labels, strict=True):
                row, column = torch.randint(0, self.side - half + 1, (2,), generator=generator).tolist()
                features[:, row : row + half, column : column + half] += 2 * clarity * patterns[label, :, None, None]
            yield block


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
