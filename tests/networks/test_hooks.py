"""Hooks: set in one place, removed whatever happens, and what they keep of a layer's output."""

from pathlib import Path

import pytest
import torch
from torch import nn

import patternscope
from patternscope.errors import InputError
from patternscope.networks import grad_cam
from patternscope.networks.capture.forward_pass import layer_outputs
from patternscope.networks.capture.hooks import hooked

IMAGES = torch.rand(2, 3, 6, 6, generator=torch.Generator().manual_seed(0)) - 0.5


class Network(nn.Module):
    """A convolution with an in-place activation after it, used twice, a tuple, and a layer that never runs."""

    class Pair(nn.Module):
        def forward(self, x):
            return x, x + 1

    def __init__(self):
        super().__init__()
        self.conv, self.active = nn.Conv2d(3, 4, 1), nn.ReLU(inplace=True)
        self.pair, self.idle, self.head = self.Pair(), nn.Conv2d(4, 4, 1), nn.Linear(4, 2)

    def forward(self, x):
        x, _ = self.pair(self.active(self.conv(x)))
        return self.head(self.active(x - 0.1).mean(dim=(2, 3)))


def no_hooks(model):
    return not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


def test_hooks_are_set_in_one_place():
    sources = Path(patternscope.__file__).parent.rglob("*.py")
    setters = [path.name for path in sources if "register_" in (text := path.read_text("utf-8")) and "_hook(" in text]
    assert setters == ["hooks.py"]


@pytest.mark.filterwarnings("ignore:.torch.jit.script:FutureWarning")
def test_hooks_are_removed_after_an_error_in_the_block_and_while_they_are_set():
    model = Network()
    modules = dict(model.named_modules())
    with pytest.raises(RuntimeError), hooked(modules, lambda *_: None):
        model(torch.zeros(1))
    assert no_hooks(model)
    scripted = {**modules, "scripted": torch.jit.script(nn.ReLU())}
    with pytest.raises(InputError, match=r"'scripted' made by torch.jit"), hooked(scripted, lambda *_: None):
        pass
    assert no_hooks(model)


def test_what_a_hook_returns_takes_the_place_of_the_output_unless_it_is_none():
    layer = nn.Identity()
    with hooked({"layer": layer}, lambda call, *_: torch.ones(1) if call == "layer@2" else None):
        assert [layer(torch.zeros(1)).item() for _ in range(3)] == [0, 1, 0]


def test_outputs_are_kept_by_layer_and_by_call_and_gradients_reach_those_that_were_replaced():
    torch.manual_seed(0)  # some random weights make no output negative
    model = Network()
    with layer_outputs(
        model,
        IMAGES,
        ["conv", "active", "active@2"],
        lambda _, output, layout: (output, layout),
        instead=lambda output, _: output.clone(),
    ) as kept:
        logits = model(IMAGES)
    assert no_hooks(model)
    assert list(kept) == ["conv", "active", "active@2"]
    assert all(layout.grid == (6, 6) for _, layout in kept.values())
    conv, active, last = (output for output, _ in kept.values())
    assert conv.min() < 0  # the activation in place changed a copy
    torch.testing.assert_close(active, conv.relu())
    torch.testing.assert_close(last, (active - 0.1).relu())
    slope, *_ = torch.autograd.grad(logits[:, 0].sum(), [conv])
    assert bool(((slope != 0) <= (conv > 0.1)).all())


@pytest.mark.parametrize(
    ("layer", "said"),
    [
        ("idle", "layer 'idle': expected a call of 'idle' on these images, got none"),
        ("active@3", "layer 'active@3': expected a call of 'active@3' on these images, got none"),
        ("pair", "layer 'pair': expected one tensor as its output, got a tuple"),
        ("pair:1", "layer 'pair:1': expected one tensor as its output, got a tuple"),
        ("head", "layer 'head' (Linear): expected an output with a region grid, got shape (2,) per image"),
    ],
)
def test_a_layer_that_grad_cam_cannot_use_is_one_line_and_the_network_is_as_found(layer, said):
    model = Network()
    with pytest.raises(InputError) as raised:
        grad_cam(model, IMAGES, torch.tensor([0, 1]), [layer])
    assert said in str(raised.value)
    assert no_hooks(model)
    assert all(module.training for module in model.modules())


def test_a_network_without_gradient_is_one_line():
    class Detached(Network):
        def forward(self, x):
            return super().forward(x).detach()

    with pytest.raises(InputError, match="model: expected a differentiable network, got logits without a gradient"):
        grad_cam(Detached(), IMAGES, torch.tensor([0, 1]), ["conv"])
