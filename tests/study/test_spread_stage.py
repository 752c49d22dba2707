"""Draws of the neighbours as a stage: what they change, what runs again, what the report makes of it."""

import shutil
from pathlib import Path
from statistics import fmean, stdev

import pytest
from easy_study import copy_without_attack, easy_settings

from patternscope.report.contents import Setup, read_contents
from patternscope.report.parts.trust import other_draws
from patternscope.results.json_csv import read_json
from patternscope.results.study import open_results
from patternscope.study.budget import unit_costs
from patternscope.study.run import run_analysis, saved_settings, study_plan

# Fewer neighbours than there are samples, or all draws are the same.
FEWER = {"n_step": 2, "kl_sample_num": 8}


def settings_of(folder: Path, **changes):
    fits = {"importance": FEWER, "region": FEWER}
    return easy_settings(folder, **{"attack": {"enabled": False}, "spread": {"draws": 3}, **fits, **changes})


@pytest.fixture(scope="module")
def drawn_study(attacked_study, tmp_path_factory) -> Path:
    """The study of squares with more draws in the attack's place; tests only read it."""
    folder = copy_without_attack(attacked_study, tmp_path_factory.mktemp("drawn") / "study")
    asked = settings_of(attacked_study.parent)
    summary = run_analysis(folder, asked, device="cpu")
    assert "spread" in {unit.stage for unit in summary.done}
    return folder


@pytest.mark.parametrize("layer", ["conv_33", "conv_53"])
def test_the_first_draw_is_the_studys_and_the_others_are_others(drawn_study, layer):
    found = read_json(drawn_study / "spread" / layer / "spread.json")
    own = read_json(drawn_study / "knowledge/01" / layer / "knowledge.json")
    assert found["draws"][0] == {name: own[name] for name in ("total", "reliable", "ratio")}
    assert len(found["draws"]) == 4
    assert len({each["total"] for each in found["draws"]}) > 1
    for name, spread in found["spread"].items():
        assert spread == pytest.approx(stdev(each[name] for each in found["draws"]))


def test_a_draw_is_the_study_of_another_seed_of_the_fits(drawn_study, attacked_study, tmp_path):
    other = Path(shutil.copytree(drawn_study, tmp_path / "other"))
    next_seed = {**FEWER, "seed": 1}
    asked = settings_of(attacked_study.parent, spread={"enabled": False}, importance=next_seed, region=next_seed)
    run_analysis(other, asked, device="cpu")
    found = read_json(drawn_study / "spread/conv_53/spread.json")["draws"][1]
    own = read_json(other / "knowledge/01/conv_53/knowledge.json")
    assert found == pytest.approx({name: own[name] for name in found})


def test_the_report_holds_it_in_its_differences(drawn_study):
    settings, _ = saved_settings(drawn_study)
    depth = read_contents(open_results(drawn_study), Setup("", "", 6, settings.knowledge.bootstrap)).depth
    layers = [read_json(drawn_study / "spread" / layer / "spread.json") for layer in ("conv_33", "conv_53")]
    for name in ("total", "reliable", "ratio"):
        pooled = fmean(layer["spread"][name] ** 2 for layer in layers) ** 0.5
        assert getattr(depth.spread, name) == pytest.approx(pooled)
    (step,) = depth.steps
    assert step.difference.total.high - step.difference.total.low > 2 * 1.96 * 2**0.5 * depth.spread.total
    assert "standard deviations" in other_draws(depth.spread)
    assert "[spread]" in other_draws(None)


def test_its_cost_is_said(drawn_study, attacked_study):
    plan = study_plan(settings_of(attacked_study.parent))
    costs = unit_costs(drawn_study, plan, plan.units, "cpu")
    assert costs is not None
    mine = [cost for unit, cost in costs.items() if unit.stage == "spread"]
    others = [cost for unit, cost in costs.items() if unit.stage == "importance" and unit.checkpoint == 1]
    assert len(mine) == 2
    assert sum(each.seconds for each in mine) > 3 * sum(each.seconds for each in others)
