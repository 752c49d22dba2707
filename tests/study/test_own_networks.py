"""A network of the user's own: a factory beside the settings, checkpoints saved by a plain training loop."""

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from patternscope.errors import InputError
from patternscope.factories import factory_file
from patternscope.images import open_images
from patternscope.networks import build_network
from patternscope.results.json_csv import read_json
from patternscope.settings.study import load_settings
from patternscope.study.axes import study_axes
from patternscope.study.network_factory import checkpoint_files
from patternscope.study.run import run_analysis, saved_status

FACTORY = """
from torch import nn
from own_parts import block

class Small(nn.Module):
    def __init__(self, classes, width):
        super().__init__()
        self.early = block(3, width)
        self.late = block(width, 2 * width)
        self.classifier = nn.Linear(2 * width, classes)

    def forward(self, images):
        return self.classifier(self.late(self.early(images)).amax(dim=(2, 3)))

def small(num_classes, width=8):
    return Small(num_classes, width)
"""
PARTS = """
from torch import nn

def block(into, out):
    return nn.Sequential(nn.Conv2d(into, out, 3, stride=2, padding=1), nn.BatchNorm2d(out), nn.ReLU())
"""
IMAGES = """
import torch

def two(train):
    return torch.utils.data.TensorDataset(torch.rand(8, 3, 32, 32), torch.arange(8) % 2)
"""
TOML = """
[images]
image_size = 32
train_per_class = 2
test_per_class = 3
samples_per_class = 3
[network]
architecture = "own_network:small"
layers = ["early", "late"]
grid = 4
[checkpoints]
folder = "weights"
[importance]
n_step = 2
[region]
n_step = 1
[knowledge]
bootstrap = 10
taus = [0.4]
"""


@pytest.fixture(autouse=True)
def _modules_as_found():
    known = set(sys.modules)
    yield
    for name in {"own_network", "own_parts", "own_images"} & (set(sys.modules) - known):
        del sys.modules[name]


@pytest.fixture
def project(tmp_path) -> Path:
    """A folder as a user has it: settings, code, and what a loop of plain torch saved at epochs 0, 2 and 10."""
    (tmp_path / "own_network.py").write_text(FACTORY)
    (tmp_path / "own_parts.py").write_text(PARTS)
    (tmp_path / "study.toml").write_text(TOML)
    (tmp_path / "weights").mkdir()
    network = build_network("own_network:small", classes=10, folder=tmp_path)
    train = open_images("pictograms", image_size=32, train_per_class=2, test_per_class=2).train
    images, labels = train.batch(range(len(train))).float() / 255, train.labels
    optimiser = torch.optim.SGD(network.parameters(), lr=0.05)
    for epoch in range(11):
        if epoch == 0:
            save_file(network.state_dict(), tmp_path / "weights/epoch_0.safetensors")
        elif epoch == 2:
            torch.save({"model_state_dict": network.state_dict(), "epoch": 2}, tmp_path / "weights/epoch_2.pth")
        elif epoch == 10:
            save_file(network.state_dict(), tmp_path / "weights/epoch_10.safetensors")
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network((images - 0.5) / 0.25), labels).backward()
        optimiser.step()
    return tmp_path


def test_checkpoints_of_a_plain_loop_become_findings(project):
    done = run_analysis(project / "out", load_settings(project / "study.toml"), device="cpu").done
    assert len({unit.checkpoint for unit in done if unit.stage == "knowledge"}) == 3
    rows = read_json(project / "out/summary/summary.json")["checkpoints"]
    assert [row["name"] for row in rows] == ["epoch_0", "epoch_2", "epoch_10"]
    assert [row["step"] for row in rows] == [None] * 3
    emergence = read_json(project / "out/emergence/emergence.json")
    assert [each["name"] for each in emergence["checkpoints"]] == ["epoch_0", "epoch_2", "epoch_10"]
    assert str(project) not in sys.path


def test_what_is_run_again_when_code_or_one_checkpoint_changes(project):
    settings = load_settings(project / "study.toml")

    def ran() -> set[tuple[str, int | None]]:
        done = run_analysis(project / "out", settings, device="cpu", until="features").done
        return {(unit.stage, unit.checkpoint) for unit in done}

    ran()
    network = build_network("own_network:small", classes=10, seed=3, folder=project)
    save_file(network.state_dict(), project / "weights/epoch_2.safetensors")
    (project / "weights/epoch_2.pth").unlink()
    torch.save(network.state_dict(), project / "weights/epoch_11.pth")
    assert ran() == {("training", 1), ("features", 1), ("training", 3), ("features", 3)}
    changed = FACTORY.replace(".amax(dim=(2, 3))", ".mean(dim=(2, 3))")
    (project / "own_network.py").write_text(changed)
    assert ran() == {(stage, place) for stage in ("training", "features") for place in range(4)}


@pytest.mark.parametrize("gone", ["own_network.py", "weights", "weights/epoch_10.safetensors"])
def test_what_was_made_from_code_and_weights_that_are_gone_is_taken_as_it_is(project, gone):
    settings = load_settings(project / "study.toml")
    run_analysis(project / "out", settings, device="cpu", until="features")
    for name in ("own_network", "own_parts"):
        sys.modules.pop(name, None)
    (project / gone).rename(project / "away")
    with pytest.warns(UserWarning, match="results made from it are reused unchanged"):
        status = saved_status(project / "out")
    assert all(each.up_to_date for each in status if each.unit.stage in ("images", "training", "features"))


