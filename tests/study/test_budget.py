"""The budget of a study: what is counted, that bytes are those written, and a disk without room."""

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from easy_study import CLASSES, easy_settings

from patternscope.cli.budgeting import budget_line
from patternscope.errors import InputError
from patternscope.images.pictograms import CLASSES as PICTOGRAMS
from patternscope.settings.study import StudySettings, make_settings
from patternscope.study import budget as study_budget
from patternscope.study.budget import Budget, ImageCounts, count_images, make_budget, pending_units, unit_costs
from patternscope.study.cost_model import Facts
from patternscope.study.run import run_analysis, saved_status, study_plan
from patternscope.study.stages import all_stages
from patternscope.workflow.event_log import EVENTS_FILE, EventLog, unit_times
from patternscope.workflow.stages import Unit

FACTS = Facts(
    samples=500,
    fitted=500,
    held_out=1000,
    train=6000,
    numbers=12288,
    classes=10,
    dimensions=3,
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
COSTS = {stage.name: stage.cost for stage in all_stages()}


@pytest.fixture
def study(attacked_study, tmp_path) -> Path:
    """A copy that a test may change, without the images' file beside it."""
    return Path(shutil.copytree(attacked_study, tmp_path / "study"))


def test_a_finished_study_takes_nothing_and_a_part_takes_what_is_missing(study, attacked_study):
    settings = easy_settings(attacked_study.parent)
    plan = study_plan(settings)
    assert pending_units(study, plan) == []
    assert make_budget(study, plan) is None
    said = []
    run_analysis(study, settings, device="cpu", announce=said.append)
    assert said == []
    shutil.rmtree(study / "knowledge/01/conv_53")
    found = make_budget(study, plan, until="knowledge")
    assert found is not None
    assert (found.units, list(found.stages)) == (1, ["knowledge"])
    run_analysis(study, settings, device="cpu", announce=said.append, until="knowledge")
    assert [each.units for each in said] == [1]


def test_the_bytes_are_those_that_are_written(attacked_study):
    plan = study_plan(easy_settings(attacked_study.parent))
    written = {each.unit: each.size or 0 for each in saved_status(attacked_study)}
    costs = unit_costs(attacked_study, plan, plan.units, "cpu")
    assert costs is not None
    stages = ("training", "features", "importance", "region", "evidence", "knowledge", "attack", "attack_analysis")
    said, found = (
        {stage: sum(size for unit, size in sizes.items() if unit.stage == stage) for stage in stages}
        for sizes in ({unit: cost.disk for unit, cost in costs.items()}, written)
    )
    assert said == pytest.approx(found, rel=0.15)
    assert all(cost.seconds > 0 and cost.memory >= 0 for cost in costs.values())


def test_dropped_features_that_are_read_again_count(study, attacked_study):
    settings = easy_settings(attacked_study.parent).model_copy(update={"keep_features": False})
    run_analysis(study, settings, device="cpu")
    plan = study_plan(settings)
    assert pending_units(study, plan) == []
    shutil.rmtree(study / "importance/00/conv_33")
    assert Unit("features", 0) in pending_units(study, plan)
    assert Unit("features", 1) not in pending_units(study, plan)


def test_images_of_ones_own_are_counted_by_reading_them(tmp_path):
    settings = easy_settings(tmp_path)
    assert count_images(tmp_path / "study", settings) is None
    assert make_budget(tmp_path / "study", study_plan(settings)) is None
    said = []
    done = run_analysis(tmp_path / "study", settings, device="cpu", until="training", announce=said.append).done
    assert count_images(tmp_path / "study", settings) == ImageCounts(24, 40, 240, CLASSES, fitted=24)
    assert [each.units for each in said] == [2]
    assert [unit.path for unit in done] == ["images", "training/00", "training/01"]


def test_pictograms_are_counted_without_drawing():
    asked = {"train_per_class": 7, "test_per_class": 5, "samples_per_class": 9}
    assert count_images(Path("nowhere"), make_settings({"images": asked}, "a.toml", Path())) == (
        ImageCounts(50, 50, 70, PICTOGRAMS)
    )
    assert count_images(Path("nowhere"), StudySettings()) == ImageCounts(500, 1000, 5000, PICTOGRAMS)


def test_a_disk_without_room_is_one_line_before_anything_is_made(tmp_path, monkeypatch):
    monkeypatch.setattr(study_budget, "_free_bytes", lambda folder: 100_000)
    folder = tmp_path / "runs" / "study"
    with pytest.raises(InputError, match=r"GB free for what this run will write, got 0\.0 GB; make room") as caught:
        run_analysis(folder, StudySettings(), device="cpu", announce=lambda budget: None)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "runs").exists()


