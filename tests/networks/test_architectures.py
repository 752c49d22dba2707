"""Networks by name: the table of architectures, their inputs, and what bad names are answered with."""

import types

import pytest
import torch
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import (
    Normalised,
    architectures,
    build_network,
    find_layer,
    list_layers,
    record,
    suggest_layers,
)

VGG_NAMES = [
    f"conv_{stage}{layer}" for stage, n in zip(range(1, 6), (2, 2, 3, 3, 3), strict=True) for layer in range(1, n + 1)
]

# name, image size, a layer, its channels and grid
TABLE = [
    ("vgg16_slim", 64, "conv_53", 64, (8, 8)),
    ("vgg16_slim", 32, "conv_53", 64, (4, 4)),
    ("alexnet", 64, "features.4", 192, (7, 7)),
    ("vgg11_bn", 32, "conv_21", 128, (16, 16)),
    ("vgg16_bn", 32, "conv_33", 256, (8, 8)),
    ("resnet18", 64, "layer3", 256, (4, 4)),
    ("resnet34", 64, "layer2.3", 128, (8, 8)),
    ("resnet50", 64, "layer2", 512, (8, 8)),
    ("resnext50_32x4d", 64, "layer2", 512, (8, 8)),
    ("wide_resnet50_2", 64, "layer3", 1024, (4, 4)),
    ("densenet121", 64, "features.denseblock3", 1024, (4, 4)),
    ("googlenet", 64, "inception4e", 832, (4, 4)),
    ("inception_v3", 96, "Mixed_6e", 768, (4, 4)),
    ("squeezenet1_1", 64, "features.12", 512, (3, 3)),
    ("shufflenet_v2_x0_5", 64, "stage2", 48, (8, 8)),
    ("mobilenet_v2", 64, "features.3", 24, (16, 16)),
    ("mobilenet_v3_small", 64, "features.8", 48, (4, 4)),
    ("efficientnet_b0", 64, "features.5", 112, (4, 4)),
    ("efficientnet_v2_s", 64, "features.3", 64, (8, 8)),
    ("regnet_y_400mf", 64, "trunk_output.block3", 208, (4, 4)),
    ("mnasnet0_5", 64, "layers.9", 24, (8, 8)),
    ("convnext_tiny", 64, "features.3", 192, (8, 8)),
    ("swin_t", 64, "features.3", 192, (8, 8)),
    ("swin_v2_t", 64, "features.5", 384, (4, 4)),
    ("vit_b_16", 64, "encoder.layers.encoder_layer_3", 768, (4, 4)),
    ("maxvit_t", 224, "blocks.2", 256, (14, 14)),
    ("timm:vit_small_patch14_reg4_dinov2", 56, "blocks.7", 384, (4, 4)),
    ("timm:deit_tiny_distilled_patch16_224", 64, "blocks.7", 192, (4, 4)),
    ("timm:swin_tiny_patch4_window7_224", 64, "layers.1", 192, (8, 8)),
    ("timm:xcit_nano_12_p16_224", 64, "blocks.7", 128, (4, 4)),
    ("timm:mixer_s16_224", 64, "blocks.4", 512, (4, 4)),
]


@pytest.mark.parametrize(("name", "size", "layer", "channels", "grid"), TABLE)
def test_every_architecture_is_listed_recorded_once_a_batch_and_given_back_as_found(name, size, layer, channels, grid):
    if name.startswith("timm:"):
        pytest.importorskip("timm", reason="the extra zoo is not installed")
    network = build_network(name, classes=7, image_size=size)
    images = torch.rand(2, 3, size, size, generator=torch.Generator().manual_seed(1))
    weights = {key: (each.data_ptr(), each._version) for key, each in network.state_dict().items()}
    flags, forwards = [each.training for each in network.modules()], []
    counting = network.register_forward_hook(lambda *_: forwards.append(1))
    layers = list_layers(network, images)
    listed = len(forwards)
    suggested = suggest_layers(layers, 3)
    found = record(network, images, list(dict.fromkeys([layer, *suggested])))
    counting.remove()
    assert (listed, len(forwards)) == (1, 2)
    assert {each.name: each.grid for each in layers if layer in (each.name, each.alias)}.popitem()[1] == grid
    assert found.regional_features[layer].shape == (2, channels, *grid)
    assert found.logits.shape == (2, 7)
    assert 2 <= len(suggested) <= 3
    for each in suggested:
        assert tuple(found.regional_features[each].shape[2:]) == find_layer(each, layers).grid
    assert [each.training for each in network.modules()] == flags
    assert not any(each._forward_hooks or each._forward_pre_hooks for each in network.modules())
    assert {key: (each.data_ptr(), each._version) for key, each in network.state_dict().items()} == weights


