"""Which layers are suggested does not depend on what authors call their blocks."""

import pytest
import torch
from torch import nn

from patternscope.networks import list_layers, suggest_layers


@pytest.mark.parametrize("name", ["Block", "PoolFormerBlock", "SystemBlock", "ResDownsampleBlock", "QuantStage"])
def test_blocks_are_blocks_whatever_they_are_called(name):
    kind = type(name, (nn.Sequential,), {})

    def block(channels: int, out: int) -> nn.Module:
        parts = (nn.Conv2d(channels, out, 3, padding=1), nn.ReLU(), nn.Conv2d(out, out, 3, padding=1), nn.ReLU())
        return kind(*parts)

    blocks = [block(8, 8) for _ in range(6)]
    network = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten())
    network.append(nn.Linear(8, 4))
    suggested = suggest_layers(list_layers(network, torch.zeros(3, 16, 16)))
    assert len(suggested) == 4
    assert "0" not in suggested
