"""Patterns as a stage: what it writes, names that outlast a rerun, what runs again, what is shown of it."""

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from easy_study import copy_without_attack, easy_settings

from patternscope.api.stages import pages_of
from patternscope.api.study_page import read_study_page
from patternscope.atlas.pattern_reading import layer_patterns
from patternscope.atlas.stage import atlas_stage
from patternscope.errors import InputError
from patternscope.figures import patterns as figure
from patternscope.knowledge.patterns import unit_features
from patternscope.report.diff_page import read_diff_page, render_diff
from patternscope.report.diff_patterns import draw_pattern_changes
from patternscope.results.difference import Side, differ
from patternscope.results.features import FeaturesResult
from patternscope.results.ledger import Draws
from patternscope.results.pattern_names import read_pattern_names
from patternscope.results.pattern_tests import PatternTestsResult, pattern_tests_of
from patternscope.results.patterns import PatternsResult
from patternscope.results.study import open_results
from patternscope.study.difference import diff_studies
from patternscope.study.look import look_at
from patternscope.study.run import run_analysis

LAYER = "conv_53"


def its_figure(asked):
    return [stage for stage in pages_of(asked) if stage.name == "figures/patterns"]


def settings_of(folder: Path, **changes):
    # As many images as there are held out: half of them must have ten regions for each pattern.
    return easy_settings(folder, **{"attack": {"enabled": False}, "patterns": {"most": 2}, **changes})


@pytest.fixture(scope="module")
def study(attacked_study, tmp_path_factory) -> Path:
    """The study of squares with patterns in the attack's place; tests only read it."""
    folder = copy_without_attack(attacked_study, tmp_path_factory.mktemp("patterns") / "study")
    summary = run_analysis(folder, settings_of(attacked_study.parent), its_figure, device="cpu")
    assert {unit.stage for unit in summary.done} == {"patterns", "pattern_tests", "figures/patterns"}
    return folder


@pytest.fixture(scope="module")
def found(study) -> PatternsResult:
    return open_results(study).load(PatternsResult, layer=LAYER)


def test_patterns_are_of_reliable_regions_of_their_class(study, found):
    results = open_results(study)
    known, labels = results.knowledge(LAYER), results.images.labels
    assert found.patterns
    for place, pattern in enumerate(found.patterns):
        samples, regions = found.members(place)
        assert len(samples) == pattern.regions >= 10
        assert known.reliable[samples, regions].all()
        assert {results.classes[label] for label in labels[samples].tolist()} == {pattern.class_name}
        assert pattern.refits == pytest.approx(float(known.stability[samples, regions].mean()))
        assert pattern.specific.low > pattern.prior == 0.25


def test_an_atlas_shows_the_patterns_and_their_tests(study, found):
    results = open_results(study)
    shown, tests = layer_patterns(results, LAYER), results.load(PatternTestsResult, layer=LAYER).tests
    assert (shown.owner == found.owners(*results.knowledge(LAYER).mask.shape).numpy()).all()
    assert shown.field == found.field
    for entry, pattern, test in zip(shown.entries, found.patterns, tests, strict=True):
        assert results.classes[entry.label] == pattern.class_name
        assert (entry.number, entry.regions, entry.stability) == (pattern.number, pattern.regions, pattern.stability)
        assert entry.share == (pattern.share.value, pattern.share.low, pattern.share.high)
        assert entry.appears == pattern.appears.name
        assert (entry.fall is None) == (test.dependence is None)
        if entry.fall is not None:
            assert entry.fall.own[0] == test.dependence.own.value
    assert (shown.owner[tuple(shown.entries[-1].typical.T)] == len(shown.entries) - 1).all()
    # The key of an atlas holds what it shows: one of a study with patterns reads them, the others do not.
    read = {need.stage for need in atlas_stage(patterns=True).needs} - {need.stage for need in atlas_stage().needs}
    assert read == {"patterns", "pattern_tests"}


