"""A torchvision ResNet on class folders of images: trained, analysed, one line per layer.

    python examples/resnet_on_a_folder.py PICTURES [OUT]

PICTURES/CLASS/*.jpg, or PICTURES/train/CLASS and PICTURES/val/CLASS. The same as a TOML file of these settings and
`patternscope run`; `patternscope status OUT` and `patternscope view OUT` take the result.
"""

import sys
from pathlib import Path

import patternscope as ps
from patternscope.settings.study import make_settings

SETTINGS = {
    "images": {"source": "folder", "image_size": 64},
    "network": {"architecture": "resnet18", "layers": ["layer1", "layer2", "layer3"], "grid": 8},
    "training": {"epochs": 10, "checkpoints": 1},
}


def main(pictures: str, out: str = "runs/resnet", **changes: dict) -> None:
    content = {name: {**SETTINGS.get(name, {}), **changes.get(name, {})} for name in {**SETTINGS, **changes}}
    content["images"]["folder"] = pictures
    study = ps.run_study(make_settings(content, "resnet_on_a_folder.py", Path.cwd()), out)
    print(f"held-out accuracy {study.checkpoints[-1].held_out_accuracy:.2f}")
    for name, layer in study.layers.items():
        total, reliable = layer.counts.total.value, layer.counts.reliable.value
        print(f"{name}: {total:.2f} knowledge points per image, {reliable:.2f} reliable")


if __name__ == "__main__":
    main(*sys.argv[1:])
