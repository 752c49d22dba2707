"""Layouts, listing and suggesting: where the region grid is, in any kind of network."""

import pytest
import torch
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import Layer, build_network, find_layer, list_layers, record, suggest_layers
from patternscope.networks.capture.layouts import Layout, LayoutFinder, first_tensor


class Tokens(nn.Module):
    """A patch embedding, extra tokens in front, a linear layer a token, a class token read out."""

    def __init__(self, extra, width=6):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, stride=4)
        self.extra = nn.Parameter(torch.zeros(1, extra, width))
        self.mix = nn.Linear(width, width)
        self.pair = nn.Identity()
        self.head = nn.Linear(width, 3)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        tokens = self.mix(torch.cat([self.extra.expand(len(x), -1, -1), tokens], dim=1))
        tokens, _ = self.pair((tokens, None))
        return self.head(tokens[:, 0] + tokens.mean(dim=1))


class LastAxis(nn.Module):
    """Channels last from the patches on, as in Swin."""

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 4, 4, stride=4)
        self.mix = nn.Linear(4, 4)
        self.act = nn.GELU()
        self.head = nn.Linear(4, 3)

    def forward(self, x):
        return self.head(self.act(self.mix(self.patches(x).permute(0, 2, 3, 1))).mean(dim=(1, 2)))


def by_name(model, *size):
    return {each.name: each for each in list_layers(model, torch.zeros(2, 3, *size))}


@pytest.mark.parametrize("extra", [0, 1, 2, 5])
@pytest.mark.parametrize("size", [(32, 32), (16, 40)])
def test_class_and_register_tokens_are_told_from_the_grid(extra, size):
    model = Tokens(extra)
    grid = (size[0] // 4, size[1] // 4)
    layers = by_name(model, *size)
    assert layers["mix"].layout == Layout("tokens", grid, 6, extra)
    assert layers["pair"].grid == grid
    images = torch.rand(2, 3, *size)
    found = record(model, images, ["patches", "mix", "pair"]).regional_features
    with torch.no_grad():
        patches = model.patches(images)
        mixed = torch.einsum("nkhw,jk->njhw", patches, model.mix.weight) + model.mix.bias[:, None, None]
    torch.testing.assert_close(found["patches"], patches)
    torch.testing.assert_close(found["mix"], mixed)
    torch.testing.assert_close(found["pair"], mixed)


@pytest.mark.parametrize("size", [(32, 32), (16, 16), (16, 40)])
def test_channels_last_is_told_from_channels_first_even_when_all_axes_are_equal(size):
    model = LastAxis()
    layers = by_name(model, *size)
    assert layers["patches"].layout.axes == "nchw"
    assert layers["mix"].layout == layers["act"].layout == Layout("nhwc", (size[0] // 4, size[1] // 4), 4)
    images = torch.rand(2, 3, *size)
    with torch.no_grad():
        patches = model.patches(images)
        mixed = torch.einsum("nkhw,jk->njhw", patches, model.mix.weight) + model.mix.bias[:, None, None]
    torch.testing.assert_close(record(model, images, ["mix"]).regional_features["mix"], mixed)


def test_a_layer_says_shape_kind_stride_bytes_and_depth():
    layer = by_name(build_network("vgg16_slim", classes=4), 64, 96)["conv_42"]
    assert (layer.kind, layer.shape, layer.grid, layer.stride) == ("ConvBlock", (48, 8, 12), (8, 12), (8.0, 8.0))
    assert layer.bytes_per_1000 == 1000 * 48 * 8 * 12 * 4
    assert layer.depth == pytest.approx(9 / 14)


def test_a_module_used_twice_is_listed_twice():
    act = nn.ReLU()
    layers = by_name(nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), act, nn.Conv2d(4, 5, 3, stride=2), act), 9, 9)
    # nn.Sequential names the shared module once, by its first place
    assert (layers["1"].shape, layers["1@2"].shape) == ((4, 9, 9), (5, 4, 4))


def test_listing_gives_the_network_back_as_found():
    model = build_network("resnet18", classes=3, image_size=32)
    model.layer2.eval()
    flags, state = [m.training for m in model.modules()], torch.get_rng_state()
    weights = {name: each.clone() for name, each in model.state_dict().items()}
    list_layers(model, torch.zeros(3, 32, 32))
    assert [m.training for m in model.modules()] == flags
    assert not any(m._forward_hooks for m in model.modules())
    assert all(torch.equal(weights[name], each) for name, each in model.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())


@pytest.mark.parametrize(
    ("name", "size", "wanted"),
    [
        ("resnet18", 64, ["layer1", "layer2", "layer3.0", "layer3"]),
        ("resnet18", 224, ["layer1", "layer2", "layer3", "layer4"]),
        ("vgg16_bn", 64, ["conv_22", "conv_33", "conv_43", "conv_53"]),
        ("vit_b_32", 128, [f"encoder.layers.encoder_layer_{i}" for i in (2, 5, 8, 11)]),
    ],
)
def test_suggested_layers_are_the_ends_of_stages_with_a_grid_worth_looking_at(name, size, wanted):
    layers = list_layers(build_network(name, classes=3, image_size=size), torch.zeros(3, size, size))
    assert suggest_layers(layers) == wanted


@pytest.mark.parametrize("count", [1, 2, 3, 7, 50])
def test_suggested_layers_are_in_order_distinct_and_end_with_the_last(count):
    layers = list_layers(build_network("vgg16_slim", classes=3), torch.zeros(3, 64, 64))
    suggested = suggest_layers(layers, count)
    places = [[each.name for each in layers].index(name) for name in suggested]
    assert places == sorted(set(places))
    assert len(suggested) == min(count, 13)
    assert suggested[-1] == "conv_53"
    assert all(find_layer(name, layers).grid for name in suggested)


@pytest.mark.filterwarnings("ignore:.torch.jit.script:FutureWarning")
def test_a_scripted_network_is_refused_in_one_line():
    scripted = torch.jit.script(nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU()))
    with pytest.raises(InputError, match=r"network: expected modules of torch.nn, got '0' made by torch.jit"):
        list_layers(scripted, torch.zeros(3, 8, 8))


