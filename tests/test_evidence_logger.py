"""Evidence measured during a training: what is measured, in which time, where it is written, what it warns of."""

import importlib
import importlib.machinery
import importlib.util
import json
import sys
import warnings
from types import ModuleType, SimpleNamespace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from patternscope.callback import (
    EvidenceLogger,
    Reading,
    early_warnings,
    lightning_evidence_callback,
    transformers_evidence_callback,
)
from patternscope.callback.time_budget import TimeBudget
from patternscope.callback.writers import scalars
from patternscope.errors import InputError
from patternscope.knowledge import Evidence, probe_evidence
from patternscope.networks import record

LABELS = torch.arange(24) % 3


@pytest.fixture(scope="module")
def images():
    """Noise, and in the channel of the image's class some light."""
    pixels = torch.rand(24, 3, 6, 6, generator=torch.Generator().manual_seed(0))
    return pixels + nn.functional.one_hot(LABELS, 3)[:, :, None, None]


class Clocked(nn.Module):
    """A network of two layers; running it, and each step of its training, takes time by its own clock."""

    def __init__(self, forward=1.0):
        super().__init__()
        self.seen, self.head = nn.Conv2d(3, 3, 1, bias=False), nn.Linear(3, 3)
        self.dropout, self.now, self.takes = nn.Dropout(), 0.0, forward
        self.show(0.0)

    def forward(self, pixels):
        self.now += self.takes
        return self.head(self.dropout(self.seen(pixels)).mean(dim=(2, 3)))

    def show(self, share):
        """How much of the image the layer lets through: nothing at 0."""
        with torch.no_grad():
            self.seen.weight.copy_(share * torch.eye(3)[:, :, None, None])

    def clock(self):
        return self.now


def logger_of(network, images, to, **options):
    return EvidenceLogger(images, LABELS, ["seen"], to=to, clock=network.clock, **{"budget": 1.0, **options})


def train(network, logger, steps, seconds=1.0, shown=float, accuracy=None):
    logger(network, 0)
    for step in range(1, steps + 1):
        network.now += seconds
        network.show(shown(step))
        logger(network, step, accuracy)
    return logger


def test_a_reading_is_the_probe_s_evidence_of_the_features_of_that_step(images, tmp_path):
    network = Clocked()
    logger = train(network, logger_of(network, images, tmp_path / "log", every=2, grid=3), 5, accuracy=0.5)
    assert [reading.step for reading in logger.readings] == [0, 2, 4]
    assert abs(logger.readings[0].evidence["seen"].bits) < 0.01
    network.show(4.0)
    features = record(network, images, ["seen"], 3).regional_features["seen"]
    expected = probe_evidence(features, LABELS, classes=3)
    got = logger.readings[-1]
    assert got.evidence["seen"].interval == expected.interval
    assert got.evidence["seen"].bits > 1
    assert (got.evidence["seen"].per_region - expected.per_region).abs().max() < 1e-9
    assert got.train_accuracy == 0.5
    assert got.accuracy == pytest.approx(float((network.eval()(images).argmax(1) == LABELS).double().mean()))


def test_the_network_the_images_and_the_random_state_are_left_as_found(images, tmp_path):
    network, shown = Clocked(), images.clone()
    network.dropout.eval()
    flags = [module.training for module in network.modules()]
    weights, state = {name: value.clone() for name, value in network.state_dict().items()}, torch.get_rng_state()
    with torch.autocast("cpu", torch.bfloat16), torch.inference_mode():
        reading = logger_of(network, shown, tmp_path / "a")(network, 0)
    plain = logger_of(network, shown, tmp_path / "b")(network, 0)
    assert torch.equal(torch.get_rng_state(), state)
    assert [module.training for module in network.modules()] == flags
    assert all(torch.equal(value, weights[name]) for name, value in network.state_dict().items())
    assert torch.equal(shown, images)
    assert not any(module._forward_hooks for module in network.modules())
    assert all(weight.grad is None for weight in network.parameters())
    assert reading.evidence["seen"].bits == plain.evidence["seen"].bits


@given(share=st.floats(0.01, 1), cost=st.floats(0.01, 5), steps=st.lists(st.floats(0.001, 2), min_size=1, max_size=60))
def test_after_the_first_measurement_the_share_is_kept(share, cost, steps):
    now, measured = 0.0, 0
    budget = TimeBudget(share, lambda: now)
    budget.begin()
    for seconds in (0.0, *steps):
        now += seconds
        if budget.affords():
            with budget.measuring():
                now += cost
            measured += 1
            assert measured == 1 or budget.spent <= share * now * (1 + 1e-9) + 1e-9
        else:
            assert budget.spent + cost > share * (now + cost) * (1 - 1e-9) - 1e-9
        assert budget.spent == pytest.approx(measured * cost)
    assert measured >= 1


