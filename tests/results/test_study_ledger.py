"""The ledgers of a study: flows sum to its counts, its evidence and its classes, whatever the two moments are."""

from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from patternscope.api.study import open_study
from patternscope.figures import load_figure
from patternscope.report.parts.ledger import ledger_sentences, ledger_table
from patternscope.results.attack import AttackResult
from patternscope.results.ledger import Draws, Moment, ledger_of
from patternscope.results.study import open_results
from patternscope.results.study_ledger import attack_ledger, depth_ledger, paces, student_ledger, successive_ledgers

FEW = Draws(10)
N, R, C = 4, 6, 3
NAMES = ("cat", "dog", "owl")
LABELS = torch.arange(N) % C


def moment(seed: int, regions: int = R) -> Moment:
    generator = torch.Generator().manual_seed(seed)
    mask = torch.rand(N, regions, generator=generator) < 0.5
    category = torch.randint(C, (N, regions), generator=generator)
    bits = torch.randn(N, regions, generator=generator)
    return Moment(f"step {seed}", mask, category, bits, torch.rand(N, regions, generator=generator))


def assert_adds_up(ledger, points_before: float, points_after: float, grown: float | None) -> None:
    """Flows sum to the counts of both moments, of each class, and to the growth of evidence."""
    points = {name: flow.value for name, flow in vars(ledger.points).items()}
    assert points["before"] == pytest.approx(points["kept"] + points["changed"] + points["forgotten"])
    assert points["after"] == pytest.approx(points["kept"] + points["changed"] + points["learnt"] + points["relearnt"])
    assert points["before"] == pytest.approx(points_before)
    assert points["after"] == pytest.approx(points_after)
    for name in ("learnt", "relearnt", "kept", "forgotten"):
        assert sum(getattr(row.flows, name) for row in ledger.classes) == pytest.approx(ledger.images * points[name])
    if grown is None:
        assert ledger.bits is None
    else:
        flows = {name: flow.value for name, flow in vars(ledger.bits).items()}
        assert flows.pop("total") == pytest.approx(grown, abs=1e-6)
        assert sum(flows.values()) == pytest.approx(grown, abs=1e-6)


@given(st.integers(0, 999))
def test_any_two_moments_add_up(seed):
    before, after = moment(seed), moment(seed + 1)
    ledger = ledger_of("layer", before, after, NAMES, LABELS, FEW, moment(seed + 2).mask)
    grown = float((after.bits - before.bits).double().mean())
    assert_adds_up(ledger, float(before.mask.sum() / N), float(after.mask.sum() / N), grown)
    stays = before.mask & after.mask & (before.category == after.category)
    if before.mask.any():
        assert ledger.kept_share.value == pytest.approx(int(stays.sum()) / int(before.mask.sum()))
        assert ledger.refit_share.value == pytest.approx(float(before.stability[before.mask].double().mean()))


def test_what_was_ever_a_point_is_relearnt():
    masks = [[1, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1]]
    moments = [replace(moment(0, 3), mask=torch.tensor([row] * N).bool()) for row in masks]
    steps = successive_ledgers("layer", moments, NAMES, LABELS, FEW)
    assert [step.points.learnt.value for step in steps] == [1, 1, 0]
    assert [step.points.relearnt.value for step in steps] == [0, 1, 1]


def test_a_ledger_without_evidence_has_no_bits_and_its_rows_say_nothing_of_them():
    without = [replace(moment(seed), bits=None, stability=None) for seed in (0, 1)]
    ledger = ledger_of("layer", *without, NAMES, LABELS, FEW)
    assert ledger.refit_share is None
    rows = list(ledger.rows())
    assert [row["class"] for row in rows] == [None, *NAMES]
    assert not any(name.startswith("bits") for row in rows for name in row)


