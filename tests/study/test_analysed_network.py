"""Networks as people have them: more outputs than classes, none at all, one, or those of Hugging Face."""

import json
from pathlib import Path

import invented_sets as sets
import pytest
import torch
from safetensors.torch import save_file

from patternscope.errors import InputError
from patternscope.networks import build_network
from patternscope.networks.models.class_names import OutputNames
from patternscope.networks.models.heads import REST, ChosenOutputs
from patternscope.results.features import FeaturesResult
from patternscope.results.study import open_results
from patternscope.results.training import HEAD_FILE
from patternscope.settings.study import StudySettings, load_settings, make_settings
from patternscope.study.analysed_network import warn_of_order
from patternscope.study.axes import study_axes
from patternscope.study.run import run_analysis
from patternscope.workflow.cache_keys import chosen_settings

FACTORY = """
from torch import nn

class Small(nn.Module):
    class_names = ["owl", "cat", "ox", "dog", "eel"]

    def __init__(self, outputs):
        super().__init__()
        self.conv = nn.Sequential(nn.Conv2d(3, 8, 3, stride=4), nn.ReLU())
        self.fc = nn.Linear(8, outputs)

    @classmethod
    def make(cls, outputs=5):
        return cls(outputs)

    def forward(self, images):
        return self.fc(self.conv(images).mean(dim=(2, 3)))
"""
NAMES = OutputNames((("owl",), ("cat",), ("ox",), ("dog",), ("eel",)), "a list")
TOML = """
[images]
source = "folder"
folder = "pictures"
image_size = 32
[network]
architecture = "own_small:Small.make"
layers = ["conv"]
"""


@pytest.fixture
def project(tmp_path) -> Path:
    """Pictures of cats and dogs, a network of five outputs with names, and its weights."""
    (tmp_path / "own_small.py").write_text(FACTORY)
    pictures(tmp_path, "cat", "dog")
    network = build_network("own_small:Small.make", classes=None, image_size=32, folder=tmp_path)
    save_file(network.state_dict(), tmp_path / "weights.safetensors")
    return tmp_path


def pictures(folder: Path, *classes: str) -> None:
    for label, name in enumerate(classes):
        for split in ("train", "val"):
            for number in range(6):
                sets.save(folder / "pictures" / split / name / f"{number}.jpg", label % 3, label + 10 * number)


def recorded(folder: Path, toml: str):
    """The results of a study, run up to its features."""
    (folder / "study.toml").write_text(toml)
    run_analysis(folder / "out", load_settings(folder / "study.toml"), device="cpu", until="features")
    return open_results(folder / "out")


def own_logits(folder: Path, results) -> torch.Tensor:
    network = build_network("own_small:Small.make", classes=None, image_size=32, folder=folder)
    images = results.images.images.float() / 255
    with torch.no_grad():
        return network.eval()((images - 0.5) / 0.25)


def test_folders_that_bear_the_networks_names_are_found(project):
    results = recorded(project, TOML + 'weights = "weights.safetensors"\n')
    torch.testing.assert_close(results.load(FeaturesResult).logits, own_logits(project, results)[:, [1, 3]])
    assert results.training().head_sentence == (
        "2 of 5 outputs are analysed, found by the network's own names: cat, dog."
    )
    assert results.load(FeaturesResult).sample_features.shape == (12, 8)


@pytest.mark.parametrize("asked", ['classes = { cat = "ox", dog = 4 }', 'classes = ["ox", "eel"]'])
def test_outputs_that_are_asked_for(project, asked):
    results = recorded(project, f'{TOML}{asked}\nweights = "weights.safetensors"\n')
    torch.testing.assert_close(results.load(FeaturesResult).logits, own_logits(project, results)[:, [2, 4]])
    assert results.training().outputs.source == "as requested"


def test_names_in_a_file(project):
    (project / "names.json").write_text(json.dumps(["a", "b", "dog", "cat", "e"]))
    toml = f'{TOML}class_file = "names.json"\nweights = "weights.safetensors"\n'
    assert recorded(project, toml).training().outputs.names == ("cat", "dog")


def test_names_that_do_not_fit_are_refused_before_the_run(project):
    (project / "pictures/val/dog").rename(project / "pictures/val/dgo")
    (project / "pictures/train/dog").rename(project / "pictures/train/dgo")
    said = r"^network: expected 2 numbers per image, .*, got 5; .*'dgo': did you mean 'dog'\?"
    with pytest.raises(InputError, match=said):
        recorded(project, TOML + 'weights = "weights.safetensors"\n')


@pytest.mark.parametrize("key", ["classes = { cat = 1, dog = 3 }", 'head = "probe"', 'head = "sigmoid"'])
def test_nothing_is_trained_where_outputs_are_chosen(project, key):
    toml = f"{TOML}{key}\n[training]\nepochs = 2\n"
    (project / "study.toml").write_text(toml)
    with pytest.raises(InputError, match=r"training.epochs: expected 0 with network.(classes|head), .*, got 2"):
        study_axes(load_settings(project / "study.toml"))


# The colours are so plain that a random network tells them apart, in whatever order.
ANY_ORDER = pytest.mark.filterwarnings("ignore:network. expected its outputs in the order")