def test_a_measurement_that_is_due_waits_until_it_is_affordable(images, tmp_path):
    network = Clocked(forward=1.0)
    logger = train(network, logger_of(network, images, tmp_path / "log", every=1, budget=0.25), 20)
    # One of 1 s at step 0, before any training; with two of them, 8 s are six steps, with three 12 s are nine.
    assert [reading.step for reading in logger.readings] == [0, 6, 9, 12, 15, 18]
    assert (logger.spent, logger.share) == (6.0, 6 / 26)
    assert [reading.share for reading in logger.readings] == [1.0] + [0.25] * 5


def test_the_end_is_measured_once_where_the_budget_allows_it(images, tmp_path):
    network = Clocked()
    logger = train(network, logger_of(network, images, tmp_path / "log", every=4), 6)
    assert logger.finish(network, 6).step == 6
    assert logger.finish(network, 6) is None
    frugal = train(network, logger_of(network, images, tmp_path / "other", budget=0.01), 6)
    assert frugal.finish(network, 6) is None


def test_of_many_processes_the_first_measures(images, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    for rank, count in ((1, 0), (0, 2)):
        network = Clocked()
        monkeypatch.setattr(torch.distributed, "get_rank", lambda rank=rank: rank)
        logger = train(network, logger_of(network, images, tmp_path / str(rank), every=2), 2)
        assert len(logger.readings) == count


@pytest.mark.parametrize("wrap", [nn.DataParallel, lambda network: torch.compile(network, backend="eager")])
def test_wrappers_leave_no_trace(images, tmp_path, wrap):
    network = Clocked()
    network.show(1.0)
    bits = [
        logger_of(network, images, tmp_path / name)(shown, 0).evidence["seen"].bits
        for name, shown in (("plain", network), ("wrapped", wrap(network)))
    ]
    assert bits[0] == bits[1] > 1


def test_a_file_has_one_line_per_reading_and_goes_on_after_a_kill(images, tmp_path):
    file, network = tmp_path / "new" / "evidence.jsonl", Clocked()
    logger = train(network, logger_of(network, images, file, every=2), 4, accuracy=0.25)
    whole = file.read_text()
    lines = [json.loads(line) for line in whole.splitlines()]
    for line, reading in zip(lines, logger.readings, strict=True):
        evidence = reading.evidence["seen"]
        assert line["evidence"] == {"seen": {"bits": evidence.bits, "low": evidence.low, "high": evidence.high}}
        numbers = (reading.step, reading.accuracy, reading.train_accuracy, reading.seconds, reading.share, [])
        assert (
            tuple(line[key] for key in ("step", "accuracy", "train_accuracy", "seconds", "share", "warnings"))
            == numbers
        )
    file.write_text(whole + '{"step": 5, "evid')
    logger_of(network, images, file)(network, 6)
    assert json.loads(file.read_text().splitlines()[-1])["step"] == 6
    with pytest.raises(InputError, match=r"to: expected a new file for a training from step 0, got .*evidence\.jsonl"):
        logger_of(network, images, file)(network, 0)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"labels": LABELS[:3]}, "labels: expected 24 integers"),
        ({"labels": LABELS.float()}, "labels: expected 24 integers"),
        ({"layers": "seen"}, "layers: expected a list of names, shallow to deep, got 'seen'"),
        ({"layers": []}, "layers: expected a list of names"),
        ({"every": 0}, "every, patience, budget: expected 1 or more"),
        ({"budget": 0.0}, r"budget: expected 1 or more, 1 or more and a share in \(0, 1\], got 100, 5 and 0.0"),
        ({"to": object()}, "to: expected a file, a SummaryWriter, a run of wandb, mlflow or a logger, got object"),
    ],
)
def test_what_cannot_be_measured_is_one_line(images, options, said):
    with pytest.raises(InputError, match=said):
        EvidenceLogger(**{"images": images, "labels": LABELS, "layers": ["seen"], **options})


