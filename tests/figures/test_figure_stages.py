"""Figures of a whole tiny study: files, their contents, the same bytes, and nothing drawn twice."""

import csv
import json
import os
import random
import shutil
from pathlib import Path

import killed_runs
import matplotlib
import numpy as np
import pytest
import torch
from toy_stages import contents

from patternscope.api.figure_stages import figure_stages
from patternscope.errors import InputError
from patternscope.figures import counts, importance, knowledge_points, losses, regional_embedding, sample_embedding
from patternscope.figures.drawing.saving import save_figure
from patternscope.figures.drawing.views import project
from patternscope.results.study import open_results
from patternscope.results.summary import SummaryResult
from patternscope.settings.study import StudySettings, make_settings
from patternscope.study.run import run_analysis, study_plan
from patternscope.study.stages import study_stages
from patternscope.workflow.status import study_status

SETTINGS = {
    "images": {"image_size": 32, "train_per_class": 4, "test_per_class": 3, "samples_per_class": 3},
    "network": {"layers": ["conv_33", "conv_53"]},
    "training": {"epochs": 1, "batch_size": 16, "checkpoints": 2},
    "importance": {"n_step": 2},
    "region": {"n_step": 1},
    "knowledge": {"bootstrap": 10, "taus": [0.4]},
    "figures": {"dpi": 60, "examples": 3},
}


STAGES = figure_stages(study_stages(StudySettings()))


def figures(_):
    return STAGES


def settings(**changes):
    content = {name: {**section, **changes.get(name, {})} for name, section in SETTINGS.items()}
    return make_settings(content, "tiny.toml", Path())


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("figures") / "study"
    run_analysis(folder, settings(), figures, device="cpu")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_figure_is_a_picture_a_drawing_a_table_and_its_settings(study):
    for stage in STAGES:
        name = stage.name.removeprefix("figures/")
        folder = study / "figures" / name
        pictures = {"gif"} if name == "training_animation" else {"png", "svg"}
        kinds = {path.suffix[1:] for path in folder.iterdir() if path.stem == name}
        assert kinds == pictures | {"csv", "json"}
        assert rows(folder / f"{name}.csv")
        assert json.loads((folder / f"{name}.json").read_text())["figure"] == name
        if "svg" in pictures:
            assert json.loads((folder / f"{name}.json").read_text())["dpi"] == 60
            assert "<dc:date>" not in (folder / f"{name}.svg").read_text()


KILLED = ("emergence", "evidence", "evidence_maps", "importance", "ledger", "sample_embedding")


def test_figures_that_were_killed_in_another_order_have_the_same_bytes(study, tmp_path):
    """Pictures, tables and manifests depend on what is drawn, not on what a process has drawn before."""
    folder = Path(shutil.copytree(study, tmp_path / "study"))
    chosen = tuple(stage for stage in reversed(STAGES) if stage.name.removeprefix("figures/") in KILLED)
    shutil.rmtree(folder / "figures")

    def start() -> int:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                run_analysis(folder, settings(), lambda _: chosen, device="cpu")
                code = 0
            finally:
                os._exit(code)
        return child

    killed_runs.kill_runs(start, folder / "figures", 4, random.Random(2), 1.0)
    assert os.waitpid(start(), 0)[1] == 0
    drawn, expected = contents(folder / "figures"), contents(study / "figures")
    assert drawn == {name: content for name, content in expected.items() if name.partition("/")[0] in KILLED}
    assert sum(name.endswith("manifest.json") for name in drawn) == len(KILLED)


def test_the_same_results_give_the_same_bytes(study, tmp_path):
    shown = regional_embedding.data(open_results(study))
    table = regional_embedding.table(shown)
    save_figure(regional_embedding.draw(shown), tmp_path, "regional_embedding", rows=table, settings={}, dpi=60)
    for kind in ("png", "svg", "csv"):
        again = (tmp_path / f"regional_embedding.{kind}").read_bytes()
        assert again == (study / f"figures/regional_embedding/regional_embedding.{kind}").read_bytes()


