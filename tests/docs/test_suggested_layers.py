"""The table of suggested layers is what the program suggests, and what a person would."""

import importlib.util
import re
from pathlib import Path

import pytest

from patternscope.networks import suggest_layers

ROOT = Path(__file__).parents[2]
SPEC = importlib.util.spec_from_file_location("suggested_layers", ROOT / "docs/tools/suggested_layers.py")
TABLE = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TABLE)
PAGE = dict(TABLE.rows_of((ROOT / "docs/suggested-layers.md").read_text(encoding="utf-8")))
# One of each family; all forty take half a minute (docs/tools/suggested_layers.py rewrites the page).
CHECKED = [
    "resnet18",
    "vgg16_bn",
    "mobilenet_v2",
    "swin_t",
    "timm:levit_128s",
    "timm:repvgg_a2",
    "efficientnet_lite_pytorch",
]


def test_the_table_has_forty_networks():
    assert tuple(PAGE) == TABLE.NETWORKS
    assert len(PAGE) == 40


@pytest.mark.parametrize("name", CHECKED)
def test_the_table_is_what_is_suggested(name):
    for prefix, module in (("timm:", "timm"), (TABLE.LITE, TABLE.LITE)):
        if name.startswith(prefix):
            pytest.importorskip(module, reason=f"needs the package {module}")
    size, layers = TABLE.suggested(name)
    assert TABLE.row(name, size, layers) == PAGE[name]
    assert len(layers) == 4
    assert not [layer for layer in layers if re.search("Identity|Pad|Permute|Drop|Pool", layer.kind)]
    assert [layer.depth for layer in layers] == sorted(layer.depth for layer in layers)


@pytest.mark.parametrize("name", PAGE)
def test_no_row_has_a_stem_a_head_or_a_module_that_moves_values(name):
    layers = re.findall(r"`([^`]+)` (\d+) x (\d+)", PAGE[name].partition("| ")[2].partition(" | ")[2])
    names = [layer for layer, *_ in layers]
    assert len(set(names)) == len(names) == 4
    assert not [layer for layer in names if re.search("stem|pad|identity|drop|pool|head|embed|norm|swish", layer, re.I)]
    grids = [int(height) for _, height, _ in layers]
    assert grids == sorted(grids, reverse=True)
    assert min(grids) >= 4


def test_two_layers_of_a_transformer_are_blocks():
    pytest.importorskip("timm", reason="needs the package timm")
    import torch

    from patternscope.networks import list_layers

    network, size = TABLE.build("timm:vit_small_patch16_224")
    assert suggest_layers(list_layers(network, torch.zeros(3, size, size)), 2) == ["blocks.5", "blocks.11"]