def test_features_that_are_not_kept_need_less_disk(tmp_path):
    kept, dropped = (
        make_budget(tmp_path, study_plan(make_settings({"keep_features": each}, "a.toml", tmp_path)))
        for each in (True, False)
    )
    assert kept is not None
    assert dropped is not None
    features = kept.stages["features"].disk
    assert kept.disk - dropped.disk == pytest.approx(features * 6 / 8, rel=1e-6)


@pytest.mark.parametrize("stage", ["importance", "region", "knowledge"])
def test_costs_grow_with_what_they_depend_on(stage):
    def cost(**changes):
        return COSTS[stage](Unit(stage, 0, "conv_53"), replace(FACTS, **changes), StudySettings())

    base = cost()
    images, regions, channels = (
        cost(samples=5000, fitted=5000), cost(layers={"conv_53": (64, 256)}), cost(layers={"conv_53": (640, 64)})
    )  # fmt: skip
    assert images.disk == pytest.approx(10 * base.disk, rel=0.02)
    assert images.seconds > 3 * base.seconds  # a knowledge unit has a part that is always the same
    assert images.memory > base.memory
    assert regions.seconds > base.seconds
    assert channels.seconds >= base.seconds


@pytest.mark.parametrize("stage", ["region", "evidence", "controls", "patterns"])
def test_memory_grows_with_the_images_that_maps_are_fitted_to(stage):
    some, all_of_them = (
        COSTS[stage](Unit(stage, 0, "conv_53"), replace(FACTS, samples=50_000, fitted=fitted), StudySettings())
        for fitted in (2_000, 50_000)
    )
    assert some.memory < all_of_them.memory / 3
    assert some.seconds <= all_of_them.seconds


def test_a_unit_that_was_made_before_takes_the_time_in_the_event_log(study, attacked_study):
    plan = study_plan(easy_settings(attacked_study.parent))
    earlier = unit_times(EventLog(study)).seconds
    costs = unit_costs(study, plan, plan.units, "cpu")
    assert {unit.path: cost.seconds for unit, cost in costs.items()} == earlier
    (study / EVENTS_FILE).unlink()
    assert unit_costs(study, plan, plan.units, "cpu")[Unit("images")].seconds != earlier["images"]


def test_the_line():
    line = budget_line(Budget(3, 200.0, 10**9, 10**9, 10**10, {}))
    assert line == (
        "to do: 3 units, about 3 min on this machine, 1.0 GB on disk (10.0 GB free), 1.0 GB of memory per process"
    )


def test_what_is_not_trained_needs_no_room_for_gradients():
    cost = COSTS["training"]
    trained, as_it_is = (
        cost(Unit("training", 0), FACTS, StudySettings(training={"epochs": epochs})) for epochs in (1, 0)
    )
    assert as_it_is.memory == 3 * 4 * FACTS.weights < trained.memory / 10


def test_units_to_come_take_as_long_beyond_their_formula_as_those_made_before(study, attacked_study):
    plan = study_plan(easy_settings(attacked_study.parent))
    layers = [Unit("region", checkpoint, layer) for checkpoint in (0, 1) for layer in plan.axes.layers]
    (study / EVENTS_FILE).unlink()
    by_formula = unit_costs(study, plan, layers, "cpu")
    for unit, seconds in zip(layers[:3], (100.0, 300.0, 200.0), strict=True):
        EventLog(study).write("done", unit=unit.path, seconds=seconds)
    again = unit_costs(study, plan, layers, "cpu")
    assert [again[unit].seconds for unit in layers[:3]] == [100, 300, 200]
    # Those that are to be made again may have been of other settings.
    assert again[layers[3]].seconds < 10 * by_formula[layers[3]].seconds
    found = unit_costs(study, plan, layers[3:], "cpu")
    # The formula's own value differs between two calls, since each measures the machine.
    assert 20 * by_formula[layers[3]].seconds < found[layers[3]].seconds < 400
    assert unit_costs(study, plan, [Unit("images")], "cpu")[Unit("images")].seconds < 100
