"""The attack as a stage: what is written, what it means, what runs again, and what cannot be attacked."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import unseen_maps
from easy_study import easy_settings
from toy_stages import contents

from patternscope.cli import main
from patternscope.errors import InputError
from patternscope.knowledge import find_knowledge_points, orientation_change, threshold, trajectory_types
from patternscope.networks import load_weights, pgd_steps, record
from patternscope.results.json_csv import read_json
from patternscope.settings.optional import AttackSettings
from patternscope.settings.study import StudySettings, make_settings
from patternscope.settings.toml import settings_toml
from patternscope.study.attack_pictures import AttackPictures
from patternscope.study.network_factory import study_network
from patternscope.study.run import run_analysis, saved_settings, saved_status
from patternscope.study.stages import study_stages
from patternscope.study.stages.attack import kept_steps, plan_attack
from patternscope.tensor_files import read_tensors, write_tensors

LAYERS = ("conv_33", "conv_53")


@pytest.fixture
def own_study(attacked_study, tmp_path):
    """A copy that a test may change."""
    return Path(shutil.copytree(attacked_study, tmp_path / "study"))


@pytest.fixture
def ran(own_study, attacked_study):
    """Run the copy with changed settings; which stages ran."""

    def run(executor=None, until=None, **changes) -> set[str]:
        settings = easy_settings(attacked_study.parent, **changes)
        summary = run_analysis(own_study, settings, executor=executor, until=until, device="cpu")
        return {unit.stage for unit in summary.done}

    return run


def test_what_is_written(attacked_study):
    about, arrays = (
        read_json(attacked_study / "attack/attack.json"),
        read_tensors(attacked_study / "attack/attack.safetensors"),
    )
    samples = read_tensors(attacked_study / "images/samples.safetensors")
    n = len(samples["labels"])
    assert about["steps"] == [0, 2, 4, 5]
    assert about["attacked"] == arrays["attacked"].sum() > n / 2
    assert about["succeeded"] == arrays["success"].sum()
    assert about["success"] == pytest.approx(about["succeeded"] / about["attacked"])
    assert about["success_by_step"][0] == 0
    assert about["longest_perturbation"] <= 0.1
    assert arrays["logits"].shape == (4, n, 4)
    assert arrays["images"].shape == (n, 3, 32, 32)
    attacked, targets = arrays["attacked"], arrays["targets"]
    assert (targets[attacked] != samples["labels"][attacked]).all()
    assert (targets[~attacked] == -1).all()
    assert torch.equal(arrays["success"], attacked & (arrays["logits"][-1].argmax(1) == targets))
    clean = samples["images"].float() / 255
    assert torch.equal(arrays["images"][~attacked], clean[~attacked])
    assert (arrays["images"][attacked].double() - clean[attacked].double()).abs().amax() <= 0.1
    pictures = arrays["pictures"]
    assert pictures.shape == (4, n, 3, 32, 32)
    assert torch.equal(pictures[0], samples["images"])
    assert torch.equal(pictures[:, ~attacked], samples["images"][~attacked].expand(4, -1, -1, -1, -1))
    assert torch.equal(pictures[-1], (arrays["images"] * 255).round().to(torch.uint8))
    moved = (pictures.int() - pictures[0].int()).abs().flatten(1).double().mean(dim=1)
    assert (moved.diff() > 0).all()
    sample = read_tensors(attacked_study / "sample/01/sample.safetensors")
    assert torch.equal(arrays["sample_embedding"][0], sample["embedding"])


def test_pictures_of_all_steps_take_bounded_bytes():
    images = torch.rand(3, 2, 30, 20, generator=torch.Generator().manual_seed(0))
    whole = AttackPictures.clean(images, 4)
    assert torch.equal(whole.values[3], (images * 255).round().to(torch.uint8))
    kept = AttackPictures.clean(images, 4, most_bytes=4 * 3 * 2 * 15 * 10)
    assert kept.values.shape == (4, 3, 2, 15, 10)
    naive = images[1].unflatten(1, (15, 2)).unflatten(3, (10, 2)).mean(dim=(2, 4))
    assert (kept.values[2, 1].double() / 255 - naive).abs().max() <= 0.501 / 255
    kept.put(2, torch.tensor([1]), 1 - images[1:2])
    assert torch.equal(kept.values[2, 0], kept.values[0, 0])
    assert not torch.equal(kept.values[2, 1], kept.values[0, 1])


def test_the_way_is_what_the_network_says_of_each_step_through_the_clean_maps(attacked_study):
    settings, _ = saved_settings(attacked_study)
    arrays = read_tensors(attacked_study / "attack/attack.safetensors")
    samples = read_tensors(attacked_study / "images/samples.safetensors")
    model = study_network(settings.network, settings.images, 4, seed=0)
    load_weights(model, attacked_study / "training/01/network.safetensors")
    rows = torch.nonzero(arrays["attacked"]).flatten()
    options = {"epsilon": 0.1, "step_size": 0.05, "n_step": 5, "targeted": True}
    images = samples["images"][rows].float() / 255
    steps = dict(pgd_steps(model, images, arrays["targets"][rows], **options))
    assert torch.allclose(steps[5], arrays["images"][rows], atol=1e-6)
    for place, step in enumerate((0, 2, 4, 5)):
        recorded = record(model, steps[step], LAYERS)
        assert torch.allclose(recorded.logits, arrays["logits"][place, rows], atol=1e-3)
        for layer in LAYERS:
            fitted = read_tensors(attacked_study / f"region/01/{layer}/region.safetensors")
            way = read_tensors(attacked_study / f"attack/{layer}.safetensors")["embedding"]
            features = recorded.regional_features[layer]
            naive = unseen_maps.embed(attacked_study / f"region/01/{layer}", features, rows)
            assert torch.allclose(way[place, rows], naive, atol=1e-4)
            if step == 0:
                assert torch.equal(way[0], fitted["embedding"])


def test_findings_of_a_layer(attacked_study):
    attack = read_tensors(attacked_study / "attack/attack.safetensors")
    rows = torch.nonzero(attack["attacked"]).flatten()
    labels = read_tensors(attacked_study / "images/samples.safetensors")["labels"][rows]
    targets = attack["targets"][rows]
    mu = read_tensors(attacked_study / "sample/01/sample.safetensors")["mean_directions"]
    unit = read_json(attacked_study / "region/01/conv_53/strength.json")["mean_strength"]
    way = read_tensors(attacked_study / "attack/conv_53.safetensors")["embedding"][:, rows]
    found = read_tensors(attacked_study / "attack_analysis/conv_53/attack_analysis.safetensors")
    about = read_json(attacked_study / "attack_analysis/conv_53/attack_analysis.json")
    knowledge = read_tensors(attacked_study / "knowledge/01/conv_53/knowledge.safetensors")
    # Before the attack, points are those that the stage knowledge found.
    assert torch.equal(found["before_mask"][rows], knowledge["mask"][rows])
    assert torch.equal(found["before_category"][rows], knowledge["category"][rows])
    assert torch.equal(found["original_points_mask"][rows], knowledge["reliable"][rows])
    rule = unseen_maps.calibrated(attacked_study, "conv_53", rows)
    after = find_knowledge_points(way[-1], mu, targets, **rule)
    assert after.reliable.any()
    assert torch.equal(found["target_points_mask"][rows], after.reliable)
    assert about["target_points"] == pytest.approx(after.reliable.sum(1).double().mean().item())
    assert about["tau"] == threshold("auto", 4)
    target, before = found["target_points_mask"], found["p_target_before"]
    assert about["below_tau"] == pytest.approx((before[target] <= about["tau"]).double().mean().item())
    assert sum(about["histogram"]["counts"]) == target.sum()
    assert (found["p_target_after"][target] > about["tau"]).all()
    turned = orientation_change(way[0], way[-1]).nanmean(dim=1).nanmean().item()
    assert about["orientation_change"] == pytest.approx(turned, abs=1e-6)
    assert about["orientation_change_by_step"][0] == pytest.approx(0, abs=1e-6)
    assert about["orientation_change_by_step"][-1] == pytest.approx(turned, abs=1e-4)
    kinds = trajectory_types(way, labels, targets, mu, unit_strength=unit, temperature=rule["temperature"])
    assert torch.equal(found["trajectory"][rows], kinds)
    assert [each["regions"] for each in about["trajectories"]] == np.bincount(kinds.flatten().numpy(), minlength=5)[
        1:
    ].tolist()
    others = ~attack["attacked"]
    assert not any(array[others].any() for array in found.values())
    assert about["area_low"] <= about["area"] <= about["area_high"]


def test_a_study_without_an_attack_has_no_stage_of_it(attacked_study):
    settings, _ = saved_settings(attacked_study)
    without, with_attack = ([s.name for s in study_stages(each)] for each in (StudySettings(), settings))
    assert not {"attack", "attack_analysis"} & set(without)
    assert [name for name in with_attack if name not in without] == ["attack", "attack_analysis"]
    assert [name for name in with_attack if name in without] == without
    assert {each.state for each in saved_status(attacked_study)} == {"done"}


def test_a_section_switches_its_part_on():
    def read(section):
        return make_settings({"attack": section}, "study.toml", None).attack

    assert read({"epsilon": 0.1}).enabled
    assert read({}).enabled
    assert not read({"enabled": False, "epsilon": 0.1}).enabled
    assert not StudySettings().attack.enabled
    everything = StudySettings().with_all_parts()
    assert everything.attack.enabled
    assert everything.images == StudySettings().images


def test_a_changed_attack_runs_again_and_nothing_else(own_study, ran):
    before = contents(own_study)
    assert ran() == set()
    # Switched off it stays where it is, and is found again.
    assert ran(attack={"enabled": False}) == set()
    assert ran() == set()
    assert ran(attack={"epsilon": 0.05}) == {"attack", "attack_analysis"}
    found = {"evidence", "knowledge", "controls", "emergence", "summary", "attack_analysis"}
    assert ran(attack={"epsilon": 0.05}, knowledge={"tau": 0.6}) == found
    assert ran() == {"attack", *found}
    assert contents(own_study) == before


@pytest.mark.slow
def test_workers_write_the_same_bytes(own_study, ran, two_workers):
    before = contents(own_study)
    for name in ("attack", "attack_analysis"):
        shutil.rmtree(own_study / name)
    assert ran(executor=two_workers) == {"attack", "attack_analysis"}
    assert contents(own_study) == before


@pytest.mark.parametrize(
    "attack",
    [
        {"target": "none", "norm": "l2", "epsilon": 2.0, "random_start": True},
        {"target": "random", "n_step": 2},
        {"target": "blue"},
    ],
    ids=lambda attack: attack["target"],
)
def test_other_attacks(own_study, ran, attack):
    assert ran(attack=attack, until="attack_analysis") == {"attack", "attack_analysis"}
    about = read_json(own_study / "attack/attack.json")
    arrays = read_tensors(own_study / "attack/attack.safetensors")
    labels = read_tensors(own_study / "images/samples.safetensors")["labels"]
    attacked, targets = arrays["attacked"], arrays["targets"]
    assert about["targeted"] == (attack["target"] != "none")
    assert about["longest_perturbation"] <= about["epsilon"]
    assert (targets[attacked] != labels[attacked]).all()
    decided = arrays["logits"][-1].argmax(1)
    if attack["target"] == "none":
        # The target is the class that a successful attack ends in.
        assert torch.equal(arrays["success"], attacked & (decided != labels))
        assert torch.equal(targets[arrays["success"]], decided[arrays["success"]])
    elif attack["target"] == "blue":
        assert (targets[attacked] == 2).all()
        assert not attacked[labels == 2].any()


def test_every_second_step_and_the_last_are_kept():
    assert kept_steps(2) == [0, 2]
    assert kept_steps(20) == [*range(0, 21, 2)]
    assert kept_steps(3) == [0, 2, 3]


@pytest.mark.parametrize(
    ("target", "logits", "said"),
    [
        (
            "second",
            -torch.eye(3),
            "network: expected at least one of the 3 samples to be classified correctly, got none",
        ),
        ("dgo", torch.eye(3), r"attack.target: expected a class, got 'dgo'; did you mean 'dog'\?"),
        (
            "dog",
            torch.eye(3)[[1, 1, 1]],
            "attack.target: expected correctly classified samples of another class than 'dog', got none",
        ),
    ],
)
def test_what_cannot_be_attacked_is_one_line(target, logits, said):
    with pytest.raises(InputError, match=said):
        plan_attack(AttackSettings(target=target), logits, torch.arange(3), ["cat", "dog", "frog"], seed=0)


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"epsilon": 0}, r"attack.epsilon: expected a number greater than 0, got 0"),
        ({"epsilon": -0.1}, r"attack.epsilon: expected a number greater than 0, got -0.1"),
        ({"epsilon": 8}, r"attack: epsilon: expected at most 1 for linf \(8/255 is 0.0314\), got 8.0"),
        ({"step_size": 0}, r"attack.step_size: expected a number greater than 0, got 0"),
        ({"n_step": 1}, r"attack.n_step: expected a number greater than or equal to 2, got 1"),
        ({"norm": "l1"}, r"attack.norm: expected 'linf' or 'l2', got 'l1'"),
        ({"epsilno": 1}, r"attack.epsilno is unknown; did you mean 'epsilon'\?"),
    ],
)
def test_bad_settings_are_one_line(section, said):
    with pytest.raises(InputError, match=said):
        make_settings({"attack": section}, "study.toml", None)


def test_the_command_refuses_a_network_that_knows_nothing_in_one_line(attacked_study, tmp_path, capsys):
    """Its classes turned by one, a network that was always right never is."""
    weights = read_tensors(attacked_study / "training/01/network.safetensors")
    samples = read_tensors(attacked_study / "features/01/sample.safetensors")
    labels = read_tensors(attacked_study / "images/samples.safetensors")["labels"]
    assert (samples["logits"].argmax(1) == labels).all()
    head = [name for name, each in weights.items() if each.shape[:1] == (4,)]
    assert len(head) == 2
    turned = {name: tensor.roll(1, 0) if name in head else tensor for name, tensor in weights.items()}
    write_tensors(turned, tmp_path / "turned.safetensors")
    turned_network = {"weights": str(tmp_path / "turned.safetensors"), "fine_tune": False}
    asked = easy_settings(attacked_study.parent, network=turned_network)
    (tmp_path / "study.toml").write_text(settings_toml(asked), encoding="utf-8")
    arguments = ("run", tmp_path / "study.toml", "--out", tmp_path / "out", "--until", "attack", "--device", "cpu")
    with pytest.raises(SystemExit) as caught, pytest.warns(UserWarning, match="in the order of the classes"):
        main([str(each) for each in arguments])
    assert caught.value.code == 2
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("error: ")]
    assert len(said) == 1
    assert "network: expected at least one of the 24 samples to be classified correctly, got none" in said[0]
