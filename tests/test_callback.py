"""Checkpoints recorded during a training: which steps, what is in the files, and what a study makes of them."""

import sys

import pytest
import torch
from safetensors.torch import load_file
from torch import nn

from patternscope.callback import CheckpointRecorder, lightning_callback
from patternscope.errors import InputError
from patternscope.networks import build_network, checkpoint_steps, load_weights
from patternscope.results.json_csv import read_json
from patternscope.settings.study import load_settings
from patternscope.study.run import run_analysis


def steps_in(folder):
    return sorted(int(path.stem.removeprefix("step_")) for path in folder.glob("*.safetensors"))


def train(network, recorder, steps, first=0):
    """A plain loop that adds one to every weight a step."""
    if first == 0:
        recorder(network, 0)
    for step in range(first + 1, steps + 1):
        with torch.no_grad():
            for each in network.parameters():
                each += 1
        recorder(network, step)
    return recorder


def started():
    network = nn.Linear(2, 1)
    with torch.no_grad():
        for each in network.parameters():
            each.zero_()
    return network


@pytest.mark.parametrize(("total", "count"), [(100, 5), (3, 8), (40, 1), (930, 8)])
def test_planned_steps_are_those_of_a_study_and_hold_the_network_of_that_step(tmp_path, total, count):
    train(started(), CheckpointRecorder(tmp_path, total_steps=total, count=count), total)
    assert steps_in(tmp_path) == checkpoint_steps(total, count)
    for path in tmp_path.iterdir():
        assert load_file(path)["weight"].tolist() == [[float(path.stem[5:])] * 2]


def test_every_step_that_is_divided_and_the_last(tmp_path):
    network = started()
    recorder = train(network, CheckpointRecorder(tmp_path, every=4), 10)
    assert recorder.finish(network, 10) == tmp_path / "step_00000010.safetensors"
    assert recorder.finish(network, 10) is None
    assert steps_in(tmp_path) == [0, 4, 8, 10]


def test_steps_that_are_jumped_over_are_caught_up_with_once(tmp_path):
    recorder = CheckpointRecorder(tmp_path, total_steps=3, count=8)
    written = [recorder(started(), step) for step in (0, 0, 2, 2, 3)]
    assert [path is not None for path in written] == [True, False, True, False, True]
    assert steps_in(tmp_path) == [0, 2, 3]


def test_a_training_that_is_resumed_goes_on_with_its_files(tmp_path):
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    train(started(), CheckpointRecorder(whole, total_steps=50, count=5), 50)
    network = started()
    train(network, CheckpointRecorder(parts, total_steps=50, count=5), 20)
    train(network, CheckpointRecorder(parts, total_steps=50, count=5), 50, first=20)
    assert steps_in(parts) == steps_in(whole)
    for path in whole.iterdir():
        assert (parts / path.name).read_bytes() == path.read_bytes()


def test_a_folder_of_an_earlier_training_is_not_mixed_with_another(tmp_path):
    train(started(), CheckpointRecorder(tmp_path, total_steps=5), 5)
    with pytest.raises(InputError, match="expected an empty one, got 6 steps of an earlier training"):
        CheckpointRecorder(tmp_path, total_steps=5)(started(), 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({}, "total_steps and every: expected one of them, got neither"),
        ({"total_steps": 5, "every": 2}, "total_steps and every: expected one of them, got both"),
        ({"every": 0}, "every: expected 1 or more, got 0"),
        ({"total_steps": -1}, "total_steps and count: expected >= 0 and >= 1, got -1"),
    ],
)
def test_what_cannot_be_planned_is_one_line(tmp_path, options, said):
    with pytest.raises(InputError, match=said):
        CheckpointRecorder(tmp_path, **options)


def test_steps_go_forward(tmp_path):
    recorder = CheckpointRecorder(tmp_path, every=2)
    recorder(started(), 4)
    with pytest.raises(InputError, match="step: expected 4 or more, the steps done so far, got 3"):
        recorder(started(), 3)


