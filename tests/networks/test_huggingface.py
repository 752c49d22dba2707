"""Image classifiers of Hugging Face from a folder: a tiny random one, saved as people find them."""

import json

import pytest
import torch

from patternscope.errors import InputError
from patternscope.networks import build_network, list_layers
from patternscope.networks.models.class_names import output_names
from patternscope.networks.models.heads import image_features
from patternscope.networks.models.huggingface import folder_normaliser

transformers = pytest.importorskip("transformers", reason="the extra huggingface is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vit")
    labels = {0: "dog", 1: "cat", 2: "owl"}
    config = transformers.ViTConfig(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        image_size=32,
        patch_size=8,
        id2label=labels,
        label2id={name: number for number, name in labels.items()},
    )
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    (folder / "preprocessor_config.json").write_text(json.dumps({"image_mean": [0.5] * 3, "image_std": [0.2] * 3}))
    return folder


def test_a_classifier_and_its_backbone(folder):
    name, images = f"huggingface:{folder.name}", torch.rand(2, 3, 32, 32)
    network = build_network(name, classes=None, image_size=32, pretrained=True, folder=folder.parent)
    own = transformers.ViTForImageClassification.from_pretrained(folder)
    torch.testing.assert_close(network(images).logits, own(images).logits)
    assert output_names(network, name, 3).names == (("dog",), ("cat",), ("owl",))
    assert any(layer.grid == (4, 4) for layer in list_layers(network, images))
    backbone = build_network(name, classes=None, image_size=32, pretrained=True, folder=folder.parent, backbone=True)
    assert image_features(backbone(images)).shape == (2, 16)
    assert folder_normaliser(folder) == ((0.5,) * 3, (0.2,) * 3)
    finer = build_network(name, classes=5, image_size=32, pretrained=True, folder=folder.parent)
    assert finer(images).logits.shape == (2, 5)


def test_weights_that_are_missing_are_said(folder, tmp_path):
    backbone = transformers.ViTModel(transformers.ViTConfig.from_pretrained(folder), add_pooling_layer=False)
    backbone.save_pretrained(tmp_path)
    with pytest.raises(InputError, match=r"expected the weights of the whole model, got none for 'classifier"):
        build_network(f"huggingface:{tmp_path}", classes=None, image_size=32, pretrained=True)
    with pytest.raises(InputError, match=r"expected a folder with config.json and model.safetensors"):
        build_network("huggingface:nowhere", classes=None, folder=tmp_path)