def test_a_known_image_has_the_patterns_of_its_regions(study, found):
    results = open_results(study)
    place = max(range(len(found.patterns)), key=lambda place: found.patterns[place].regions)
    samples, regions = found.members(place)
    image = int(samples[0])
    looked = look_at(study, results.images.images[image]).layers[-1]
    features = unit_features(results.load(FeaturesResult, 1).regional.read(LAYER))
    members = features[samples, regions].double()
    gaps = (features[image].double() - members.mean(dim=0)).square().sum(dim=1)
    reach = (members - members.mean(dim=0)).square().sum(dim=1).quantile(0.9)
    shown = next(each for each in looked.patterns if each.title == found.patterns[place].title)
    assert shown.regions == int((gaps <= reach + 1e-6).sum()) > shown.expected
    assert shown.expected == pytest.approx(found.patterns[place].background * features.shape[1])
    assert [each.regions for each in looked.patterns] == sorted(
        (each.regions for each in looked.patterns), reverse=True
    )
    assert all(layer.patterns is not None for layer in look_at(study, results.images.images[0]).layers)


def test_presence_and_its_first_step_are_those_of_the_checkpoints(study, found):
    results = open_results(study)
    for place, pattern in enumerate(found.patterns):
        samples, regions = found.members(place)
        shares = [float(results.knowledge(LAYER, at).reliable[samples, regions].double().mean()) for at in (0, 1)]
        assert pattern.presence == pytest.approx(shares)
        assert pattern.presence[-1] == 1.0
        assert pattern.appears.checkpoint == next(at for at, share in enumerate(shares) if share >= 0.5)
        assert pattern.stays == pattern.appears


def test_typical_regions_are_of_different_images_first(found):
    samples, regions = found.typical(0, 4)
    assert len(set(samples.tolist())) == min(4, found.patterns[0].images)
    every, _ = found.members(0)
    assert samples[0] == every[0]
    most = len(every)
    pairs = list(zip(*(each.tolist() for each in found.typical(0, most + 5)), strict=True))
    assert len(set(pairs)) == len(pairs) == most
    assert regions.max() < found.grid[0] * found.grid[1]