def test_a_checkpoint_that_does_not_fit_is_one_line(project):
    other = build_network("own_network:small", classes=10, arguments={"width": 4}, folder=project)
    save_file(other.state_dict(), project / "weights/epoch_11.safetensors")
    with pytest.raises(
        InputError, match=r"^weights 'epoch_11.safetensors': expected the network's names and shapes, got"
    ) as seen:
        run_analysis(project / "out", load_settings(project / "study.toml"), device="cpu", until="training")
    assert "(4, 3, 3, 3) instead of (8, 3, 3, 3)" in str(seen.value)
    assert "\n" not in str(seen.value)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("own_netwrk:small", r"expected a module 'own_netwrk' in .* or installed, got"),
        ("own_network:smal", r"expected a function of 'own_network', got 'smal'; did you mean 'small'\?"),
    ],
)
def test_a_factory_that_is_not_there_is_one_line(project, name, said):
    (project / "study.toml").write_text(TOML.replace("own_network:small", name))
    with pytest.raises(InputError, match=said):
        run_analysis(project / "out", load_settings(project / "study.toml"), device="cpu")
    assert not (project / "out").exists()


def test_files_that_a_system_leaves_beside_checkpoints_are_none(project):
    (project / "weights/._epoch_0.safetensors").write_bytes(b"x")
    (project / "weights/epoch_11.ckpt").write_bytes(b"x")
    names = [path.name for path in checkpoint_files(project / "weights")]
    assert names == ["epoch_0.safetensors", "epoch_2.pth", "epoch_10.safetensors", "epoch_11.ckpt"]


@pytest.mark.parametrize("own", [7, 1000])
def test_a_network_of_other_classes_than_the_images_is_refused_before_the_run(project, own):
    (project / "own_network.py").write_text(FACTORY.replace("Small(num_classes", f"Small({own}"))
    with pytest.raises(
        InputError, match=rf"^network: expected 10 numbers per image, .*, got {own}; let its factory take `classes`"
    ):
        study_axes(load_settings(project / "study.toml"))


def test_the_first_of_several_outputs_is_said_to_be_taken_for_the_logits(project):
    head = "self.classifier(self.late(self.early(images)).amax(dim=(2, 3)))"
    (project / "own_network.py").write_text(FACTORY.replace(head, f"self.early(images).amax(dim=(2, 3)), {head}"))
    with pytest.raises(
        InputError, match=r"first tensor of its output, taken as the logits, has 8; return the logits first"
    ):
        study_axes(load_settings(project / "study.toml"))


def test_probabilities_in_the_place_of_logits_are_warned_of(project):
    head = "self.classifier(self.late(self.early(images)).amax(dim=(2, 3)))"
    (project / "own_network.py").write_text(FACTORY.replace(head, f"{head}.softmax(1)"))
    with pytest.warns(UserWarning, match="network: expected logits, got what looks like probabilities"):
        study_axes(load_settings(project / "study.toml"))


def test_a_factory_is_tried_with_the_number_of_classes_where_it_is_known(project):
    picky = "assert num_classes == 3, 'three only'\n    return Small(num_classes"
    (project / "own_network.py").write_text(FACTORY.replace("return Small(num_classes", picky))
    for split in ("", "Train/"):
        for name in ("ant", "bee", "cat"):
            (project / "pictures" / split / name).mkdir(parents=True)
        toml = TOML.replace("[images]", '[images]\nsource = "folder"\nfolder = "pictures"')
        (project / "study.toml").write_text(toml.replace('folder = "weights"', ""))
        assert study_axes(load_settings(project / "study.toml")).layers == ("early", "late")
    toml = toml.replace('source = "folder"', 'source = "parquet"').replace('folder = "weights"', "")
    (project / "study.toml").write_text(toml)
    said = r"AssertionError: three only \(.*own_network.py, line \d+\); 10 classes were tried"
    with pytest.raises(InputError, match=said):
        study_axes(load_settings(project / "study.toml"))
    (project / "study.toml").write_text(toml.replace("[network]", 'class_names = ["a", "b", "c"]\n[network]'))
    assert study_axes(load_settings(project / "study.toml")).layers == ("early", "late")


def test_classes_that_are_counted_late_are_compared_before_training(project):
    """A source of one's own tells its classes when it is read."""
    (project / "own_network.py").write_text(FACTORY.replace("Small(num_classes", "Small(10"))
    (project / "own_images.py").write_text(IMAGES)
    toml = TOML.replace("[images]", '[images]\nsource = "own_images:two"').replace('folder = "weights"', "")
    (project / "study.toml").write_text(toml)
    with pytest.raises(InputError, match=r"training/00: network: expected 2 numbers per image, .*, got 10"):
        run_analysis(project / "out", load_settings(project / "study.toml"), device="cpu", until="training")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("{}['x']", r"expected a module 'own_network' .*, got KeyError: 'x' \(.*own_network.py, line 1\)"),
        ("def", r"expected a module 'own_network' .*, got SyntaxError: invalid syntax \(own_network.py, line 1\)"),
    ],
)
def test_a_module_that_fails_is_one_line(project, code, said):
    (project / "own_network.py").write_text(code)
    with pytest.raises(InputError, match=said):
        study_axes(load_settings(project / "study.toml"))


def test_modules_of_one_name_in_two_folders_are_not_mixed_up(project, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    (other / "own_network.py").write_text(FACTORY.replace("width=8", "width=3"))
    (other / "own_parts.py").write_text(PARTS)
    widths = [
        build_network("own_network:small", classes=2, folder=each).classifier.in_features
        for each in (project, other, project)
    ]
    assert widths == [16, 6, 16]
    assert factory_file("own_network:small", other) == other / "own_network.py"
    with pytest.raises(InputError, match=r"expected a module 'nowhere_at_all' in .* or installed, got none"):
        factory_file("nowhere_at_all:small", other)
    assert factory_file("timm:resnet18", other) is None
    assert factory_file("vgg16_slim", other) is None
