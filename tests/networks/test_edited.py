"""A network that runs on from changed features: nothing changed is nothing changed, in every layout of an output."""

import pytest
import torch
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import build_network, edited_logits, record


def same(features, rows):
    return features


class Tokens(nn.Module):
    """A network whose layer puts a class token before the patches; it is read from all tokens."""

    def __init__(self):
        super().__init__()
        self.patches, self.mixed, self.head = nn.Conv2d(1, 4, 2, 2), nn.Linear(4, 4), nn.Linear(4, 3)
        self.token = nn.Parameter(torch.ones(1, 1, 4))

    def forward(self, pixels):
        patches = self.patches(pixels).flatten(2).mT
        return self.head(self.mixed(torch.cat([self.token.expand(len(patches), 1, 4), patches], dim=1)).mean(dim=1))


class Last(nn.Module):
    """Channels come last after the first layer."""

    def __init__(self):
        super().__init__()
        self.first, self.mixed, self.head = nn.Conv2d(1, 4, 2, 2), nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, pixels):
        return self.head(self.mixed(self.first(pixels).permute(0, 2, 3, 1)).mean(dim=(1, 2)))


@pytest.mark.parametrize(("network", "layer"), [(Tokens, "mixed"), (Last, "mixed"), (Last, "first")])
def test_the_network_goes_on_with_what_it_is_given(network, layer):
    model, images = network(), torch.rand(5, 1, 6, 8)
    with torch.no_grad():
        assert torch.allclose(edited_logits(model, images, layer, same), model(images), atol=1e-6)
    doubled = edited_logits(model, images, layer, lambda features, rows: 2 * features)
    assert not torch.allclose(doubled, model(images), atol=1e-3)
    seen = record(model, images, [layer], sample_layer="head").regional_features[layer]

    def others(features, rows):
        assert torch.allclose(features, seen[rows], atol=1e-6)
        return seen.flip(0)[rows]

    with torch.no_grad():
        expected = model(images.flip(0))
    # What the layer does not hold of the patches, the class token, is the same for all images.
    assert torch.allclose(edited_logits(model, images, layer, others), expected, atol=1e-6)


def test_images_are_edited_by_their_place_and_the_network_is_as_found():
    model, images = build_network("vgg16_slim", classes=3, image_size=32), torch.rand(70, 3, 32, 32)
    places, flags = [], [module.training for module in model.modules()]

    def none_of_some(features, rows):
        places.append(rows)
        return torch.where((rows % 2 == 0)[:, None, None, None], features, 0 * features)

    logits = edited_logits(model, images, "conv_53", none_of_some)
    assert torch.equal(torch.cat(places), torch.arange(70))
    assert torch.allclose(logits[::2], edited_logits(model, images, "conv_53", same)[::2], atol=1e-6)
    assert logits[1::2].std(dim=0).max() < 1e-6
    assert [module.training for module in model.modules()] == flags
    assert not any(module._forward_hooks for module in model.modules())


def test_a_layer_without_regions_is_one_line():
    model = build_network("vgg16_slim", classes=3, image_size=32)
    with pytest.raises(InputError, match="expected an output with a region grid"):
        edited_logits(model, torch.rand(2, 3, 32, 32), "classifier", same)
