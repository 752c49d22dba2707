"""Figures of evidence: what they repeat of the results, any size, old studies, and layers without evidence."""

import itertools
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from patternscope.figures import counts, evidence, evidence_maps, knowledge_points, load_figure, reliability
from patternscope.figures.drawing.examples import Examples
from patternscope.figures.drawing.outlines import groups, levelled_outlines, outlines
from patternscope.knowledge.calibration import ReliabilityBin
from patternscope.knowledge.intervals import Interval
from patternscope.results.controls import Control
from patternscope.results.knowledge import Counts
from patternscope.results.result import Result
from patternscope.results.study import ResultsInMemory, open_results, result_kinds
from patternscope.results.training import TrainingResult
from patternscope.workflow.stages import Unit

NEW = ("evidence", "evidence_maps", "reliability")
MASKS = arrays(bool, st.tuples(st.integers(1, 5), st.integers(1, 5)))


@pytest.fixture(scope="module")
def results(attacked_study):
    return open_results(attacked_study)


def without(results, *stages: str) -> ResultsInMemory:
    """The same results without some stages, as a study of an earlier version has none of them."""
    kinds = {kind.STAGE: kind for kind in result_kinds()}
    held: dict[Unit, Result] = {}
    for unit in results.units:
        stage = unit.stage.partition("/")[0]
        if stage not in stages:
            held[unit] = results.load(kinds[stage], unit.checkpoint, unit.layer)
    return ResultsInMemory(held, results.seed)


def at(number: int) -> TrainingResult:
    accuracy = {"held_out_accuracy": 0.5, "held_out_images": 9}
    return TrainingResult(
        checkpoint=number,
        name=f"step {number}",
        step=number,
        losses=[],
        total_steps=9,
        start=None,
        outputs=None,
        probe=None,
        **accuracy,
    )


def numbers(value: float) -> Interval:
    return Interval(value, value - 0.1, value + 0.1)


def control(bits: float) -> Control:
    none = Counts(numbers(0.0), numbers(0.0), numbers(0.0), Interval(None, None, None))
    return Control(numbers(bits), none, replace(none, total=numbers(11.5)))


def invented(layers: int, checkpoints: int, classes: int, bits: float = 1.0, *, chance: bool = False):
    names = [f"a layer with a long name {number} $" for number in range(layers)]
    return evidence.EvidenceData(
        {name: [numbers(bits * (place + 1)) for place in range(checkpoints)] for name in names},
        {name: numbers(bits * checkpoints + 0.2) for name in names},
        {name: {"permuted": control(0.0), "untrained": control(-0.004)} for name in names} if chance else {},
        [at(number) for number in range(checkpoints)],
        checkpoints,
        math.log2(classes),
        "labels",
        classes,
        500,
    )


def said(figure) -> str:
    texts = [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]
    return " ".join(text.get_text() for text in texts)


def no_nan(rows) -> bool:
    return all(not isinstance(value, float) or math.isfinite(value) for row in rows for value in row.values())


@pytest.mark.parametrize("name", NEW)
def test_a_study_of_an_earlier_version_has_no_such_figure(results, name):
    old = without(results, "evidence", "controls")
    assert old.missing(load_figure(name).reads) == ["evidence"]
    assert not results.missing(load_figure(name).reads)


def test_figures_of_an_earlier_version_are_drawn_without_what_it_lacks(results):
    old = without(results, "evidence", "controls")
    for unit, known in old.results.items():
        if unit.stage == "knowledge":
            assert known.images == len(known.mask)  # both files are read, so that what is set stays
            for field in ("rule", "stability", "shared"):
                object.__setattr__(known, field, None)
    shown = counts.data(old)
    assert (shown.rule, shown.paper, shown.chance) == (None, {}, {})
    assert "chance" not in said(counts.draw(shown)).lower()
    points = knowledge_points.data(old, 2)
    assert points.layers[0].stability is None
    # Without the legend of weights: the kinds of outline, and the classes of the unreliable ones.
    assert len(knowledge_points.draw(points).legends) == 2
    assert {row["stability"] for row in knowledge_points.table(points)} == {None}


def test_evidence_repeats_the_results(results):
    rows = evidence.table(evidence.data(results))
    assert len(rows) == 2 * len(results.checkpoints())
    for row in rows:
        told = results.evidence(row["layer"], row["checkpoint"])
        assert row["evidence"] == told.evidence.value
        assert row["accuracy"] == results.training(row["checkpoint"]).held_out_accuracy
        last = row["checkpoint"] == results.checkpoints()[-1]
        assert row["readable"] == (told.readable.value if last else None)
    assert no_nan(rows)


@pytest.mark.parametrize(("layers", "checkpoints", "classes"), [(1, 1, 2), (4, 8, 10), (40, 24, 40)])
@pytest.mark.parametrize("chance", [False, True])
def test_evidence_of_any_size_is_drawn(layers, checkpoints, classes, chance):
    shown = invented(layers, checkpoints, classes, chance=chance)
    figure = evidence.draw(shown)
    text = said(figure)
    assert ("not measured" in text) != chance
    assert ("0.00 / 0.00" in text) == chance
    assert f"{math.log2(classes):.2f} (log2 of {classes} classes)" in text
    assert "another training may differ" in text
    labels = [axes.get_xlabel() for axes in figure.axes]
    assert ("training step" in labels) == (checkpoints > 1)
    # Deep layers stand on top.
    assert figure.axes[0].get_yticklabels()[-1].get_text().startswith("a layer")
    width, height = figure.get_size_inches()
    assert max(width, height) < 16


