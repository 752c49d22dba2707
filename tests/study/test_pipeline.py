"""Whole studies, tiny: what is written, what runs again, and that nothing depends on how it ran."""

import csv
import itertools
import os
import subprocess
import sys
from pathlib import Path

import killed_runs
import naive
import numpy as np
import pytest
import torch
import unseen_maps
from PIL import Image
from tiny_study import TOML, settings
from toy_stages import contents

from patternscope.errors import InputError
from patternscope.images import open_images
from patternscope.results.arrays import ShardedArray
from patternscope.results.json_csv import read_json
from patternscope.settings.study import DEMO_FILE, make_settings
from patternscope.study.network_factory import checkpoint_files
from patternscope.study.run import run_analysis, saved_settings, saved_status
from patternscope.study.stages import study_stages
from patternscope.tensor_files import read_tensors
from patternscope.workflow.cache_keys import chosen_settings

COUNTED = {"evidence", "knowledge", "controls", "emergence", "summary"}


@pytest.fixture(scope="module")
def study(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("tiny") / "study"
    run_analysis(folder, settings(), device="cpu")
    return folder


def ran(folder: Path, **changes) -> set[str]:
    return {unit.stage for unit in run_analysis(folder, settings(**changes), device="cpu").done}


def test_what_is_written(study):
    samples = read_tensors(study / "images/samples.safetensors")
    assert samples["images"].shape == (40, 3, 32, 32)
    assert samples["masks"].dtype == torch.bool
    features = ShardedArray(study / "features/01/conv_53", "regional")
    n, k, h, w = features.shape
    assert n == 40
    sample = read_tensors(study / "features/01/sample.safetensors")
    assert torch.allclose(sample["target_probs"], torch.softmax(sample["logits"] / 4, 1), atol=1e-6)
    weights = read_tensors(study / "importance/01/conv_53/importance.safetensors")
    assert weights["region_weights"].shape == (n, h * w)
    assert weights["channel_weights"].shape == (n, k)
    region = read_tensors(study / "region/01/conv_53/region.safetensors")
    assert region["embedding"].shape == (n, h * w, 9)
    judged = unseen_maps.embed(study / "region/01/conv_53", features.load())
    assert torch.allclose(region["embedding"], judged, atol=1e-5)
    points = read_tensors(study / "knowledge/01/conv_53/knowledge.safetensors")
    assert points["mask"].shape == (n, h * w)
    assert not (points["reliable"] & ~points["mask"]).any()
    found = read_json(study / "knowledge/01/conv_53/knowledge.json")
    assert found["total"] == pytest.approx(points["mask"].sum(1).double().mean().item())
    assert [row["tau"] for row in found["sweep"]] == [0.3, 0.5]
    assert found["sweep"][0]["total"] >= found["sweep"][1]["total"]


def test_the_summary_repeats_the_findings(study):
    summary = read_json(study / "summary/summary.json")
    assert [row["checkpoint"] for row in summary["checkpoints"]] == [0, 1]
    assert summary["checkpoints"][0]["step"] == 0
    assert [(row["checkpoint"], row["layer"]) for row in summary["layers"]] == [
        (0, "conv_33"),
        (0, "conv_53"),
        (1, "conv_33"),
        (1, "conv_53"),
    ]
    found = read_json(study / "knowledge/01/conv_53/knowledge.json")
    row = summary["layers"][-1]
    assert {name: row[name] for name in ("total", "reliable", "ratio", "on_object")} == {
        name: found[name] for name in ("total", "reliable", "ratio", "on_object")
    }
    assert (study / "summary/summary.csv").read_text().count("\n") == 5
    alignment = read_json(study / "sample/01/sample.json")["alignment"]
    assert summary["checkpoints"][1]["alignment_residual"] == alignment["residual"]
    assert summary["checkpoints"][1]["alignment_angle"] == alignment["angle_degrees"]


def test_checkpoints_are_in_one_frame(study):
    before, after = (
        read_tensors(study / f"sample/{each}/sample.safetensors")["embedding"].double().numpy() for each in ("00", "01")
    )
    alignment = read_json(study / "sample/01/sample.json")["alignment"]
    assert alignment["angle_degrees"] == pytest.approx(naive.best_turn(after, before), abs=1e-4)
    assert alignment["angle_degrees"] < 0.1
    alike = (after * before).sum() / np.linalg.norm(after) / np.linalg.norm(before)
    assert alignment["residual"] == pytest.approx(np.sqrt(1 - alike**2), rel=1e-6)


def test_the_demo_in_small_has_no_flips_between_eight_checkpoints(tmp_path):
    import tomllib

    content = tomllib.loads(DEMO_FILE.read_text())
    content["images"] |= {"image_size": 32, "train_per_class": 30, "test_per_class": 10, "samples_per_class": 10}
    content["training"] |= {"epochs": 4, "batch_size": 64, "checkpoints": 8, "placement": "log"}
    small = make_settings(content, "demo.toml", tmp_path)
    run_analysis(tmp_path / "demo", small, device="cpu", until="sample")
    found = [read_tensors(tmp_path / f"demo/sample/{each:02d}/sample.safetensors")["embedding"] for each in range(8)]
    turns = [naive.best_turn(b.double().numpy(), a.double().numpy()) for a, b in itertools.pairwise(found)]
    assert max(turns) < 2
    strengths = [float(each.norm(dim=1).mean()) for each in found]
    assert 10 * strengths[0] < strengths[-1]


def test_emergence_repeats_the_counts_and_says_when(study):
    found = read_json(study / "emergence/emergence.json")
    assert [each["step"] for each in found["checkpoints"]] == [0, 10]
    labels = read_tensors(study / "images/samples.safetensors")["labels"]
    when = read_tensors(study / "emergence/emergence.safetensors")
    for layer in found["layers"]:
        name = layer["layer"]
        records = [read_json(study / f"knowledge/{each}/{name}/knowledge.json") for each in ("00", "01")]
        for counts, record in zip(layer["counts"], records, strict=True):
            assert counts["unreliable_high"] == record["unreliable_high"]
            assert counts["unreliable"] == pytest.approx(record["total"] - record["reliable"])
        assert layer["ratio_at_end"] == records[1]["ratio"]
        growth = layer["growth"]
        assert growth["total"] == pytest.approx(records[1]["total"] - records[0]["total"])
        assert growth["total_low"] <= growth["total"] <= growth["total_high"]
        reliable = [
            read_tensors(study / f"knowledge/{each}/{name}/knowledge.safetensors")["reliable"] for each in ("00", "01")
        ]
        for image, first in enumerate(when[f"first/{name}"].tolist()):
            assert first == naive.first_appearance([bool(each[image].any()) for each in reliable])
        assert {each["class"] for each in layer["first"]} == {each["class"] for each in layer["classes"]}
        assert sum(each["images"] for each in layer["first"]) == len(labels)
    with (study / "emergence/emergence.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 2 * 11 * 2
    whole = [row for row in rows if row["class"] == "" and row["layer"] == "conv_53"]
    assert [float(row["total"]) for row in whole] == pytest.approx(
        [each["total"] for each in found["layers"][1]["counts"]], rel=1e-5
    )


def test_no_file_of_a_unit_has_a_time_or_a_place(study):
    for path in study.rglob("*.json"):
        if path.name != "study.json":
            text = path.read_text()
            assert str(study) not in text
            assert "seconds" not in text


def test_an_unchanged_study_does_nothing_and_status_says_so(study):
    before = contents(study)
    assert ran(study) == set()
    assert contents(study) == before
    assert {each.state for each in saved_status(study)} == {"done"}
    assert saved_settings(study)[0] == settings()


# In this order each change is made on top of the first study and taken back by the next.
@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"knowledge__tau": 0.5}, COUNTED),
        ({"figures__dpi": 300}, COUNTED),
        ({"region__sharpening": 1.0}, {"region", *COUNTED}),
        ({"sample__kappa_max": 20.0}, {"sample", "region", *COUNTED}),
        ({"importance__n_step": 2}, {"sample", "importance", "region", *COUNTED}),
        # The maps come out as they were: the likelihood asks for no weights.
        ({}, {"importance", "region", "controls"}),
    ],
)
def test_a_changed_setting_runs_just_what_depends_on_it(study, changes, expected):
    assert ran(study, **changes) == expected