def test_an_unknown_layer_and_a_step_back_are_one_line(images, tmp_path):
    network = Clocked()
    with pytest.raises(InputError, match="expected a layer of the network, got 'sen'; did you mean 'seen'"):
        EvidenceLogger(images, LABELS, ["sen"], to=tmp_path / "a")(network, 0)
    logger = logger_of(network, images, tmp_path / "b")
    logger(network, 4)
    with pytest.raises(InputError, match="step: expected 4 or more, the steps done so far, got 3"):
        logger(network, 3)


class Metrics:
    """What mlflow and the loggers of Lightning are for a writer."""

    def __init__(self):
        self.logged = []

    def log_metrics(self, metrics, step):
        self.logged.append((step, metrics))


class Run:
    """What a run of Weights & Biases is for a writer."""

    def __init__(self):
        self.defined, self.logged = {}, []

    def define_metric(self, name, step_metric=None):
        self.defined[name] = step_metric

    def log(self, metrics):
        self.logged.append(metrics)


def test_several_targets_get_the_same_numbers(images, tmp_path):
    metrics, run, network = Metrics(), Run(), Clocked()
    logger = train(network, logger_of(network, images, [metrics, run, tmp_path / "log"], every=2), 2)
    expected = [(reading.step, scalars(reading)) for reading in logger.readings]
    assert metrics.logged == expected
    assert run.logged == [{**numbers, "patternscope/step": step} for step, numbers in expected]
    assert run.defined == {"patternscope/step": None, "patternscope/*": "patternscope/step"}
    assert len((tmp_path / "log").read_text().splitlines()) == 2
    assert expected[1][1]["patternscope/evidence/seen"] == logger.readings[1].evidence["seen"].bits


