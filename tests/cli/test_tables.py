"""The tables of a study: whole numbers in 80 columns, what is said below them, and nothing where there is nothing."""

import io
import sys
from dataclasses import fields
from pkgutil import iter_modules
from typing import Any

import pytest

from patternscope.cli import tables
from patternscope.cli.printing import half_width
from patternscope.cli.tables import print_tables
from patternscope.knowledge.intervals import Interval
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.directions import DirectionsResult, Fall
from patternscope.results.faithfulness import ORDERS, FaithfulnessResult, RemovalOrder
from patternscope.results.formatting import plus_minus
from patternscope.results.knowledge import CountDifferences, Counts, PlainCounts, SpreadResult
from patternscope.results.networks import (
    STUDENTS,
    DistillationResult,
    EvidenceDifference,
    LayerComparison,
    LayerCounts,
    StudentAnalysisResult,
)
from patternscope.results.noise import ONE_NETWORK
from patternscope.results.result import Result, stage_name
from patternscope.results.study import ResultsInMemory, result_kinds
from patternscope.results.summary import CheckpointSummary, LayerSummary, SummaryResult
from patternscope.workflow.stages import Unit

LAYERS = ("conv_22", "conv_33", "conv_43", "conv_53")
CHECKPOINTS = 8
# Of a grid of 8 by 8: as many digits as counts have there.
TOTAL, RELIABLE, RATIO = Interval(62.5, 61.2, 63.9), Interval(51.04, 49.9, 52.1), Interval(0.82, 0.80, 0.85)
COUNTS = Counts(TOTAL, RELIABLE, Interval(11.0, 10.0, 12.0), RATIO)
FEWER = Interval(-12.34, -13.5, -11.2)


def made(kind: type[Result], **values: Any) -> Result:
    """Return a result with some of its values; the others are None."""
    return kind(**{entry.name: values.get(entry.name) for entry in fields(kind)})  # pyright: ignore[reportArgumentType]


def summary(layers: tuple[str, ...] = LAYERS, checkpoints: int = CHECKPOINTS, masks: bool = True) -> Result:
    area = 0.18 if masks else None
    turns = [(None, None, None), *[(0.83, 179.9, 12.0)] * (checkpoints - 1)]
    return made(
        SummaryResult,
        checkpoints=tuple(
            CheckpointSummary(n, f"step {n * 1000}", n * 1000, 0.98, 1000, 0.99, -0.94, *turn)
            for n, turn in enumerate(turns)
        ),
        layers=tuple(
            LayerSummary(n, layer, 500, 0.4, 1.0, 1000.0, COUNTS, area, area)
            for n in range(checkpoints)
            for layer in layers
        ),
    )


def faithfulness() -> Result:
    area = Interval(0.33, 0.30, 0.36)
    return made(FaithfulnessResult, orders=tuple(RemovalOrder(name, area, area, []) for name in ORDERS))


def directions() -> Result:
    small = Interval(0.03, 0.02, 0.04)
    fall = Fall(None, 100, small, small, small, small)
    return made(DirectionsResult, all_images=fall, classes=(fall, fall))


def analysis() -> Result:
    names = ("orientation_change", "strength_change", "below_tau")
    return made(AttackAnalysisResult, target_points=RELIABLE, **dict.fromkeys(names, RATIO))


def comparison(layer: str, told: EvidenceDifference | None = None) -> LayerComparison:
    counts = LayerCounts(COUNTS, 1.0)
    difference = CountDifferences(FEWER, FEWER, FEWER)
    return LayerComparison(layer, layer, "first", None, (8, 8), counts, counts, True, difference, told, None)


ATTACK = {
    Unit("attack"): made(
        AttackResult,
        succeeded_count=479,
        attacked_count=493,
        success_share=0.9716,
        norm="linf",
        epsilon=0.0314,
        n_step=20,
    ),
    **{Unit("attack_analysis", layer=layer): analysis() for layer in LAYERS},
}
STUDENT_UNITS = {
    unit: result
    for name in STUDENTS
    for unit, result in (
        (Unit(stage_name(DistillationResult, name)), made(DistillationResult, accuracy=0.979, teacher_accuracy=0.985)),
        (
            Unit(stage_name(StudentAnalysisResult, name)),
            made(StudentAnalysisResult, comparisons=tuple(map(comparison, LAYERS)), images=500, tau=0.4),
        ),
    )
}
ALL = {
    Unit("summary"): summary(),
    **{Unit("faithfulness", layer=layer): faithfulness() for layer in LAYERS},
    **{Unit("directions", layer=layer): directions() for layer in LAYERS},
    **ATTACK,
    **STUDENT_UNITS,
}


def printed(capsys, results: dict[Unit, Result]) -> str:
    print_tables(ResultsInMemory(results))
    return capsys.readouterr().out


def rows_of(out: str, *first: str) -> list[list[str]]:
    """The rows whose first cells are these, by what lies more than a space apart."""
    rows = [[cell.strip() for cell in line.strip().split("  ") if cell.strip()] for line in out.splitlines()]
    return [row for row in rows if row[: len(first)] == list(first)]


