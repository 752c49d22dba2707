"""The front door for networks whose outputs are not the classes of the images."""

import invented_sets as sets
import pytest
import torch
from torch import nn

import patternscope as ps
from patternscope.errors import InputError
from patternscope.results.features import FeaturesResult

QUICK = {
    "importance": {"n_step": 2},
    "region": {"n_step": 2},
    "knowledge": {"bootstrap": 10, "taus": []},
    "controls": {"enabled": False},
}
OPTIONS = {"layers": ["conv"], "settings": QUICK, "device": "cpu"}


class Colours(nn.Module):
    """One logit per channel, in the order blue, red, grey, green; without a classifier the channels' means."""

    class_names = ("blue", "red", "grey", "green")

    def __init__(self, outputs=((0, 0, 9.0), (9.0, 0, 0), (0, 0, 0), (0, 9.0, 0))) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 3, 1, bias=False)
        self.fc = nn.Linear(3, len(outputs), bias=False)
        with torch.no_grad():
            self.conv.weight.copy_(torch.eye(3)[:, :, None, None])
            self.fc.weight.copy_(torch.tensor(outputs))

    def forward(self, images):
        return self.fc(self.conv(images).mean(dim=(2, 3)))


@pytest.fixture(scope="module")
def pictures():
    labels = torch.arange(24) % 2  # red and green
    images = 0.1 * torch.rand(24, 3, 16, 16)
    images[torch.arange(24), labels] += 0.6
    return images, labels


def logits(study: ps.Study) -> torch.Tensor:
    return study.results.load(FeaturesResult).logits


@pytest.mark.parametrize("classes", [["red", "green"], {"red": 1, "green": "green"}, [1, 3]])
def test_classes_are_some_of_the_outputs(pictures, classes):
    network, (images, labels) = Colours(), pictures
    study = ps.analyze(network, images, labels, classes=classes, **OPTIONS)
    torch.testing.assert_close(logits(study), network(images)[:, [1, 3]].detach())
    assert list(study.classes) == ["red", "green"]
    assert study.results.training().held_out_accuracy == 1
    assert study.results.training().outputs.count == 4


def test_without_names_all_outputs_are_classes(pictures):
    images, labels = pictures
    assert logits(ps.analyze(Colours(), images, 1 + 2 * labels, **OPTIONS)).shape == (24, 4)


def test_a_folder_whose_class_folders_bear_the_networks_names(tmp_path):
    for label, name in enumerate(("red", "green", "blue")):
        for split in ("train", "val"):
            for number in range(4):
                sets.save(tmp_path / split / name / f"{number}.png", label, number, (32, 32))
    found = ps.analyze(Colours(), tmp_path, image_size=32, **OPTIONS)
    assert found.results.training().outputs.names == ("blue", "green", "red")
    asked = ps.analyze(Colours(), tmp_path, image_size=32, classes={"red": 1, "blue": 0}, **OPTIONS)
    assert asked.results.training().held_out_accuracy == found.results.training().held_out_accuracy == 1
    assert list(asked.classes) == ["red", "blue"]


def test_a_wrong_order_is_warned_of(pictures):
    with pytest.warns(UserWarning, match=r'accuracy of 0.00 .* with classes = \{ "a" = "red", "b" = "green" \}'):
        ps.analyze(Colours(), *pictures, classes={"a": 3, "b": 1}, **OPTIONS)


def test_one_logit_and_one_class_against_the_rest(pictures):
    images, labels = pictures
    network = Colours(((-9.0, 9.0, 0),))
    study = ps.analyze(network, images, labels, **OPTIONS)
    torch.testing.assert_close(logits(study).softmax(1)[:, 1], network(images)[:, 0].sigmoid().detach())
    with pytest.raises(InputError, match="expected two classes for a network with one output"):
        ps.analyze(network, images, labels, classes=["a", "b", "c"], **OPTIONS)


def test_a_probe_on_a_network_without_a_classifier(pictures):
    pytest.importorskip("sklearn", reason="the extra probe is not installed")
    network, (images, labels) = Colours(), pictures
    network.fc = nn.Identity()
    study = ps.analyze(network, images, labels, head="probe", **OPTIONS)
    assert study.results.training().held_out_accuracy == 1
    assert study.results.training().probe.own_images
    assert study.results.load(FeaturesResult).sample_features.shape == (24, 3)
    with pytest.raises(InputError, match='head="probe": expected labels of the images'):
        ps.analyze(network, images, head="probe", **OPTIONS)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"classes": {"a": "rde", "b": 1}}, "classes: expected a name of the network's own names, got 'rde'; did you"),
        ({"classes": ["red", "gren"]}, r"classes: expected 4 names, .*'gren': did you mean 'green'\?"),
        ({"classes": 3}, "classes: expected a list of names, got 3"),
        ({"head": "prob"}, r"head: expected a head, got 'prob'; did you mean 'probe'\?"),
        ({"settings": {"network": {"head": "probe"}}}, "settings: expected no network.head"),
    ],
)
def test_what_does_not_fit_is_one_line(pictures, options, said):
    with pytest.raises(InputError, match=said) as raised:
        ps.analyze(Colours(), *pictures, **{**OPTIONS, **options})
    assert "\n" not in str(raised.value)
