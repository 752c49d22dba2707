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
from patternscope.settings.study import make_settings
from patternscope.study.cost_model import Facts
from patternscope.study.run import run_analysis, saved_settings
from patternscope.study.stages import all_stages
from patternscope.workflow.stages import Unit

# Fewer neighbours than there are samples, or all draws are the same.
FEWER = {"n_step": 2, "kl_sample_num": 8}
FACTS = Facts(
    samples=500,
    fitted=500,
    held_out=1000,
    train=5000,
    numbers=12288,
    classes=10,
    dimensions=9,
    features=64,
    weights=200_000,
    activations=800_000,
    largest=100_000,
    at_once=64,
    layers={"conv_53": (64, 64)},
    checkpoints=8,
    products=1e11,
    copies=1e10,
    forward=5e-4,
)


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


def counts_of(study: Path, layer: str) -> dict[str, float]:
    """Counts and evidence of a layer of a study at the last checkpoint."""
    known, told = (read_json(study / name / "01" / layer / f"{name}.json") for name in ("knowledge", "evidence"))
    return {**{name: known[name] for name in ("total", "reliable", "ratio")}, "evidence": told["evidence"]}


@pytest.mark.parametrize("layer", ["conv_33", "conv_53"])
def test_the_first_draw_is_the_studys_and_the_others_are_others(drawn_study, layer):
    found = read_json(drawn_study / "spread" / layer / "spread.json")
    assert found["draws"][0] == counts_of(drawn_study, layer)
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
    assert found == pytest.approx(counts_of(other, "conv_53"))


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


def test_each_draw_costs_a_fit_to_all_images_and_one_to_each_half():
    def seconds(stage: str, **sections) -> float:
        formula = next(each.cost for each in all_stages() if each.name == stage)
        settings = make_settings({"spread": {"draws": 1}, **sections}, "spread.toml", Path())
        return formula(Unit(stage, None, "conv_53"), FACTS, settings).seconds

    once, fits = seconds("spread"), seconds("region", region={"splits": 1})
    assert seconds("spread", spread={"draws": 3}) == pytest.approx(3 * once)
    assert fits < once < fits + seconds("evidence")
    paper = {"region": {"objective": "paper", "splits": 1}}
    assert seconds("spread", **paper) > seconds("region", **paper) + seconds("importance")
