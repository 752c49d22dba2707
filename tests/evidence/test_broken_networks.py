"""Networks that know less: what stays, what is drawn anew."""

import pytest
import torch
from torch import nn

from evidence.sanity.broken_networks import state_up_to
from evidence.sanity.section import nothing_known
from patternscope.errors import InputError
from patternscope.networks import build_network


def test_what_is_kept_ends_with_the_layer():
    network = build_network("vgg16_slim", classes=4, seed=0)
    kept = state_up_to(network, "conv_43")
    parts = {name.partition(".")[0] for name in kept}
    assert {"conv_11", "conv_42", "conv_43"} <= parts
    assert parts.isdisjoint({"conv_51", "conv_53", "classifier"})
    assert {name for name in network.state_dict() if name.startswith("conv_43.")} <= set(kept)
    everything = state_up_to(network, "classifier")
    assert set(everything) == set(network.state_dict())


def test_layers_of_other_networks_are_found_by_their_whole_name():
    network = nn.Sequential()
    network.add_module("layer1", nn.Linear(2, 2))
    network.add_module("layer10", nn.Linear(2, 2))
    assert {name.partition(".")[0] for name in state_up_to(network, "layer1")} == {"layer1"}
    with pytest.raises(InputError, match="layer: expected"):
        state_up_to(network, "layer2")


def test_in_which_checks_nothing_can_be_known():
    assert nothing_known({"check": "permuted targets", "targets": "permuted"})
    assert nothing_known({"check": "above conv_53", "targets": "own"})
    assert not nothing_known({"check": "above conv_53", "targets": "trained"})
    assert not nothing_known({"check": "as trained", "targets": "own"})


def test_weights_drawn_anew_are_others():
    first, second = (build_network("vgg16_slim", classes=4, seed=seed) for seed in (0, 1))
    mixed = {**second.state_dict(), **state_up_to(first, "conv_53")}
    second.load_state_dict(mixed)
    assert torch.equal(second.state_dict()["conv_53.conv.weight"], first.state_dict()["conv_53.conv.weight"])
    assert not torch.equal(second.state_dict()["classifier.weight"], first.state_dict()["classifier.weight"])
