"""A network at a beginning: nothing of the found one changes, all of its weights do, statistics are the images'."""

import naive
import numpy as np
import pytest
import torch
from torch import nn

from patternscope.networks import build_network, recompute_batch_statistics, reinitialised
from patternscope.networks.models import untrained


class Mixed(nn.Module):
    """Weights of modules that draw their own, of one that does not, tied ones, a buffer, and two flags."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.gate = nn.Parameter(torch.linspace(-1, 1, 12).view(3, 4))
        self.register_buffer("kept", torch.arange(3.0))
        self.head = nn.Linear(4, 3)
        self.dropped = nn.Dropout(0.5)
        self.head.bias.requires_grad_(requires_grad=False)

    def forward(self, images):
        x = self.norm(self.first(images)).relu().mean((2, 3))
        return self.head(self.dropped(x)) + x @ self.gate.T


def found(seed: int = 0) -> Mixed:
    torch.manual_seed(seed)
    network = Mixed()
    network(torch.rand(8, 3, 6, 6))  # running statistics of its own
    with torch.no_grad():
        for weights in network.parameters():
            weights.add_(torch.rand_like(weights))
    network.eval()
    network.norm.train()
    return network


def state_of(network: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in network.state_dict().items()}


def flags_of(network: nn.Module) -> list[bool]:
    return [each.training for each in network.modules()] + [each.requires_grad for each in network.parameters()]


def test_the_network_is_left_as_found_and_its_copy_has_other_weights():
    network, images = found(), torch.rand(8, 3, 6, 6)
    before, flags, state = state_of(network), flags_of(network), torch.get_rng_state()
    copy = recompute_batch_statistics(reinitialised(network, 3), images)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert flags_of(network) == flags == flags_of(copy)
    assert not any(module._forward_hooks for module in copy.modules())
    for name, weights in copy.named_parameters():
        assert not torch.equal(weights, before[name]), name
    assert torch.equal(copy.kept, network.kept)
    # What no module draws is shuffled.
    assert torch.equal(copy.gate.flatten().sort().values, network.gate.flatten().sort().values)


def test_a_seed_is_a_network_and_weights_of_before_do_not_matter():
    one, same, other = (reinitialised(found(), seed) for seed in (1, 1, 2))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not torch.equal(one.first.weight, other.first.weight)
    assert torch.equal(one.first.weight, reinitialised(found(7), 1).first.weight)


@pytest.mark.parametrize("architecture", ["vgg16_slim", "resnet18"])
def test_nothing_of_the_training_is_left_in_a_known_network(architecture):
    network = build_network(architecture, classes=4, image_size=32, seed=0)
    with torch.no_grad():
        for weights in network.parameters():
            weights.fill_(7.0)
    copy = reinitialised(network, 0)
    assert all((weights != 7.0).all() for weights in copy.parameters())
    logits = recompute_batch_statistics(copy, torch.rand(6, 3, 32, 32)).eval()(torch.rand(2, 3, 32, 32))
    assert logits.isfinite().all()
    assert logits.std() > 0


@pytest.mark.parametrize("at_once", [256, 4])
def test_statistics_are_naive_means_over_the_images(monkeypatch, at_once):
    monkeypatch.setattr(untrained, "images_at_once", lambda images: at_once)
    network, images = found(), torch.rand(8, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    flags, momentum = flags_of(network), network.norm.momentum
    assert recompute_batch_statistics(network, images) is network
    with torch.no_grad():
        outputs = network.first(images).double().numpy()
    batches = [naive.batch_statistics(outputs[start : start + at_once]) for start in range(0, 8, at_once)]
    for place, known in enumerate((network.norm.running_mean, network.norm.running_var)):
        wanted = np.mean([each[place] for each in batches], axis=0)
        np.testing.assert_allclose(known, wanted, rtol=1e-5)
    assert (flags_of(network), network.norm.momentum) == (flags, momentum)


def test_what_has_no_statistics_or_one_image_stays_as_it_is():
    plain = nn.Sequential(nn.Conv2d(3, 2, 3), nn.BatchNorm2d(2, track_running_stats=False))
    before = state_of(plain)
    recompute_batch_statistics(plain, torch.rand(4, 3, 6, 6))
    assert all(torch.equal(tensor, before[name]) for name, tensor in plain.state_dict().items())
    network = found()
    mean = network.norm.running_mean.clone()
    recompute_batch_statistics(network, torch.rand(1, 3, 6, 6))
    assert torch.equal(network.norm.running_mean, mean)
