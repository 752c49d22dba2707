"""A linear probe in the place of a classifier."""

import pytest
import torch
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import Normalised, record
from patternscope.networks.models.build import build_network, without_classifier
from patternscope.networks.models.linear_probe import blank_probe, features_of, fit_probe
from patternscope.networks.models.normalised import with_head

pytest.importorskip("sklearn", reason="the extra probe is not installed")


def separable(classes: int) -> tuple[torch.Tensor, torch.Tensor]:
    labels = torch.arange(40) % classes
    noise = torch.randn(40, 6, generator=torch.Generator().manual_seed(0))
    return 100 + 3 * nn.functional.one_hot(labels, 6).float() + 0.3 * noise, labels


@pytest.mark.parametrize("classes", [2, 3])
def test_a_probe_separates_what_is_separable_and_its_strength_is_cross_validated(classes):
    features, labels = separable(classes)
    fitted = fit_probe(features, labels, classes, seed=1)
    assert fitted.head(features).argmax(1).equal(labels)
    assert (fitted.accuracy, fitted.folds, fitted.images) == (1.0, 5, 40)
    shuffled = labels[torch.randperm(40, generator=torch.Generator().manual_seed(2))]
    chance = fit_probe(features, shuffled, classes, seed=1)
    assert chance.strength > fitted.strength
    assert chance.accuracy < 0.8


def test_a_class_with_one_image_is_refused():
    features, labels = separable(3)
    with pytest.raises(InputError, match="expected two images of each class to fit it to, got 0 of class 3"):
        fit_probe(features, labels, 4)


def test_the_sample_feature_is_what_the_probe_reads():
    backbone = nn.Sequential(nn.Conv2d(3, 6, 3), nn.ReLU())
    model, images = Normalised(backbone, 0.5, 0.5), torch.rand(4, 3, 16, 16)
    probe = blank_probe(model, images, 3)
    nn.init.normal_(probe.linear.weight)
    recorded = record(with_head(model, probe), images, ["0"])
    torch.testing.assert_close(recorded.sample_features, features_of(model, images))
    torch.testing.assert_close(recorded.logits, probe.linear(recorded.sample_features).detach())


def test_classifiers_of_torchvision_are_taken_off():
    network = without_classifier(build_network("resnet18", classes=4, image_size=32))
    assert network(torch.rand(2, 3, 32, 32)).shape == (2, 512)
    with pytest.raises(InputError, match="expected a network that ends with a linear layer, got SqueezeNet"):
        without_classifier(build_network("squeezenet1_1", classes=4))


def test_classifiers_of_timm_are_taken_off():
    pytest.importorskip("timm", reason="the extra zoo is not installed")
    network = build_network(
        "timm:vit_tiny_patch16_224",
        classes=None,
        image_size=32,
        arguments={"depth": 1, "embed_dim": 24, "num_heads": 2},
    )
    assert network.num_classes == 1000
    assert without_classifier(network)(torch.rand(2, 3, 32, 32)).shape == (2, 24)
