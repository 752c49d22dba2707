"""A study that is learnt in a second: squares of four colours on noise, and a small network trained on them."""

import shutil
from pathlib import Path

import numpy as np

from patternscope.api.stages import pages_of
from patternscope.settings.study import StudySettings, make_settings
from patternscope.workflow.stages import Stage

CLASSES = ("red", "green", "blue", "yellow")
COLOURS = np.array([[220, 60, 60], [60, 200, 60], [70, 70, 220], [210, 200, 60]])
SETTINGS = {
    "images": {"source": "arrays", "image_size": 32, "samples_per_class": 6},
    "network": {"layers": ["conv_33", "conv_53"]},
    "training": {"epochs": 3, "batch_size": 16, "checkpoints": 2, "augmentation": False},
    "importance": {"n_step": 2},
    "region": {"n_step": 2},
    "knowledge": {"bootstrap": 10, "taus": [0.4]},
    "attack": {"n_step": 5, "epsilon": 0.1},
    "figures": {"dpi": 50, "examples": 3},
}


def squares(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (count, 32, 32, 3) uint8 and labels in turn."""
    rng = np.random.default_rng(seed)
    labels = np.arange(count) % len(CLASSES)
    pictures = rng.integers(60, 160, (count, 32, 32, 3)).astype(float)
    for picture, label in zip(pictures, labels, strict=True):
        row, column = rng.integers(2, 16, 2)
        square = picture[row : row + 14, column : column + 14]
        square[:] = 0.6 * COLOURS[label] + 0.4 * square
    return pictures.astype(np.uint8), labels


def easy_settings(folder: Path, **changes: dict) -> StudySettings:
    """Settings of a study of squares, whose images are written into `folder` where they are not there yet."""
    file = folder / "squares.npz"
    if not file.exists():
        (x_train, y_train), (x_test, y_test) = squares(240, 0), squares(40, 1)
        arrays = {"x_train": x_train, "y_train": y_train, "x_test": x_test, "y_test": y_test}
        np.savez(file, **arrays, class_names=np.array(CLASSES))
    sections = dict.fromkeys([*SETTINGS, *changes])
    content = {name: {**SETTINGS.get(name, {}), **changes.get(name, {})} for name in sections}
    content["images"]["folder"] = file.name
    return make_settings(content, "squares.toml", folder)


def copy_without_attack(study: Path, folder: Path) -> Path:
    """Copy a study of squares that was attacked, but for the attack: a part may take its place."""
    return Path(shutil.copytree(study, folder, ignore=shutil.ignore_patterns("attack", "attack_analysis")))


def students_settings(folder: Path, **changes: dict) -> StudySettings:
    """Settings of the same study with students and without an attack."""
    return easy_settings(folder, **{"attack": {"enabled": False}, "distillation": {"enabled": True}, **changes})


def student_figures(asked: StudySettings) -> tuple[Stage, ...]:
    """The figures of students alone."""
    return tuple(stage for stage in pages_of(asked) if stage.name.startswith("figures/distilled"))
