"""What your own training loop teaches a network, checkpoint by checkpoint: accuracy and reliable knowledge points.

    python examples/own_training_loop.py [OUT]

The network and the loop are plain torch. Three lines are patternscope's: a recorder, its call before the first step,
and its call after each step. The study of the recorded checkpoints, with figures and atlas, is in OUT/study. It
is small enough for two processor cores and two minutes.
"""

import sys
from pathlib import Path

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import patternscope as ps
from patternscope.callback import CheckpointRecorder
from patternscope.images import open_images
from patternscope.networks import build_network
from patternscope.settings.study import make_settings

SIDE, MEAN, STD = 32, 0.5, 0.25


def train(folder: Path, epochs: int, per_class: int) -> None:
    network = build_network("resnet18", classes=10, image_size=SIDE)  # or any module of yours
    pictures = open_images("pictograms", image_size=SIDE, train_per_class=per_class).train
    drawn = TensorDataset(pictures.batch(range(len(pictures))) / 255, pictures.labels)
    loader = DataLoader(drawn, batch_size=64, shuffle=True, generator=torch.Generator().manual_seed(0))
    optimizer = torch.optim.AdamW(network.parameters(), lr=2e-3)
    recorder = CheckpointRecorder(folder, total_steps=epochs * len(loader), count=6)
    recorder(network, 0)
    step = 0
    for _ in range(epochs):
        for images, labels in loader:
            loss = nn.functional.cross_entropy(network((images - MEAN) / STD), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            step += 1
            recorder(network, step)


def main(out: str = "runs/own_loop", epochs: int = 6, per_class: int = 100, **changes: dict) -> None:
    train(Path(out, "checkpoints"), epochs, per_class)
    settings = {
        "images": {"image_size": SIDE, "train_per_class": 20, "samples_per_class": 20},
        "network": {"architecture": "resnet18", "layers": ["layer1", "layer2", "layer3"], "grid": 8,
                    "mean": [MEAN], "std": [STD]},
        "checkpoints": {"folder": str(Path(out, "checkpoints"))},
    }  # fmt: skip
    content = {name: {**settings.get(name, {}), **changes.get(name, {})} for name in {**settings, **changes}}
    study = ps.run_study(make_settings(content, "own_training_loop.py", Path.cwd()), Path(out, "study"))
    for trained in study.checkpoints:
        layers = study.layers_at(trained.checkpoint)
        counts = ", ".join(f"{name} {layer.counts.reliable.value:.2f}" for name, layer in layers.items())
        print(f"step {trained.step}: accuracy {trained.held_out_accuracy:.2f}; reliable points per image {counts}")


if __name__ == "__main__":
    main(*sys.argv[1:])
