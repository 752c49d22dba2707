"""Published weights: what is taken of them, what they expect of pixels, and a machine that cannot have them."""

from urllib.error import URLError

import pytest
import torch
import torchvision

from patternscope.errors import InputError
from patternscope.networks import build_network, published_normaliser
from patternscope.networks.models.pretrained import load_pretrained


@pytest.fixture
def published(monkeypatch):
    """Weights as torchvision would have fetched them: its resnet18 with 1,000 classes, from another seed."""
    state = build_network("resnet18", classes=1000, seed=9).state_dict()
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", lambda *_, **__: dict(state))
    return state


def test_published_weights_are_taken_but_for_the_classes(published):
    network = build_network("resnet18", classes=5, pretrained=True)
    own = build_network("resnet18", classes=5)
    for name, tensor in network.state_dict().items():
        source = own.state_dict()[name] if name.startswith("fc.") else published[name]
        assert torch.equal(tensor, source), name


def test_names_that_keep_their_start_are_told(published):
    network = build_network("resnet18", classes=5, channels=1)
    assert load_pretrained(network, "resnet18") == ["conv1.weight", "fc.weight", "fc.bias"]
    assert load_pretrained(build_network("resnet18", classes=1000), "resnet18") == []


def test_weights_that_differ_elsewhere_are_refused(monkeypatch):
    with torch.device("meta"):
        state = torchvision.models.vit_b_16(image_size=64).state_dict()
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", lambda *_, **__: dict(state))
    with pytest.raises(InputError, match=r"pos_embedding' of shape \(1, 5, 768\), got \(1, 17, 768\) in the published"):
        build_network("vit_b_16", classes=3, image_size=32, pretrained=True)


def test_a_machine_without_network_and_cache_is_one_clear_line(monkeypatch):
    def unreachable(*_, **__):
        raise URLError("no route")

    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", unreachable)
    with pytest.raises(InputError, match=r"in the cache .* or a connection, got URLError"):
        build_network("resnet18", classes=3, pretrained=True)


def test_timm_without_network_and_cache_is_one_clear_line(monkeypatch):
    timm = pytest.importorskip("timm", reason="the extra zoo is not installed")
    create = timm.create_model

    def unreachable(*arguments, pretrained, **options):
        if pretrained:
            raise FileNotFoundError("no cache")
        return create(*arguments, **options)

    monkeypatch.setattr(timm, "create_model", unreachable)
    with pytest.raises(InputError, match=r"expected the weights of 'vit_tiny_patch16_224' in the cache"):
        build_network("timm:vit_tiny_patch16_224", classes=3, pretrained=True)


@pytest.mark.parametrize("name", ["vgg16_slim", "package.module:factory"])
def test_networks_of_ones_own_have_no_published_weights(name):
    with pytest.raises(InputError, match="expected an architecture with published weights"):
        build_network(name, classes=3, pretrained=True)
    with pytest.raises(InputError, match="expected an architecture with published weights"):
        published_normaliser(name)


def test_timm_says_what_its_weights_expect():
    pytest.importorskip("timm", reason="the extra zoo is not installed")
    assert published_normaliser("timm:vit_tiny_patch16_224") == ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
