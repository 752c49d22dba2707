"""An analysis of images and networks of which little is known: a defined value or one clear line, never NaN."""

import math
from copy import deepcopy
from dataclasses import fields, is_dataclass

import pytest
import torch
from easy_study import squares
from torch import nn

import patternscope as ps
from patternscope.errors import InputError
from patternscope.networks import build_network

QUICK = {"importance": {"n_step": 2}, "region": {"n_step": 2}, "knowledge": {"bootstrap": 10, "taus": [0.5]}}
PAPER = {**QUICK, "region": {"n_step": 2, "objective": "paper"}, "knowledge": {**QUICK["knowledge"], "rule": "paper"}}


@pytest.fixture(scope="module")
def network() -> nn.Module:
    return build_network("vgg16_slim", classes=4, image_size=32, seed=0)


@pytest.fixture(scope="module")
def pictures() -> tuple[torch.Tensor, torch.Tensor]:
    images, labels = squares(12, 0)
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255, torch.from_numpy(labels)


def changed(network: nn.Module, factor: float, *starts: str) -> nn.Module:
    """A copy whose weights of some names are multiplied."""
    copy = deepcopy(network)
    with torch.no_grad():
        for name, weights in copy.named_parameters():
            if name.startswith(starts):
                weights.mul_(factor)
    return copy


def not_numbers(value: object, path: str) -> list[str]:
    """Where in a result there is a NaN."""
    if isinstance(value, torch.Tensor):
        return [path] if value.is_floating_point() and value.isnan().any() else []
    if isinstance(value, float):
        return [path] if math.isnan(value) else []
    if isinstance(value, list | tuple):
        return [found for place, each in enumerate(value) for found in not_numbers(each, f"{path}[{place}]")]
    if is_dataclass(value):
        return [found for f in fields(value) for found in not_numbers(getattr(value, f.name), f"{path}.{f.name}")]
    return []


CASES = {
    "one image a class": lambda net, x, y: (net, x[:4], y[:4], QUICK),
    "one class of four": lambda net, x, y: (net, x, torch.zeros_like(y), QUICK),
    "a class absent from a fold": lambda net, x, y: (net, x[:5], torch.tensor([0, 0, 0, 0, 1]), QUICK),
    "no labels": lambda net, x, y: (net, x, None, QUICK),
    "a layer of zeros": lambda net, x, y: (changed(net, 0, "conv_53"), x, y, QUICK),
    "a network that says the same of all": lambda net, x, y: (changed(net, 0, "classifier"), x, y, QUICK),
    "a network that is certain": lambda net, x, y: (changed(net, 1e4, "classifier"), x, y, QUICK),
    "a layer of zeros, by the paper's rule": lambda net, x, y: (changed(net, 0, "conv_53"), x, y, PAPER),
}


@pytest.mark.parametrize("kind", CASES)
def test_little_is_known_and_nothing_is_nan(network, pictures, kind):
    given, images, labels, settings = CASES[kind](network, *pictures)
    study = ps.analyze(given, images, labels, ["conv_53"], settings=settings, device="cpu")
    found = [
        place
        for unit, result in study.results.results.items()
        for field in fields(result)
        for place in not_numbers(getattr(result, field.name), f"{unit.path}.{field.name}")
    ]
    assert found == []
    told = study.layers["conv_53"].measured
    assert told.evidence.low - 1e-9 <= told.evidence.value <= told.most + 1e-9
    if kind.startswith(("a layer of zeros", "one class")):
        assert told.temperature.isinf().all()
        assert (told.bits == 0).all()
        assert study.layers["conv_53"].counts.total.value == 0
    assert told.against == ("decision" if labels is None else "labels")


@pytest.mark.parametrize(
    ("count", "said"),
    [(1, "expected at least 2 samples, got 1"), (3, "images: expected at least 4 for 2 folds, got 3")],
)
def test_too_few_images_are_one_line(network, pictures, count, said):
    images, labels = pictures
    with pytest.raises(InputError, match=said) as raised:
        ps.analyze(network, images[:count], labels[:count], ["conv_53"], settings=QUICK, device="cpu")
    assert "\n" not in str(raised.value)
