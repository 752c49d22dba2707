"""Further networks of a study: what is theirs and what is the study's, what they share, what a killed run leaves."""

import shutil
from pathlib import Path
from statistics import fmean, stdev

import pytest
import torch
from easy_study import copy_without_attack, easy_settings

from patternscope.api.study import open_study
from patternscope.errors import InputError
from patternscope.knowledge.network_comparison import align_embeddings
from patternscope.report.contents import Setup, read_contents
from patternscope.report.parts.trust import other_networks, rule_of_noise
from patternscope.results.evidence import EvidenceResult
from patternscope.results.fits import RegionResult, SampleResult
from patternscope.results.json_csv import read_json
from patternscope.results.knowledge import KnowledgeResult
from patternscope.results.noise import evidence_of, knowledge_of, measured_noise
from patternscope.results.replicates import NetworksResult
from patternscope.results.study import open_results
from patternscope.results.summary import SummaryResult
from patternscope.results.training import TrainingResult
from patternscope.settings.study import make_settings
from patternscope.study.budget import unit_costs
from patternscope.study.run import run_analysis, study_plan
from patternscope.study.stages import study_stages
from patternscope.tensor_files import read_tensors, write_tensors

LAYERS = ("conv_33", "conv_53")
ANEW = {"networks", "summary", "emergence"}


def settings_of(folder: Path, **changes):
    return easy_settings(folder, **{"attack": {"enabled": False}, "replicates": {"networks": 3}, **changes})


@pytest.fixture(scope="module")
def several(attacked_study, tmp_path_factory) -> Path:
    """The study of squares with two more networks in the attack's place; tests only read it."""
    folder = copy_without_attack(attacked_study, tmp_path_factory.mktemp("several") / "study")
    summary = run_analysis(folder, settings_of(attacked_study.parent), device="cpu")
    stages = {unit.stage for unit in summary.done}
    assert {stage.partition("/")[2] for stage in stages - ANEW} == {"network_2", "network_3"}
    assert "importance/network_2" not in stages  # the objective reads no weights of regions
    return folder


def digests(folder: Path) -> dict[str, object]:
    units = sorted(path for path in folder.rglob("manifest.json") if path.is_relative_to(folder))
    return {path.relative_to(folder).as_posix(): read_json(path)["files"] for path in units}


