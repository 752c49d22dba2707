"""What a training starts from: weights analysed as they are, fine-tuned, published, or returned by a factory."""

import re

import pytest
import study_record
import torch
from easy_study import easy_settings

import patternscope as ps
from patternscope.api.stages import pages_of
from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.report.contents import Setup
from patternscope.report.page import Reproduction, read_page, render
from patternscope.report.pictures import Pictures
from patternscope.results.controls import ControlsResult
from patternscope.results.emergence import EmergenceResult
from patternscope.results.provenance import provenance_of
from patternscope.results.study import open_results
from patternscope.settings.study import make_settings
from patternscope.study.run import run_analysis, saved_settings, study_plan
from patternscope.study.start import beginning
from patternscope.tensor_files import read_tensors

SHORT = {"attack": {"enabled": False}, "network": {"layers": ["conv_53"]}}


def settings(folder, weights, **training):
    return easy_settings(
        folder, **{**SHORT, "network": {"layers": ["conv_53"], "weights": str(weights)}, "training": training}
    )


@pytest.fixture(scope="module")
def weights(attacked_study):
    return attacked_study / "training/01/network.safetensors"


@pytest.fixture(scope="module")
def tuned(attacked_study, weights, tmp_path_factory):
    """A fine-tuning of a network that knows its classes, in two checkpoints, by both rules the same."""
    folder = tmp_path_factory.mktemp("tuned") / "study"
    asked = settings(attacked_study.parent, weights, epochs=1, checkpoints=2, lr=0.0005)
    run_analysis(folder, asked, device="cpu")
    return folder


@pytest.fixture(scope="module")
def given(attacked_study, weights, tmp_path_factory):
    """The same weights, as they are."""
    folder = tmp_path_factory.mktemp("given") / "study"
    run_analysis(folder, settings(attacked_study.parent, weights, epochs=0), device="cpu")
    return folder


def page_of(folder):
    again = Reproduction("run", "study.toml", "", "", provenance_of(folder), 0, "0")
    return render(read_page(open_results(folder), Setup("vgg16_slim", "squares", 6, 10), again, Pictures()))


def test_a_fine_tuning_starts_from_the_weights(tuned, weights):
    first, start = read_tensors(tuned / "training/00/network.safetensors"), read_tensors(weights)
    assert all(torch.equal(first[name], start[name]) for name in start)
    results = open_results(tuned)
    before, after = (results.training(number) for number in results.checkpoints())
    assert (before.step, before.start) == (0, "weights")
    assert before.held_out_accuracy > 0.9
    assert after.step == 15
    # Its first checkpoint is no untrained network, against which chance could be measured.
    assert results.load(ControlsResult, layer="conv_53").untrained_from == "re-initialised"


def test_a_network_that_knows_its_classes_at_the_start_has_its_evidence_there(tuned):
    results = open_results(tuned)
    history = results.load(EmergenceResult)
    assert history.emerges == "evidence"
    layer = history.layers[0]
    start, end = (interval.value for interval in layer.evidence)
    assert start > 0.5 * end > 0
    assert (history.first["conv_53"] == 0).double().mean() > 0.8
    assert all(row.median_checkpoint == 0 for row in layer.first)
    text = page_of(tuned)
    assert "half of a class's images have evidence of it from step 0 on (red, green, blue and yellow)" in text.replace(
        "&#39;", "'"
    )
    assert "Bits of evidence per region at step 15, compared with step 0" in text
    figure = ps.open_study(tuned).plot.emergence()
    assert any("Evidence over training" in text.get_text() for text in figure.texts)


def test_emergence_rows_hold_the_evidence_of_layer_and_class(tuned):
    rows = open_results(tuned).load(EmergenceResult).rows()
    assert {row["class"] for row in rows} == {None, "red", "green", "blue", "yellow"}
    for row in rows:
        assert row["evidence"] > 0
        assert (row["evidence_low"] is None) == (row["class"] is not None)