@pytest.mark.parametrize("name", ["vit_tiny_patch16_224", "vit_small_patch14_reg4_dinov2"])
def test_blocks_of_a_transformer_are_suggested_and_not_its_patches(name):
    pytest.importorskip("timm", reason="the extra zoo is not installed")
    size = 56 if "14" in name else 64
    layers = list_layers(build_network(name, classes=3, image_size=size), torch.zeros(3, size, size))
    assert suggest_layers(layers, 3) == ["blocks.3", "blocks.7", "blocks.11"]


@pytest.mark.parametrize("name", ["vgg16_slim", "vgg16_bn", "resnet18", "mobilenet_v2"])
def test_sample_features_give_the_logits_by_the_last_linear_layer(name):
    network = build_network(name, classes=5, image_size=32)
    found = record(network, torch.rand(3, 3, 32, 32), [])
    last = [module for module in network.modules() if isinstance(module, nn.Linear)][-1]
    with torch.no_grad():
        torch.testing.assert_close(last(found.sample_features), found.logits)


def test_slim_vgg_has_the_thirteen_layers_of_vgg16_in_order_and_is_suggested_four():
    layers = list_layers(build_network("vgg16_slim", classes=10), torch.zeros(3, 64, 64))
    assert [each.name for each in layers if each.kind == "ConvBlock"] == VGG_NAMES
    assert suggest_layers(layers) == ["conv_22", "conv_33", "conv_43", "conv_53"]


def test_vgg16_bn_takes_the_names_of_vgg16_for_its_activations():
    network = build_network("vgg16_bn", classes=3, image_size=32)
    aliases = {each.alias: each.name for each in list_layers(network, torch.zeros(3, 32, 32)) if each.alias}
    assert list(aliases) == VGG_NAMES
    assert all(isinstance(network.get_submodule(name), nn.ReLU) for name in aliases.values())
    found = record(network, torch.rand(1, 3, 32, 32), ["conv_22", aliases["conv_22"]])
    assert torch.equal(*found.regional_features.values())
    assert found.regional_features["conv_22"].min() == 0


@pytest.mark.parametrize("name", ["vgg16_slim", "vgg16_bn", "resnet18", "mobilenet_v2", "vit_b_16", "swin_t"])
@pytest.mark.parametrize("channels", [1, 4])
def test_any_number_of_input_channels(name, channels):
    network = build_network(name, classes=4, channels=channels, image_size=32)
    assert record(network, torch.rand(2, channels, 32, 32), []).logits.shape == (2, 4)


def test_same_seed_same_weights_another_seed_others_and_random_state_as_found():
    before = torch.get_rng_state()
    one, two, other = (build_network("vgg16_slim", classes=3, seed=seed).state_dict() for seed in (5, 5, 6))
    assert torch.equal(before, torch.get_rng_state())
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not torch.equal(one["conv_11.conv.weight"], other["conv_11.conv.weight"])


@pytest.fixture
def factory_module(monkeypatch):
    module = types.ModuleType("some_factories")
    module.tiny = lambda num_classes, width: nn.Sequential(
        nn.Conv2d(3, width, 3), nn.Flatten(), nn.LazyLinear(num_classes)
    )
    module.number = lambda: 3
    module.crash = lambda classes: 1 / classes.nosuch
    module.unfitting = lambda classes: nn.Linear(2, classes).load_state_dict({"weight": torch.ones(5, 2)})
    module.value = 3
    monkeypatch.setitem(__import__("sys").modules, "some_factories", module)