def test_suggesting_without_grids_or_count_is_refused():
    with pytest.raises(InputError, match="at least one with a region grid, got none"):
        suggest_layers([Layer("fc", "Linear", (3,))])
    with pytest.raises(InputError, match="count: expected at least 1, got 0"):
        suggest_layers([], 0)


def test_an_unknown_layer_is_answered_with_the_nearest_and_one_without_grid_with_shapes():
    layers = list_layers(build_network("vgg16_slim", classes=4), torch.zeros(3, 64, 64))
    with pytest.raises(InputError, match="did you mean 'conv_53'"):
        find_layer("conv53", layers)
    with pytest.raises(
        InputError,
        match=r"\(Linear\): expected an output .*, got shape \(4,\).*'conv_53.*\(64, 8, 8\) with grid \(8, 8\)",
    ):
        find_layer("classifier", layers)
    assert find_layer("classifier", layers, with_grid=False).shape == (4,)


@pytest.mark.parametrize(
    ("example", "said"),
    [
        (torch.zeros(8, 8), "got shape (8, 8)"),
        ("cat.png", "example: expected an image (channels, h, w) or a batch of images, got str"),
        (
            torch.zeros(1, 64, 64),
            "network: expected one that takes images (1, 64, 64), got RuntimeError: Given groups=1",
        ),
    ],
)
def test_examples_that_do_not_fit_are_said_in_one_line(example, said):
    with pytest.raises(InputError) as raised:
        list_layers(build_network("vgg16_slim", classes=4), example)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("shape", "wanted"),
    [
        ((2, 64, 8, 8), Layout("nchw", (8, 8), 64)),
        ((2, 8, 8, 64), Layout("nhwc", (8, 8), 64)),
        ((2, 64, 1, 1), None),
        ((2, 10), None),
        ((8, 16, 32), None),
        ((2, 3, 17, 16), None),
        ((2, 64, 200, 200), None),
        ((2, 65, 32), Layout("tokens", (8, 8), 32, 1)),
        ((2, 49, 32), Layout("tokens", (7, 7), 32, 0)),
        ((2, 0, 8, 8), None),
        ((), None),
    ],
)
def test_shapes_alone(shape, wanted):
    assert LayoutFinder(2, (64, 64)).find(shape) == wanted


def test_attention_weights_are_not_a_map():
    finder = LayoutFinder(2, (64, 64))
    finder.see(nn.Linear(4, 4), torch.zeros(2, 17, 4))
    assert finder.find((2, 3, 17, 17)) is None


def test_first_tensor_of_nothing_is_none():
    assert first_tensor(({"a": [None]}, "x")) is None
