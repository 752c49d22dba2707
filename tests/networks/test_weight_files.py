"""Weights as people save them: what else a file may hold, under which key the network is, how the file is called."""

import argparse
from pathlib import PurePosixPath

import numpy as np
import pytest
import torch
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import load_weights
from patternscope.networks.models.weight_files import is_weight_file, weight_name
from patternscope.study.network_factory import checkpoint_files


def make(value, outputs=3):
    network = nn.Sequential(nn.Linear(2, 4), nn.Linear(4, outputs))
    nn.init.constant_(network[0].weight, value)
    return network


def state(value, **options):
    return make(value, **options).state_dict()


@pytest.mark.parametrize(
    ("beside", "named"),
    [
        (argparse.Namespace(lr=0.1), "argparse.Namespace"),
        (np.float64(0.5), "scalar"),
        (PurePosixPath("runs"), "pathlib.PurePosixPath"),
    ],
)
@pytest.mark.parametrize("legacy", [False, True])
def test_a_class_that_is_not_allowed_is_named_with_what_to_save_instead(tmp_path, beside, named, legacy):
    path = tmp_path / "w.pth"
    torch.save({"state_dict": state(1), "args": beside}, path, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(InputError) as raised:
        load_weights(make(0), path)
    said = str(raised.value)
    assert named in said
    assert said.endswith("or as safetensors")
    assert said.isprintable()
    assert len(said) < 400 + len(str(path))


@pytest.mark.parametrize("keys", [("net",), ("state_dict_ema",), ("student",), ("teacher",), ("model", "weights")])
def test_a_state_dict_is_found_under_any_key(tmp_path, keys):
    held = state(5)
    for key in reversed(keys):
        held = {key: held, "epoch": 3}
    torch.save({**held, "optimizer": {"state": {}, "param_groups": [{"lr": 0.1}]}}, tmp_path / "w.pth")
    network = make(0)
    load_weights(network, tmp_path / "w.pth")
    assert network[0].weight.unique().item() == 5


@pytest.mark.parametrize(
    ("held", "taken"), [({"state_dict_ema": 2, "state_dict": 1}, 1), ({"student": 1, "teacher": 2}, 2)]
)
def test_of_two_networks_that_fit_the_usual_one_is_taken_and_named(tmp_path, held, taken):
    torch.save({key: state(value) for key, value in held.items()}, tmp_path / "w.pth")
    network = make(0)
    with pytest.warns(UserWarning, match=r"'(state_dict|teacher)' is taken; '(state_dict_ema|student)' fit as well"):
        load_weights(network, tmp_path / "w.pth")
    assert network[0].weight.unique().item() == taken


def test_of_two_state_dicts_the_one_that_fits_is_taken(tmp_path):
    torch.save({"model": {"loss.alpha": torch.ones(1)}, "mine": state(7)}, tmp_path / "w.pth")
    network = make(0)
    load_weights(network, tmp_path / "w.pth")
    assert network[0].weight.unique().item() == 7


def test_where_none_fits_the_keys_seen_are_listed(tmp_path):
    torch.save({"student": state(1, outputs=5), "teacher": state(1, outputs=5)}, tmp_path / "none.pth")
    torch.save({"epoch": 3, "history": [1, 2], "w": torch.ones(2)}, tmp_path / "other.pth")
    for name, said in [
        ("none.pth", r"of another shape .*; the file has state dicts under 'teacher', 'student'$"),
        ("other.pth", r"got the keys 'epoch' \(int\), 'history' \(list\), 'w' \(Tensor\); save the weights alone"),
    ]:
        with pytest.raises(InputError, match=said):
            load_weights(make(0), tmp_path / name)


def test_a_start_may_have_other_classes_and_nothing_else(tmp_path):
    torch.save(state(6, outputs=9), tmp_path / "w.pth")
    network = make(0)
    before = network[1].weight.clone()
    with pytest.warns(UserWarning, match=r"1.weight, 1.bias keep their untrained values"):
        assert load_weights(network, tmp_path / "w.pth", as_start=True) == ["1.weight", "1.bias"]
    assert network[0].weight.unique().item() == 6
    assert torch.equal(network[1].weight, before)
    with pytest.raises(InputError, match="2 of another shape"):
        load_weights(network, tmp_path / "w.pth")
    torch.save({**state(6), "0.weight": torch.ones(4, 3)}, tmp_path / "wide.pth")
    with pytest.raises(InputError, match="1 of another shape"):
        load_weights(network, tmp_path / "wide.pth", as_start=True)


def test_every_ending_of_weights_counts_in_a_folder(tmp_path):
    names = ["a_2.pth.tar", "a_10.PTH", "b.bin", "c.Safetensors"]
    for name in [*names, "notes.tar", "log.txt", ".hidden.pth"]:
        (tmp_path / name).touch()
    assert [path.name for path in checkpoint_files(tmp_path)] == names
    assert [weight_name(name) for name in names] == ["a_2", "a_10", "b", "c"]
    assert not is_weight_file("x.tar")