def test_networks_differ_and_images_and_folds_are_the_studys(several):
    results = open_results(several)
    files = [f"training/{name}00/network.safetensors" for name in ("", "network_2/", "network_3/")]
    weights = [torch.cat([t.flatten().double() for t in read_tensors(several / file).values()]) for file in files]
    assert not any(torch.equal(weights[a], weights[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    for layer in LAYERS:
        own, other = (results.load(RegionResult, 1, layer, variant) for variant in (None, "network_2"))
        assert torch.equal(own.unseen, other.unseen)
        assert not torch.equal(own.map, other.map)


@pytest.mark.parametrize("variant", ["network_2", "network_3"])
def test_they_are_seen_in_the_studys_frame(several, variant):
    results = open_results(several)
    frame = results.sample().embedding
    for checkpoint in (0, 1):
        found = results.load(SampleResult, checkpoint, None, variant)
        best = align_embeddings(found.embedding, frame).rotation
        assert torch.allclose(best, torch.eye(len(best)), atol=1e-4)
    # At the last checkpoint each class lies nearest to itself.
    nearest = (found.mean_directions @ results.sample().mean_directions.T).argmax(dim=1)
    assert nearest.tolist() == list(range(4))


def test_a_second_writing_finds_the_same(several):
    for layer in LAYERS:
        found = read_json(several / "networks/01" / layer / "networks.json")
        units = [several / "knowledge" / name / "01" / layer for name in ("", "network_2", "network_3")]
        counts, points = (
            [read_json(unit / "knowledge.json") for unit in units],
            [read_tensors(unit / "knowledge.safetensors") for unit in units],
        )
        assert found["total"] == pytest.approx(fmean(each["total"] for each in counts))
        assert found["spread"]["reliable"] == pytest.approx(stdev(each["reliable"] for each in counts))
        assert [each["reliable"] for each in found["networks"]] == [each["reliable"] for each in counts]
        widest = max(each["total_high"] - each["total_low"] for each in counts)
        assert found["total_low"] <= found["total"] <= found["total_high"]
        assert found["spread"]["total"] > 0 or found["total_high"] - found["total_low"] <= widest + 1e-9
        masks = torch.stack([each["mask"] for each in points])
        same = torch.stack([each["category"] for each in points]) == points[0]["category"]
        assert found["consensus"] == pytest.approx(
            float((masks.all(0) & same.all(0)).sum() / masks.any(0).sum()), abs=1e-6
        )
        assert found["chance"] < found["consensus"]
        stability = read_tensors(several / "networks/01" / layer / "networks.safetensors")["stability"]
        assert torch.allclose(stability, (masks & same).float().mean(0))


def test_all_counts_of_a_layer_are_over_the_same_networks(several):
    """A table that mixed one network's numbers with those over several could not be read."""
    results = open_results(several)
    for layer in LAYERS:
        known = [results.load(KnowledgeResult, 1, layer, variant) for variant in (None, "network_2", "network_3")]
        told = [results.load(EvidenceResult, 1, layer, variant) for variant in (None, "network_2", "network_3")]
        counts, bits = knowledge_of(results, layer), evidence_of(results, layer)
        for place, row in enumerate(counts.classes):
            assert row.name == known[0].classes[place].name
            assert row.counts.total.value == pytest.approx(fmean(k.classes[place].counts.total.value for k in known))
            each = [t.classes[place].evidence.value for t in told]
            assert bits.classes[place].evidence.value == pytest.approx(fmean(each))
        for place, row in enumerate(counts.sweep):
            assert row.counts.total.value == pytest.approx(fmean(k.sweep[place].counts.total.value for k in known))
        assert bits.paper.total.value == pytest.approx(fmean(t.paper.total.value for t in told))
        assert bits.calibration_error == pytest.approx(fmean(t.calibration_error for t in told))
        shared = [k.shared for k in known if k.shared is not None]
        assert counts.shared == (pytest.approx(fmean(shared)) if shared else None)
        # Single regions stay those of the study's own network.
        assert torch.equal(counts.mask, known[0].mask)
        assert torch.equal(bits.bits, told[0].bits)
        row = results.load(SummaryResult).layer(layer)
        assert row.paper.paper_total == bits.paper.total
        shown = open_study(several).layers[layer]
        assert (shown.counts, shown.evidence, shown.networks) == (counts.counts, bits.evidence, 3)
        assert "over 3 networks" in repr(shown)


def test_the_summary_and_the_report_hold_them(several, attacked_study):
    results = open_results(several)
    row, before = results.load(SummaryResult).layer("conv_33"), open_results(attacked_study).load(SummaryResult)
    assert (row.networks, before.layer("conv_33").networks) == (3, None)
    assert row.counts == results.load(NetworksResult, layer="conv_33").counts
    assert "networks" in (several / "summary/summary.csv").read_text(encoding="utf-8").partition("\n")[0]
    contents = read_contents(results, Setup("", "", 6, 10))
    assert contents.depth.layers["conv_33"].counts == row.counts
    (step,) = contents.depth.steps
    each = [
        [results.load(KnowledgeResult, 1, layer, name).counts.reliable.value for layer in LAYERS]
        for name in (None, "network_2", "network_3")
    ]
    assert step.difference.reliable.value == pytest.approx(fmean(last - first for first, last in each))
    assert "the training (3 networks)" in rule_of_noise(contents.noise)
    assert "3 networks were trained alike" in other_networks(contents.noise)
    alone = measured_noise(open_results(attacked_study))
    assert "[replicates]" in other_networks(alone)
    assert "not measured" in other_networks(alone)
    assert alone.sources == ("the choice of images",)


def test_a_killed_run_goes_on_to_the_same_bytes(several, attacked_study, tmp_path):
    folder = copy_without_attack(attacked_study, tmp_path / "killed")

    def kill(event):
        if event.kind == "begin" and event.unit.stage == "region/network_3":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_analysis(folder, settings_of(attacked_study.parent), report=kill, device="cpu")
    done = digests(folder)
    assert "training/network_3/01/manifest.json" in done
    assert "networks/01/conv_53/manifest.json" not in done
    rest = run_analysis(folder, settings_of(attacked_study.parent), device="cpu")
    assert not [unit for unit in rest.done if unit.stage.startswith("training")]
    assert digests(folder) == digests(several)


def test_workers_share_the_networks_and_write_the_same_bytes(several, attacked_study, tmp_path, two_workers):
    folder = copy_without_attack(attacked_study, tmp_path / "shared")
    run_analysis(folder, settings_of(attacked_study.parent), executor=two_workers, device="cpu")
    assert digests(folder) == digests(several)


def test_fewer_networks_keep_what_holds_and_hide_the_rest(several, attacked_study, tmp_path):
    folder = Path(shutil.copytree(several, tmp_path / "fewer"))
    asked = settings_of(attacked_study.parent, replicates={"networks": 2})
    assert {unit.stage for unit in run_analysis(folder, asked, device="cpu").done} == ANEW
    results = open_results(folder)
    assert len(results.load(NetworksResult, layer="conv_53").networks) == 2
    assert results.load(TrainingResult, 0, None, "network_2").checkpoint == 0
    with pytest.raises(InputError, match="does not exist in this study"):
        results.load(TrainingResult, 0, None, "network_3")
    without = settings_of(attacked_study.parent, replicates={"enabled": False})
    run_analysis(folder, without, device="cpu")
    results = open_results(folder)
    assert not results.has(NetworksResult)
    assert results.load(SummaryResult).layer("conv_53").networks is None


def network_folder(study: Path, folder: Path, names=("00", "01")) -> Path:
    """A folder of weight files, such as another training leaves."""
    folder.mkdir(parents=True)
    for name in names:
        shutil.copy(study / "training" / name / "network.safetensors", folder / f"step_{name}.safetensors")
    return folder


def test_the_same_network_again_changes_nothing(attacked_study, tmp_path):
    twin = network_folder(attacked_study, tmp_path / "twin")
    folder = copy_without_attack(attacked_study, tmp_path / "study")
    run_analysis(folder, settings_of(attacked_study.parent, replicates={"folders": [str(twin)]}), device="cpu")
    results = open_results(folder)
    for layer in LAYERS:
        found, own = results.load(NetworksResult, layer=layer), results.knowledge(layer)
        assert found.networks[1].held_out_accuracy == found.networks[0].held_out_accuracy
        assert found.spread.evidence == pytest.approx(0, abs=1e-3)
        assert found.counts.total.value == pytest.approx(own.counts.total.value, abs=0.1)
        assert found.consensus == pytest.approx(1, abs=0.01)
        assert bool((found.stability[own.mask] > 0.99).float().mean() > 0.99)


def test_what_it_costs_is_said(several, attacked_study):
    plan = study_plan(settings_of(attacked_study.parent))
    costs = unit_costs(several, plan, plan.units, "cpu")
    assert costs is not None
    first, second = (
        [cost for unit, cost in costs.items() if unit.stage == stage] for stage in ("region", "region/network_2")
    )
    assert [each.memory for each in first] == [each.memory for each in second]


def stages_of(folder: Path, **changes):
    stages = study_stages(settings_of(folder, **changes))
    return {stage.name: {need.stage for need in stage.needs} for stage in stages}


def test_each_network_reads_its_own_and_the_rest_of_the_study(tmp_path):
    reads = stages_of(tmp_path)
    assert reads["features/network_2"] == {"images", "training/network_2"}
    assert reads["region/network_3"] == {"images", "features/network_3", "sample/network_3"}
    # The frame is that of the study's own network.
    assert reads["sample/network_2"] == {"images", "features/network_2", "sample/network_2", "sample"}
    assert "network_4" not in " ".join(reads)
    assert "importance/network_2" in stages_of(tmp_path, region={"objective": "paper"})["region/network_2"]
    assert not [name for name in stages_of(tmp_path, replicates={"enabled": False}) if "network" in name]


def test_checkpoints_are_at_the_studys_steps(tmp_path):
    assert "training" not in stages_of(tmp_path)["training/network_2"]
    assert "training" in stages_of(tmp_path, training={"placement": "accuracy"})["training/network_2"]


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ({"networks": 1}, "replicates.networks: expected a number greater than or equal to 2, got 1"),
        ({"folders": ["a"], "networks": 3}, "networks: expected 2, the study's own and 1 in folders, got 3"),
        ({"network": 3}, "replicates.network is unknown; did you mean 'networks'?"),
    ],
)
def test_settings_that_cannot_be(section, said):
    with pytest.raises(InputError) as raised:
        make_settings({"replicates": section}, "study.toml", Path())
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_folders_that_cannot_be_used(attacked_study, tmp_path):
    def said(**changes) -> str:
        with pytest.raises(InputError) as raised:
            study_plan(settings_of(attacked_study.parent, **changes))
        assert "\n" not in str(raised.value)
        return str(raised.value)

    one = network_folder(attacked_study, tmp_path / "one", names=("01",))
    both = network_folder(attacked_study, tmp_path / "both")
    absent = tmp_path / "absent"
    assert "replicates.folders: expected a folder, but" in said(replicates={"folders": [str(absent)]})
    assert "expected 2 files in" in said(replicates={"folders": [str(one)]})
    assert "since the study's own is not trained here" in said(checkpoints={"folder": str(both)})
    published = said(network={"pretrained": True, "architecture": "resnet18", "layers": []}, training={"epochs": 0})
    assert "published weights without training are always the same" in published


def test_a_network_of_other_classes_is_refused(attacked_study, tmp_path):
    other = network_folder(attacked_study, tmp_path / "other")
    for path in other.iterdir():
        tensors = read_tensors(path).items()
        write_tensors({name: value[:3] if value.shape[:1] == (4,) else value for name, value in tensors}, path)
    folder = copy_without_attack(attacked_study, tmp_path / "study")
    asked = settings_of(attacked_study.parent, replicates={"folders": [str(other)]})
    with pytest.raises(InputError, match="of another shape"):
        run_analysis(folder, asked, device="cpu")
