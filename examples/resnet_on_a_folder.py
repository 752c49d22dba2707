"""A torchvision ResNet on class folders of pictures: trained, analysed, one line a layer.

    python examples/resnet_on_a_folder.py PICTURES [OUT]

PICTURES/CLASS/*.jpg, or PICTURES/train/CLASS and PICTURES/val/CLASS. The same as a TOML file of these settings and
`patternscope run`; `patternscope status OUT` and `patternscope figures OUT` go on from what is written.
"""

import sys
from pathlib import Path

from patternscope.results.json_csv import read_json
from patternscope.settings.study import make_settings
from patternscope.study.run import run_study

SETTINGS = {
    "images": {"source": "folder", "image_size": 64},
    "network": {"architecture": "resnet18", "layers": ["layer1", "layer2", "layer3"], "grid": 8},
    "training": {"epochs": 10, "checkpoints": 1},
}


def main(pictures: str, out: str = "runs/resnet", **changes: dict) -> None:
    content = {name: {**SETTINGS.get(name, {}), **changes.get(name, {})} for name in {**SETTINGS, **changes}}
    content["images"]["folder"] = pictures
    run_study(out, make_settings(content, "resnet_on_a_folder.py", Path.cwd()))
    summary = read_json(Path(out, "summary", "summary.json"))
    print(f"held-out accuracy {summary['checkpoints'][-1]['held_out_accuracy']:.2f}")
    for layer in summary["layers"]:
        print(
            f"{layer['layer']}: {layer['total']:.2f} knowledge points an image, {layer['reliable']:.2f} reliable"
        )


if __name__ == "__main__":
    main(*sys.argv[1:])
