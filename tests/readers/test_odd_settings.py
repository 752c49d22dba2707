"""Odd settings, weights, arrays and JSON: one line each, before hours of work."""

import json
import re
import struct
import types
import zipfile
from collections.abc import Iterator

import pytest
import torch
from pydantic import BaseModel
from safetensors.torch import save_file
from torch import nn

from patternscope.embeddings import ImportanceWeight, RegionEmbedding, SampleEmbedding
from patternscope.errors import InputError
from patternscope.images.readers.arrays import _load
from patternscope.networks import load_weights
from patternscope.results.json_csv import read_json
from patternscope.results.study import read_record
from patternscope.settings.study import StudySettings, load_settings, make_settings
from patternscope.workflow.event_log import EventLog
from patternscope.workflow.store import Store

WEIGHT = "0.weight"


def refused(call, *arguments, **options) -> str:
    with pytest.raises(InputError) as caught:
        call(*arguments, **options)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def numbers(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Key paths of all settings that are a number."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from numbers(kind, (*path, name))
        elif re.search(r"\b(float|int)\b", str(kind)) and isinstance(kind, type | types.UnionType):
            yield (*path, name)


@pytest.mark.parametrize("path", [*numbers(StudySettings), ("sample", "kappa_max"), ("region", "wd")], ids=".".join)
def test_no_number_is_infinite(path, tmp_path):
    for value in (float("inf"), float("-inf"), float("nan")):
        content = value
        for key in reversed(path):
            content = {key: content}
        assert ".".join(path) in refused(make_settings, content, "x.toml", tmp_path)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("sample.n_step", 10**12),
        ("region.lr", 1e300),
        ("importance.kappa_prob", 1e300),
        ("sample.seed", 2**63),
        ("sample.out_dim", 10**9),
        ("region.lambda_kl", 1e300),
        ("sample.scale", -1.0),
        ("training.checkpoints", 1_000_000),
    ],
)
def test_numbers_that_no_fit_can_have_are_refused_by_name(path, value, tmp_path):
    section, name = path.split(".")
    assert path in refused(make_settings, {section: {name: value}}, "x.toml", tmp_path)


def test_a_fit_that_does_not_stay_finite_is_one_line():
    features, probs = torch.rand(9, 4), torch.eye(3).repeat(3, 1)
    data = {"target_probs": probs, "sample_features": features}
    said = refused(SampleEmbedding(4).fit, data, {"solver": "sgd", "n_step": 60, "lr": 1000.0, "wd": 1e6})
    assert said.startswith("sample embedding: expected a loss that stays finite")
    for make in (SampleEmbedding, RegionEmbedding):
        assert "kappa_max: expected a number in (0, 1e+09], got 1e+300" in refused(make, 4, kappa_max=1e300)
    assert "kappa_prob" in refused(ImportanceWeight, 2, 2, 1, 1, kappa_prob=float("inf"))


ODD = {
    "sparse": lambda w: w.to_sparse(),
    "compressed": lambda w: w.to_sparse_csr(),
    "meta": lambda w: w.to("meta"),
    "int8": lambda w: w.to(torch.int8),
    "bool": lambda w: w > 0,
    "complex": lambda w: w.to(torch.complex64),
    "too large": lambda w: w.double() * 1e300,
    "nan": lambda w: w * float("nan"),
    "quantised": lambda w: torch.quantize_per_tensor(w, 0.1, 0, torch.qint8),
    "nested": lambda w: torch.nested.nested_tensor([w[0], w[1]]),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("odd", ODD)
def test_weights_that_are_no_finite_numbers_are_one_line(tmp_path, odd):
    network = nn.Sequential(nn.Linear(4, 3))
    before, file = {name: tensor.clone() for name, tensor in network.state_dict().items()}, tmp_path / "x.pth"
    torch.save({**before, WEIGHT: ODD[odd](before[WEIGHT])}, file)
    assert "x.pth" in refused(load_weights, network, file)
    assert all(torch.equal(before[name], tensor) for name, tensor in network.state_dict().items())
    if odd in ("int8", "too large", "nan"):
        save_file({**before, WEIGHT: ODD[odd](before[WEIGHT])}, tmp_path / "x.safetensors")
        assert repr(WEIGHT) in refused(load_weights, network, tmp_path / "x.safetensors")


@pytest.mark.filterwarnings("ignore")
def test_weights_of_other_precisions_load(tmp_path):
    network = nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3))
    state = {name: t.half() if t.is_floating_point() else t for name, t in network.state_dict().items()}
    save_file(state, tmp_path / "x.safetensors")
    load_weights(network, tmp_path / "x.safetensors")
    assert network.state_dict()[WEIGHT].dtype == torch.float32


@pytest.mark.filterwarnings("ignore")
def test_a_dict_in_itself_is_one_line(tmp_path):
    loop: dict = {}
    loop["a"] = loop
    torch.save(loop, tmp_path / "x.pth")
    refused(load_weights, nn.Linear(1, 1), tmp_path / "x.pth")


@pytest.mark.parametrize("shape", [(10**12, 32, 32, 3), (10**18, 32, 32, 3), (10**30,), (-1, 32)])
def test_a_header_of_any_shape_is_one_line(tmp_path, shape):
    header = repr({"descr": "|u1", "fortran_order": False, "shape": shape}).encode()
    header += b" " * (118 - len(header)) + b"\n"
    content = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + b"\0" * 10
    (tmp_path / "images.npy").write_bytes(content)
    with zipfile.ZipFile(tmp_path / "x.npz", "w") as archive:
        archive.writestr("images.npy", content)
    for place in (tmp_path, tmp_path / "x.npz"):
        assert str(place) in refused(_load, place)


def test_json_and_toml_of_any_depth_are_one_line(tmp_path):
    (tmp_path / "deep.json").write_text("[" * 100_000)
    refused(read_json, tmp_path / "deep.json")
    (tmp_path / "deep.toml").write_text("x = " + "[" * 100_000)
    refused(load_settings, tmp_path / "deep.toml")
    (tmp_path / "events.jsonl").write_text("[" * 100_000 + '\n{"event": "run"}\n')
    assert [event["event"] for event in EventLog(tmp_path).events()] == ["run"]


RECORD = {"settings": {}, "checkpoints": 2, "layers": ["a", "b"], "seed": 0, "versions": {"torch": "2.4"}}
ABSURD = [None, -1, 0, 1e308, "x", [], {}, [[[]]], True, 10**30, 1_000_000]


@pytest.mark.parametrize("key", RECORD)
def test_a_record_of_absurd_values_is_one_line_or_a_record(tmp_path, key):
    for value in [*ABSURD, ["a", "a"], [1], {"torch": []}]:
        Store(tmp_path).folder.joinpath(".partial").mkdir(exist_ok=True)
        Store(tmp_path).write_study({**RECORD, key: value})
        try:
            found = read_record(tmp_path)
        except InputError:
            continue
        assert found.networks == 1
        assert 1 <= found.checkpoints <= 10_000
        assert len(set(found.layers)) == len(found.layers)
        assert json.dumps({**found.settings, "versions": dict(found.versions)})
