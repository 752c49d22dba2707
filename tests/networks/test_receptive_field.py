"""Effective receptive fields: known ones, larger in deeper layers, and the network is as found."""

import pytest
import torch
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import build_network, receptive_field


def chain(kernels: list[int]) -> nn.Sequential:
    """Convolutions whose weights are all one: the gradient is theirs convolved with one another."""
    layers = [nn.Conv2d(1, 1, kernel, padding=kernel // 2, bias=False) for kernel in kernels]
    for layer in layers:
        nn.init.ones_(layer.weight)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


def test_one_convolution_sees_its_kernel():
    # Within 7 of 9 pixels lie 7/9 of an even gradient, within all of them 0.9 and more.
    assert receptive_field(chain([9]), torch.rand(2, 1, 31, 31), "0") == (9.0, 9.0)


def test_two_convolutions_see_a_triangle():
    weights = torch.tensor([1.0, 2, 3, 4, 5, 4, 3, 2, 1]) / 25
    held = [float(weights[4 - half : 5 + half].sum()) for half in range(5)]
    expected = 2 * next(half for half, share in enumerate(held) if share >= 0.9) + 1
    assert receptive_field(chain([5, 5]), torch.rand(2, 1, 31, 31), "1") == (expected, expected)


def test_deeper_layers_see_more_and_no_more_than_the_image():
    network = build_network("vgg16_slim", classes=10)
    network.train()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    state = torch.get_rng_state()
    images = torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    fields = [receptive_field(network, images, layer, (8, 8)) for layer in ("conv_12", "conv_33", "conv_53")]
    heights = [height for height, _ in fields]
    assert heights == sorted(heights)
    assert max(max(field) for field in fields) <= 64
    assert network.training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert torch.equal(torch.get_rng_state(), state)


def test_a_region_that_depends_on_nothing_is_an_error():
    network = chain([3])
    nn.init.zeros_(network[0].weight)
    with pytest.raises(InputError, match="depends on the images"):
        receptive_field(network, torch.rand(1, 1, 9, 9), "0")