def test_weights_as_they_are_do_not_speak_of_training(given, attacked_study):
    results = open_results(given)
    assert results.checkpoints() == [0]
    assert (results.training().step, results.training().start) == (None, None)
    text = re.sub(r"<[^>]+>", " ", page_of(given).partition("How to repeat")[0])
    for word in ("training step", "checkpoint", "over training", "at step"):
        assert word not in text, text[max(0, text.index(word) - 100) : text.index(word) + 50]
    study = ps.open_study(given)
    assert not {"emergence", "training_strip", "training_animation"} & set(dir(study.plot))
    with pytest.raises(InputError, match="expected a study with several checkpoints, got one"):
        study.plot.emergence()
    for name in ("sample_embedding", "evidence", "counts", "reliability", "region_paths", "regional_embedding"):
        figure = getattr(study.plot, name)()
        drawn = [text.get_text() for axes in figure.axes for text in axes.texts] + [t.get_text() for t in figure.texts]
        assert not [each for each in drawn if re.search("(at|over) training|training step|checkpoint", each)], name
    plan = study_plan(saved_settings(given)[0], pages_of, folder=given)
    names = {unit.stage for unit in plan.units}
    assert "figures/counts" in names
    assert not {"figures/emergence", "figures/training_strip", "figures/training_animation"} & names


def test_the_command_does_not_speak_of_training_for_one_checkpoint(given, capsys):
    from patternscope.cli.tables import print_tables

    print_tables(open_results(given))
    out = capsys.readouterr().out
    assert "conv_53" in out
    assert "checkpoint" not in out
    assert "step" not in out


def test_weights_beside_no_number_of_epochs_are_analysed_as_they_are(tmp_path):
    def asked(**sections):
        return make_settings(sections, "study.toml", tmp_path).network.fine_tune

    network = {"weights": "w.pth"}
    assert not asked(network=network)
    assert not asked(network=network, training={"lr": 0.1})
    assert not asked(network=network, training={"epochs": 0})
    assert asked(network=network, training={"epochs": 1})
    assert not asked(network={**network, "fine_tune": False}, training={"epochs": 1})
    assert not asked(training={"epochs": 1})
    with pytest.raises(InputError, match=r"fine_tune: expected network.weights, from which the training starts"):
        asked(network={"fine_tune": True})


def test_a_study_of_an_earlier_version_is_not_taken_for_a_fine_tuning(given):
    record = study_record.read(given)
    kept = record["settings"]["network"].pop("fine_tune"), record["settings"]["training"]["epochs"]
    try:
        record["settings"]["training"]["epochs"] = 10
        study_record.write(given, record)
        assert not saved_settings(given)[0].network.fine_tune
    finally:
        record["settings"]["network"]["fine_tune"], record["settings"]["training"]["epochs"] = kept
        study_record.write(given, record)


FACTORY = """
from torch import nn

def small(classes):
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.LazyLinear(classes))

def trained(classes):
    network = small(classes)
    for place in (0, 2):
        nn.init.constant_(network[place].weight, 0.5)
    return network
"""


@pytest.mark.parametrize(
    ("network", "training", "said"),
    [
        ({}, {}, "trains vgg16_slim from scratch: 10 epochs, learning rate up to 0.004"),
        ({}, {"epochs": 0}, "analyses vgg16_slim untrained"),
        ({"weights": "w.pth"}, {}, "analyses the weights of {folder}/w.pth as they are"),
        (
            {"weights": "w.pth"},
            {"epochs": 3, "lr": 0.001},
            "fine-tunes from the weights of {folder}/w.pth: 3 epochs, lea",
        ),
        (
            {"architecture": "resnet18", "pretrained": True},
            {"epochs": 1},
            "fine-tunes from the published weights of resn",
        ),
        (
            {"architecture": "resnet18", "pretrained": True},
            {"epochs": 0},
            "analyses the published weights of resnet18 as",
        ),
        ({"architecture": "begun:small"}, {"epochs": 1}, "trains begun:small from scratch: 1 epoch, learning rate"),
        (
            {"architecture": "begun:trained"},
            {},
            "fine-tunes from the weights that begun:trained returns: 10 epochs, learning rate up to 0.004; [training] "
            "epochs = 0 analyses them as they are",
        ),
        (
            {"architecture": "begun:trained"},
            {"epochs": 0},
            "analyses the weights that begun:trained returns as they are",
        ),
    ],
)
def test_what_will_happen_is_said(tmp_path, network, training, said):
    (tmp_path / "begun.py").write_text(FACTORY)
    (tmp_path / "w.pth").touch()
    asked = make_settings({"network": network, "training": training}, "study.toml", tmp_path)
    assert beginning(asked, 4).startswith(said.format(folder=tmp_path))


def test_the_dry_run_says_it(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "study.toml").write_text("[images]\nimage_size = 32\ntrain_per_class = 8\ntest_per_class = 5\n")
    with pytest.raises(SystemExit, match="0"):
        main(["run", "study.toml", "--dry-run"])
    assert "trains vgg16_slim from scratch: 10 epochs, learning rate up to 0.004\n" in capsys.readouterr().out
