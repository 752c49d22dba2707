"""Write the table of docs/suggested-layers.md: the layers that are suggested for forty networks.

    python docs/tools/suggested_layers.py

Networks are built without memory for their weights (torch's meta device), so that none is downloaded and each takes
half a second. `efficientnet_lite_pytorch` is that of PyPI.
"""

import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from torch import nn

from patternscope.networks import Layer, find_layer, list_layers, suggest_layers

PAGE = Path(__file__).parents[1] / "suggested-layers.md"
TORCHVISION = [
    "resnet18",
    "resnet50",
    "resnext50_32x4d",
    "vgg16",
    "vgg16_bn",
    "alexnet",
    "googlenet",
    "inception_v3",
    "densenet121",
    "squeezenet1_1",
    "mobilenet_v2",
    "mobilenet_v3_large",
    "mnasnet1_0",
    "shufflenet_v2_x1_0",
    "efficientnet_b0",
    "efficientnet_v2_s",
    "convnext_tiny",
    "vit_b_16",
    "swin_t",
    "swin_v2_t",
    "maxvit_t",
]
TIMM = [
    "resnet50d",
    "efficientnet_lite0",
    "convnextv2_atto",
    "vit_small_patch16_224",
    "deit_tiny_distilled_patch16_224",
    "vit_small_patch14_reg4_dinov2",
    "swin_tiny_patch4_window7_224",
    "mixer_s32_224",
    "pvt_v2_b0",
    "mobilevit_s",
    "levit_128s",
    "poolformer_s12",
    "nf_resnet50",
    "ghostnet_100",
    "eva02_tiny_patch14_224",
    "coatnet_0_rw_224",
    "repvgg_a2",
    "hiera_tiny_224",
]
LITE = "efficientnet_lite_pytorch"
NETWORKS = (*TORCHVISION, *(f"timm:{name}" for name in TIMM), LITE)
_ROW = re.compile(r"^\| `([^`]+)` \| (\d+) \| (.*) \|$", flags=re.MULTILINE)


def build(name: str) -> tuple[nn.Module, int]:
    """Return a network without weights, and the size of its images."""
    with torch.device("meta"):
        if name == LITE:
            from efficientnet_lite_pytorch import EfficientNet  # pyright: ignore[reportMissingImports]

            return EfficientNet.from_name("efficientnet-lite0"), 224
        if name.startswith("timm:"):
            import timm  # pyright: ignore[reportMissingImports]

            network = timm.create_model(name.removeprefix("timm:"), pretrained=False)
            return network, network.default_cfg["input_size"][-1]
        import torchvision

        plain = {"aux_logits": False, "init_weights": False} if name in ("googlenet", "inception_v3") else {}
        network = torchvision.models.get_model(name, weights=None, **plain)
        return network, 299 if name == "inception_v3" else 224


def suggested(name: str) -> tuple[int, list[Layer]]:
    """Return the size of a network's images, and the layers that are suggested."""
    network, size = build(name)
    layers = list_layers(network, torch.zeros(3, size, size))
    return size, [find_layer(layer, layers) for layer in suggest_layers(layers)]


def row(name: str, size: int, layers: Sequence[Layer]) -> str:
    """Return a network's row of the table."""
    cells = (f"`{layer.alias or layer.name}` {' x '.join(map(str, layer.grid or ()))}" for layer in layers)
    return f"| `{name}` | {size} | {', '.join(cells)} |"


def rows_of(page: str) -> Iterator[tuple[str, str]]:
    """Yield the networks of a page's table, and the row of each."""
    return ((found[1], found[0]) for found in _ROW.finditer(page))


if __name__ == "__main__":
    text = PAGE.read_text(encoding="utf-8")
    head = text[: text.index("| network |")]
    table = [
        "| network | pixels | suggested layers and their regions |",
        "|---|---|---|",
        *(row(name, *suggested(name)) for name in NETWORKS),
    ]
    PAGE.write_text(head + "\n".join(table) + "\n", encoding="utf-8")
    sys.stdout.write(f"{len(NETWORKS)} networks\n")
