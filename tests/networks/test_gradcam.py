"""Grad-CAM: a network whose map is known, a second writing by hooks, and a network left as found."""

import pytest
import torch
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import build_network, grad_cam, record


class Pooled(nn.Module):
    """Two classes from the mean of two channels, after a ReLU that works in place."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Identity()
        self.active = nn.ReLU(inplace=True)
        self.classifier = nn.Linear(2, 2, bias=False)
        self.classifier.weight = nn.Parameter(torch.tensor([[2.0, -1.0], [0.0, 3.0]]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.classifier(self.active(self.features(x + 0)).mean(dim=(2, 3)))


def test_of_a_linear_network_is_known():
    images = torch.tensor([[[[1.0, -2.0]], [[3.0, 0.5]]]]).repeat(2, 1, 1, 1)
    found = grad_cam(Pooled(), images, torch.tensor([0, 1]), ["features", "active"], rectified=False)
    # d logit / d f = weight / 2 where f > 0; a_k its mean over the two regions.
    raw = torch.tensor([[0.5 * 1.0 - 0.5 * 3.0, 0.5 * -2.0 - 0.5 * 0.5], [1.5 * 3.0, 1.5 * 0.5]])
    torch.testing.assert_close(found["features"], raw)
    active = torch.tensor([[1.0 * 1.0 - 0.5 * 3.0, -0.5 * 0.5], [1.5 * 3.0, 1.5 * 0.5]])
    torch.testing.assert_close(found["active"], active)
    rectified = grad_cam(Pooled(), images, torch.tensor([0, 1]), ["features"])["features"]
    assert torch.equal(rectified, raw.clamp_min(0))


def test_agrees_with_gradients_taken_by_hand_and_leaves_the_network():
    model = build_network("resnet18", classes=4, seed=1).eval()
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    model.train()
    images, classes = torch.rand(3, 3, 64, 64), torch.tensor([0, 3, 1])
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = grad_cam(model, images, classes, ["layer3"], grid=(2, 2), rectified=False)["layer3"]
    assert model.training
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in model.parameters())
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not any(module._forward_hooks for module in model.modules())
    model.eval()
    features = record(model, images, ["layer3"]).regional_features["layer3"].requires_grad_()
    logits = model.fc(model.avgpool(model.layer4(features)).flatten(1))
    slopes = torch.autograd.grad(logits.gather(1, classes[:, None]).sum(), features)[0]
    maps = torch.einsum("nk,nkhw->nhw", slopes.mean(dim=(2, 3)), features.detach())
    expected = nn.functional.avg_pool2d(maps, 2).flatten(1)
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("layers", "classes", "said"),
    [
        (["conv_99"], 2, "layer: expected a layer of the network, got 'conv_99'"),
        (["conv_53"], 3, "classes: expected 2 integers, got torch.int64 of shape"),
        (["classifier"], 2, "expected an output with a region grid, got shape"),
    ],
)
def test_refuses(layers, classes, said):
    model = build_network("vgg16_slim", classes=10)
    with pytest.raises(InputError, match=said):
        grad_cam(model, torch.rand(2, 3, 32, 32), torch.zeros(classes).long(), layers)


@pytest.mark.parametrize("around", [torch.inference_mode, lambda: torch.autocast("cpu", torch.bfloat16)])
def test_modes_of_the_caller_change_nothing(around):
    model = build_network("vgg16_slim", classes=4)
    images, classes = torch.rand(2, 3, 32, 32), torch.tensor([0, 3])
    plain = grad_cam(model, images, classes, ["conv_43"])["conv_43"]
    with around():
        found = grad_cam(model, images.clone(), classes.clone(), ["conv_43"])["conv_43"]
    assert torch.equal(found, plain)


class Shifted(Pooled):
    """Begins with a change of its input in place."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x.sub_(0.5))


def test_a_network_may_change_its_input_in_place():
    images, classes = torch.rand(2, 2, 3, 3), torch.tensor([0, 1])
    before = images.clone()
    found = grad_cam(Shifted(), images, classes, ["features"], rectified=False)
    assert torch.equal(images, before)
    expected = grad_cam(Pooled(), images - 0.5, classes, ["features"], rectified=False)
    torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(
    ("classes", "said"),
    [
        (torch.tensor([0, 10]), "classes: expected classes 0 to 9, got 0 to 10"),
        (torch.tensor([-1, 3]), "classes: expected classes 0 to 9, got -1 to 3"),
        (torch.tensor([0.0, 1.0]), "classes: expected 2 integers, got torch.float32"),
    ],
)
def test_refuses_what_is_no_class(classes, said):
    model = build_network("vgg16_slim", classes=10)
    with pytest.raises(InputError, match=said):
        grad_cam(model, torch.rand(2, 3, 32, 32), classes, ["conv_53"])
