"""What a torchvision ResNet learns from class folders of images: its accuracy, and the knowledge points of each layer.

    python examples/resnet_on_a_folder.py [PICTURES [OUT]]

PICTURES/CLASS/*.jpg, or PICTURES/train/CLASS and PICTURES/val/CLASS. Without PICTURES, some pictograms are drawn into
such folders and smaller settings are used, for two minutes on two processor cores. A TOML file with these settings and
`patternscope run` do the same; `patternscope view OUT/study` opens the result.
"""

import sys
from pathlib import Path

from PIL import Image

import patternscope as ps
from patternscope.images import open_images
from patternscope.settings.study import make_settings

SETTINGS = {
    "images": {"source": "folder", "image_size": 64, "samples_per_class": 20},
    "network": {"architecture": "resnet18", "layers": ["layer1", "layer2", "layer3"], "grid": 8},
    "training": {"epochs": 10, "checkpoints": 1},
}
SMALL = {"images": {"image_size": 32}}


def draw_folders(folder: Path, per_class: int = 120) -> str:
    """Draw pictograms into class folders, as if they were photographs of yours."""
    drawn = open_images("pictograms", image_size=32, train_per_class=per_class, test_per_class=2).train
    for number, (pixels, label) in enumerate(drawn):
        path = folder / drawn.classes[int(label)] / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(path)
    return str(folder)


def main(pictures: str = "", out: str = "runs/resnet", **changes: dict) -> None:
    changes = changes or ({} if pictures else SMALL)
    content = {name: {**SETTINGS.get(name, {}), **changes.get(name, {})} for name in {**SETTINGS, **changes}}
    content["images"]["folder"] = pictures or draw_folders(Path(out, "pictures"))
    study = ps.run_study(make_settings(content, "resnet_on_a_folder.py", Path.cwd()), Path(out, "study"))
    print(f"held-out accuracy {study.checkpoints[-1].held_out_accuracy:.2f}")
    for name, layer in study.layers.items():
        points = layer.counts
        counts = f"{points.total.value:.2f} knowledge points per image, {points.reliable.value:.2f} reliable"
        print(f"{name}: {layer.evidence.value:.2f} bits per region, {counts}")


if __name__ == "__main__":
    main(*sys.argv[1:])
