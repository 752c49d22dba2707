"""The deletion test as a stage: a naive second writing, what is compared with what, what runs again, what is shown."""

import shutil
from pathlib import Path

import pytest
import torch
from easy_study import CLASSES, copy_without_attack, easy_settings

from patternscope.api.stages import pages_of
from patternscope.api.study_page import read_study_page
from patternscope.errors import InputError
from patternscope.figures import faithfulness as figure
from patternscope.knowledge import blurred, class_log_odds
from patternscope.networks import load_weights
from patternscope.report.page import render
from patternscope.results.directions import DirectionsResult
from patternscope.results.json_csv import read_json
from patternscope.results.study import open_results
from patternscope.study.budget import unit_costs
from patternscope.study.network_factory import study_network
from patternscope.study.run import run_analysis, saved_settings, study_plan
from patternscope.study.stages import directions, faithfulness
from patternscope.tensor_files import read_tensors

ASKED = {"images_per_class": 2, "steps": 4}
ORDERS = ["p", "strength", "w", "grad_cam", "random"]


def its_figure(asked):
    return [stage for stage in pages_of(asked) if stage.name == "figures/faithfulness"]


def settings_of(folder: Path, **changes):
    return easy_settings(folder, **{"attack": {"enabled": False}, "faithfulness": ASKED, **changes})


@pytest.fixture(scope="module")
def asked_study(attacked_study, tmp_path_factory) -> Path:
    """The study of squares with a deletion test in the attack's place; tests only read it."""
    folder = copy_without_attack(attacked_study, tmp_path_factory.mktemp("asked") / "study")
    asked = settings_of(attacked_study.parent)
    summary = run_analysis(folder, asked, its_figure, device="cpu")
    assert {unit.stage for unit in summary.done} == {"faithfulness", "directions", "figures/faithfulness"}
    return folder


def test_the_curve_of_p_is_what_the_network_says_region_by_region(asked_study):
    settings, _ = saved_settings(asked_study)
    samples = read_tensors(asked_study / "images/samples.safetensors")
    found = read_tensors(asked_study / "faithfulness/conv_53/faithfulness.safetensors")
    chosen = found["samples"]
    assert samples["labels"][chosen].bincount().tolist() == [2, 2, 2, 2]
    model = study_network(settings.network, settings.images, 4, seed=0)
    load_weights(model, asked_study / "training/01/network.safetensors")
    region = asked_study / "region/01/conv_53"
    h = read_tensors(region / "region.safetensors")["embedding"]
    mu = read_tensors(asked_study / "sample/01/sample.safetensors")["mean_directions"]
    height, width = read_json(region / "region.json")["grid"]
    counts = [round(share * height * width / 4) for share in range(5)]
    for place, sample in enumerate(chosen.tolist()):
        image, label = samples["images"][sample][None].float() / 255, samples["labels"][sample]
        odds = class_log_odds(h[sample][None], mu, label[None], settings.region.kappa_max)[0]
        order = sorted(range(height * width), key=lambda region: (-float(odds[region]), region))
        instead, rows, columns = blurred(image), 32 // height, 32 // width
        for step, count in enumerate(counts):
            shown = image.clone()
            for gone in order[:count]:
                row, column = gone // width * rows, gone % width * columns
                part = (..., slice(row, row + rows), slice(column, column + columns))
                shown[part] = instead[part]
            with torch.no_grad():
                expected = torch.softmax(model.eval()(shown), dim=1)[0, label]
            assert found["p"][place, step] == pytest.approx(float(expected), abs=1e-5)