def test_tensorboard_s_files_read_back(images, tmp_path):
    pytest.importorskip("tensorboard", reason="TensorBoard is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
        from torch.utils.tensorboard import SummaryWriter

        network = Clocked()
        with SummaryWriter(str(tmp_path)) as writer:
            logger = logger_of(network, images, writer, every=1, patience=1)
            train(network, logger, 2, shown=lambda step: 0.0)
    read = EventAccumulator(str(tmp_path)).Reload()
    for name in scalars(logger.readings[-1]):
        got = [(event.step, event.value) for event in read.Scalars(name)]
        assert got == [(reading.step, pytest.approx(scalars(reading)[name])) for reading in logger.readings]
    (text,) = read.Tensors("patternscope/warnings/text_summary")
    assert text.step == 1
    assert "no layer has gained evidence" in text.tensor_proto.string_val[0].decode()


def test_mlflow_s_metrics_read_back(images, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    mlflow = pytest.importorskip("mlflow", reason="MLflow is not installed")
    if not hasattr(mlflow, "log_metrics"):
        pytest.skip("MLflow is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.set_tracking_uri((tmp_path / "runs").as_uri())
        network = Clocked()
        with mlflow.start_run() as run:
            logger = train(network, logger_of(network, images, mlflow, every=2), 4)
        history = mlflow.MlflowClient().get_metric_history(run.info.run_id, "patternscope/evidence/seen")
    expected = [(reading.step, reading.evidence["seen"].bits) for reading in logger.readings]
    assert sorted((metric.step, metric.value) for metric in history) == expected


class Trainer:
    """The part of Lightning's trainer that calls callbacks."""

    def __init__(self, callback, steps, root, loggers=()):
        self.callback, self.steps, self.default_root_dir, self.loggers = callback, steps, root, list(loggers)
        self.global_step, self.callback_metrics = 0, {}

    def fit(self, module):
        self.callback.on_train_start(self, module)
        for step in range(1, self.steps + 1):
            self.global_step = step
            self.callback_metrics["accuracy"] = torch.tensor(step / 8)
            self.callback.on_train_batch_end(self, module, None, None, step - 1)
        self.callback.on_train_end(self, module)


@pytest.mark.usefixtures("some_lightning")
def test_a_callback_measures_the_network_inside_and_logs_where_the_trainer_does(images, tmp_path):
    module, logger = nn.Module(), Metrics()
    module.model = Clocked()
    for loggers in ([logger], []):
        callback = lightning_evidence_callback(
            images, LABELS, ["seen"], network="model", accuracy="accuracy", every=2, budget=1.0
        )
        Trainer(callback, 5, tmp_path, loggers).fit(module)
        readings = callback.logger.readings
        assert [reading.step for reading in readings] == [0, 2, 4, 5]
        assert [reading.train_accuracy for reading in readings] == [None, 0.25, 0.5, 0.625]
    assert [step for step, _ in logger.logged] == [0, 2, 4, 5]
    assert len((tmp_path / "evidence.jsonl").read_text().splitlines()) == 4


def test_lightning_itself_calls_the_callback(images, tmp_path):
    pytest.importorskip("lightning", reason="Lightning is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import lightning.pytorch as pl

        class Module(pl.LightningModule):
            def __init__(self):
                super().__init__()
                self.model = Clocked()

            def training_step(self, batch, _):
                pixels, labels = batch
                logits = self.model(pixels)
                self.log("accuracy", (logits.argmax(1) == labels).float().mean())
                return nn.functional.cross_entropy(logits, labels)

            def configure_optimizers(self):
                return torch.optim.SGD(self.parameters(), lr=0.1)

        callback = lightning_evidence_callback(
            images, LABELS, ["seen"], network="model", accuracy="accuracy", every=3, budget=1.0
        )
        options = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
        trainer = pl.Trainer(max_epochs=2, callbacks=[callback], logger=False, accelerator="cpu",
                             default_root_dir=tmp_path, **options)  # fmt: skip
        data = torch.utils.data.TensorDataset(images, LABELS)
        trainer.fit(Module(), torch.utils.data.DataLoader(data, batch_size=6))
    assert [reading.step for reading in callback.logger.readings] == [0, 3, 6, 8]
    assert all(reading.train_accuracy is not None for reading in callback.logger.readings[1:])
    assert len((tmp_path / "evidence.jsonl").read_text().splitlines()) == 4


def test_the_trainer_of_transformers_calls_the_callback(tmp_path):
    pytest.importorskip("transformers", reason="transformers is not installed")
    pytest.importorskip("accelerate", reason="accelerate is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from transformers import Trainer as HuggingTrainer
        from transformers import TrainingArguments, ViTConfig, ViTForImageClassification

        pixels = torch.rand(24, 3, 16, 16, generator=torch.Generator().manual_seed(0))
        labels = torch.arange(24) % 3
        sizes = {"hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 8}
        model = ViTForImageClassification(ViTConfig(image_size=16, patch_size=4, num_labels=3, **sizes))
        callback = transformers_evidence_callback(
            pixels, labels, ["vit.encoder.layer.1.output"], accuracy="loss", every=3, budget=1.0
        )
        options = {"report_to": [], "disable_tqdm": True, "save_strategy": "no", "use_cpu": True, "logging_steps": 2}
        asked = TrainingArguments(tmp_path, max_steps=8, per_device_train_batch_size=6, **options)
        data = [{"pixel_values": each, "labels": int(label)} for each, label in zip(pixels, labels, strict=True)]
        HuggingTrainer(model, asked, train_dataset=data, callbacks=[callback]).train()
    assert [reading.step for reading in callback.logger.readings] == [0, 3, 6, 8]
    assert [reading.train_accuracy is None for reading in callback.logger.readings] == [True, False, False, False]
    assert len((tmp_path / "evidence.jsonl").read_text().splitlines()) == 4


class HuggingLoop:
    """Calls a callback as the Trainer of transformers does."""

    def __init__(self, callback, folder):
        self.callback, self.args = callback, SimpleNamespace(output_dir=str(folder))

    def train(self, model, steps):
        state = SimpleNamespace(global_step=0)
        self.callback.on_train_begin(self.args, state, None, model=model, optimizer=None)
        for state.global_step in range(1, steps + 1):
            self.callback.on_step_end(self.args, state, None, model=model, optimizer=None)
            self.callback.on_log(self.args, state, None, logs={"accuracy": state.global_step / 8}, model=model)
        self.callback.on_train_end(self.args, state, None, model=model)


def test_a_callback_of_transformers_measures_the_model(images, tmp_path, monkeypatch):
    module = ModuleType("transformers")
    module.TrainerCallback = type("TrainerCallback", (), {})
    module.__spec__ = importlib.machinery.ModuleSpec("transformers", None)
    monkeypatch.setitem(sys.modules, "transformers", module)
    callback = transformers_evidence_callback(images, LABELS, ["seen"], accuracy="accuracy", every=2, budget=1.0)
    HuggingLoop(callback, tmp_path).train(Clocked(), 5)
    assert [reading.step for reading in callback.logger.readings] == [0, 2, 4, 5]
    assert [reading.train_accuracy for reading in callback.logger.readings] == [None, 0.125, 0.375, 0.625]
    assert len((tmp_path / "evidence.jsonl").read_text().splitlines()) == 4


def test_without_transformers_it_is_said_what_to_install(images, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match=r"transformers: expected an installed one.*huggingface"):
        transformers_evidence_callback(images, LABELS, ["seen"])


NOISE = torch.randn(200, 1, generator=torch.Generator().manual_seed(1)).double()


def told(bits, noise=0.1):
    """Evidence of 200 images around some bits, with an interval."""
    half = 2 * noise / 200**0.5
    return Evidence(bits, bits - half, bits + half, bits + noise * NOISE, 0.0)


def readings_of(accuracies=None, **bits):
    count = len(next(iter(bits.values())))
    return [
        Reading(100 * place, {layer: told(values[place]) for layer, values in bits.items()}, 0.5,
                None if accuracies is None else accuracies[place])
        for place in range(count)
    ]  # fmt: skip


def signs(readings, **options):
    return [(found.sign, found.layer) for found in early_warnings(readings, **options)]


@pytest.mark.parametrize(
    ("bits", "accuracies", "expected"),
    [
        ({"a": [0, 0, 0, 0], "b": [0, 0, 0, 0]}, None, [("no_gain", None)]),
        ({"a": [0, 0, 0], "b": [0, 0, 0]}, None, []),  # too early
        ({"a": [0, 0, 0, 0], "b": [0, 0.1, 0.2, 0.3]}, None, []),
        ({"a": [0, 0.5, 0.2, 0.1], "b": [0, 0.5, 0.6, 0.7]}, None, []),  # a shallow layer may forget
        ({"a": [0, 0.1, 0.2, 0.3], "b": [0, 1, 0.7, 0.6]}, None, [("deep_loss", "b")]),
        ({"a": [0, 0.1, 0.2, 0.3], "b": [0, 1, 0.7, 0.6]}, [0.1, 0.8, 0.7, 0.7], [("deep_loss", "b")]),
        (
            {"a": [0, 0.5, 0.4, 0.3], "b": [0, 1, 0.7, 0.6]},
            [0.1, 0.8, 0.9, 1],
            [("overfitting", "a"), ("overfitting", "b")],
        ),
        ({"a": [0, 0.1, 0.2, 0.3], "b": [0, 1, 0.7, 0.95]}, None, []),  # back again
        ({"a": [0, 0.1, 0.2, 0.3], "b": [0, 1, 0.95, 0.93]}, None, []),  # less than a tenth
        ({"a": [0, 0.1, 0.2, 0.3], "b": [0, 0.04, 0, 0]}, None, []),  # next to nothing
    ],
)
def test_signs(bits, accuracies, expected):
    assert signs(readings_of(accuracies, **bits), patience=3) == expected


def test_no_reading_no_sign():
    assert early_warnings([]) == ()


def test_what_lies_within_the_noise_is_no_sign():
    """A loss of a fifth, of one in six images only: the interval holds zero."""
    before, after = told(1.0), told(0.8, noise=1.0)
    after = Evidence(after.bits, None, None, 0.8 + 2 * NOISE, 0.0)
    readings = [Reading(step, {"a": evidence}, 0.5) for step, evidence in enumerate([before, after, after])]
    assert signs(readings) == []
    firm = [Reading(step, {"a": evidence}, 0.5) for step, evidence in enumerate([before, told(0.8), told(0.8)])]
    assert signs(firm) == [("deep_loss", "a")]


def test_sentences_name_layer_steps_and_numbers():
    (found,) = early_warnings(readings_of([0.1, 0.8, 0.9, 1.0], b=[0, 1, 0.7, 0.6]))
    assert found.sentence == (
        "Step 300: evidence of b on unseen images fell from 1.00 bits per region at step 100 to 0.60, while training "
        "accuracy rose from 0.80 to 1.00. The network may be overfitting."
    )


def test_a_sentence_is_said_when_it_becomes_true(images, tmp_path):
    network = Clocked()
    logger = logger_of(network, images, tmp_path / "log", every=1, patience=2)
    with pytest.warns(UserWarning, match="Step 2: no layer has gained evidence since step 0") as caught:
        train(network, logger, 4, shown=lambda step: 0.0)
    assert len(caught) == 1
    assert [len(reading.warnings) for reading in logger.readings] == [0, 0, 1, 0, 0]
    assert json.loads((tmp_path / "log").read_text().splitlines()[2])["warnings"] == list(logger.readings[2].warnings)
