"""The atlas of a whole tiny study: its findings, no more and no less; made again only when it must be."""

import json

import numpy as np
import pytest
import torch
import zarr

from atlas.conftest import atlas_of, run_tiny, tiny_settings
from patternscope.atlas.feature_codes import FeatureCodes
from patternscope.atlas.stage import store_of
from patternscope.atlas.store_arrays import from_planes
from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.knowledge.bootstrap import bootstrap_counts
from patternscope.knowledge.points import find_knowledge_points
from patternscope.knowledge.temperatures import Temperatures
from patternscope.results.attack import AttackAnalysisResult, AttackResult
from patternscope.results.controls import ControlsResult
from patternscope.results.features import FeaturesResult
from patternscope.results.fits import RegionResult
from patternscope.results.networks import StudentAnalysisResult
from patternscope.results.study import open_results
from patternscope.study.run import saved_status


def opened(study) -> zarr.Group:
    return zarr.open_consolidated(store_of(study))


def positions(group: zarr.Group, path: str, step: int) -> np.ndarray:
    array = group[f"{path}/position"]
    return from_planes(np.asarray(array[step]), tuple(array.attrs["planes"])) * array.attrs["scale"][step]


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


def test_training_shows_the_results_of_each_checkpoint(study):
    group, results = opened(study), open_results(study)
    assert (np.asarray(group["labels"]) == results.images.labels.numpy()).all()
    assert group.attrs["evidence"] == {"most": pytest.approx(np.log2(10)), "against": "labels"}
    for step in range(3):
        logits = results.load(FeaturesResult, step).logits
        assert (np.asarray(group["conditions/training/predictions"][step]) == logits.argmax(1).numpy()).all()
        certainty = np.asarray(group["conditions/training/certainty"][step]) / 65535
        assert np.abs(certainty - logits.softmax(dim=1).amax(dim=1).numpy()).max() < 1e-5
        directions = results.sample(step).mean_directions.numpy()
        assert np.abs(group["conditions/training/direction"][step] - directions).max() < 1e-6
        for key, layer in enumerate(results.layers(RegionResult)):
            path = f"layers/{key}/training"
            known = results.knowledge(layer, step)
            embedding = results.region(layer, step).embedding.numpy()
            shown = positions(group, path, step) * known.unit_strength
            scale = group[f"{path}/position"].attrs["scale"][step] * known.unit_strength
            assert np.abs(shown - embedding.reshape(shown.shape)).max() <= 0.51 * scale
            told = results.evidence(layer, step)
            calibrated = told.point_temperatures
            for place, values in enumerate((calibrated.weak, calibrated.strong, calibrated.unit)):
                assert (np.asarray(group[f"{path}/temperature"][step])[:, place] == values.float().numpy()).all()
            evidence = np.asarray(group[f"{path}/evidence"][step])
            assert evidence[:, 0] == pytest.approx([told.evidence.value, told.readable.value])
            assert evidence[0, 1:] == pytest.approx([told.evidence.low, told.evidence.high])
            stable = np.asarray(group[f"{path}/stability"][step]).reshape(known.mask.shape)
            assert np.abs(stable / len(told.refit_category) - known.stability.numpy()).max() < 1e-6
            bits = np.asarray(group[f"{path}/knowledge"][step]).reshape(known.mask.shape)
            assert (bits == known.mask.numpy() + 2 * known.reliable.numpy()).all()
            codes = FeatureCodes.of(results.load(FeaturesResult, 2).regional.read(layer))
            assert (np.asarray(group[f"{path}/feature"]) == codes.values.reshape(-1, codes.values.shape[-1])).all()
            assert group[f"{path}/feature"].attrs["share"] == codes.share
            assert group[f"{path}/feature"].attrs["step"] == 2
            controls = results.load(ControlsResult, layer=layer)
            chance = np.asarray(group[f"{path}/chance"])
            for row, control in enumerate((controls.permuted, controls.untrained)):
                assert chance[row, 0, 0] == pytest.approx(control.evidence.value, abs=1e-6)
                assert chance[row, 1:3, 0] == pytest.approx([control.counts.total.value, control.counts.reliable.value])
            counts, shown = known.counts, np.asarray(group[f"{path}/counts"][step])
            assert shown[:2, 0] == pytest.approx([counts.total.value, counts.reliable.value])
            assert shown[0, 1:] == pytest.approx([counts.total.low, counts.total.high])
            by_class = np.asarray(group[f"{path}/class_counts"][step])
            assert by_class[3, 0, 0] == pytest.approx(known.classes[3].counts.total.value)
            weights = group[f"{path}/importance"]
            shown = np.asarray(weights[step]) * weights.attrs["scale"][step]
            given = results.importance(layer, step).region_weights.numpy()
            assert np.abs(shown - given).max() <= given.max() / 500


