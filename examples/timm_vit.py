"""Knowledge points of a Vision Transformer from timm (extra `zoo`), with the library alone.

    python examples/timm_vit.py WEIGHTS

WEIGHTS: a .safetensors file of vit_tiny_patch16_224 trained on the ten classes of the pictograms at 64 pixels. Any
other timm name, images and classes do as well: no line here knows that the network is a transformer.
"""

import sys

import timm
import torch

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding
from patternscope.images import open_images
from patternscope.knowledge import find_knowledge_points
from patternscope.networks import Normalised, list_layers, load_weights, record, suggest_layers


def main(weights: str, per_class: int = 50, **arguments: object) -> None:
    held_out = open_images("pictograms", image_size=64, test_per_class=per_class).test
    images, labels = held_out.batch(range(len(held_out))), held_out.labels
    network = timm.create_model(
        "vit_tiny_patch16_224", num_classes=len(held_out.classes), img_size=64, **arguments
    )
    load_weights(network, weights)
    model = Normalised(network, mean=0.5, std=0.5)  # takes pixels in [0, 1]
    layers = suggest_layers(list_layers(model, images[0]), 3)
    recording = record(model, images, layers)
    probs = torch.softmax(recording.logits / 4, dim=1)
    sample = SampleEmbedding(in_dim=recording.sample_features.shape[1])
    sample.fit({"target_probs": probs, "sample_features": recording.sample_features})
    for layer in layers:
        regional = recording.regional_features[layer]
        weight = ImportanceWeight(*regional.shape)
        weight.estimate({"target_probs": probs, "regional_features": regional})
        region = RegionEmbedding(in_dim=regional.shape[1])
        region.fit(
            {
                "target_probs": probs,
                "regional_features": regional,
                "sample_embs": sample,
                "w_k": weight.channel_weights,
                "w_r": weight.region_weights,
            }
        )
        points = find_knowledge_points(region(regional), sample.mean_directions, labels)
        grid = " x ".join(map(str, regional.shape[2:]))
        print(
            f"{layer} ({grid}): {points.total:.2f} knowledge points an image, {points.total_reliable:.2f} reliable"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
