"""Which knowledge points of a layer stay, vanish and appear between two checkpoints of one network.

    python examples/own_training_loop.py
    python examples/compare_checkpoints.py EARLY LATE [LAYER]

EARLY and LATE: two of the files that the first command writes to runs/own_loop/checkpoints. The three estimators are
fitted one by one, by the rule of the paper, and both checkpoints are embedded in one frame.
"""

import sys
from typing import NamedTuple

import torch
from torch import Tensor

import patternscope as ps
from patternscope.images import open_images
from patternscope.knowledge import find_knowledge_points
from patternscope.networks import Normalised, build_network, load_weights

SIDE = 32


class Embedded(NamedTuple):
    """A checkpoint: its sample embedding, the embeddings of its regions (n, r, e), and their mean strength."""

    sample: ps.SampleEmbedding
    regions: Tensor
    strength: float


def embed(weights: str, images: Tensor, layer: str, before: Embedded | None = None) -> Embedded:
    """Fit the three estimators one by one: the sample embedding takes the frame of another checkpoint."""
    network = build_network("resnet18", classes=10, image_size=SIDE)
    load_weights(network, weights)
    recording = ps.record(Normalised(network, mean=0.5, std=0.25), images, [layer])
    probs, regional = torch.softmax(recording.logits / 4, dim=1), recording.regional_features[layer]
    sample = ps.SampleEmbedding(in_dim=recording.sample_features.shape[1])
    data = {"target_probs": probs, "sample_features": recording.sample_features}
    sample.fit(data, align=None if before is None else before.sample)
    weight = ps.ImportanceWeight(*regional.shape)
    weight.estimate({"target_probs": probs, "regional_features": regional})
    region = ps.RegionEmbedding(in_dim=regional.shape[1])
    weights_of = {"w_k": weight.channel_weights, "w_r": weight.region_weights}
    region.fit({"target_probs": probs, "regional_features": regional, "sample_embs": sample, **weights_of})
    embedding = region(regional)
    return Embedded(sample, embedding, float(embedding.norm(dim=-1).mean()))


def main(early: str, late: str, layer: str = "layer2", per_class: int = 50) -> None:
    held_out = open_images("pictograms", image_size=SIDE, test_per_class=per_class).test
    images, labels = held_out.batch(range(len(held_out))), held_out.labels
    first = embed(early, images, layer)
    second = embed(late, images, layer, before=first)
    one, other = (
        # Both in units of the later strength, or the counts could not be compared.
        find_knowledge_points(
            checkpoint.regions, checkpoint.sample.mean_directions, labels, unit_strength=second.strength
        )
        for checkpoint in (first, second)
    )
    print(f"{layer}: {one.total:.2f} knowledge points per image, then {other.total:.2f}")
    print(f"reliable: {one.total_reliable:.2f}, then {other.total_reliable:.2f}")
    stayed = (one.mask & other.mask).sum(dim=1).double().mean()
    print(f"of them {stayed:.2f} stay, {one.total - stayed:.2f} vanish, {other.total - stayed:.2f} appear")


if __name__ == "__main__":
    main(*sys.argv[1:])