@ANY_ORDER
def test_a_network_of_one_output_and_one_of_yes_and_no(project):
    toml = f"{TOML}arguments = {{ outputs = 1 }}\n[training]\nepochs = 0\n"
    logits = recorded(project, toml).load(FeaturesResult).logits
    assert not logits[:, 0].any()
    toml = f'{TOML}head = "sigmoid"\nclasses = {{ dog = "dog" }}\nweights = "weights.safetensors"\n'
    results = recorded(project, toml)
    torch.testing.assert_close(results.load(FeaturesResult).logits[:, 1], own_logits(project, results)[:, 3])
    assert results.training().outputs.names == ("rest", "dog")
    labels, head = torch.arange(20) % 2, ChosenOutputs((REST, 3), 5)
    logits = (5 - 10 * labels)[:, None].expand(20, 5)
    with pytest.warns(UserWarning, match=r'classes = \{ "cat" = "dog" \}$'):
        warn_of_order(logits, labels, head, ("cat", "dog"), NAMES)
    pictures(project, "cat", "dog", "owl")
    with pytest.raises(InputError, match=r"expected two classes for a network with outputs that are each a yes or no"):
        recorded(project, f'{TOML}head = "sigmoid"\n')


def test_a_wrong_order_of_outputs_is_noticed(project):
    network = build_network("own_small:Small.make", classes=2, image_size=32, arguments={"outputs": 2}, folder=project)
    results = recorded(project, TOML + 'weights = "weights.safetensors"\n')
    images = (results.images.images.float() / 255 - 0.5) / 0.25
    labels = results.images.labels
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    for _ in range(150):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(network(images), 1 - labels).backward()
        optimiser.step()
    assert (network(images).argmax(1) == 1 - labels).all()
    save_file(network.state_dict(), project / "weights.safetensors")
    toml = f'{TOML}arguments = {{ outputs = 2 }}\nweights = "weights.safetensors"\n'
    with pytest.warns(UserWarning, match=r'in the order of the classes, .* with classes = \{ "cat" = 1, "dog" = 0 \}'):
        assert recorded(project, toml).training().held_out_accuracy == 0


def test_a_resnet_of_torchvision_with_some_of_imagenets_classes(tmp_path):
    pictures(tmp_path, "tench", "hammer", "golden_retriever", "Desk")
    network = '[network]\narchitecture = "resnet18"\nlayers = ["layer3"]\n[training]\nepochs = 0\n'
    results = recorded(tmp_path, TOML.partition("[network]")[0] + "samples_per_class = 2\n" + network)
    assert results.load(FeaturesResult).logits.shape == (8, 4)
    assert results.training().outputs.count == 1000
    assert results.training().outputs.source == "found by torchvision's names for resnet18"


def test_a_backbone_of_timm_without_a_head_has_a_probe(tmp_path):
    pytest.importorskip("timm", reason="the extra zoo is not installed")
    pytest.importorskip("sklearn", reason="the extra probe is not installed")
    pictures(tmp_path, "cat", "dog")
    network = (
        '[network]\narchitecture = "timm:vit_small_patch16_224.dino"\nhead = "probe"\nlayers = ["blocks.1"]\n'
        "arguments = { depth = 2, embed_dim = 24, num_heads = 2, patch_size = 8 }\n"
    )
    toml = TOML.partition("[network]")[0] + network
    results = recorded(tmp_path, toml)
    features, probe = results.load(FeaturesResult), results.training().probe
    assert (probe.images, probe.folds) == (12, 5)
    assert features.sample_features.shape == (12, 24)
    assert (tmp_path / "out/training/00" / HEAD_FILE).is_file()
    assert 'as requested by head = "probe"' in results.training().head_sentence
    with pytest.raises(InputError, match=r'network: expected no classes with head = "probe"'):
        make_settings({"network": {"head": "probe", "classes": ["a"]}}, "study.toml", Path())


@ANY_ORDER
def test_a_classifier_of_hugging_face_is_analysed_as_it_is(tmp_path):
    transformers = pytest.importorskip("transformers", reason="the extra huggingface is not installed")
    pictures(tmp_path, "cat", "dog")
    labels = {0: "dog", 1: "owl", 2: "cat"}
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32, image_size=32, patch_size=8,
        id2label=labels, label2id={name: number for number, name in labels.items()},
    )  # fmt: skip
    transformers.ViTForImageClassification(config).save_pretrained(tmp_path / "vit")
    network = '[network]\narchitecture = "huggingface:vit"\nmean = [0.5]\nstd = [0.25]\n'
    results = recorded(tmp_path, TOML.partition("[network]")[0] + network)
    own = transformers.ViTForImageClassification.from_pretrained(tmp_path / "vit").eval()
    with torch.no_grad():
        logits = own((results.images.images.float() / 255 - 0.5) / 0.25).logits
    torch.testing.assert_close(results.load(FeaturesResult).logits, logits[:, [2, 0]])


def test_settings_of_later_versions_leave_finished_studies_up_to_date():
    plain, asked = StudySettings(), StudySettings(network={"classes": {"cat": 3}})
    assert asked.training.epochs == 0
    assert chosen_settings(plain, ("network.classes", "network.head")) == {}
    assert "classes" not in chosen_settings(plain, ("network",))["network"]
    assert chosen_settings(asked, ("network.classes",)) == {"network.classes": {"cat": 3}}