def test_the_attack_begins_with_the_clean_points_and_ends_with_the_targets(study):
    group, results = opened(study), open_results(study)
    attack = results.load(AttackResult)
    attacked = attack.attacked.numpy()
    outcome = np.asarray(group["conditions/attack/outcome"])
    assert ((outcome & 1 > 0) == attacked).all()
    assert ((outcome & 2 > 0) == attack.success.numpy()).all()
    targets = np.asarray(group["conditions/attack/targets"]).astype(int)
    assert (targets[attacked] == attack.targets.numpy()[attacked]).all()
    assert (targets[~attacked] == 65535).all()
    for key, layer in enumerate(results.layers(RegionResult)):
        clean, last = positions(group, f"layers/{key}/training", 2), group[f"layers/{key}/attack/knowledge"]
        assert np.abs(positions(group, f"layers/{key}/attack", 0) - clean).max() < 2e-3
        analysis = results.load(AttackAnalysisResult, layer=layer)
        bits = np.asarray(last[-1]).reshape(30, -1)[attacked]
        category = np.asarray(group[f"layers/{key}/attack/category"][-1]).reshape(30, -1)[attacked]
        at_target = (bits & 1 > 0) & (category == targets[attacked, None])
        assert (at_target == analysis.target_points_mask.numpy()[attacked]).all()
        shown = np.asarray(group[f"layers/{key}/attack/trajectory"]).reshape(30, -1)
        assert (shown == analysis.trajectory.numpy()).all()
        counts = bootstrap_counts(torch.from_numpy(bits & 1 > 0), torch.from_numpy(bits & 2 > 0), resamples=10)
        shown = np.asarray(group[f"layers/{key}/attack/counts"])[-1, :2, 0]
        assert shown == pytest.approx([counts["total"].value, counts["reliable"].value])
    note = opened(study).attrs["conditions"][1]["note"]
    assert note.endswith(f"it succeeded on {attack.succeeded_count} of {attack.attacked_count} attacked images.")


def test_a_student_is_seen_with_the_directions_its_layer_was_seen_with(study):
    group, results = opened(study), open_results(study)
    analysis, labels = results.load(StudentAnalysisResult, variant="logits"), results.images.labels
    for key, layer in enumerate(analysis.comparisons):
        path = f"layers/{key}/student-logits"
        own = f"{path}/direction"
        direction = torch.from_numpy(
            np.asarray(group[own if own in group else "conditions/student-logits/direction"][0])
        )
        unit = group[f"{path}/position"].attrs["unit"]
        position = torch.from_numpy(unit * positions(group, path, 0)).float().reshape(30, -1, direction.shape[1])
        temperature = Temperatures(*torch.from_numpy(np.asarray(group[f"{path}/temperature"][0])).T)
        points = find_knowledge_points(
            position, direction, labels, analysis.tau, unit_strength=1.0, temperature=temperature
        )
        bits = np.asarray(group[f"{path}/knowledge"][0]).reshape(30, -1)
        assert ((bits & 1 > 0) == points.mask.numpy()).mean() > 0.99
        total = layer.second.counts.total.value
        assert np.asarray(group[f"{path}/counts"])[0, 0, 0] == pytest.approx(total)


def test_it_is_made_again_when_its_results_or_its_limit_change_and_not_else(study):
    before = (study / "atlas/atlas.html").read_bytes()
    assert run_tiny(study, tiny_settings(figures={"dpi": 70})) == set()
    assert run_tiny(study, tiny_settings(atlas={"max_mb": 0.001})) == {"atlas"}
    assert not (study / "atlas/atlas.html").exists()
    assert "max_mb: expected at least" in json.loads((study / "atlas/atlas.json").read_text())["refused"]
    assert "atlas" in run_tiny(study, tiny_settings(attack={"n_step": 2}))
    assert (study / "atlas/atlas.html").read_bytes() != before
    assert "atlas" in run_tiny(study, tiny_settings())
    assert (study / "atlas/atlas.html").read_bytes() == before
    assert {status.state for status in saved_status(study, atlas_of)} == {"done"}


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
    assert f"{tmp_path / 'a.html'}: Pictures of the steps of the attack before its last are omitted." in out
    assert (tmp_path / "a.html").stat().st_size <= size - 5000
    assert (tmp_path / "site/index.html").exists()
    assert str(study / "atlas/atlas.html") in out
    assert (study / "atlas/atlas.html").stat().st_size == size


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["atlas", "nowhere"], "nowhere: expected the folder of `patternscope run`, got one without study.json"),
        (["view", "nowhere"], "nowhere: expected the folder of `patternscope run`, got one without study.json"),
        (["atlas", "{study}", "--max-mb", "3"], "--max-mb: expected --html FILE as well"),
        (["atlas", "{study}", "--html", "x.html", "--max-mb", "0.0001"], ", got 0.0001; allow more"),
        (["atlas", "{study}", "--html", "{study}/study.json"], "--html: expected a file that ends in .html, got "),
        (["atlas", "{study}", "--html", ""], "--html: expected a file that ends in .html, got ''"),
        (["view", "{study}", "--port", "99999"], "port: expected 0 to 65535, got 99999"),
    ],
)
def test_bad_input_is_one_line(study, tmp_path, monkeypatch, capsys, arguments, said):
    monkeypatch.chdir(tmp_path)
    code, _, err = call(capsys, *(each.format(study=study) for each in arguments))
    assert code == 2
    assert said in err
    assert err.splitlines()[-1].startswith("error: ")


def test_a_study_without_an_atlas_says_how_to_get_one(tmp_path):
    with pytest.raises(InputError, match=r"expected a study with an atlas; `patternscope atlas .*` makes it"):
        store_of(tmp_path)
