"""Memory and processor time of recording a large network, beyond the network itself.

    python benchmarks/bench_recording.py [IMAGES [SIDE [GRID]]]

torchvision's VGG-16 with random weights, 500 random images of 224 pixels, four layers at a grid of 14 x 14: in memory
(`record`), and batch by batch into shards as a study does. Each in a process of its own.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from measuring import forget_peak, peak_memory, row

from patternscope.networks import build_network, record
from patternscope.settings.core import NetworkSettings
from patternscope.study.stages.features import record_into

LAYERS = ("conv_22", "conv_33", "conv_43", "conv_53")
TARGETS = ("in memory", "in shards")


def recording() -> None:
    for target in TARGETS:
        subprocess.run([sys.executable, __file__, target], check=True)


def main(target: str, count: int = 500, side: int = 224, grid: int = 14) -> None:
    network = build_network("vgg16", classes=10, image_size=side)
    images = torch.zeros(count, 3, side, side, dtype=torch.uint8)
    images.random_(generator=torch.Generator().manual_seed(0))
    held, start = forget_peak(), time.process_time()
    if target == "in memory":
        recorded = record(network, images, LAYERS, grid)
        kept = sum(features.nbytes for features in recorded.regional_features.values())
    else:
        with tempfile.TemporaryDirectory(dir=".") as folder:
            settings = NetworkSettings(layers=LAYERS, grid=grid)
            record_into(Path(folder), network, images, settings, lambda *_: None)
        kept = 0
    beyond, seconds = peak_memory() - held, time.process_time() - start
    what = f"recording {target}: VGG-16, {count} images of {side}, 4 layers at {grid} x {grid}"
    row(what, "-", f"{beyond:.2f} GB beyond the network; {kept / 1e9:.2f} GB kept; {seconds:.0f} s of processor", "")


if __name__ == "__main__":
    main(sys.argv[1], *map(int, sys.argv[2:])) if sys.argv[1:] else recording()