@pytest.mark.parametrize(
    "wrap", [nn.DataParallel, lambda net: torch.compile(net, backend="eager"), lambda net: net.state_dict()]
)
def test_wrappers_leave_no_trace_and_nothing_is_half_written(tmp_path, wrap):
    path = CheckpointRecorder(tmp_path, every=1)(wrap(started()), 0)
    assert sorted(load_file(path)) == ["bias", "weight"]
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_of_many_processes_the_first_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    for rank, count in ((1, 0), (0, 1)):
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        CheckpointRecorder(tmp_path, every=1)(started(), 0)
        assert len(list(tmp_path.iterdir())) == count


class Whole(nn.Module):
    """What a LightningModule is for a callback: a module with the network in an attribute."""

    def __init__(self):
        super().__init__()
        self.model, self.loss = started(), nn.CrossEntropyLoss()


class Trainer:
    """The part of Lightning's trainer that calls callbacks, one optimizer step every `accumulate` batches."""

    def __init__(self, callback, batches, accumulate=1, estimate=None):
        self.callback, self.batches, self.accumulate = callback, batches, accumulate
        self.estimated_stepping_batches = batches // accumulate if estimate is None else estimate
        self.global_step = 0

    def fit(self, module):
        self.callback.on_train_start(self, module)
        for batch in range(self.batches):
            if (batch + 1) % self.accumulate == 0:
                with torch.no_grad():
                    for each in module.parameters():
                        each += 1
                self.global_step += 1
            self.callback.on_train_batch_end(self, module, None, None, batch)
        self.callback.on_train_end(self, module)


@pytest.mark.usefixtures("some_lightning")
@pytest.mark.parametrize(
    ("options", "batches", "accumulate", "steps"),
    [
        ({"count": 4}, 60, 1, checkpoint_steps(60, 4)),
        ({"count": 3}, 20, 4, checkpoint_steps(5, 3)),
        ({"every": 2}, 5, 1, [0, 2, 4, 5]),
    ],
)
def test_lightning_s_steps_are_recorded(tmp_path, options, batches, accumulate, steps):
    callback = lightning_callback(tmp_path, network="model", **options)
    assert isinstance(callback, sys.modules["lightning.pytorch"].Callback)
    Trainer(callback, batches, accumulate).fit(Whole())
    assert steps_in(tmp_path) == steps
    assert load_file(tmp_path / f"step_{steps[-1]:08d}.safetensors")["bias"].item() == steps[-1]


@pytest.mark.usefixtures("some_lightning")
def test_what_lightning_cannot_be_recorded_is_one_line(tmp_path):
    with pytest.raises(InputError, match="expected an attribute of the module, got 'modle'; did you mean 'model'"):
        Trainer(lightning_callback(tmp_path, network="modle"), 3).fit(Whole())
    with pytest.raises(InputError, match=r"every: expected a number of steps for a training without an end, got None"):
        Trainer(lightning_callback(tmp_path), 3, estimate=float("inf")).fit(Whole())


@pytest.mark.usefixtures("some_lightning")
def test_the_module_around_a_network_leaves_no_trace_when_weights_are_loaded(tmp_path):
    Trainer(lightning_callback(tmp_path, every=3), 3).fit(Whole())
    network = started()
    load_weights(network, tmp_path / "step_00000003.safetensors")
    assert network.weight.tolist() == [[3.0, 3.0]]


def test_without_lightning_the_line_says_so(tmp_path, monkeypatch):
    for name in ("lightning", "lightning.pytorch", "pytorch_lightning"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install lightning"):
        lightning_callback(tmp_path)


def test_recording_imports_no_lightning():
    import subprocess

    program = "import sys, patternscope.callback; sys.exit(any('lightning' in name for name in sys.modules))"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


STUDY = """
[images]
image_size = 32
train_per_class = 2
test_per_class = 2
samples_per_class = 2
[network]
layers = ["conv_53"]
[checkpoints]
folder = "checkpoints"
"""


def test_a_study_reads_what_was_recorded_and_knows_the_steps(tmp_path):
    recorder = CheckpointRecorder(tmp_path / "checkpoints", total_steps=20, count=3)
    network = build_network("vgg16_slim", classes=10, image_size=32)
    for step in range(21):
        recorder(network, step)
    (tmp_path / "study.toml").write_text(STUDY)
    run_analysis(tmp_path / "out", load_settings(tmp_path / "study.toml"), device="cpu", until="training")
    records = [read_json(tmp_path / f"out/training/{at:02d}/training.json") for at in range(3)]
    assert [each["step"] for each in records] == checkpoint_steps(20, 3)
