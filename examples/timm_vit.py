"""Knowledge points of a Vision Transformer from timm (extra `zoo`), in memory.

    python examples/timm_vit.py WEIGHTS

WEIGHTS: a .safetensors file of vit_tiny_patch16_224 trained on the ten classes of the pictograms at 64 pixels. Any
other timm name, images and classes work as well: no line here depends on the network being a transformer.
"""

import sys

import timm

import patternscope as ps
from patternscope.images import open_images
from patternscope.networks import list_layers, load_weights, suggest_layers


def main(weights: str, per_class: int = 50, **arguments: object) -> None:
    held_out = open_images("pictograms", image_size=64, test_per_class=per_class).test
    images = held_out.batch(range(len(held_out)))
    network = timm.create_model("vit_tiny_patch16_224", num_classes=len(held_out.classes), img_size=64, **arguments)
    load_weights(network, weights)
    layers = suggest_layers(list_layers(network, images[0]), 3)
    result = ps.analyze(network, images, held_out.labels, layers, classes=held_out.classes, mean=0.5, std=0.5)
    for name, layer in result.layers.items():
        grid = " x ".join(map(str, layer.grid))
        total, reliable = layer.counts.total.value, layer.counts.reliable.value
        print(f"{name} ({grid}): {total:.2f} knowledge points per image, {reliable:.2f} reliable")


if __name__ == "__main__":
    main(*sys.argv[1:])