@pytest.mark.parametrize("layer", ["conv_33", "conv_53"])
def test_areas_and_differences_are_those_of_the_curves(asked_study, layer):
    folder = asked_study / "faithfulness" / layer
    curves, about = (read_tensors(folder / "faithfulness.safetensors"), read_json(folder / "faithfulness.json"))
    assert [each["order"] for each in about["orders"]] == ORDERS
    assert about["left_out"] == {}
    assert about["images"] == 8
    height, width = read_json(asked_study / "region/01" / layer / "region.json")["grid"]
    assert about["shares"] == [round(share * height * width / 4) / (height * width) for share in range(5)]
    area_of_p = torch.trapezoid(curves["p"], dx=1 / 4, dim=1).mean()
    for each in about["orders"]:
        curve = curves[each["order"]]
        assert torch.equal(curve[:, 0], curves["p"][:, 0])
        assert torch.equal(curve[:, -1], curves["p"][:, -1])
        area = torch.trapezoid(curve, dx=1 / 4, dim=1).mean()
        assert each["area"] == pytest.approx(float(area))
        assert each["difference"] == pytest.approx(float(area_of_p - area), abs=1e-6)
        assert each["area_low"] <= each["area"] <= each["area_high"]
        assert each["curve"] == pytest.approx(curve.mean(dim=0).tolist())
    assert about["orders"][0]["difference_low"] == about["orders"][0]["difference_high"] == 0


def test_every_layer_is_asked_about_the_same_images(asked_study):
    found = [
        read_tensors(asked_study / f"faithfulness/{layer}/faithfulness.safetensors")["samples"]
        for layer in ("conv_33", "conv_53")
    ]
    assert torch.equal(*found)


def test_the_bytes_are_those_that_were_said(asked_study, attacked_study):
    plan = study_plan(settings_of(attacked_study.parent))
    costs = unit_costs(asked_study, plan, plan.units, "cpu")
    assert costs is not None
    for unit, cost in costs.items():
        if unit.stage == "faithfulness":
            written = sum(each.stat().st_size for each in (asked_study / unit.path).glob("*.safetensors"))
            assert 0.2 * written < cost.disk < 2 * written
            assert cost.seconds > 0


def test_only_what_it_depends_on_asks_again_and_twice_is_the_same(asked_study, attacked_study, tmp_path):
    own = Path(shutil.copytree(asked_study, tmp_path / "study"))

    def ran(**changes):
        summary = run_analysis(own, settings_of(attacked_study.parent, **changes), device="cpu")
        return {unit.stage for unit in summary.done}

    file = own / "faithfulness/conv_33/faithfulness.safetensors"
    before = file.read_bytes()
    assert ran(knowledge={"tau": 0.6}) == {"evidence", "knowledge", "controls", "emergence", "summary"}
    shutil.rmtree(own / "faithfulness/conv_33")
    assert ran(knowledge={"tau": 0.6}) == {"faithfulness"}
    assert file.read_bytes() == before
    assert ran(knowledge={"tau": 0.6}, faithfulness={**ASKED, "replacement": "mean"}) == {"faithfulness"}
    assert file.read_bytes() != before


def test_an_account_that_has_nothing_to_say_of_a_layer_is_left_out_with_its_reason(
    asked_study, attacked_study, tmp_path, monkeypatch
):
    def refuses(model, images, classes, layers, grid):
        raise InputError(f"layer {layers[0]!r}: its output is no tensor alone")

    monkeypatch.setattr(faithfulness, "grad_cam", refuses)
    own = Path(shutil.copytree(asked_study, tmp_path / "study"))
    asked = settings_of(attacked_study.parent, faithfulness={**ASKED, "steps": 2})
    run_analysis(own, asked, its_figure, device="cpu")
    about = read_json(own / "faithfulness/conv_53/faithfulness.json")
    assert "no tensor alone" in about["left_out"]["grad_cam"]
    assert [each["order"] for each in about["orders"]] == [name for name in ORDERS if name != "grad_cam"]
    page = render(read_study_page(own))
    assert "Omitted in conv_53: Grad-CAM: layer" in page


def test_the_figure_shows_every_layer_and_order(asked_study):
    shown = figure.data(open_results(asked_study))
    assert list(shown.layers) == ["conv_33", "conv_53"]
    drawn = figure.draw(shown)
    lines = [line for axes in drawn.axes for line in axes.get_lines()]
    assert len(lines) == 2 * len(ORDERS)
    rows = figure.table(shown)
    assert [(row["layer"], row["order"]) for row in rows] == [
        (layer, order) for layer in shown.layers for order in ORDERS
    ]
    for line, row in zip(lines, rows, strict=True):
        assert line.get_xdata().tolist() == shown.layers[row["layer"]].shares
        assert line.get_ydata().tolist() == [row[f"removed_{place}"] for place in range(5)]
    assert (asked_study / "figures/faithfulness/faithfulness.csv").read_text().count("\n") == 1 + len(rows)