@pytest.mark.usefixtures("factory_module")
def test_a_factory_is_called_with_its_arguments_and_the_sizes_it_names():
    network = build_network("some_factories:tiny", classes=6, arguments={"width": 9})
    assert network[0].out_channels == 9
    assert network[2].out_features == 6
    assert network[2].weight.shape == (6, 9 * 62 * 62)  # a lazy module has its size


@pytest.mark.usefixtures("factory_module")
@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("resnet19", {}, "did you mean 'resnet18'"),
        ("vgg16-slim", {}, "did you mean 'vgg16_slim'"),
        ("no_such_package_at_all:make", {}, "expected a module 'no_such_package_at_all', got ModuleNotFoundError"),
        ("some_factories:tini", {}, "did you mean 'tiny'"),
        ("some_factories:value", {}, "expected a function of 'some_factories', got 'value'"),
        ("some_factories:number", {}, "expected a torch.nn.Module, got int"),
        ("some_factories:tiny", {"arguments": {"depth": 3}}, "expected a network for 3 classes"),
        ("some_factories:crash", {}, "AttributeError: 'int' object has no attribute 'nosuch' (" + __file__),
        ("some_factories:unfitting", {}, 'Missing key(s) in state_dict: "bias". size mismatch for weight: copying'),
        ("vgg16_slim", {"arguments": {"deep": 3}}, "unexpected keyword argument 'deep'"),
        ("vit_b_16", {"image_size": 50}, "expected a network for 3 classes and images of 50 pixels"),
        ("vgg16_slim", {"classes": 1}, "classes: expected at least 2, got 1"),
        ("vgg16_slim", {"channels": 0}, "channels: expected at least 1, got 0"),
        ("vgg16_slim", {"image_size": 16}, "image_size: expected at least 32, got 16"),
    ],
)
def test_what_cannot_be_built_is_said_in_one_line(name, options, said):
    with pytest.raises(InputError) as raised:
        build_network(name, **{"classes": 3, **options})
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_timm_names_ask_for_the_extra_when_it_is_absent(monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"pip install 'patternscope\[zoo\]'"):
        build_network("timm:vit_tiny_patch16_224", classes=3)


def test_every_torchvision_classifier_is_offered():
    assert {"alexnet", "efficientnet_b0", "regnet_y_400mf", "swin_v2_t", "maxvit_t"} <= set(architectures())


def test_a_normaliser_inside_takes_pixels_and_leaves_layer_names_alone():
    inner = build_network("vgg16_slim", classes=3)
    mean, std = (0.1, 0.2, 0.3), (0.5, 0.6, 0.7)
    model = Normalised(inner, mean, std)
    images = torch.rand(2, 3, 32, 32)
    by_hand = torch.stack([(images[:, i] - mean[i]) / std[i] for i in range(3)], dim=1)
    outside, inside = record(model, images, ["conv_12"]), record(inner, by_hand, ["conv_12"])
    torch.testing.assert_close(outside.regional_features, inside.regional_features)
    torch.testing.assert_close(outside.logits, inside.logits)
    assert [each.name for each in list_layers(model, images)] == [each.name for each in list_layers(inner, images)]


@pytest.mark.parametrize(("mean", "std"), [((0.5, 0.5), 0.5), (0.5, 0.0), ((0.5,) * 3, (1.0, -1.0, 1.0))])
def test_a_normaliser_refuses_impossible_numbers(mean, std):
    with pytest.raises(InputError, match="std"):
        Normalised(nn.Identity(), mean, std)


def test_a_normaliser_of_other_channels_says_so():
    with pytest.raises(InputError, match="expected 3 channels, as the normaliser has, got 1"):
        Normalised(nn.Identity(), (0.5,) * 3, (0.5,) * 3)(torch.zeros(1, 1, 4, 4))