def test_more_samples_do_not_train_again(study, tmp_path):
    axes_of = {stage.name: stage for stage in study_stages(settings())}
    for name in ("images__samples_per_class", "network__layers"):
        changed = settings(**{name: 3 if "samples" in name else ("conv_53",)})
        declared = axes_of["training"].settings
        assert chosen_settings(changed, declared) == chosen_settings(settings(), declared)


@pytest.mark.slow
def test_workers_give_the_same_bytes(study, tmp_path, two_workers):
    ran(study)
    run_analysis(tmp_path / "pool", settings(), executor=two_workers, device="cpu")
    assert contents(tmp_path / "pool") == contents(study)


@pytest.mark.slow
def test_the_command_killed_at_random_moments_ends_with_the_same_bytes(study, tmp_path):
    """Up to the summary, on which emergence, controls, figures and atlas do not bear; bench_kills.py kills all.

    Figures are killed in tests/figures/test_figure_stages.py.
    """
    ran(study)
    file, folder = tmp_path / "tiny.toml", tmp_path / "killed"
    file.write_text(TOML)
    told = subprocess.run(
        [sys.executable, killed_runs.__file__, file, folder, "10", "3", "1", "--until", "summary"],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
        text=True,
    )
    assert told.stdout.count("killed with") == 10
    assert told.stdout.splitlines()[-1] == "ended with code 0"
    expected = contents(study)
    assert contents(folder) == {k: v for k, v in expected.items() if not k.startswith(("emergence/", "controls/"))}
    left = {each.unit.stage for each in saved_status(folder) if each.state != "done"}
    assert left == {"emergence", "controls"}


