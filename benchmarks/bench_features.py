"""Features of a real network at the paper's size: 500 pictograms, k = 512, a 14 x 14 grid."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from patternscope.images import pictograms
from patternscope.networks import TrainingSettings, record, train
from patternscope.networks.vgg import ConvBlock, SlimVGG

CACHE = Path("runs/bench/features.safetensors")
SIZE, CHANNELS, SAMPLES = 112, 512, 500


@dataclass(frozen=True)
class Features:
    """What the estimators are given, and what their results are judged by."""

    regional: Tensor
    sample: Tensor
    probs: Tensor
    labels: Tensor
    object_share: Tensor  # (n, r) share of each region that the object covers


def load() -> Features:
    """Read the features, or train the network and record them first (about two minutes)."""
    if not CACHE.exists():
        CACHE.parent.mkdir(parents=True, exist_ok=True)
        save_file(_make(), CACHE)
    return Features(**load_file(CACHE))


def _make() -> dict[str, Tensor]:
    network = SlimVGG(10, widths=(16, 24, 32, 48, 64))
    network.conv_53 = ConvBlock(64, CHANNELS)
    network.classifier = nn.Linear(CHANNELS, 10)
    nn.init.normal_(network.classifier.weight, std=0.01, generator=torch.Generator().manual_seed(0))
    drawn = pictograms.draw_many(2000, size=SIZE, seed=0)
    settings = TrainingSettings.model_validate({"epochs": 10})
    state = train(network, torch.from_numpy(drawn.images), torch.from_numpy(drawn.labels), settings, seed=0)
    network.load_state_dict(state.network)
    held_out = pictograms.draw_many(SAMPLES, size=SIZE, seed=0, start=10**9)
    recorded = record(network, torch.from_numpy(held_out.images), ["conv_53"])
    masks = torch.from_numpy(held_out.masks).float()[:, None]
    labels = torch.from_numpy(held_out.labels)
    print(f"accuracy of the network: {(recorded.logits.argmax(1) == labels).float().mean():.2f}")
    return {
        "regional": recorded.regional_features["conv_53"].contiguous(),
        "sample": recorded.sample_features.contiguous(),
        "probs": torch.softmax(recorded.logits / 4, dim=1),
        "labels": labels,
        "object_share": nn.functional.adaptive_avg_pool2d(masks, 14).flatten(1),
    }
