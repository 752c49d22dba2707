"""The pure parts of the evidence: what is averaged over what, what is paired, and what is said."""

import pytest
import torch

from evidence import tables
from evidence.defaults import section as defaults
from evidence.deletion import first_of_each_class
from evidence.faithfulness import section as faithfulness
from evidence.projections import section as projections
from evidence.shortcut.measurement import near
from evidence.uncertainty import section as uncertainty


def curve(order, seed, values, network="a"):
    about = {"place": "last", "images": "pictograms", "curve": "deletion", "replacement": "blur"}
    return {**about, "network": network, "seed": seed, "order": order, "areas": values}


def test_areas_are_paired_by_image_and_averaged_over_seeds_then_networks():
    orders = {"p": 0.0, **dict.fromkeys(faithfulness.RIVALS, 0.5)}
    rows = [curve(name, seed, [seed + more, 2 + more]) for seed in (0, 1) for name, more in orders.items()]
    rows += [curve(name, 0, [4 + 3 * more, 4 + 3 * more], network="b") for name, more in orders.items()]
    known = faithfulness.areas(rows)
    key = ("last", "pictograms", faithfulness.EVERY, "deletion", "blur", "p")
    assert known[key].tolist() == [[(0.5 + 4) / 2, (2 + 4) / 2]]
    found = {(row["network"], row["less"]): row["difference"] for row in faithfulness.difference_rows(known)}
    assert found["a", "random"] == pytest.approx(-0.5)
    assert found["b", "random"] == pytest.approx(-1.5)
    assert found[faithfulness.EVERY, "random"] == pytest.approx(-1.0)
    spread = {row["network"]: row["seeds"] for row in faithfulness.area_rows(known) if row["order"] == "p"}
    assert spread["a"] == pytest.approx(0.5 / 2**0.5)
    assert spread["b"] is None


@pytest.mark.parametrize(
    ("low", "high", "said"), [(-2, -1, "better than"), (1, 2, "worse than"), (-1, 1, "within the noise of")]
)
def test_intervals_are_read_by_their_ends(low, high, said):
    row = {"difference_low": low, "difference_high": high}
    assert tables.better_text(row) == said


def number_of_layer(seed, value, on="samples", half=0.0):
    """A row of the claim `uncertainty`: each number has the same value and half interval."""
    names = ("evidence", "points", "reliable", "ratio", "error")
    ends = {f"{name}_{end}": value + sign * half for name in names for end, sign in (("low", -1), ("high", 1))}
    about = {"images": "i", "network": "n", "layer": "l", "seed": seed, "division": 0, "on": on}
    return {**about, **dict.fromkeys(names, value), **ends}


def test_spreads_over_divisions_are_within_a_network_and_those_over_networks_of_its_means():
    rows = [number_of_layer(0, 0.1), number_of_layer(0, 0.3), number_of_layer(1, 0.6), number_of_layer(1, 0.6)]
    about = {"images": "i", "network": "n", "layer": "l"}
    stability = [{**about, "kappa": kappa, "overlap": None} for kappa in (0.5, 0.7)]
    (found,) = uncertainty.summarised([*rows, number_of_layer(0, 0.9, "unseen")], stability, [])
    assert found["ratio"] == pytest.approx((0.2 + 0.6) / 2)
    assert found["ratio_divisions"] == pytest.approx(0.02**0.5 / 2)
    assert found["ratio_networks"] == pytest.approx(0.4 / 2**0.5)
    assert found["ratio_unseen"] == pytest.approx(0.9)
    assert found["kappa_divisions"] == pytest.approx(0.6)
    assert found["kappa_networks"] is None