def test_a_changed_threshold_or_resolution_draws_what_shows_it_and_nothing_else(study, tmp_path):
    own = shutil.copytree(study, tmp_path / "study")

    def outdated(**changes):
        plan = study_plan(settings(**changes), figures, folder=own)
        return {each.unit.stage for each in study_status(own, plan) if not each.up_to_date}

    assert outdated() == set()
    pictures = {stage.name for stage in STAGES if stage.name != "figures/training_animation"}
    assert outdated(figures={"dpi": 50}) == pictures
    done = run_analysis(own, settings(knowledge={"tau": 0.5}), device="cpu").done
    assert {unit.stage for unit in done} == {"evidence", "controls", "knowledge", "emergence", "summary"}
    points = ("knowledge_points", "regional_embedding", "counts", "emergence", "region_paths", "ledger")
    drawn = {f"figures/{name}" for name in (*points, "evidence", "evidence_maps")}
    # The file of evidence also has the paper's counts, which may or may not depend on the threshold here, and so may
    # which regions of the last checkpoint are points.
    assert outdated(knowledge={"tau": 0.5}) - {"figures/reliability", "figures/ledger_depth"} == drawn


def test_tables_repeat_the_results(study):
    results = open_results(study)
    shown = knowledge_points.data(results, 3)
    points = results.knowledge("conv_53")
    table = [row for row in knowledge_points.table(shown) if row["layer"] == "conv_53"]
    for sample in shown.examples.samples:
        own = [row for row in table if row["sample"] == sample]
        assert [row["knowledge_point"] for row in own] == points.mask[sample].int().tolist()
        assert [row["reliable"] for row in own] == points.reliable[sample].int().tolist()
    heat = importance.data(results, 3)
    assert heat.examples.samples.tolist() == shown.examples.samples.tolist()
    assert all(np.allclose(each.sum(axis=(1, 2)), 1, atol=1e-4) for each in heat.weights.values())
    summary = results.load(SummaryResult).layers
    totals = [row["total"] for row in counts.table(counts.data(results))]
    assert totals == [row.counts.total.value for row in summary[2:]]
    strengths = [row["strength"] for row in sample_embedding.table(sample_embedding.data(results))]
    assert np.allclose(strengths[:30], np.linalg.norm(results.sample().embedding, axis=1), rtol=1e-5)
    assert np.allclose(strengths[30:], 1, atol=1e-5)
    steps = [row["step"] for row in losses.table(losses.data(results)) if row["panel"] == "training loss"]
    assert steps == list(range(1, results.training().step + 1))


def test_each_region_shown_has_its_place_in_units_of_the_mean_strength(study):
    results = open_results(study)
    cloud = regional_embedding.data(results).clouds[1]
    points = results.region("conv_53").embedding.flatten(0, 1)
    unit = results.knowledge("conv_53").unit_strength
    assert len(points) == len(cloud.points)
    assert np.allclose(cloud.points * unit, points, atol=1e-6)
    mask = results.knowledge("conv_53").mask.numpy().ravel()
    assert ((cloud.category >= 0) == mask).all()
    shown = regional_embedding.data(results)
    rows = [row for row in regional_embedding.table(shown) if row["layer"] == "conv_53"]
    seen = np.abs(project(cloud.points, shown.view)[:, :2]).max(axis=1)
    assert sum(row["regions"] for row in rows) == (seen < shown.reach).sum()


def test_drawing_leaves_matplotlib_and_random_state_alone(study):
    shown = sample_embedding.data(open_results(study))
    before, state = dict(matplotlib.rcParams), torch.get_rng_state()
    embedding, legacy = shown.embedding.copy(), np.random.get_state()[1].copy()  # noqa: NPY002
    sample_embedding.draw(shown)
    assert dict(matplotlib.rcParams) == before
    assert torch.equal(torch.get_rng_state(), state)
    assert (np.random.get_state()[1] == legacy).all()  # noqa: NPY002
    assert (shown.embedding == embedding).all()


def test_too_large_a_picture_is_one_line(study, tmp_path):
    figure = sample_embedding.draw(sample_embedding.data(open_results(study)))
    with pytest.raises(InputError, match=r"figures.dpi: expected at most 10240 for f, got 20000"):
        save_figure(figure, tmp_path / "f", "f", rows=[], settings={}, dpi=20000)
    assert not (tmp_path / "f").exists()


def test_a_folder_that_is_no_study_is_one_line(tmp_path):
    with pytest.raises(InputError, match="expected the folder of `patternscope run`"):
        open_results(tmp_path)
