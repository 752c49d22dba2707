"""`patternscope diff`: what it says, what it writes, its conditions and exit codes, and what cannot be compared."""

import json
import shutil
from dataclasses import replace

import pytest
from easy_study import easy_settings
from hypothesis import given
from hypothesis import strategies as st

from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.knowledge.intervals import Interval, share_difference, share_interval
from patternscope.report.diff_page import noise_sentences
from patternscope.results.conditions import judge, parse_condition
from patternscope.results.difference import Side, differ
from patternscope.results.knowledge import PlainCounts, SpreadResult
from patternscope.results.ledger import Draws
from patternscope.results.study import ResultsInMemory, open_results
from patternscope.study.difference import diff_studies
from patternscope.study.run import run_analysis
from patternscope.workflow.stages import Unit

FEW = Draws(20)


def call(capsys, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


@pytest.fixture(scope="module")
def checkpoints(attacked_study):
    """The training steps of the shared study's two checkpoints."""
    results = open_results(attacked_study)
    return [results.training(number).step for number in results.checkpoints()]


@pytest.fixture(scope="module")
def redrawn(attacked_study, tmp_path_factory):
    """The same study with other folds and neighbours."""
    folder = tmp_path_factory.mktemp("redrawn") / "study"
    shutil.copytree(attacked_study, folder)
    run_analysis(
        folder,
        easy_settings(attacked_study.parent, attack={"enabled": False}, region={"n_step": 2, "seed": 1}),
        device="cpu",
    )
    return folder


def test_a_study_at_a_step_is_compared_with_its_last_checkpoint(attacked_study, checkpoints):
    difference, sides = diff_studies(f"{attacked_study}@{checkpoints[0]}", attacked_study)
    assert [side.checkpoint for side in sides] == [0, 1]
    results = open_results(attacked_study)
    for layer in difference.layers:
        values = [results.evidence(layer.layer, number).evidence.value for number in (0, 1)]
        assert layer.evidence.difference.value == pytest.approx(values[1] - values[0], abs=1e-6)
        assert [layer.evidence.first.value, layer.evidence.second.value] == values
        points = layer.ledger.points
        assert points.before.value == pytest.approx(layer.total.first.value)
        assert points.after.value == pytest.approx(layer.total.second.value)
        assert sum(row.evidence.difference.value for row in layer.classes) / len(layer.classes) == pytest.approx(
            layer.evidence.difference.value, abs=1e-6
        )
    decisions = [side.decisions for side in sides]
    differs = int((decisions[0] != decisions[1]).sum())
    changed = difference.changed
    assert changed.corrected + changed.broken + changed.still_wrong == differs
    gained = changed.corrected - changed.broken
    assert difference.accuracy.difference.value == pytest.approx(gained / difference.images)
    bits = [image.bits for image in changed.images]
    assert bits == sorted(bits)


def test_backwards_every_difference_has_the_other_sign(attacked_study, checkpoints):
    there, _ = diff_studies(f"{attacked_study}@{checkpoints[0]}", attacked_study)
    back, _ = diff_studies(attacked_study, f"{attacked_study}@{checkpoints[0]}")
    for one, other in zip(there.layers, back.layers, strict=True):
        for name in ("evidence", "total", "reliable"):
            pair = [getattr(each, name).difference for each in (one, other)]
            assert pair[0].value == pytest.approx(-pair[1].value)
            assert pair[0].low == pytest.approx(-pair[1].high)
    assert (there.changed.corrected, there.changed.broken) == (back.changed.broken, back.changed.corrected)


def test_two_studies_of_one_network_differ_by_their_draws_alone(attacked_study, redrawn):
    difference, _ = diff_studies(attacked_study, redrawn)
    assert difference.agreement == 1
    assert difference.accuracy.difference == Interval(0.0, 0.0, 0.0)
    assert difference.changed.images == ()
    assert len(difference.not_measured) == 2
    assert "another training" in noise_sentences(difference)[1]


def test_noise_of_draws_widens_differences_and_what_one_study_measured_stands_for_the_other(attacked_study):
    stored = open_results(attacked_study)
    units = {unit: stored._get(kind, unit) for kind, unit in _units(stored)}
    spread = PlainCounts(1.0, 1.0, 0.1, 0.5)
    measured = {Unit("spread", None, layer): SpreadResult(draws=(spread,), spread=spread) for layer in stored.layers()}
    plain, with_draws = ResultsInMemory(units), ResultsInMemory(units | measured)
    layers = stored.layers()
    narrow = differ(Side("a", plain, 0), Side("b", ResultsInMemory(units), 1), layers, FEW)
    wide = differ(Side("a", with_draws, 0), Side("b", ResultsInMemory(units), 1), layers, FEW)
    for one, other in zip(narrow.layers, wide.layers, strict=True):
        assert one.evidence.difference.value == other.evidence.difference.value
        half = other.evidence.difference.high - other.evidence.difference.value
        own = one.evidence.difference.high - one.evidence.difference.value
        assert half == pytest.approx((own**2 + 2 * (1.959964 * 0.5) ** 2) ** 0.5, rel=1e-5)
    assert any("of the second, so the value of the other is used" in text for text in wide.not_measured)
    assert len(wide.noise) == 2


def _units(results):
    from patternscope.results.study import result_kinds

    for unit in results.units:
        for kind in result_kinds():
            if unit.stage == kind.STAGE:
                yield kind, unit


def test_the_command_writes_a_page_and_json_and_passes_without_conditions(
    attacked_study, checkpoints, tmp_path, capsys
):
    first = f"{attacked_study}@{checkpoints[0]}"
    code, out, err = call(capsys, "diff", first, attacked_study, "--out", tmp_path / "out")
    assert (code, err) == (0, "")
    assert "within the noise" in out or "beyond the noise" in out
    assert max(map(len, out.splitlines()[:-1])) <= 80
    page = (tmp_path / "out/diff.html").read_text(encoding="utf-8")
    content = json.loads((tmp_path / "out/diff.json").read_text())
    assert content["passes"] is True
    assert content["layers"][0]["evidence"]["difference"] is not None
    assert "no patterns in" in content["without_patterns"]
    assert "write a section [patterns]" in page
    assert page.count("<img") >= 1
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"diff.html", "diff.json"}


