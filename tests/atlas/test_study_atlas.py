"""The atlas of a whole tiny study: its findings, no more and no less; made again only when it must be."""

import json

import numpy as np
import pytest
import torch
import zarr

from atlas.conftest import run_tiny, tiny_settings
from patternscope.atlas.stage import atlas_stage, store_of
from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.knowledge import bootstrap_counts, find_knowledge_points
from patternscope.results.findings import open_findings
from patternscope.study.run import saved_status
from patternscope.study.stages import study_stages


def opened(study) -> zarr.Group:
    return zarr.open_consolidated(store_of(study))


def positions(group: zarr.Group, path: str, step: int) -> np.ndarray:
    array = group[f"{path}/position"]
    return np.asarray(array[step]) * array.attrs["scale"][step]


def test_the_page_is_written_and_says_what_it_is_of(study):
    assert (study / "atlas/atlas.html").stat().st_size > 0
    record = json.loads((study / "atlas/atlas.json").read_text())
    assert record["bytes"] == (study / "atlas/atlas.html").stat().st_size
    assert record["left_out"] == []
    root = opened(study).attrs.asdict()
    assert root["title"] == "vgg16_slim: 30 images, 2 layers, 3 checkpoints"
    assert [each["key"] for each in root["conditions"]] == ["training", "attack", "student-logits"]
    assert [each["name"] for each in root["layers"]] == ["conv_33", "conv_53"]
    assert root["layers"][1]["grid"] == [4, 4]


def test_training_shows_the_findings_of_each_checkpoint(study):
    group, found = opened(study), open_findings(study)
    labels = found.arrays("images", file="samples")["labels"]
    assert (np.asarray(group["labels"]) == labels).all()
    for step in range(3):
        logits = found.arrays("features", step, file="sample")["logits"]
        assert (np.asarray(group["conditions/training/predictions"][step]) == logits.argmax(1)).all()
        directions = found.arrays("sample", step)["mean_directions"]
        assert np.array_equal(group["conditions/training/direction"][step], directions)
        for key, layer in enumerate(found.layers("region")):
            path = f"layers/{key}/training"
            record = found.record("knowledge", step, layer)
            embedding = found.arrays("region", step, layer)["embedding"].reshape(-1, 3)
            shown = positions(group, path, step) * record["unit_strength"]
            assert np.abs(shown - embedding).max() <= np.abs(embedding).max() / 32000
            points = found.arrays("knowledge", step, layer)
            bits = np.asarray(group[f"{path}/knowledge"][step]).reshape(points["mask"].shape)
            assert (bits == points["mask"] + 2 * points["reliable"]).all()
            counts = np.asarray(group[f"{path}/counts"][step])
            assert counts[:2, 0] == pytest.approx([record["total"], record["reliable"]])
            assert counts[0, 1:] == pytest.approx([record["total_low"], record["total_high"]])
            by_class = np.asarray(group[f"{path}/class_counts"][step])
            assert by_class[3, 0, 0] == pytest.approx(record["classes"][3]["total"])
            weights = group[f"{path}/importance"]
            shown = np.asarray(weights[step]) * weights.attrs["scale"][step]
            given = found.arrays("importance", step, layer)["region_weights"]
            assert np.abs(shown - given).max() <= given.max() / 500


def test_the_attack_begins_with_the_clean_points_and_ends_with_the_targets(study):
    group, found = opened(study), open_findings(study)
    attack = found.arrays("attack")
    outcome = np.asarray(group["conditions/attack/outcome"])
    assert ((outcome & 1 > 0) == attack["attacked"]).all()
    assert ((outcome & 2 > 0) == attack["success"]).all()
    targets = np.asarray(group["conditions/attack/targets"]).astype(int)
    assert (targets[attack["attacked"]] == attack["targets"][attack["attacked"]]).all()
    assert (targets[~attack["attacked"]] == 65535).all()
    for key, layer in enumerate(found.layers("region")):
        clean, last = positions(group, f"layers/{key}/training", 2), group[f"layers/{key}/attack/knowledge"]
        assert np.abs(positions(group, f"layers/{key}/attack", 0) - clean).max() < 2e-3
        adversarial = found.arrays("adversarial", layer=layer)
        bits = np.asarray(last[-1]).reshape(30, -1)[attack["attacked"]]
        category = np.asarray(group[f"layers/{key}/attack/category"][-1]).reshape(30, -1)[attack["attacked"]]
        at_target = (bits & 1 > 0) & (category == targets[attack["attacked"], None])
        assert (at_target == adversarial["target_points"][attack["attacked"]]).all()
        shown = np.asarray(group[f"layers/{key}/attack/trajectory"]).reshape(30, -1)
        assert (shown == adversarial["trajectory"]).all()
        counts = bootstrap_counts(
            torch.from_numpy(bits & 1 > 0), torch.from_numpy(bits & 2 > 0), resamples=10
        )
        shown = np.asarray(group[f"layers/{key}/attack/counts"])[-1, :2, 0]
        assert shown == pytest.approx([counts["total"].value, counts["reliable"].value])


