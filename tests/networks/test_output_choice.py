"""Classes of images among a network's outputs: by name, by number, by synset id, and what does not fit."""

import json

import pytest
import torch
from torch import nn

from patternscope.errors import InputError
from patternscope.networks import Normalised, record
from patternscope.networks.class_order import find_order
from patternscope.networks.models.class_names import OutputNames, output_names, read_names, recorded_names
from patternscope.networks.models.heads import REST, ChosenOutputs, ProbeHead, image_features, load_head, save_head
from patternscope.networks.models.normalised import head_of, inner_network, with_head, without_head
from patternscope.networks.models.output_choice import choose_outputs

ANIMALS = OutputNames((("tench", "Tinca tinca"), ("crane",), ("golden retriever",), ("crane bird", "crane")), "a list")


class Small(nn.Module):
    """A convolution and a classifier of so many outputs."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.fc = nn.Linear(6, outputs)

    def forward(self, images):
        return self.fc(self.conv(images).relu().mean(dim=(2, 3)))


@pytest.mark.parametrize(
    ("classes", "asked", "outputs"),
    [
        (("Golden_Retriever", "tench"), None, (2, 0)),
        (("crane", "tinca-tinca"), None, (1, 0)),
        (("dog", "fish"), {"dog": "golden retriever", "fish": 0}, (2, 0)),
        (("dog", "fish"), [2, "Tinca tinca"], (2, 0)),
        (("a", "b", "c", "d"), None, None),
        (("tench", "crane", "golden retriever", "crane bird"), None, None),
        (("crane", "tench", "golden retriever", "crane bird"), None, (1, 0, 2, 3)),
    ],
)
def test_classes_are_found_by_their_names(classes, asked, outputs):
    choice = choose_outputs(classes, 4, ANIMALS, asked)
    assert (None if choice is None else choice.outputs) == outputs


@pytest.mark.parametrize(
    ("classes", "asked", "said"),
    [
        (
            ("tenhc", "crane"),
            None,
            r"got 4; let its factory take `classes`.*By a list, 'tenhc': did you mean 'tench'\?",
        ),
        (("retriever", "crane"), None, r"'retriever': did you mean 'golden retriever'\?"),
        (("dog", "fish"), {"dog": 4, "fish": 0}, "classes: expected outputs 0 to 3, got 4"),
        (("dog", "fish"), {"dog": "golden", "fish": 0}, r"got 'golden'; did you mean 'golden retriever'\?"),
        (("dog", "fish"), {"dgo": 1, "fish": 0}, r"expected classes of the images, got 'dgo'; did you mean 'dog'\?"),
        (("dog", "fish"), {"dog": 1}, r"expected an output for each class, got none for 'fish'; with network.head"),
        (("dog", "fish"), {"dog": 1, "fish": "crane"}, r"got output 1 for \['dog', 'fish'\]"),
        (("dog", "fish"), [1], r"expected 2 outputs, one for each class of the images \('dog', 'fish'\), got 1"),
    ],
)
def test_what_does_not_fit_is_one_line_with_the_nearest_names(classes, asked, said):
    with pytest.raises(InputError, match=said) as raised:
        choose_outputs(classes, 4, ANIMALS, asked)
    assert "\n" not in str(raised.value)


def test_a_yes_or_no_tells_two_classes_apart_and_no_more():
    assert choose_outputs(("no", "yes"), 1, None).outputs == (REST, 0)
    assert choose_outputs(("cat", "other"), 1, None, {"cat": 0}).outputs == (0, REST)
    assert choose_outputs(("fish", "other"), 4, ANIMALS, {"fish": "tench"}, sigmoid=True).outputs == (0, REST)
    assert choose_outputs(("crane", "tench"), 4, ANIMALS, sigmoid=True).outputs == (1, 0)
    for count in (1, 4):
        with pytest.raises(InputError, match=r"expected two classes .*, got 3, which have no joint probability"):
            choose_outputs(("a", "b", "c"), count, None, sigmoid=True)


def test_names_come_from_files_networks_and_records(tmp_path):
    index = {"0": ["n02123045", "tabby"], "1": ["n02099601", "golden_retriever"]}
    for name, content, first in (
        ("list.json", json.dumps(["a", "b"]), ("a",)),
        ("index.json", json.dumps(index), ("tabby", "n02123045")),
        ("numbers.json", json.dumps({"b": 1, "a": 0}), ("a",)),
        ("plain.txt", "a\n\nb c\n", ("a",)),
        (
            "synset_words.txt",
            "n02123045 tabby, tabby cat\nn01 x\n",
            ("tabby", "tabby, tabby cat", "tabby cat", "n02123045"),
        ),
    ):
        (tmp_path / name).write_text(content)
        names = read_names(tmp_path / name)
        assert (len(names), names[0]) == (2, first)
    for content in ("[1, 2]", "{", '{"1": "a"}', "[]"):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(InputError, match=r"network\.class_file: expected"):
            read_names(tmp_path / "bad.json")
    network = Small(2)
    network.class_names = ["cat", "dog"]
    assert output_names(network, "", 2).names == (("cat",), ("dog",))
    with pytest.raises(InputError, match="expected 3 names, one for each output, got 2"):
        output_names(network, "", 3, tmp_path / "list.json")
    network.class_names = {0: "LABEL_0", 1: "LABEL_1"}
    assert output_names(network, "", 2) is None
    assert output_names(network, "", 1000).names[1][0] == "goldfish"
    assert recorded_names("resnet50").source == "torchvision's names for resnet50"


def test_synset_ids_are_names_where_timm_is_installed():
    pytest.importorskip("timm", reason="the extra zoo is not installed")
    known = recorded_names("resnet50")
    assert choose_outputs(("n02123045", "n01443537"), 1000, known).outputs == (281, 1)
    assert choose_outputs(("crane", "tabby cat"), 1000, known).outputs == (517, 281)
    assert len(recorded_names("timm:resnet18").names) == 1000


def test_logits_are_selected_and_the_sample_feature_is_found():
    network, images = Small(9), torch.rand(4, 3, 16, 16)
    whole = record(network, images, ["conv"])
    for wrapped in (network, Normalised(network, 0.0, 1.0)):
        chosen = with_head(wrapped, ChosenOutputs((7, 2), 9))
        part = record(chosen, images, ["conv"])
        torch.testing.assert_close(part.logits, whole.logits[:, [7, 2]])
        torch.testing.assert_close(part.sample_features, whole.sample_features)
        torch.testing.assert_close(chosen(images), part.logits)
        assert inner_network(chosen) is network
        assert head_of(without_head(chosen)) is None
    with pytest.raises(InputError, match=r"network: expected logits \(n, 8\), got an output of shape \(2, 9\)"):
        with_head(network, ChosenOutputs((0, 1), 8))(images[:2])


def test_a_binary_logit_has_the_probabilities_of_its_sigmoid():
    network, images = Small(1), torch.rand(3, 3, 16, 16)
    recorded = record(with_head(network, ChosenOutputs((REST, 0), 1)), images, ["conv"])
    torch.testing.assert_close(recorded.logits.softmax(1)[:, 1], network(images)[:, 0].sigmoid().detach())
    assert recorded.sample_features.shape == (3, 6)


def test_heads_are_saved_and_a_probe_reads_maps_tokens_and_poolers(tmp_path):
    probe = ProbeHead(torch.rand(2, 5), torch.rand(2))
    for head in (probe, ChosenOutputs((REST, 3), 4)):
        save_head(head, tmp_path / "head.safetensors")
        again = load_head(tmp_path / "head.safetensors")
        x = torch.rand(3, 5 if isinstance(head, ProbeHead) else 4)
        assert torch.equal(head(x), again(x))
    maps, tokens = torch.rand(2, 5, 3, 3), torch.rand(2, 7, 5)
    torch.testing.assert_close(probe(maps), probe(maps.mean((2, 3))))
    torch.testing.assert_close(probe(tokens), probe(tokens.mean(1)))
    assert torch.equal(
        image_features({"last_hidden_state": tokens, "pooler_output": maps[:, :, 0, 0]}), maps[:, :, 0, 0]
    )
    with pytest.raises(InputError, match=r"network: expected features"):
        image_features(torch.zeros(3))


def test_a_wrong_order_is_noticed_and_a_network_at_chance_is_none():
    labels = torch.arange(80) % 4
    logits = torch.nn.functional.one_hot((labels + 1) % 4, 10).float() + 0.1 * torch.rand(80, 10)
    likely = find_order(logits, labels, (0, 1, 2, 3))
    assert likely.outputs == (1, 2, 3, 0)
    assert likely.accuracy == 0 < likely.chance < 0.5 < likely.likely
    assert find_order(logits, labels, likely.outputs) is None
    assert find_order(torch.rand(80, 10), labels, (0, 1, 2, 3)) is None