def test_all_tables_fit_80_columns_with_whole_numbers(capsys):
    out = printed(capsys, ALL)
    assert max(map(len, out.splitlines())) <= 80
    assert "…" not in out
    counts = [plus_minus(interval, 1) for interval in (TOTAL, RELIABLE)]
    for layer in LAYERS:
        assert rows_of(out, layer) == [
            [layer, plus_minus(TOTAL, 1), plus_minus(RELIABLE, 1), plus_minus(RATIO), "0.18"],
            [layer, *["0.33"] * len(ORDERS)],
            [layer, *["0.03 ±0.01"] * 3, "yes", "2 of 2"],
            [layer, plus_minus(RATIO), plus_minus(RATIO), plus_minus(RELIABLE), plus_minus(RATIO)],
            [layer, "teacher", "own", *counts],
            [layer, "logits", "teacher's", *counts, plus_minus(FEWER, 1)],
            [layer, "features", "teacher's", *counts, plus_minus(FEWER, 1)],
        ]
    assert rows_of(out, "step 7000") == [
        ["step 7000", "0.98", "0.99", "0.83", "179.9°"],
        ["step 7000", *["51.0/62.5"] * len(LAYERS)],
    ]
    assert rows_of(out, "step 0")[0] == ["step 0", "0.98", "0.99", "–", "–"]


def test_of_networks_with_evidence_it_is_shown_first(capsys):
    less = Interval(-0.11, -0.16, -0.06)
    told = [comparison(layer, EvidenceDifference(RATIO, RATIO, less)) for layer in LAYERS]
    found = {name: made(StudentAnalysisResult, comparisons=tuple(told), images=500, tau=0.4) for name in STUDENTS}
    units = {Unit(stage_name(StudentAnalysisResult, name)): result for name, result in found.items()}
    out = printed(capsys, {**STUDENT_UNITS, **units})
    assert max(map(len, out.splitlines())) <= 80
    bits, reliable = plus_minus(RATIO), plus_minus(RELIABLE, 1)
    for layer in LAYERS:
        more = ["−0.11 ±0.05", reliable, "−12.3 ±1.2"]
        assert rows_of(out, layer) == [
            [layer, "teacher", "own", bits, reliable],
            *[[layer, name, "teacher's", bits, *more] for name in STUDENTS],
        ]


def test_what_numbers_mean_is_said(capsys):
    out = printed(capsys, ALL)
    for line in (
        "reliable/all knowledge points per image",
        half_width("over images"),
        ONE_NETWORK,
        "chance levels were not measured: [controls] is off or has not run",
        "strength and uncertainty   −0.94 (correlation)",
        "attack: 479 of 493 correctly classified images (success rate 97 %),",
        "held-out accuracy: teacher 0.985, logits 0.979, features 0.979",
    ):
        assert line in out.splitlines()


def test_of_many_layers_the_deepest_are_shown_and_long_names_are_folded(capsys):
    layers = tuple(f"features.denseblock{n}.denselayer16.conv2" for n in range(9))
    out = printed(capsys, {Unit("summary"): summary(layers)})
    assert max(map(len, out.splitlines())) <= 80
    assert "the 5 deepest of 9 layers" in out
    assert rows_of(out, "step 7000")[1] == ["step 7000", *["51.0/62.5"] * 5]
    whole = "".join(line.strip().partition("  ")[0] for line in out.splitlines())
    assert all(name in whole for name in layers)  # a folded name is whole, line by line


def test_a_study_of_one_checkpoint_without_masks_has_one_table(capsys):
    out = printed(capsys, {Unit("summary"): summary(checkpoints=1, masks=False)})
    assert "checkpoint" not in out
    assert "object" not in out
    assert len(rows_of(out, "conv_53")) == 1


def test_what_a_study_has_not_is_not_printed(capsys):
    assert printed(capsys, {}) == ""
    counts = PlainCounts(1.0, 1.0, 1.0)
    spread = {Unit("spread", layer="conv_53"): made(SpreadResult, draws=(counts,), spread=counts)}
    assert printed(capsys, spread) == ""
    only_attack = printed(capsys, {Unit("attack"): ATTACK[Unit("attack")]})
    assert "success rate" in only_attack
    assert "layer" not in only_attack


def test_each_module_is_named_as_a_stage():
    stages = {kind.STAGE for kind in result_kinds()}
    # The table of `diff` is of two studies, and of no stage.
    assert {module.name for module in iter_modules(tables.__path__)} - {"difference"} <= stages


@pytest.mark.parametrize(("encoding", "cell"), [("ascii", "+-1.3"), ("cp1252", "±1.3")])
def test_what_an_encoding_lacks_is_replaced(monkeypatch, encoding, cell):
    stdout = io.TextIOWrapper(io.BytesIO(), encoding=encoding)
    monkeypatch.setattr(sys, "stdout", stdout)
    print_tables(ResultsInMemory(ALL))
    stdout.seek(0)
    out = stdout.read()
    assert f"62.5 {cell}" in out
    assert "-0.94 (correlation)" in out