def test_the_table_has_a_row_per_pattern(study, found):
    with (study / "patterns" / LAYER / "patterns.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["class"], int(row["regions"])) for row in rows] == [(p.class_name, p.regions) for p in found.patterns]
    assert float(rows[0]["share"]) == pytest.approx(found.patterns[0].share.value, rel=1e-4)


def test_a_name_stays_with_its_region_and_one_without_pattern_is_said(study, found, attacked_study, tmp_path):
    own = Path(shutil.copytree(study, tmp_path / "study"))
    names = open_results(own).images.names
    (row, *_), file = found.rows(), tmp_path / "names.json"
    region = {
        "layer": LAYER,
        "class": row["class"],
        "image": names[row["sample"]],
        "region": [row["row"], row["column"]],
    }
    other = {**region, "image": "no such image", "name": "nowhere"}
    file.write_text(json.dumps([{**region, "name": "corner"}, other, {**region, "layer": "conv_33", "name": "x"}]))

    def ran(**changes):
        asked = settings_of(attacked_study.parent, patterns={"most": 2, "names": str(file), **changes})
        return {unit.stage for unit in run_analysis(own, asked, its_figure, device="cpu").done}

    assert ran() == {"patterns", "figures/patterns"}
    named = open_results(own).load(PatternsResult, layer=LAYER)
    assert named.patterns[0].title == "corner"
    assert named.unknown_names == ("nowhere",)
    assert ran() == set()
    sentences = next(part.sentences for part in read_study_page(own).parts if part.key == "patterns")
    assert any("'nowhere'" in sentence for sentence in sentences)
    # As many patterns as regions allow: the name is that of the pattern with the region, whatever its number.
    ran(most=1)
    again = open_results(own).load(PatternsResult, layer=LAYER)
    held = [p for p, each in enumerate(again.patterns) if each.name == "corner"]
    pairs = set(zip(*(each.tolist() for each in again.members(held[0])), strict=True))
    assert (row["sample"], row["row"] * found.grid[1] + row["column"]) in pairs
    file.unlink()
    with pytest.raises(InputError, match=r"patterns\.names: .* does not exist"):
        ran()


@pytest.mark.parametrize("content", ["{}", "[3]", '[{"layer": "a"}]', "no json",
    '[{"layer": "a", "class": "b", "image": "c", "region": [1], "name": "d"}]',
    '[{"layer": "a", "class": "b", "image": "c", "region": [1, 1], "name": " "}]',
    '[{"layer": "a", "class": "b", "image": "c", "region": [1, 1], "name": "\\ud800"}]'])  # fmt: skip
def test_a_wrong_file_of_names_is_one_line(tmp_path, content):
    file = tmp_path / "names.json"
    file.write_text(content)
    with pytest.raises(InputError, match=r"names\.json") as caught:
        read_pattern_names(file)
    assert "\n" not in str(caught.value)


def test_patterns_need_calibrated_points(attacked_study):
    with pytest.raises(InputError, match=r"patterns: expected knowledge\.rule"):
        settings_of(attacked_study.parent, knowledge={"rule": "paper"})


def test_the_figure_has_a_row_per_pattern_with_patches_of_the_images(study, found):
    results = open_results(study)
    counts = [len(found.of_class(name)) for name in results.classes]
    shown = figure.data(results, patches=3)
    assert counts[results.classes.index(shown.class_name)] >= 1
    drawn = figure.draw(shown)
    patterns = [pattern for layer in shown.layers.values() for pattern in layer]
    assert len(drawn.axes) == sum(len(pattern.patches) + 1 for pattern in patterns)
    images = results.images.images.numpy()
    for layer, rows in shown.layers.items():
        result = results.load(PatternsResult, layer=layer)
        for place, row in zip(result.of_class(shown.class_name), rows, strict=True):
            for sample, patch in zip(result.typical(place, 3)[0].tolist(), row.patches, strict=True):
                side = len(patch.pixels)
                windows = np.lib.stride_tricks.sliding_window_view(images[sample], (3, side, side))[0]
                wanted = patch.pixels.transpose(2, 0, 1)
                assert (windows == wanted).all(axis=(2, 3, 4)).any()
                assert patch.region[2] - patch.region[0] == pytest.approx(32 / result.grid[1])
    assert [row["layer"] for row in figure.table(shown)] == [
        layer for layer, rows in shown.layers.items() for _ in rows
    ]
    for wrong in (0, 17):
        with pytest.raises(InputError, match="patches"):
            figure.data(results, patches=wrong)
    with pytest.raises(InputError, match="class_name"):
        figure.data(results, class_name="purple")


def test_a_class_without_patterns_is_said(study):
    results = open_results(study)
    shown = figure.data(results)
    bare = figure.PatternsData("red", {layer: [] for layer in shown.layers}, shown.results)
    texts = [text.get_text() for text in figure.draw(bare).texts]
    assert any("red has no pattern" in text for text in texts)


def test_the_report_has_a_part_of_its_own(study, found):
    (part,) = [each for each in read_study_page(study).parts if each.key == "patterns"]
    assert f"{len(found.patterns)} pattern" in part.sentences[0]
    assert [picture.name for picture in part.pictures] == ["patterns"]
    assert len(part.tables[0].rows) == 2


def test_random_state_is_left_alone_and_twice_is_the_same(study, attacked_study, tmp_path):
    own = Path(shutil.copytree(study, tmp_path / "study"))
    file = own / "patterns" / LAYER / "patterns.safetensors"
    before = file.read_bytes()
    shutil.rmtree(own / "patterns")
    state = torch.get_rng_state()
    run_analysis(own, settings_of(attacked_study.parent), device="cpu")
    assert file.read_bytes() == before
    assert torch.equal(torch.get_rng_state(), state)


def test_each_pattern_is_tested_in_order(study, found):
    tested = open_results(study).load(PatternTestsResult, layer=LAYER)
    assert [(t.class_name, t.number) for t in tested.tests] == [(p.class_name, p.number) for p in found.patterns]
    assert tested.omitted is None
    assert sum(test.refit > 0.5 for test in tested.tests) == tested.matched <= tested.refit_patterns
    for test in tested.tests:
        if test.dependence is not None:
            each = test.dependence
            assert 1 <= each.images <= 6
            assert each.above_rest.value == pytest.approx(each.own.value - each.rest.value)
            assert each.above_others.value == pytest.approx(each.own.value - each.others.value)
    with (study / "pattern_tests" / LAYER / "pattern_tests.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [float(row["refit"]) for row in rows] == pytest.approx([test.refit for test in tested.tests], abs=1e-5)


def test_the_report_and_the_figure_have_the_tests(study):
    results = open_results(study)
    (part,) = [each for each in read_study_page(study).parts if each.key == "patterns"]
    assert any("refit of the maps" in sentence for sentence in part.sentences)
    assert len(part.tables) == 2
    shown = figure.data(results, layers=[LAYER])
    rows = figure.table(shown)
    assert [row["refit"] for row in rows] == [row.test.refit for row in shown.layers[LAYER]]
    assert [row["regions"] for row in rows] == [row.pattern.regions for row in shown.layers[LAYER]]
    tested = [row.test.dependence for row in shown.layers[LAYER]]
    assert [row.get("asked_images") for row in rows] == [test and test.images for test in tested]
    said = [text.get_text() for text in figure.draw(shown).texts if text.get_text().startswith("fall without it")]
    assert len(said) == sum(row.test.dependence is not None for row in shown.layers[LAYER])


def test_tests_of_earlier_patterns_are_omitted(study, found):
    results = open_results(study)
    assert set(pattern_tests_of(results, {LAYER: found})) == {LAYER}
    fewer = found.with_values(patterns=found.patterns[:-1])
    assert pattern_tests_of(results, {LAYER: fewer}) == {}


def test_a_study_keeps_its_own_patterns_and_an_earlier_checkpoint_has_none(study, found):
    own, steps = open_results(study), [open_results(study).training(number).step for number in (0, 1)]
    sides = [Side(name, open_results(study), 1) for name in ("a", "b")]
    difference = differ(*sides, [LAYER], Draws(20))
    (layer,) = difference.layers
    assert (layer.patterns.kept, layer.patterns.gained) == (len(found.patterns), [])
    assert layer.patterns.refit_kept == own.load(PatternTestsResult, layer=LAYER).matched
    early, _ = diff_studies(f"{study}@{steps[0]}", study)
    assert early.layers[0].patterns is None
    assert early.without_patterns == f"patterns are those of the last checkpoint, which study@{steps[0]} is not"


def test_the_page_of_a_difference_shows_patterns_that_one_side_has_alone(study, found):
    first, second = (Side(name, open_results(study), 1) for name in ("a", "b"))
    same = differ(first, second, [LAYER], Draws(20))
    assert draw_pattern_changes(same, (first, second)) is None
    alone = replace(same.layers[0].patterns, second=tuple(
        replace(each, partner=None) for each in same.layers[0].patterns.second))  # fmt: skip
    changed = replace(same, layers=(replace(same.layers[0], patterns=alone),))
    drawn = draw_pattern_changes(changed, (first, second))
    texts = [text.get_text() for text in drawn.texts]
    assert f"{LAYER}: gained" in texts
    assert f"{LAYER}: lost" not in texts
    shown = min(4, len(found.patterns))
    largest = sorted(range(len(found.patterns)), key=lambda place: -found.patterns[place].share.value)[:shown]
    assert len(drawn.axes) == sum(min(6, found.patterns[place].regions) for place in largest)
    page = render_diff(read_diff_page(changed, (first, second)))
    assert "Patterns gained and lost" in page
    assert page.count('alt="patterns"') <= 1
