"""Write the images and settings of a fine-tuning that lacks most images of five of ten classes.

    python docs/tools/forgetting.py runs/demo runs/forgetting
    patternscope run runs/forgetting/before.toml
    patternscope run runs/forgetting/after.toml
    patternscope diff runs/before runs/after

`runs/demo` is a finished demo. Its last network is fine-tuned on 80 new pictograms of each of the first five classes
and two of each of the others; both studies analyse the same 20 held-out pictograms of all ten.
"""

import sys
from pathlib import Path

import numpy as np

from patternscope.atomic import replaced_file
from patternscope.images.pictograms import CLASSES, draw
from patternscope.results.training import NETWORK_FILE

NEW, OF_OTHERS, HELD_OUT, FIRST_NEW, FIRST_HELD_OUT = 80, 2, 20, 10_000, 10**9
SETTINGS = """[images]
source = "arrays"
folder = "images.npz"
samples_per_class = {held_out}

[network]
architecture = "vgg16_slim"
weights = "{weights}"
layers = ["conv_43", "conv_53"]
grid = 8
{training}
[importance]
kl_sample_num = 25

[knowledge]
tau = 0.4

[patterns]
"""
TRAINING = """
[training]
epochs = 8
batch_size = 32
lr = 0.001
checkpoints = 4
"""


def pictures(start: int, counts: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """Pictograms (n, 64, 64, 3) uint8, as many of each class, and their labels; `start` is a multiple of ten."""
    places = [(index, label) for label, count in enumerate(counts) for index in range(count)]
    drawn = [draw(start + len(CLASSES) * index + label, size=64, seed=0).image for index, label in places]
    return np.stack(drawn), np.array([label for _, label in places])


def main(demo: str, folder: str) -> None:
    """Write images.npz, before.toml and after.toml."""
    target, half = Path(folder), len(CLASSES) // 2
    target.mkdir(parents=True, exist_ok=True)
    x_train, y_train = pictures(FIRST_NEW, [NEW] * half + [OF_OTHERS] * half)
    x_test, y_test = pictures(FIRST_HELD_OUT, [HELD_OUT] * len(CLASSES))
    with replaced_file(target / "images.npz") as partial, partial.open("wb") as file:
        names = np.array(CLASSES)
        np.savez(file, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test, class_names=names)
    weights = max(Path(demo, "training").glob(f"*/{NETWORK_FILE}")).resolve()
    for name, training in (("before", ""), ("after", TRAINING)):
        with replaced_file(target / f"{name}.toml") as partial:
            text = SETTINGS.format(held_out=HELD_OUT, weights=weights, training=training)
            partial.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
