"""Figures of a whole tiny study: files, their contents, the same bytes, and nothing drawn twice."""

import csv
import json
import shutil
from pathlib import Path

import matplotlib
import numpy as np
import pytest
import torch

from patternscope.errors import InputError
from patternscope.figures import (
    FIGURE_STAGES,
    counts,
    importance,
    knowledge_points,
    losses,
    open_findings,
    regional_embedding,
    sample_embedding,
    training_animation,
)
from patternscope.figures.saving import save_figure
from patternscope.settings.study import make_settings
from patternscope.study.run import run_study
from patternscope.study.stages import STAGES

SETTINGS = {
    "images": {"image_size": 32, "train_per_class": 4, "test_per_class": 3, "samples_per_class": 3},
    "network": {"layers": ["conv_33", "conv_53"]},
    "training": {"epochs": 1, "batch_size": 16, "checkpoints": 2},
    "importance": {"n_step": 2},
    "region": {"n_step": 1},
    "knowledge": {"bootstrap": 10, "taus": [0.4]},
    "figures": {"dpi": 60, "examples": 3},
}


def settings(**changes):
    content = {name: {**section, **changes.get(name, {})} for name, section in SETTINGS.items()}
    return make_settings(content, "tiny.toml", Path())


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("figures") / "study"
    run_study(folder, settings(), (*STAGES, *FIGURE_STAGES), device="cpu")
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_each_figure_is_a_picture_a_drawing_a_table_and_its_settings(study):
    for stage in FIGURE_STAGES:
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


def test_the_same_findings_give_the_same_bytes(study, tmp_path):
    found = open_findings(study)
    shown = regional_embedding.data(found)
    table = regional_embedding.table(shown)
    save_figure(
        regional_embedding.draw(shown), tmp_path, "regional_embedding", rows=table, settings={}, dpi=60
    )
    for kind in ("png", "svg", "csv"):
        again = (tmp_path / f"regional_embedding.{kind}").read_bytes()
        assert again == (study / f"figures/regional_embedding/regional_embedding.{kind}").read_bytes()


def test_a_changed_threshold_or_resolution_draws_what_shows_it_and_nothing_else(study, tmp_path):
    own = shutil.copytree(study, tmp_path / "study")

    def ran(**changes):
        done = run_study(own, settings(**changes), (*STAGES, *FIGURE_STAGES), device="cpu").done
        return {unit.stage for unit in done}

    assert ran() == set()
    names = ("knowledge_points", "regional_embedding", "counts", "emergence", "region_paths")
    drawn = {f"figures/{name}" for name in names}
    assert ran(knowledge={"tau": 0.5}) == {"knowledge", "emergence", "summary", *drawn}
    assert ran(knowledge={"tau": 0.5}, figures={"dpi": 50}) == {
        stage.name for stage in FIGURE_STAGES if stage is not training_animation.STAGE
    }


def test_tables_repeat_the_findings(study):
    found = open_findings(study)
    shown = knowledge_points.data(found, 3)
    points = found.arrays("knowledge", layer="conv_53")
    table = [row for row in knowledge_points.table(shown) if row["layer"] == "conv_53"]
    for sample in shown.examples.samples:
        own = [row for row in table if row["sample"] == sample]
        assert [row["knowledge_point"] for row in own] == points["mask"][sample].astype(int).tolist()
        assert [row["reliable"] for row in own] == points["reliable"][sample].astype(int).tolist()
    heat = importance.data(found, 3)
    assert heat.examples.samples.tolist() == shown.examples.samples.tolist()
    assert all(np.allclose(each.sum(axis=(1, 2)), 1, atol=1e-4) for each in heat.weights.values())
    summary = found.record("summary")["layers"]
    assert [row["total"] for row in counts.table(counts.data(found))] == [row["total"] for row in summary[2:]]
    strengths = [row["strength"] for row in sample_embedding.table(sample_embedding.data(found))]
    assert np.allclose(strengths[:30], np.linalg.norm(found.arrays("sample")["embedding"], axis=1), rtol=1e-5)
    assert np.allclose(strengths[30:], 1, atol=1e-5)
    steps = [row["step"] for row in losses.table(losses.data(found)) if row["panel"] == "training loss"]
    assert steps == list(range(1, found.record("training")["step"] + 1))


def test_each_region_shown_has_its_place_in_units_of_the_mean_strength(study):
    found = open_findings(study)
    cloud = regional_embedding.data(found).clouds[1]
    points = found.arrays("region", layer="conv_53")["embedding"].reshape(-1, 3)
    unit = found.record("knowledge", layer="conv_53")["unit_strength"]
    assert cloud.total == len(points) == len(cloud.points)
    assert np.allclose(cloud.points * unit, points, atol=1e-6)
    mask = found.arrays("knowledge", layer="conv_53")["mask"].ravel()
    assert ((cloud.category >= 0) == mask).all()


def test_drawing_leaves_matplotlib_and_random_state_alone(study):
    shown = sample_embedding.data(open_findings(study))
    before, state = dict(matplotlib.rcParams), torch.get_rng_state()
    embedding, legacy = shown.embedding.copy(), np.random.get_state()[1].copy()  # noqa: NPY002
    sample_embedding.draw(shown)
    assert dict(matplotlib.rcParams) == before
    assert torch.equal(torch.get_rng_state(), state)
    assert (np.random.get_state()[1] == legacy).all()  # noqa: NPY002
    assert (shown.embedding == embedding).all()


def test_too_large_a_picture_is_one_line(study, tmp_path):
    figure = sample_embedding.draw(sample_embedding.data(open_findings(study)))
    with pytest.raises(InputError, match=r"figures.dpi: saw 20000, wanted at most 10240"):
        save_figure(figure, tmp_path / "f", "f", rows=[], settings={}, dpi=20000)
    assert not (tmp_path / "f").exists()


def test_a_folder_that_is_no_study_is_one_line(tmp_path):
    with pytest.raises(InputError, match="no study here"):
        open_findings(tmp_path)
