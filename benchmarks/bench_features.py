"""Features of a real network at the paper's size: 500 pictograms, k = 512, a 14 x 14 grid."""

from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from patternscope.images import pictograms
from patternscope.knowledge import object_cover
from patternscope.networks import TrainingSettings, record, train
from patternscope.networks.models.vgg import ConvBlock, SlimVGG

FOLDER = Path("runs/bench")
SIZE, GRID, CHANNELS, SAMPLES = 112, (14, 14), 512, 500


@dataclass(frozen=True)
class Features:
    """The input of the estimators, and what their results are judged by."""

    regional: Tensor  # the last layer, conv_53 (n, 512, 14, 14)
    earlier: Tensor  # the last layer of the block before, conv_43 (n, 48, 14, 14)
    sample: Tensor
    probs: Tensor
    labels: Tensor
    object_share: Tensor  # (n, r) share of each region that the object covers


def load() -> Features:
    """Read the features, or train the network and record them first (about two minutes)."""
    if not (FOLDER / "layers.safetensors").exists():
        _make()
    return Features(**load_file(FOLDER / "layers.safetensors"))


def network() -> nn.Module:
    """Return the network that the features are from; it takes pixels in [0, 1]."""
    trained = _untrained()
    trained.load_state_dict(load_file(FOLDER / "network.safetensors"))
    return trained.eval()


def images(count: int) -> Tensor:
    """Return the first images behind the features (count, 3, 112, 112), uint8."""
    return torch.from_numpy(_held_out(count).images)


def _held_out(count: int) -> pictograms.Pictograms:
    return pictograms.draw_many(count, size=SIZE, seed=0, start=10**9)


def _untrained() -> SlimVGG:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        built = SlimVGG(10, widths=(16, 24, 32, 48, 64))
        built.conv_53 = ConvBlock(64, CHANNELS)
        built.classifier = nn.Linear(CHANNELS, 10)
        nn.init.normal_(built.classifier.weight, std=0.01)
    return built


def _make() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    drawn = pictograms.draw_many(2000, size=SIZE, seed=0)
    settings = TrainingSettings.model_validate({"epochs": 10})
    start = _untrained()
    state = train(start, torch.from_numpy(drawn.images), torch.from_numpy(drawn.labels), settings, seed=0)
    save_file(state.network, FOLDER / "network.safetensors")
    held_out = _held_out(SAMPLES)
    recorded = record(network(), torch.from_numpy(held_out.images), ["conv_43", "conv_53"])
    labels = torch.from_numpy(held_out.labels)
    print(f"accuracy of the network: {(recorded.logits.argmax(1) == labels).float().mean():.2f}")
    arrays = {
        "regional": recorded.regional_features["conv_53"].contiguous(),
        "earlier": recorded.regional_features["conv_43"].contiguous(),
        "sample": recorded.sample_features.contiguous(),
        "probs": torch.softmax(recorded.logits / 4, dim=1),
        "labels": labels,
        "object_share": object_cover(torch.from_numpy(held_out.masks), GRID).float(),
    }
    save_file(arrays, FOLDER / "layers.safetensors")