def test_exit_codes_tell_conditions_and_bad_input_apart(attacked_study, checkpoints, tmp_path, capsys):
    pair = (f"{attacked_study}@{checkpoints[0]}", attacked_study)
    difference, _ = diff_studies(*pair)
    last = difference.layers[-1]
    # A rise of which the whole interval is above the limit, and one that no number can reach.
    reached, beyond = last.evidence.difference.low - 0.01, last.evidence.difference.high + 5
    out = ("--out", tmp_path / "out")
    code, text, _ = call(capsys, "diff", *pair, *out, "--fail-on", f"evidence:{last.layer}:{max(reached, 0)}", "--json")
    assert code == int(last.evidence.difference.low > max(reached, 0))
    assert json.loads(text)["passes"] is (code == 0)
    assert call(capsys, "diff", *pair, *out, "--fail-on", f"evidence:*:{beyond}")[0] == 0
    for bad in (
        ("--fail-on", "evidence:-0.05"),
        ("--fail-on", "accuracy:conv_53:-0.05"),
        ("--fail-on", "evidense:conv_53:-0.05"),
        ("--fail-on", "evidence:conv_53:little"),
        ("--fail-on", "evidence:conv_99:-0.05"),
    ):
        code, _, err = call(capsys, "diff", *pair, *out, *bad)
        assert (code, err.count("\n")) == (2, 1), bad
        assert "expected" in err
    code, _, err = call(capsys, "diff", attacked_study, tmp_path / "nothing")
    assert code == 2
    code, _, err = call(capsys, "diff", attacked_study, f"{attacked_study}@7654321")
    assert code == 2
    assert "expected a step of the study" in err
    code, _, err = call(capsys, "diff", attacked_study, attacked_study)
    assert code == 2
    assert "the same checkpoint twice" in err


def test_other_images_cannot_be_compared(attacked_study, tmp_path):
    folder = tmp_path / "other"
    shutil.copytree(attacked_study, folder)
    fewer = easy_settings(attacked_study.parent, images={"samples_per_class": 5}, attack={"enabled": False})
    run_analysis(folder, fewer, device="cpu", until="images")
    with pytest.raises(InputError, match="expected"):
        diff_studies(attacked_study, folder)


@given(st.floats(-1, 1), st.floats(0, 1), st.floats(0.001, 1))
def test_a_condition_holds_where_the_whole_interval_is_beyond_the_limit(value, half, limit):
    from patternscope.results.conditions import _is_beyond

    change = Interval(value, value - half, value + half)
    assert _is_beyond(change, parse_condition(f"evidence:a:-{limit}")) is (value + half < -limit)
    assert _is_beyond(change, parse_condition(f"evidence:a:{limit}")) is (value - half > limit)
    mirrored = Interval(-value, -value - half, -value + half)
    assert _is_beyond(change, parse_condition(f"ratio:a:-{limit}")) is _is_beyond(
        mirrored, parse_condition(f"ratio:a:{limit}")
    )


def test_any_fall_is_a_limit_of_minus_zero_and_a_number_that_does_not_exist_never_holds(attacked_study, checkpoints):
    from patternscope.results.conditions import _is_beyond

    assert parse_condition("accuracy:-0").falls
    assert not parse_condition("accuracy:0").falls
    assert not _is_beyond(Interval(None, None, None), parse_condition("accuracy:-0"))
    difference, _ = diff_studies(f"{attacked_study}@{checkpoints[0]}", attacked_study)
    every = judge(difference, [parse_condition("evidence:*:-0"), parse_condition("held_out:-0.5")])
    assert [verdict.layer for verdict in every] == [*[each.layer for each in difference.layers], None]
    with pytest.raises(InputError, match="expected images with labels"):
        judge(replace(difference, accuracy=None), [parse_condition("accuracy:-0")])


@given(st.integers(1, 400), st.integers(1, 400), st.floats(0, 1), st.floats(0, 1))
def test_shares_and_their_differences_stay_within_what_is_possible(first_count, second_count, first, second):
    one, other = share_interval(first, first_count), share_interval(second, second_count)
    for each in (one, other):
        assert 0 <= each.low <= each.value + 1e-12
        assert each.value - 1e-12 <= each.high <= 1
    change = share_difference(first, first_count, second, second_count)
    assert -1 - 1e-9 <= change.low <= change.value <= change.high <= 1 + 1e-9
    back = share_difference(second, second_count, first, first_count)
    assert change.low == pytest.approx(-back.high)


def test_the_interval_of_a_share_is_that_of_wilson():
    from scipy.stats import binomtest

    for count, of in ((0, 5), (3, 10), (99, 100)):
        known = binomtest(count, of).proportion_ci(method="wilson")
        ours = share_interval(count / of, of)
        assert (ours.low, ours.high) == (pytest.approx(known.low, abs=1e-9), pytest.approx(known.high, abs=1e-9))
    with pytest.raises(InputError, match="expected a share"):
        share_interval(1.5, 10)
    with pytest.raises(InputError, match="expected a share"):
        share_interval(0.5, 0)