def test_checkpoints_from_a_folder_give_the_same_findings(study, tmp_path):
    ran(study)
    for checkpoint, name in enumerate(("step_9", "step_10")):
        source = study / f"training/{checkpoint:02d}/network.safetensors"
        (tmp_path / f"{name}.safetensors").write_bytes(source.read_bytes())
    assert [path.stem for path in checkpoint_files(tmp_path)] == ["step_9", "step_10"]
    folder = tmp_path / "study"
    run_analysis(folder, settings(checkpoints__folder=str(tmp_path)), device="cpu", until="features")
    for name in ("features/01/conv_53/regional-00000.safetensors", "features/00/sample.safetensors"):
        assert (folder / name).read_bytes() == (study / name).read_bytes()
    assert not (folder / "images/train").exists()
    assert read_json(folder / "training/01/training.json")["name"] == "step_10"


def test_a_folder_of_pictures(tmp_path):
    drawn = open_images("pictograms", image_size=32, train_per_class=12, test_per_class=2).train
    for index in range(len(drawn)):
        image, label = drawn[index]
        if label < 3:
            place = tmp_path / "pictures" / drawn.classes[label]
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(image.permute(1, 2, 0).numpy()).save(place / f"{index}.png")
    (tmp_path / "pictures" / drawn.classes[0] / "broken.png").write_bytes(b"\x89PNG")
    folder = tmp_path / "study"
    changed = settings(
        images__source="folder",
        images__folder=str(tmp_path / "pictures"),
        images__train_per_class=None,
        images__test_per_class=2,
        training__checkpoints=1,
        training__batch_size=4,
    )
    run_analysis(folder, changed, device="cpu")
    record = read_json(folder / "images/images.json")
    assert any("broken.png" in line for line in record["skipped"])
    assert not record["has_masks"]
    assert record["short"]
    assert read_json(folder / "summary/summary.json")["layers"][-1]["on_object"] is None


def test_more_checkpoints_than_steps_is_one_line(tmp_path):
    with pytest.raises(
        InputError, match=r"^training.checkpoints: expected at most 11 in a training of 10 steps, got 500"
    ):
        run_analysis(tmp_path / "s", settings(training__checkpoints=500), device="cpu", until="training")
    assert not (tmp_path / "s/.partial").exists()