def test_deep_layers_stand_on_top(results):
    drawn = evidence.draw(evidence.data(results))
    assert [label.get_text() for label in drawn.axes[0].get_yticklabels()] == ["conv_53", "conv_33"]


def test_layers_without_evidence_are_drawn(results):
    zero = Interval(0.0, 0.0, 0.0)
    shown = replace(invented(2, 3, 2), evidence={"a": [zero] * 3, "b": [zero] * 3}, readable={"a": zero, "b": zero})
    assert "0.00 of 0.00" in said(evidence.draw(shown))
    assert no_nan(evidence.table(shown))
    layer = reliability.LayerReliability("a", (ReliabilityBin(0.1, 0.1, 1.0),), 0.0, (math.inf,))
    known = reliability.ReliabilityData([layer], "labels", "training step 1", {"a": 640})
    assert "no evidence" in said(reliability.draw(known))
    json.dumps(reliability.about(known), allow_nan=False)


def test_reliability_repeats_the_results(results):
    shown = reliability.data(results)
    rows = reliability.table(shown)
    for layer in ("conv_33", "conv_53"):
        own = [row for row in rows if row["layer"] == layer]
        assert sum(row["share"] for row in own) == pytest.approx(1)
        error = sum(row["share"] * abs(row["confidence"] - row["correct"]) for row in own)
        assert own[0]["calibration_error"] == pytest.approx(error)
    titles = [axes.get_title("right") for axes in reliability.draw(shown).axes]
    assert len([title for title in titles if title.startswith("error 0.")]) == 2


def test_maps_repeat_the_results_and_show_misclassified_images(results):
    shown = evidence_maps.data(results, 8)
    for row in evidence_maps.table(shown)[::97]:
        region = row["row"] * results.region(row["layer"]).grid[1] + row["column"]
        assert row["bits"] == float(results.evidence(row["layer"]).bits[row["sample"], region])
    wrong = shown.examples.labels != shown.predicted
    assert wrong.sum() <= 2
    assert evidence_maps.data(results, [3, 1]).examples.samples.tolist() == [3, 1]


@pytest.mark.parametrize(("images", "layers", "classes"), [(1, 1, 2), (9, 3, 40)])
def test_maps_of_any_size_are_drawn(images, layers, classes):
    rng = np.random.default_rng(0)
    names = [f"a class with a long name {number} $" for number in range(classes)]
    labels = np.arange(images) % classes
    examples = Examples(np.arange(images), np.zeros((images, 9, 7, 3), np.uint8), labels, names)
    shape = (images, 3, 2)
    told = evidence_maps.LayerEvidence(
        "layer",
        rng.normal(size=shape) * 9,
        np.ones(shape, bool),
        rng.random(shape) < 0.5,
        np.zeros(shape, int),
        rng.random(shape),
    )
    shown = evidence_maps.EvidenceMapsData(examples, labels * 0, [told] * layers, 1.0, "decision", 0.4, "step 3")
    text = said(evidence_maps.draw(shown))
    assert "the class that the network predicts" in text
    assert len(evidence_maps.table(shown)) == images * layers * 6


def test_counts_show_either_rule_and_chance(results):
    shown = counts.data(results)
    assert shown.rule == "calibrated"
    row = counts.table(shown)[-1]
    assert row["paper_total"] == results.evidence("conv_53").paper.total.value
    assert row["total"] == results.knowledge("conv_53").counts.total.value
    lined = replace(shown, chance={"conv_53": {"permuted": control(0.0), "untrained": control(0.0)}})
    row = counts.table(lined)[-1]
    assert (row["permuted_total"], row["paper_permuted_total"]) == (0.0, 11.5)
    assert "not measured" in said(counts.draw(replace(shown, chance={})))
    labels = counts.draw(lined).axes[0].get_legend_handles_labels()[1]
    assert {"total, calibrated", "total, by the paper's rule"} <= set(labels)


@given(MASKS, st.integers(0, 100))
@settings(max_examples=60)
def test_pieces_of_an_outline_are_the_outline(mask, seed):
    level = np.random.default_rng(seed).integers(0, 3, mask.shape)

    def segments(lines):
        return sorted(tuple(np.concatenate(pair)) for line in lines for pair in itertools.pairwise(line))

    pieces = levelled_outlines(mask, level)
    assert segments(line for line, _ in pieces) == segments(outlines(mask))
    for line, own in pieces:
        for start, end in itertools.pairwise(line):
            column, row = np.floor(np.clip((start + end) / 2, 0, np.array(mask.shape[::-1]) - 1e-6)).astype(int)
            assert own in level[max(0, row - 1) : row + 2, max(0, column - 1) : column + 2]


@given(MASKS)
@settings(max_examples=60)
def test_groups_are_a_division_into_neighbours(mask):
    found = groups(mask)
    assert sorted(tuple(cell) for group in found for cell in group.tolist()) == sorted(map(tuple, np.argwhere(mask)))
    for first in range(len(found)):
        for second in range(first):
            apart = np.abs(found[first][:, None] - found[second][None]).sum(axis=2)
            assert apart.min() > 1