def test_unseen_images_are_compared_with_what_both_intervals_allow():
    rows = [number_of_layer(seed, 1.0, half=0.3) for seed in (0, 1)]
    rows += [number_of_layer(0, 1.49, "unseen", half=0.4), number_of_layer(1, 0.49, "unseen", half=0.4)]
    refits = [{**rows[seed], "evidence": 1.0, "accuracy": 0.9, "accuracy_unseen": 0.8} for seed in (0, 1)]
    said = list(uncertainty._verdicts(rows, refits, uncertainty.summarised(rows, [], [])))
    assert said[0].startswith(
        "- Evidence: samples and unseen images differ by no more than the intervals of both allow in 1 of 2 cases (50 %"
    )
    assert "have 0.990 bits on average by the study's maps, and 1.000 by" in said[3]
    assert "(largest difference of a layer: 0.510): evidence is raised by 0.010 bits by what a map has seen" in said[3]


def test_values_are_compared_with_the_defaults_of_the_same_layers():

    def row(network, layer, setting, value, number):
        measures = dict.fromkeys(defaults.MEASURES, number)
        return {"images": "i", "network": network, "layer": layer, "setting": setting, "value": value, **measures}

    rows = [row("n", "a", "", None, 1.0), row("n", "b", "", None, 5.0), row("m", "a", "", None, 2.0)]
    rows += [row("n", "a", "grid", 2.0, 2.0), row("m", "a", "grid", 2.0, 3.1)]
    found = defaults.compared(rows, {"grid": ("network.grid", 8.0)})
    assert [(each["value"], each["default"], each["layers"]) for each in found] == [(2.0, False, 2), (8.0, True, 3)]
    assert found[0]["ratio_difference"] == pytest.approx(1.05)
    # Student's t with one degree of freedom, of two networks that differ by 0.1.
    assert found[0]["ratio_half"] == pytest.approx(12.7062 * (0.1 / 2**0.5) / 2**0.5, rel=1e-4)
    assert found[1]["ratio"] == pytest.approx((3.0 + 2.0) / 2)
    alone = defaults.compared(rows[:1] + rows[3:4], {"grid": ("network.grid", 8.0)})
    assert list(defaults._verdicts(alone)) == ["- 2: not judged, since an interval takes two networks."]
    assert list(defaults._verdicts(found)) == [
        "- 2: better: evidence (1.05), ratio (1.05), shared by halves (1.05), reliable points on the object (1.05), "
        "agreement with the network (1.05); worse: calibration error (1.05), deletion area of p (1.05), strength and "
        "uncertainty (1.05)."
    ]


@pytest.mark.parametrize(
    ("ours", "theirs", "measure", "said"),
    [
        (0.9, 0.8, "agreement", "agreement 0.90, first, before PCA (0.80)"),
        (0.8, 0.9, "sure_agreement", "where sure 0.80, behind PCA (0.90)"),
        (0.901, 0.904, "discriminant_agreement", "discriminant 0.90, level with PCA (0.90)"),
        (-0.9, -0.8, "class_correlation", "within a class −0.90, first, before PCA (−0.80)"),
    ],
)
def test_who_is_first_is_said_by_what_is_printed(ours, theirs, measure, said):
    others = {"pca": {measure: theirs}, "umap": {measure: None}}
    assert projections._standing({measure: ours}, others, measure) == said


def test_first_of_each_class_and_regions_near_a_patch():
    assert first_of_each_class(torch.tensor([1, 0, 1, 1, 0, 0]), 2).tolist() == [0, 1, 2, 4]
    patches = torch.zeros(1, 8, 8, dtype=torch.bool)
    patches[:, 4:6, 4:6] = True
    found = near(patches, (4, 4)).view(4, 4)
    assert found.tolist() == [[0, 0, 0, 0]] + [[0, 1, 1, 1]] * 3


def test_numbers_as_they_are_printed():
    assert [tables.number(value) for value in (-0.001, -0.25, None)] == ["0.00", "−0.25", "–"]
    row = {"x": 0.5, "x_low": -0.1, "x_high": 0.75}
    assert tables.interval_text(row, "x") == "0.50 (−0.10 to 0.75)"
    assert tables.value_text(float("inf")) == "own"
