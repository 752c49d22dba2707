"""A measurement is a stage of its study: kept as long as nothing it was made from has changed."""

import shutil
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import pytest
import torch
from easy_study import easy_settings

from evidence.faithfulness import measurement as faithfulness
from evidence.measurements import Measurement
from evidence.recording import record_images, sample_pixels, unseen_images
from evidence.region_importances import ORDERS
from evidence.studies import EvidenceStudy
from evidence.uncertainty import measurement as uncertainty
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


def test_each_fit_is_counted_on_fitted_and_on_unseen_images(squares, monkeypatch):
    monkeypatch.setattr(uncertainty, "FITS", 2)
    parts = uncertainty.measure_spreads(squares, squares.results)
    keys = [(row["layer"], row["fit"], row["on"]) for row in parts["counts"]]
    assert keys == list(product(squares.layers, (0, 1), ("fitted", "unseen")))
    assert [row["layer"] for row in parts["stability"]] == [row["layer"] for row in parts["sweep"]] == squares.layers
    assert all(0 <= row["ratio"] <= 1 for row in parts["counts"])
    twice = [squares, replace(squares, seed=1)]
    assert [row["agreement"] for row in uncertainty.compare_networks(twice)] == [1.0, 1.0]
