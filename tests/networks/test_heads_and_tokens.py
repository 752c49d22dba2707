"""Which layer gives the logits where several might; tokens beside the patches; a backbone without gradients."""

from types import SimpleNamespace

import pytest
import torch
from test_layer_listing import Tokens
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import Normalised, grad_cam, list_layers, record
from patternscope.networks.capture.layouts import ExtraTokens, Layout
from patternscope.networks.capture.tokens import extra_tokens


class TwoHeads(nn.Module):
    """Two linear heads of the same width on two features; `join` makes logits of their outputs."""

    def __init__(self, join, keyword=False):
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.head, self.other = nn.Linear(4, 3), nn.Linear(4, 3)
        self.join, self.keyword = join, keyword

    def forward(self, x):
        f = self.conv(x).mean(dim=(2, 3))
        if self.keyword:
            return self.join(self.head(input=f[:, :4]), self.other(input=f[:, 4:]))
        return self.join(self.head(f[:, :4]), self.other(f[:, 4:]))

    def features(self, x):
        with torch.no_grad():
            return self.conv(x).mean(dim=(2, 3))


@pytest.fixture
def images():
    return torch.rand(5, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def seeded():
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(0)
        yield


@pytest.mark.parametrize("keyword", [False, True])
@pytest.mark.parametrize(
    ("join", "part"),
    [(lambda a, b: a, slice(0, 4)), (lambda a, b: (b, a), slice(4, 8)), (lambda a, b: (a + b) / 2, slice(0, 8))],
)
def test_the_head_is_the_one_whose_output_the_logits_are(images, join, part, keyword):
    model = TwoHeads(join, keyword)
    found = record(model, images, ["conv"])
    torch.testing.assert_close(found.sample_features, model.features(images)[:, part])
    # The logits are linear in the sample feature.
    solved = torch.linalg.lstsq(
        torch.cat([found.sample_features, torch.ones(5, 1)], dim=1).double(), found.logits.double()
    )
    fitted = torch.cat([found.sample_features, torch.ones(5, 1)], dim=1).double() @ solved.solution
    torch.testing.assert_close(fitted, found.logits.double(), atol=1e-4, rtol=0)


def test_of_heads_that_are_joined_otherwise_the_user_names_one(images):
    model = TwoHeads(lambda a, b: 3 * a + b)
    with pytest.raises(InputError, match=r"several whose mean they are, got 'head', 'other'; name with sample_l"):
        record(model, images, ["conv"])
    found = record(model, images, ["conv"], sample_layer="other")
    torch.testing.assert_close(found.sample_features, model.features(images)[:, 4:])


def test_a_head_called_by_keyword_alone_is_found(images):
    class Network(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.fc = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

        def forward(self, x):
            return self.fc(input=self.conv(x).mean(dim=(2, 3)))

    model = Network()
    for named in (None, "fc"):
        found = record(model, images, ["conv"], sample_layer=named)
        torch.testing.assert_close(model.fc(found.sample_features).detach(), found.logits)


class Registers(Tokens):
    """A class token in front of the patches and register tokens behind them."""

    def __init__(self, prefix, suffix):
        super().__init__(prefix)
        self.registers = nn.Parameter(torch.full((1, suffix, 6), 9.0))

    def forward(self, x):
        tokens = self.patches(x).flatten(2).transpose(1, 2)
        rows = [self.extra.expand(len(x), -1, -1), tokens, self.registers.expand(len(x), -1, -1)]
        tokens = self.mix(torch.cat(rows, dim=1))
        return self.head(tokens[:, 0])


@pytest.mark.parametrize(("given", "said"), [({"suffix_tokens": 4}, None), ({"prefix_tokens": 1}, None), ({}, 1)])
def test_register_tokens_behind_the_patches_are_told_by_settings_or_by_the_network(images, given, said):
    model = Registers(1, 4)
    if said is not None:
        model.num_prefix_tokens = said
    known = Normalised(model, 0.0, 1.0, **given)
    layers = {layer.name: layer for layer in list_layers(known, images[:1])}
    assert layers["mix"].layout == Layout("tokens", (2, 2), 6, prefix=1, suffix=4)
    with torch.no_grad():
        wanted = torch.einsum("nkhw,jk->njhw", model.patches(images), model.mix.weight)
        wanted = wanted + model.mix.bias[:, None, None]
    torch.testing.assert_close(record(known, images, ["mix"]).regional_features["mix"], wanted)
    # Where nobody says so, they are taken for tokens in front.
    silent = Registers(1, 4)
    assert {each.name: each for each in list_layers(silent, images[:1])}["mix"].layout.prefix == 5


def test_a_network_says_how_many_tokens_it_has():
    timm = pytest.importorskip("timm")
    with torch.device("meta"):
        network = timm.create_model("vit_small_patch14_reg4_dinov2", img_size=28)
    assert extra_tokens(network) == ExtraTokens(5, None)
    hugging = nn.Sequential(nn.Linear(1, 1))
    hugging[0].config = SimpleNamespace(num_register_tokens=4)
    assert extra_tokens(hugging) == ExtraTokens(5, None)
    assert extra_tokens(nn.Linear(1, 1)) == ExtraTokens()


@pytest.mark.parametrize(
    ("extra", "others", "sides"),
    [
        (ExtraTokens(), 3, (3, 0)),
        (ExtraTokens(1), 0, (0, 0)),
        (ExtraTokens(1, 4), 1, (1, 0)),
        (ExtraTokens(1, 4), 4, (0, 4)),
        (ExtraTokens(1, 4), 3, None),
        (ExtraTokens(None, 4), 5, (1, 4)),
        (ExtraTokens(None, 4), 1, (1, 0)),
        (ExtraTokens(), -1, None),
        (ExtraTokens(), 17, None),
    ],
)
def test_what_is_no_patch_is_divided(extra, others, sides):
    assert extra.around(others) == sides


def test_a_backbone_under_no_grad_is_refused_by_grad_cam_in_one_line(images):
    class Frozen(nn.Module):
        def __init__(self):
            super().__init__()
            self.backbone, self.head = nn.Conv2d(3, 4, 3), nn.Linear(4, 2)

        def forward(self, x):
            with torch.no_grad():
                features = self.backbone(x)
            return self.head(features.mean(dim=(2, 3)))

    with pytest.raises(InputError, match=r"layer 'backbone': expected one that the logits depend on, got no gradient"):
        grad_cam(Frozen(), images, torch.zeros(5, dtype=torch.long), ["backbone"])