def test_the_ledgers_of_a_study_add_up_to_its_counts(attacked_study):
    results, study = open_results(attacked_study), open_study(attacked_study)
    ledger = study.ledger(resamples=10)
    first, last = results.checkpoints()
    for layer in results.layers():
        (step,) = ledger.training[layer]
        known = [results.knowledge(layer, number).counts.total.value for number in (first, last)]
        bits = [results.evidence(layer, number).evidence.value for number in (first, last)]
        assert_adds_up(step, *known, bits[1] - bits[0])
    (deeper,) = ledger.depth
    assert (deeper.start, deeper.end) == ("conv_33", "conv_53")
    grown = results.evidence("conv_53").evidence.value - results.evidence("conv_33").evidence.value
    if results.region("conv_33").grid == results.region("conv_53").grid:
        assert_adds_up(deeper, *[results.knowledge(layer).counts.total.value for layer in results.layers()], grown)
    assert [row["ledger"] for row in ledger.rows()] == sorted(
        (row["ledger"] for row in ledger.rows()), key=["training", "depth", "attack"].index
    )


def test_the_attack_starts_from_the_clean_points_and_their_evidence(attacked_study):
    results = open_results(attacked_study)
    rows = results.load(AttackResult).attacked
    for ledger in attack_ledger(results, FEW):
        known = results.knowledge(ledger.layer)
        assert ledger.images == int(rows.sum())
        assert ledger.points.before.value == pytest.approx(float(known.mask[rows].sum() / rows.sum()))
        clean = results.evidence(ledger.layer).bits[rows].double().mean()
        attacked = float(clean) + ledger.bits.total.value
        assert attacked <= results.evidence(ledger.layer).most + 1e-6


def test_the_evidence_of_clean_images_is_that_of_the_stage(attacked_study):
    from patternscope.results.study_ledger import _attacked_bits

    results = open_results(attacked_study)
    for layer in results.layers():
        before, _ = _attacked_bits(results, results.load(AttackResult), layer)
        torch.testing.assert_close(before.float(), results.evidence(layer).bits, atol=1e-3, rtol=1e-3)


def test_students_are_told_from_their_teacher(taught_study):
    results = open_results(taught_study)
    for student in results.students:
        for ledger in student_ledger(results, student, FEW):
            assert ledger.start == "teacher"
            assert ledger.points.before.value == pytest.approx(results.knowledge(ledger.layer).counts.total.value)


def test_paces_are_those_of_the_images_one_by_one(attacked_study):
    results = open_results(attacked_study)
    steps = [results.training(number).step for number in results.checkpoints()]
    for pace in paces(results, FEW):
        told = [results.evidence(pace.layer, number) for number in results.checkpoints()]
        present = torch.stack([each.emerged for each in told])
        when = [steps[int(column.int().argmax())] for column in present.T if column.any()]
        assert pace.never == pytest.approx(1 - len(when) / present.shape[1])
        assert pace.first.value == (pytest.approx(sum(when) / len(when)) if when else None)


def test_sentences_and_tables_say_the_numbers(taught_study):
    ledger = open_study(taught_study).ledger(resamples=10)
    sentences = " ".join(ledger_sentences(ledger))
    assert "to the student of logits" in sentences
    assert "are passed on at the same position" in sentences
    (row,) = ledger_table("Depth", ledger.depth).rows
    assert row[0] == "conv_33 to conv_53"
    assert ledger_table("Attack", ledger.attack) is None


@pytest.mark.parametrize("name", ["ledger", "ledger_depth", "ledger_attack"])
def test_each_figure_of_the_ledger_is_drawn_with_its_table(attacked_study, name):
    figure = load_figure(name)
    shown = figure.data(open_results(attacked_study))
    assert figure.draw(shown).axes
    assert {row["class"] for row in figure.table(shown)} > {None}


def test_one_layer_passes_nothing_on(attacked_study):
    figure, results = load_figure("ledger_depth"), open_results(attacked_study)
    shown = replace(figure.data(results), steps=(), layers=["conv_53"])
    assert "nothing to pass on" in figure.draw(shown).axes[0].texts[0].get_text()
    assert figure.table(shown) == []
    assert len(depth_ledger(results, FEW)) == 1


def test_the_figure_of_students_has_a_row_each(taught_study):
    figure = load_figure("ledger_students")
    shown = figure.data(open_results(taught_study))
    assert len(figure.draw(shown).axes) >= len(shown.students)
    assert {row["ledger"] for row in figure.table(shown)} == set(shown.students)
