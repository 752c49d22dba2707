"""In which blocks of a Vision Transformer from timm the patches predict the class: bits and knowledge points per block.

    python examples/timm_vit.py [WEIGHTS]

WEIGHTS: a .safetensors file of vit_tiny_patch16_224 for ten classes at 64 pixels. Without it, a smaller one is first
trained on the built-in pictograms, small enough for two processor cores. Needs the extra `zoo`. No line of the
analysis depends on the network being a transformer.
"""

import sys

import timm
import torch
from torch import nn

import patternscope as ps
from patternscope.images import open_images
from patternscope.networks import list_layers, load_weights, suggest_layers

SIDE = 64
SMALL = {"depth": 6, "embed_dim": 96, "num_heads": 3}


def train(network: nn.Module, images: torch.Tensor, labels: torch.Tensor, epochs: int) -> None:
    generator = torch.Generator().manual_seed(0)
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    for _ in range(epochs):
        for batch in torch.randperm(len(labels), generator=generator).split(64):
            loss = nn.functional.cross_entropy(network((images[batch] - 0.5) / 0.5), labels[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def main(weights: str = "", per_class: int = 20, train_per_class: int = 200, epochs: int = 20, **size: int) -> None:
    splits = open_images("pictograms", image_size=SIDE, train_per_class=train_per_class, test_per_class=per_class)
    images, labels = splits.test.batch(range(len(splits.test))), splits.test.labels
    size = size or ({} if weights else SMALL)
    network = timm.create_model("vit_tiny_patch16_224", num_classes=10, img_size=SIDE, **size)
    if weights:
        load_weights(network, weights)
    else:
        train(network, splits.train.batch(range(len(splits.train))) / 255, splits.train.labels, epochs)
    layers = suggest_layers(list_layers(network.eval(), images[0]), 3)
    result = ps.analyze(network, images, labels, layers, classes=splits.test.classes, mean=0.5, std=0.5)
    print(f"accuracy on unseen images {result.checkpoints[-1].held_out_accuracy:.2f}")
    for name, layer in result.layers.items():
        grid = " x ".join(map(str, layer.grid))
        points = layer.counts
        counts = f"{points.total.value:.2f} knowledge points per image, {points.reliable.value:.2f} reliable"
        print(f"{name} ({grid}): {layer.evidence.value:.2f} bits per region, {counts}")


if __name__ == "__main__":
    main(*sys.argv[1:])
