"""Devices by word."""

import pytest
import torch

from patternscope.errors import InputError
from patternscope.networks import resolve_device


@pytest.fixture
def _bare_machine(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)


@pytest.fixture
def _two_gpus(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.mark.usefixtures("_bare_machine")
def test_auto_takes_the_cpu_when_there_is_nothing_else():
    assert resolve_device("auto") == resolve_device(torch.device("cpu")) == torch.device("cpu")


@pytest.mark.usefixtures("_two_gpus")
def test_auto_takes_cuda_where_it_is():
    assert resolve_device() == torch.device("cuda")
    assert resolve_device("cuda:1") == torch.device("cuda:1")
    with pytest.raises(InputError, match="got 'cuda:2'; torch sees cuda:0 to cuda:1"):
        resolve_device("cuda:2")


@pytest.mark.usefixtures("_bare_machine")
@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpu", "expected a name such as"),
        ("cuad", "did you mean 'cuda'"),
        ("cpu:1", "expected a name such as"),
        ("cuda:x", "expected a name such as"),
        ("cuda", "no CUDA device"),
        ("cuda:0", "no CUDA device"),
        ("mps", "expected a device of this machine, got 'mps'"),
    ],
)
def test_devices_that_are_not_there_are_said_in_one_line(name, said):
    with pytest.raises(InputError) as raised:
        resolve_device(name)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)