def test_the_report_has_a_part_of_its_own(asked_study):
    page = read_study_page(asked_study)
    (part,) = [each for each in page.parts if each.key == "faithfulness"]
    said = [*(finding.sentence for finding in page.findings), *part.sentences]
    assert sum("the deletion curve that removes these first has an area" in sentence for sentence in said) == 1
    assert [picture.name for picture in part.pictures] == ["faithfulness"]
    assert len(part.tables[0].rows) == 2 * len(ORDERS)
    assert [row[:2] for row in part.tables[1].rows] == [
        [layer, of] for layer in ("conv_33", "conv_53") for of in ("all", *CLASSES)
    ]
    said = [sentence for sentence in part.sentences if "what the map reads as the class" in sentence.lower()]
    assert [layer in sentence for layer, sentence in zip(("conv_33", "conv_53"), said, strict=True)] == [True, True]


@pytest.mark.parametrize("layer", ["conv_33", "conv_53"])
def test_probabilities_without_a_direction_are_those_of_a_network_cut_at_the_layer(asked_study, layer):
    """A naive second writing: image by image, region by region, by a hook of its own."""
    settings, _ = saved_settings(asked_study)
    results = open_results(asked_study)
    found, region = results.load(DirectionsResult, layer=layer), results.region(layer)
    mu, samples = results.sample().mean_directions.double(), results.images
    model = study_network(settings.network, settings.images, 4, seed=0).eval()
    load_weights(model, asked_study / "training/01/network.safetensors")
    for place, sample in enumerate(found.samples.tolist()):
        label = int(samples.labels[sample])
        unit = mu[label] / mu[label].norm()
        own_map = region.fold_maps[region.unseen[0][sample]].double()
        shortest = torch.linalg.lstsq(own_map, unit[:, None], driver="gelsd").solution[:, 0]

        def without(module, inputs, output, own_map=own_map, unit=unit, shortest=shortest):
            changed = output.clone()
            for row in range(output.shape[2]):
                for column in range(output.shape[3]):
                    feature = output[0, :, row, column].double()
                    changed[0, :, row, column] = (feature - (unit @ own_map @ feature) * shortest).float()
            return changed

        image = samples.images[sample][None].float() / 255
        with torch.no_grad():
            before = torch.softmax(model(image), dim=1)[0, label]
            hook = model.network.get_submodule(layer).register_forward_hook(without)
            after = torch.softmax(model(image), dim=1)[0, label]
            hook.remove()
        assert found.before[place] == pytest.approx(float(before), abs=1e-4)
        assert found.own[place] == pytest.approx(float(after), abs=1e-3)


def test_falls_are_those_of_the_probabilities(asked_study):
    found = open_results(asked_study).load(DirectionsResult, layer="conv_53")
    labels = open_results(asked_study).images.labels[found.samples]
    assert [fall.of for fall in found.classes] == list(CLASSES)
    for fall in (found.all_images, *found.classes):
        rows = labels == CLASSES.index(fall.of) if fall.of else torch.ones_like(labels, dtype=torch.bool)
        before, own, other, random = (
            each[rows].double() for each in (found.before, found.own, found.other, found.random)
        )
        assert fall.images == int(rows.sum())
        assert fall.own.value == pytest.approx(float((before - own).mean()), abs=1e-6)
        assert fall.other.value == pytest.approx(float((before - other).mean()), abs=1e-6)
        assert fall.random.value == pytest.approx(float((before[:, None] - random).mean()), abs=1e-6)
        assert fall.above_random.value == pytest.approx(fall.own.value - fall.random.value, abs=1e-6)
        assert fall.own.low <= fall.own.value <= fall.own.high
    assert found.random.shape == (8, directions.DRAWS)
    assert found.removed > 0
