"""A measurement is a stage of its study: kept as long as nothing it was made from has changed."""

import shutil
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import pytest
import torch
from easy_study import easy_settings

from evidence.defaults import measurement as defaults
from evidence.faithfulness import measurement as faithfulness
from evidence.measurements import Measurement
from evidence.recording import record_images, sample_pixels, unseen_images
from evidence.region_importances import ORDERS
from evidence.studies import EvidenceStudy
from evidence.uncertainty import measurement as uncertainty
from patternscope.errors import InputError
from patternscope.results.features import FeaturesResult

CALLS = []


@dataclass(frozen=True)
class SquaresStudy(EvidenceStudy):
    """The study of coloured squares as one of the evidence."""

    place: Path = Path()
    tau: float = 0.6

    @property
    def name(self):
        return "squares"

    @property
    def folder(self):
        return self.place / "study"

    @property
    def layers(self):
        return ["conv_33", "conv_53"]

    def settings(self, **changes):
        return easy_settings(self.place, **{"knowledge": {"bootstrap": 10, "taus": [0.4], "tau": self.tau}, **changes})


def count_calls(study, results):
    CALLS.append(study)
    return {"calls": len(CALLS), "points": float(results.knowledge("conv_53").points.total)}


@pytest.fixture
def squares(attacked_study):
    """The study of squares, to be read."""
    return SquaresStudy("squares", "vgg16_slim", 0, attacked_study.parent)


@pytest.fixture
def own_squares(attacked_study, tmp_path):
    """A copy of the study, which measurements may become part of."""
    shutil.copytree(attacked_study, tmp_path / "study")
    shutil.copy(attacked_study.parent / "squares.npz", tmp_path)
    return SquaresStudy("squares", "vgg16_slim", 0, tmp_path)


def test_what_is_measured_is_measured_again_when_its_sources_change(own_squares):
    CALLS.clear()
    source = own_squares.place / "source.py"
    source.write_text("x")
    measurement = Measurement("counting", count_calls, (source,))
    assert [measurement.of(own_squares)["calls"] for _ in range(2)] == [1, 1]
    source.write_text("y")
    again = measurement.of(own_squares)
    assert again["calls"] == 2
    stricter = measurement.of(replace(own_squares, tau=0.9))
    assert stricter["calls"] == 3
    assert stricter["points"] < again["points"]
    other = Measurement("other", count_calls)
    assert [other.of(replace(own_squares, tau=0.9))["calls"] for _ in range(2)] == [4, 4]
    # What is measured is part of the study's folder, and not of its results.
    assert {unit.stage for unit in own_squares.results.units}.isdisjoint({"evidence/counting", "evidence/other"})


def test_no_study_is_an_error_and_no_empty_section():
    with pytest.raises(InputError, match="counting: expected a study, got none"):
        Measurement("counting", count_calls).of_all([])


def test_images_are_recorded_as_the_study_records_them(squares):
    results = squares.results
    recorded, known = record_images(squares, results, sample_pixels(results)), results.load(FeaturesResult)
    torch.testing.assert_close(recorded.sample_features, known.sample_features)
    torch.testing.assert_close(recorded.target_probs, known.target_probs)
    for layer in squares.layers:
        torch.testing.assert_close(recorded.regional.read(layer), known.regional.read(layer))


def test_unseen_images_are_those_held_out_that_are_no_samples(squares):
    results = squares.results
    images, labels = unseen_images(squares, results)
    assert results.images.held_out is not None
    assert len(images) == len(labels) == len(results.images.held_out.labels) - len(results.images.labels)
    samples = {image.numpy().tobytes() for image in results.images.images}
    assert samples.isdisjoint(image.numpy().tobytes() for image in images)


def test_the_deletion_test_has_a_row_per_layer_replacement_curve_and_order(squares):
    rows = faithfulness.measure_areas(squares, squares.results)
    orders = [name for name in ORDERS if name != "mask"]
    keys = [(row["layer"], row["replacement"], row["curve"], row["order"]) for row in rows]
    assert keys == list(product(squares.layers, ("mean colour", "blur"), faithfulness.CURVES, orders))
    assert all(len(row["areas"]) == len(squares.results.images.labels) for row in rows)
    assert all(0 <= area <= 1 for row in rows for area in row["areas"])


def test_numbers_are_of_each_division_on_samples_and_on_unseen_images(squares):
    results = squares.results
    parts = uncertainty.measure_spreads(squares, results)
    divisions = range(len(results.region("conv_33").unseen))
    keys = [(row["layer"], row["division"], row["on"]) for row in parts["numbers"]]
    assert keys == list(product(squares.layers, divisions, ("samples", "unseen")))
    for row in parts["numbers"]:
        if row["division"] == 0 and row["on"] == "samples":  # what the study shows
            told, counts = results.evidence(row["layer"]), results.knowledge(row["layer"]).counts
            assert row["evidence"] == pytest.approx(told.evidence.value, abs=1e-6)
            assert row["error"] == pytest.approx(told.calibration_error, abs=1e-6)
            assert row["reliable"] == counts.reliable.value
    for name in ("stability", "refits", "sweep"):
        assert [row["layer"] for row in parts[name]] == squares.layers
    twice = [squares, replace(squares, seed=1)]
    assert [row["agreement"] for row in uncertainty.compare_networks(twice)] == [1.0, 1.0]


def test_unseen_images_are_judged_as_if_they_were_samples(squares):
    results = squares.results
    (judges, *_) = uncertainty.division_judges(squares, results, "conv_53")
    labels, regional = results.images.labels, results.load(FeaturesResult).regional.read("conv_53")
    others = uncertainty.unseen_judges(judges, labels)
    found = others.judge(regional).log_posterior
    for fold in (0, 1):  # the images of a fold by one map, whatever that map has seen
        own = others.region.unseen[0] == fold
        seen = replace(judges.region, unseen=torch.full((1, int(own.sum())), fold))
        torch.testing.assert_close(found[own], replace(judges, region=seen).judge(regional[own]).log_posterior)


def test_one_setting_at_a_time_changes_that_setting(squares, monkeypatch):
    tried = {name: defaults.SETTINGS[name] for name in ("sharpening", "folds", "grid", "scale of samples")}
    tried["steps"] = defaults.Setting("region.n_step", (2.0,), 12.0)  # as many as the study took
    monkeypatch.setattr(defaults, "SETTINGS", tried)
    rows = defaults.measure_settings(squares, squares.results)
    layer = [row for row in rows if row["layer"] == "conv_53"]
    own = min(squares.results.region("conv_53").grid)
    expected = [("", None)] + [
        (name, value)
        for name, setting in tried.items()
        for value in setting.values
        if value != setting.default and not (name == "grid" and value >= own)
    ]
    assert [(row["setting"], row["value"]) for row in layer] == expected
    known = squares.results.evidence("conv_53")
    # The study takes one scale for both halves, a trial that of each half.
    assert layer[-1]["evidence"] == pytest.approx(known.evidence.value, rel=2e-3)
    assert all(row["evidence"] != layer[0]["evidence"] for row in layer[1:])