def test_a_student_is_seen_with_the_directions_its_layer_was_seen_with(study):
    group, found = opened(study), open_findings(study)
    record = found.record("distilled/logits", file="distilled")
    labels = torch.from_numpy(found.arrays("images", file="samples")["labels"])
    for key, row in enumerate(record["layers"]):
        path = f"layers/{key}/student-logits"
        own = f"{path}/direction"
        direction = group[own if own in group else "conditions/student-logits/direction"][0]
        position = torch.from_numpy(positions(group, path, 0)).float().reshape(30, -1, 3)
        points = find_knowledge_points(
            position, torch.from_numpy(np.asarray(direction)), labels, record["tau"], unit_strength=1.0
        )
        bits = np.asarray(group[f"{path}/knowledge"][0]).reshape(30, -1)
        assert ((bits & 1 > 0) == points.mask.numpy()).mean() > 0.99
        assert np.asarray(group[f"{path}/counts"])[0, 0, 0] == pytest.approx(row["total"])


def test_it_is_made_again_when_its_findings_or_its_limit_change_and_not_else(study):
    before = (study / "atlas/atlas.html").read_bytes()
    assert run_tiny(study, tiny_settings(figures={"dpi": 70})) == set()
    assert run_tiny(study, tiny_settings(atlas={"max_mb": 0.001})) == {"atlas"}
    assert not (study / "atlas/atlas.html").exists()
    assert "max_mb: saw 0.001" in json.loads((study / "atlas/atlas.json").read_text())["refused"]
    assert "atlas" in run_tiny(study, tiny_settings(knowledge={"tau": 0.3}))
    assert (study / "atlas/atlas.html").read_bytes() != before
    assert "atlas" in run_tiny(study, tiny_settings())
    assert (study / "atlas/atlas.html").read_bytes() == before
    stages = (*study_stages(tiny_settings()), atlas_stage(tiny_settings()))
    assert {each.state for each in saved_status(study, stages)} == {"done"}


def call(capsys, *arguments: object) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as caught:
        main([str(argument) for argument in arguments])
    out, err = capsys.readouterr()
    return int(caught.value.code or 0), out, err


def test_exports_on_request(study, tmp_path, capsys):
    size = (study / "atlas/atlas.html").stat().st_size
    code, out, _ = call(
        capsys,
        "atlas",
        study,
        "--html",
        tmp_path / "a.html",
        "--max-mb",
        (size - 5000) / 1e6,
        "--folder",
        tmp_path / "site",
    )
    assert code == 0
    assert f"{tmp_path / 'a.html'}: Importance maps are left out." in out
    assert (tmp_path / "a.html").stat().st_size <= size - 5000
    assert (tmp_path / "site/index.html").exists()
    assert str(study / "atlas/atlas.html") in out
    assert (study / "atlas/atlas.html").stat().st_size == size


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["atlas", "nowhere"], "nowhere: no study here"),
        (["view", "nowhere"], "nowhere: no study here"),
        (["atlas", "{study}", "--max-mb", "3"], "goes with --html"),
        (["atlas", "{study}", "--html", "x.html", "--max-mb", "0.0001"], "max_mb: saw 0.0001"),
        (["view", "{study}", "--port", "99999"], "wanted 0 to 65535"),
    ],
)
def test_bad_input_is_one_line(study, tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(capsys, *(each.format(study=study) for each in arguments))
    assert code == 2
    assert said in err
    assert err.splitlines()[-1].startswith("error: ")


def test_a_study_without_an_atlas_says_how_to_get_one(tmp_path):
    with pytest.raises(InputError, match="no atlas here; make it by `patternscope atlas"):
        store_of(tmp_path)
